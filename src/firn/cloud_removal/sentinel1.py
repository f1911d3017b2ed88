"""Sentinel-1: gamma0 that is ready for analysis, on the grid of a pair."""

import json
import os
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt

from firn import raster
from firn.cloud_removal.snap import is_grd, pass_of, run_gpt
from firn.cloud_removal.tiles import POLARISATIONS
from firn.cloud_removal_config import RealPair, SnapSettings
from firn.errors import DataError, GridError, ProductError
from firn.files import scratch_folder
from firn.grid import Grid
from firn.provenance import provenance

FloatArray = npt.NDArray[np.float32]
PathLike = str | os.PathLike[str]
Direction = Literal["ascending", "descending"]

#: Tag of a raster that names the direction of its orbit.
ORBIT_TAG = "orbit_direction"


def read_gamma0(path: PathLike, grid: Grid, unit: Literal["linear", "dB"] = "linear") -> FloatArray:
    """Read VV and VH on a grid.

    Parameters
    ----------
    path : path
        A raster with bands named VV and VH, or a folder with ``VV.tif`` and ``VH.tif``. Its pixels
        must be those of the grid; it may reach farther.
    grid : Grid
    unit : str
        Of the values.

    Returns
    -------
    ndarray of float32, (polarisation, y, x)
        Linear power; NaN without data. Noise makes some of it 0 or less.

    Raises
    ------
    ProductError
        A polarisation is missing.
    GridError
        The pixels are not those of the grid.
    DataError
        A file cannot be read.
    """
    images = []
    for source, index in _sources(Path(path)):
        own = raster.grid_of(source)
        if not own.holds(grid):
            raise GridError(
                f"{source}: its pixels (corner {own.transform.c:.2f}, {own.transform.f:.2f}, "
                f"{own.resolution:g} m, {own.crs}) are not those of the Sentinel-2 images (corner "
                f"{grid.transform.c:.2f}, {grid.transform.f:.2f}, {grid.resolution:g} m, "
                f"{grid.crs}), or do not cover them; make it again with the terrain correction on "
                "the grid of Sentinel-2 (docs/cloud_removal.md)"
            )
        data = raster.read(source, indexes=[index], window=own.window_around(grid))
        values = data.values[0].astype(np.float32)
        nodata = data.attrs.get("nodata")
        if nodata is not None:
            values[values == nodata] = np.nan
        images.append(values)
    stacked = np.asarray(images, np.float32)
    return np.asarray(10 ** (stacked / 10), np.float32) if unit == "dB" else stacked


def _sources(path: Path) -> list[tuple[Path, int]]:
    """File and band of each polarisation."""
    if path.is_dir():
        files = [(path / f"{name}.tif", 1) for name in POLARISATIONS]
        missing = [str(file) for file, _ in files if not file.exists()]
        if missing:
            raise ProductError(f"{missing[0]}: is not there; both VV and VH are needed")
        return files
    names = [name.upper() for name in raster.band_names(path)]
    if missing := [name for name in POLARISATIONS if name not in names]:
        raise ProductError(
            f"{path}: has bands {', '.join(names)} and lacks {', '.join(missing)}; name its bands "
            "VV and VH by their descriptions"
        )
    return [(path, 1 + names.index(name)) for name in POLARISATIONS]


def orbit_of(path: PathLike, stated: Direction | None) -> Direction:
    """Direction of the orbit of an image: what its tag says, else what was stated.

    Raises
    ------
    DataError
        Neither says it, or they differ.
    """
    if is_grd(path):
        tagged = pass_of(path)
    else:
        tagged = "" if Path(path).is_dir() else raster.tags(path).get(ORBIT_TAG, "").lower()
    known: dict[str, Direction] = {"ascending": "ascending", "descending": "descending"}
    direction = known.get(tagged, stated)
    if direction is None:
        raise DataError(
            f"{path}: nothing says whether its orbit is ascending or descending; give the raster a "
            f"tag {ORBIT_TAG} (gdal_edit -mo), or set `orbit` of the pair"
        )
    if stated is not None and direction != stated:
        raise DataError(
            f"{path}: its orbit is {direction}, the configuration says {stated}; both dates need "
            "the same direction, or the relief would look like change"
        )
    return direction


def prepare_sentinel1(
    pair: RealPair, grid: Grid, settings: SnapSettings, outputs: tuple[PathLike, PathLike]
) -> None:
    """Write the Sentinel-1 images of a real pair on the grid of its Sentinel-2 images.

    Parameters
    ----------
    pair : RealPair
    grid : Grid
    settings : SnapSettings
        For GRD products.
    outputs : (path, path)
        VV and VH of the earlier and of the later date.

    Raises
    ------
    GridError
        An image is not on the grid.
    DataError
        The direction of an orbit is unknown, or not the same on both dates; or SNAP failed.
    ConfigError
        There are GRD products and no SNAP.
    """
    sources = pair.sentinel1_t0, pair.sentinel1_t1
    first, second = (orbit_of(source, pair.orbit) for source in sources)
    if first != second:
        raise DataError(
            f"{sources[0]}: its orbit is {first}, that of {sources[1]} {second}; give images of "
            "one direction, or the relief would look like change"
        )
    for source, output in zip(sources, outputs, strict=True):
        if is_grd(source):
            with scratch_folder() as folder:
                run_gpt(settings, source, grid, folder)
                image = read_gamma0(folder, grid)
            # SNAP leaves 0 beyond the swath and names no value for no data.
            image[image == 0] = np.nan
        else:
            image = read_gamma0(source, grid, pair.sentinel1_unit)
        made = provenance([str(source)], settings if is_grd(source) else None)
        tags = {ORBIT_TAG: first, "FIRN_PROVENANCE": json.dumps(made, sort_keys=True)}
        raster.write(output, image, grid, nodata=float("nan"), band_names=POLARISATIONS, tags=tags)
