"""Snow maps of the Sentinel-2 scenes that have no snow product, from their MAJA product."""

import json
import os

import numpy as np

from firn import raster
from firn.classes import NO_DATA
from firn.config import SnowMapSettings
from firn.errors import GridError
from firn.grid import Grid
from firn.products.identity import TileDate, check_tile_date
from firn.products.maja import MajaL2A, open_l2a
from firn.provenance import provenance
from firn.raster import Array
from firn.snow_reference import snow_map

PathLike = str | os.PathLike[str]


def write_snow_map(
    l2a: PathLike, dem: PathLike, row: TileDate, settings: SnowMapSettings, output: PathLike
) -> None:
    """Write the snow map of a MAJA product by Let-it-snow, on the grid of ``dem``.

    Parameters
    ----------
    l2a : path
        MAJA product.
    dem : path
        Relief of the tile by `firn.stacks.write_terrain`.
    row : TileDate
        Tile and date that the product must be of.
    settings : SnowMapSettings
    output : path
        uint8: 0 no snow, 100 snow, 205 cloud or shadow, 254 no data.

    Raises
    ------
    ProductError
        The product is damaged or incomplete, or of another tile or date.
    GridError
        The product and ``dem`` are not on one grid.
    """
    product = open_l2a(l2a)
    check_tile_date(l2a, product.tile, product.sensing_time, row)
    grid = raster.grid_of(dem)
    if product.grid(grid.resolution) != grid:
        raise GridError(f"{l2a}: is not on the grid of {dem}; give products of the same tile")
    elevation = raster.read_float32(dem)[0]
    green, red = (_cubic(product, band, grid) for band in ("B03", "B04"))
    swir = product.read_reflectance(["B11"], grid.resolution).values[0]
    valid = np.isfinite(green) & np.isfinite(red) & np.isfinite(swir)
    clm = product.cloud_mask().values
    source = provenance([product.product_id], settings)
    raster.write(
        output,
        snow_map(green, red, swir, elevation, clm, valid, settings),
        grid,
        nodata=NO_DATA,
        band_names=["snow"],
        tags={
            "product_id": product.product_id,
            "FIRN_PROVENANCE": json.dumps(source, sort_keys=True),
        },
    )


def _cubic(product: MajaL2A, band: str, grid: Grid) -> Array:
    """Reflectance of a 10 m band on ``grid`` by the kernel of Let-it-snow; NaN without data."""
    fine = product.read_reflectance([band], 10)
    return raster.resample(fine.values[0], Grid.of(fine), grid, "cubic", fill=np.nan, nodata=np.nan)
