"""Tiles: the images of both dates and both satellites, cut into squares."""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt
from affine import Affine
from rasterio.crs import CRS

from firn import netcdf
from firn.errors import DataError
from firn.grid import Grid

FloatArray = npt.NDArray[np.float32]
Byte = npt.NDArray[np.uint8]
PathLike = str | os.PathLike[str]

SPLITS = ("train", "validation", "test")
#: The further split of pairs that test alone.
OTHER_DATES = "other_dates"
POLARISATIONS = ("VV", "VH")
#: Fire severity where it is not known; 0 unburnt, 1 low, 2 moderate, 3 high.
UNKNOWN_SEVERITY = 255

#: Dimensions and types of the variables of a file.
DIMS: dict[str, tuple[tuple[str, ...], npt.DTypeLike]] = {
    "sentinel1_t0": (("tile", "polarisation", "y", "x"), np.float32),
    "sentinel1_t1": (("tile", "polarisation", "y", "x"), np.float32),
    "sentinel2_t0": (("tile", "band", "y", "x"), np.float32),
    "sentinel2_t1": (("tile", "band", "y", "x"), np.float32),
    "cloud_t1": (("tile", "y", "x"), np.uint8),
    "severity": (("tile", "y", "x"), np.uint8),
    "year_low": (("tile", "band"), np.float32),
    "year_high": (("tile", "band"), np.float32),
    "tile_row": (("tile",), np.int32),
    "tile_col": (("tile",), np.int32),
    "area": (("tile",), object),
}


@dataclass(frozen=True)
class Tiles:
    """Some tiles; t0 is the earlier date, t1 the later one.

    Attributes
    ----------
    sentinel1_t0, sentinel1_t1 : ndarray of float32, (tile, polarisation, y, x)
        Gamma0 of VV and VH, linear power; NaN without data.
    sentinel2_t0, sentinel2_t1 : ndarray of float32, (tile, band, y, x)
        Reflectance; NaN without data.
    cloud_t1 : ndarray of uint8, (tile, y, x)
        1 = cloud over the later Sentinel-2 image. On the virtual range the image shows the ground
        there all the same: it is the truth.
    severity : ndarray of uint8, (tile, y, x)
        Fire severity between the dates: 0 unburnt, 1 low, 2 moderate, 3 high, 255 unknown.
    year_low, year_high : ndarray of float32, (tile, band)
        Lowest and highest reflectance of the tile in a year before t1; NaN where unknown.
    tile_row, tile_col : ndarray of int32, (tile,)
        Upper-left pixel in the grid of the area.
    area : ndarray of str, (tile,)
    """

    sentinel1_t0: FloatArray
    sentinel1_t1: FloatArray
    sentinel2_t0: FloatArray
    sentinel2_t1: FloatArray
    cloud_t1: Byte
    severity: Byte
    year_low: FloatArray
    year_high: FloatArray
    tile_row: npt.NDArray[np.int32]
    tile_col: npt.NDArray[np.int32]
    area: npt.NDArray[Any]

    def __len__(self) -> int:
        return len(self.area)


def write_tiles(
    path: PathLike,
    tiles: Tiles,
    bands: Sequence[str],
    grids: Mapping[str, Grid],
    provenance: Mapping[str, Any],
) -> None:
    """Write a file of tiles.

    Parameters
    ----------
    path : path
    tiles : Tiles
    bands : sequence of str
        Of the Sentinel-2 images, in their order.
    grids : mapping of area to Grid
        10 m.
    provenance : mapping
    """
    import xarray as xr

    variables = {name: (dims, getattr(tiles, name)) for name, (dims, _) in DIMS.items()}
    variables["area"] = (("tile",), tiles.area.astype(object))
    netcdf.write(path, xr.Dataset(variables, attrs=attributes(bands, grids, provenance)))


def attributes(
    bands: Sequence[str], grids: Mapping[str, Grid], provenance: Mapping[str, Any]
) -> dict[str, str]:
    """Give the attributes of a file of tiles."""
    return {
        "bands": ",".join(bands),
        "polarisations": ",".join(POLARISATIONS),
        "crs": json.dumps({area: grid.crs.to_wkt() for area, grid in grids.items()}),
        "transform": json.dumps({area: list(grid.transform)[:6] for area, grid in grids.items()}),
        "shape": json.dumps({area: grid.shape for area, grid in grids.items()}),
        "provenance": json.dumps(provenance, sort_keys=True),
    }


def read_tiles(path: PathLike, rows: Sequence[int] | None = None) -> Tiles:
    """Read tiles of a file, all by default.

    Raises
    ------
    DataError
        The file is missing or damaged.
    """
    names = [field.name for field in fields(Tiles)]
    return Tiles(*netcdf.arrays(path, *names, rows=rows))


def tile_count(path: PathLike) -> int:
    """Give the number of tiles of a file, without reading them."""
    return netcdf.shape(path, "tile_row")[0]


def tile_bands(path: PathLike) -> tuple[str, ...]:
    """Bands of the Sentinel-2 images of a file, in their order."""
    return tuple(str(netcdf.attributes(path, "bands")["bands"]).split(","))


def area_grids(path: PathLike) -> dict[str, Grid]:
    """Grid of each area of a file, for maps that are put together from tiles.

    Raises
    ------
    DataError
        The file is missing, damaged or no file of tiles.
    """
    stored = netcdf.attributes(path, "crs", "transform", "shape")
    try:
        crs, transform, shape = (
            json.loads(str(stored[name])) for name in ("crs", "transform", "shape")
        )
    except ValueError as error:
        raise DataError(f"{path}: its grids cannot be read; run its rule again") from error
    return {
        area: Grid(CRS.from_wkt(crs[area]), Affine(*transform[area]), *shape[area]) for area in crs
    }
