"""Patches of Sentinel-2 scenes with their labels and relief (method A.4)."""

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from firn import netcdf, raster
from firn.config import PatchSettings
from firn.errors import DataError, GridError
from firn.grid import Grid
from firn.provenance import provenance
from firn.sensors import STACK_NODATA

if TYPE_CHECKING:
    import xarray as xr

#: Tags of a stack that its patches hand on.
_SCENE_TAGS = ("platform", "product_id", "sun_zenith", "sun_azimuth")


@dataclass(frozen=True)
class Stack:
    """The rasters of one tile and date, all on one grid.

    Parameters
    ----------
    tile : str
    date : str
        YYYYMMDD.
    toa : path
        TOA reflectance x 10000, uint16, 0 = no data.
    labels : path
        Classes, uint8, 255 = ignored.
    hillshade : path
        Hillshade 1-255, uint8, 0 = no data.
    dem : path
        Elevation, m.
    """

    tile: str
    date: str
    toa: Path
    labels: Path
    hillshade: Path
    dem: Path

    def grid(self) -> Grid:
        """Give the grid that the rasters share; `GridError` where one differs."""
        grid = raster.grid_of(self.toa)
        for path in (self.labels, self.hillshade, self.dem):
            if raster.grid_of(path) != grid:
                raise GridError(
                    f"{path}: is not on the grid of {self.toa}; make both again "
                    "on the same tile grid"
                )
        return grid


def origins(shape: tuple[int, int], size: int, overlap: int) -> Iterator[tuple[int, int]]:
    """Upper-left pixels (row, col) of the whole patches of a raster, in reading order.

    A last row or column that a whole patch does not fit into is left out: 5490 pixels give 11
    patches of 572 with an overlap of 92.
    """
    step = size - overlap
    for row in range(0, shape[0] - size + 1, step):
        for col in range(0, shape[1] - size + 1, step):
            yield row, col


def _mean(values: npt.NDArray[np.float32]) -> float:
    """Mean over what is known; NaN where nothing is."""
    known = values[~np.isnan(values)]
    return float(known.mean(dtype=np.float64)) if known.size else float("nan")


def _cut(
    values: npt.NDArray[np.generic], corners: list[tuple[int, int]], size: int
) -> npt.NDArray[np.generic]:
    patches = np.empty((len(corners), *values.shape[:-2], size, size), values.dtype)
    for patch, (row, col) in zip(patches, corners, strict=True):
        patch[...] = values[..., row : row + size, col : col + size]
    return patches


def cut_patches(stack: Stack, settings: PatchSettings) -> "xr.Dataset":
    """Cut a scene into patches.

    A patch is kept where its mean elevation reaches the minimum and some pixel has data in every
    band. How many were dropped, and why, stands in the attributes ``dropped_low`` and
    ``dropped_no_data``. No patch at all is a valid result.

    Parameters
    ----------
    stack : Stack
    settings : PatchSettings

    Returns
    -------
    Dataset
        ``toa`` (patch, band, y, x) uint16; ``label`` and ``hillshade`` (patch, y, x) uint8;
        ``dem`` (patch, y, x) float32 in m, NaN where unknown; ``row`` and ``col`` (patch) int32,
        the upper-left pixel in the tile grid; ``mean_elevation`` (patch) float32 in m.

    Raises
    ------
    GridError
        The rasters are not on one grid.
    DataError
        The scene is smaller than a patch, or a raster cannot be read.
    """
    import xarray as xr

    grid = stack.grid()
    if min(grid.shape) < settings.size:
        raise DataError(
            f"{stack.toa}: has {grid.height} x {grid.width} pixels, fewer than a patch of "
            f"{settings.size}; lower patches.size"
        )
    size = settings.size
    toa, dem = raster.read_values(stack.toa), raster.read_float32(stack.dem)[0]
    has_data = (toa != STACK_NODATA).all(axis=0)
    kept: list[tuple[int, int]] = []
    means: list[float] = []
    low = empty = 0
    for row, col in origins(grid.shape, size, settings.overlap):
        window = np.s_[row : row + size, col : col + size]
        mean = _mean(dem[window])
        if not has_data[window].any() or np.isnan(mean):
            empty += 1
        elif mean < settings.minimum_mean_elevation:
            low += 1
        else:
            kept.append((row, col))
            means.append(mean)
    corners = np.array(kept, np.int32).reshape(-1, 2)
    metres = {"units": "m"}
    return xr.Dataset(
        {
            "toa": (
                ("patch", "band", "y", "x"),
                _cut(toa, kept, size),
                {"units": "1", "scale": "reflectance = value / 10000", "no_data": STACK_NODATA},
            ),
            "label": (("patch", "y", "x"), _cut(raster.read_values(stack.labels)[0], kept, size)),
            "hillshade": (
                ("patch", "y", "x"),
                _cut(raster.read_values(stack.hillshade)[0], kept, size),
            ),
            "dem": (("patch", "y", "x"), _cut(dem, kept, size), metres),
            "row": (("patch",), corners[:, 0]),
            "col": (("patch",), corners[:, 1]),
            "mean_elevation": (("patch",), np.array(means, np.float32), metres),
        },
        coords={"band": list(raster.band_names(stack.toa))},
        attrs=_attributes(stack, grid, settings) | {"dropped_low": low, "dropped_no_data": empty},
    )


def _attributes(
    stack: Stack, grid: Grid, settings: PatchSettings
) -> dict[str, str | int | float | list[float]]:
    tags = raster.tags(stack.toa)
    if missing := [name for name in _SCENE_TAGS if name not in tags]:
        raise DataError(f"{stack.toa}: lacks the tag(s) {missing}; make the stack again")
    source = provenance([tags["product_id"]], settings)
    return {
        "tile": stack.tile,
        "date": stack.date,
        "platform": tags["platform"],
        "product_id": tags["product_id"],
        "sun_zenith": float(tags["sun_zenith"]),
        "sun_azimuth": float(tags["sun_azimuth"]),
        "crs": grid.crs.to_wkt(),
        "transform": list(grid.transform)[:6],
        "size": settings.size,
        "overlap": settings.overlap,
        "height": grid.height,
        "width": grid.width,
        "provenance": json.dumps(source, sort_keys=True),
    }


def write_patches(stack: Stack, settings: PatchSettings, path: str | os.PathLike[str]) -> None:
    """Cut a scene and write its patches; see `cut_patches`."""
    netcdf.write(path, cut_patches(stack, settings))
