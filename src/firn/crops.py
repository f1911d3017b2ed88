"""Real Sentinel-2 crops that come with firn: small images of which it is known what they show."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import yaml

from firn import raster
from firn.grid import Grid
from firn.sensors import packaged
from firn.stacks import RESOLUTION
from firn.terrain import hillshade


@dataclass(frozen=True)
class Crop:
    """A real image and what is known of it.

    Parameters
    ----------
    name : str
    platform : str
        ``sentinel2a`` or ``sentinel2b``.
    date : str
        YYYYMMDD.
    files : path
        A file of all bands, or a folder of a file per band; 10000 x reflectance.
    elevation : path or float
        Raster, or height, m.
    sun : (float, float)
        Zenith and azimuth, degrees.
    expected : str or None
        Class that nearly all of the pixels are of.
    """

    name: str
    platform: str
    date: str
    files: Path
    elevation: Path | float
    sun: tuple[float, float]
    expected: str | None


def load_crops() -> list[Crop]:
    """Crops that come with firn."""
    folder = Path(packaged("crops"))
    entries = yaml.safe_load((folder / "crops.yaml").read_text(encoding="utf-8"))
    return [
        Crop(
            name=entry["name"],
            platform=entry["platform"],
            date=entry["date"],
            files=folder / entry["files"],
            elevation=folder / entry["elevation"]
            if isinstance(entry["elevation"], str)
            else float(entry["elevation"]),
            sun=tuple(entry["sun"]),
            expected=entry["expected"],
        )
        for entry in entries
    ]


def _grid_within(grid: Grid) -> Grid:
    """Grid of 20 m, at multiples of it, that lies within another."""
    left, bottom, right, top = (edge / RESOLUTION for edge in grid.bounds)
    return Grid.from_bounds(
        grid.crs,
        math.ceil(left) * RESOLUTION,
        math.ceil(bottom) * RESOLUTION,
        math.floor(right) * RESOLUTION,
        math.floor(top) * RESOLUTION,
        RESOLUTION,
    )


def read_crop(
    crop: Crop, bands: Sequence[str]
) -> tuple[npt.NDArray[np.uint16], npt.NDArray[np.uint8], npt.NDArray[np.float32]]:
    """Read bands of a crop on a grid of 20 m.

    Returns
    -------
    toa : ndarray of uint16, (band, y, x)
        10000 x reflectance.
    hillshade : ndarray of uint8, (y, x)
    elevation : ndarray of float32, (y, x), m

    Raises
    ------
    DataError
        A file is missing or damaged.
    """
    if crop.files.is_dir():
        sources = [(crop.files / f"{band}.tif", 1) for band in bands]
    else:
        names = raster.band_names(crop.files)
        sources = [(crop.files, 1 + names.index(band)) for band in bands]
    grid = _grid_within(raster.grid_of(sources[0][0]))
    images = [raster.read_on(path, grid, "average", indexes=[i])[0] for path, i in sources]
    if isinstance(crop.elevation, Path):
        elevation = raster.read_on(crop.elevation, grid, "average", indexes=[1])[0]
    else:
        elevation = np.full(grid.shape, crop.elevation)
    elevation = elevation.astype(np.float32)
    shade = hillshade(elevation, grid.resolution, *crop.sun)
    return np.stack(images).astype(np.uint16), shade, elevation
