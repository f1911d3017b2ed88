"""Auxiliary rasters: elevation as in the Copernicus DEM, tree cover density, water."""

import os
from math import ceil, floor

import numpy as np
import numpy.typing as npt
from affine import Affine
from rasterio.crs import CRS

from firn import cog
from firn.grid import Grid
from firn.raster import resample, write
from firn.simulator.formats.package import check_shape

DEM_NODATA = -9999.0
TREE_COVER_NODATA = 255
_ARC_SECOND = 1 / 3600
#: Columns per degree of the Copernicus DEM GLO-30 up to each latitude: its pixels stay near 30 m.
_COLUMNS_PER_DEGREE = ((50, 3600), (60, 2400), (70, 1800), (80, 1200), (85, 720), (90, 360))


def write_dem(path: str | os.PathLike[str], elevation: npt.NDArray[np.float32], grid: Grid) -> None:
    """Write elevations as the Copernicus DEM GLO-30 gives them.

    A cloud-optimised GeoTIFF in EPSG:4326, rows every arc second, centres of pixels (not their
    corners) at whole arc seconds from the degree lines.

    Parameters
    ----------
    path : path
    elevation : ndarray of float32, (y, x)
        Metres. It should reach a little beyond the area of interest, for warping eats the edge.
    grid : Grid
        Of ``elevation``, in any CRS.

    Raises
    ------
    GridError
        The array does not have the shape of the grid.
    """
    check_shape(f"{path}: elevation", elevation, grid)
    target = copernicus_grid(grid)
    values = resample(elevation, grid, target, "cubic", fill=DEM_NODATA)
    cog.write(path, values, target, nodata=DEM_NODATA, overview_resampling="average")


def copernicus_grid(grid: Grid) -> Grid:
    """Smallest grid of the Copernicus DEM GLO-30 that covers ``grid``."""
    left, bottom, right, top = grid.bounds_in(CRS.from_epsg(4326))
    latitude = max(abs(bottom), abs(top))
    per_degree = next(count for limit, count in _COLUMNS_PER_DEGREE if latitude <= limit)
    x_step, y_step = 1 / per_degree, _ARC_SECOND
    first_col, last_col = floor(left / x_step), ceil(right / x_step)
    first_row, last_row = ceil(top / y_step), floor(bottom / y_step)
    transform = Affine(
        x_step, 0, (first_col - 0.5) * x_step, 0, -y_step, (first_row + 0.5) * y_step
    )
    return Grid(CRS.from_epsg(4326), transform, first_row - last_row + 1, last_col - first_col + 1)


def write_tree_cover(
    path: str | os.PathLike[str], percent: npt.NDArray[np.uint8], grid: Grid
) -> None:
    """Write a tree cover density map: uint8, percent, 255 where it is not known.

    Raises
    ------
    GridError
        The array does not have the shape of the grid.
    """
    check_shape(f"{path}: tree cover", percent, grid)
    write(path, percent, grid, nodata=TREE_COVER_NODATA, units="percent")


def write_water(path: str | os.PathLike[str], water: npt.NDArray[np.uint8], grid: Grid) -> None:
    """Write a map of inland water: uint8, 1 where there is water, else 0.

    Raises
    ------
    GridError
        The array does not have the shape of the grid.
    """
    check_shape(f"{path}: water", water, grid)
    write(path, water, grid)
