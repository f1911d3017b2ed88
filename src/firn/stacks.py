"""Stacks of a tile on the 20 m grid: Sentinel-2 reflectance, relief, hillshade, exclusion."""

import json
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from firn import raster, terrain
from firn.errors import DataError, GridError
from firn.products.dem import Origin, read_dem
from firn.products.identity import TileDate, check_tile_date
from firn.products.land_cover import read_tree_cover, read_water
from firn.products.sentinel2 import open_l1c
from firn.provenance import provenance
from firn.sensors import STACK_NODATA, STACK_SATURATED, STACK_SCALE

PathLike = str | os.PathLike[str]

#: Sentinel-2 bands that overlap those of SPOT, and the pixel size in metres of all stacks.
STACK_BANDS = ("B02", "B03", "B04", "B08", "B11")
RESOLUTION = 20.0
#: Elevation of a pixel without data, m.
DEM_NODATA = -9999.0


def encode(
    reflectance: npt.NDArray[np.float32], saturated: npt.NDArray[np.bool_]
) -> npt.NDArray[np.uint16]:
    """Stack numbers of TOA reflectance: x 10000, 0 without data, at least 1 with, 65535 saturated.

    Parameters
    ----------
    reflectance : ndarray, any shape, dimensionless
        NaN where there is no data.
    saturated : ndarray of bool, same shape
    """
    scaled = np.clip(np.rint(reflectance * STACK_SCALE), 1, STACK_SATURATED - 1)
    numbers = np.where(np.isnan(scaled), STACK_NODATA, scaled)
    return np.where(saturated, STACK_SATURATED, numbers).astype(np.uint16)


def write_toa(
    l1c: PathLike,
    row: TileDate,
    output: PathLike,
    bands: Sequence[str] = STACK_BANDS,
    resolution: float = RESOLUTION,
) -> None:
    """Write the reflectance stack of a Level-1C product, uint16.

    Parameters
    ----------
    l1c : path
    row : TileDate
        Tile and date that the product must be of.
    output : path
    bands : sequence of str
    resolution : float
        Pixel size, m.

    Raises
    ------
    ProductError
        The product is damaged or incomplete, or of another tile or date.
    """
    product = open_l1c(l1c, row.tile)
    check_tile_date(l1c, product.tile, product.sensing_time, row)
    reflectance, saturated = product.read(bands, resolution)
    source = provenance([product.product_id], {"bands": bands, "resolution": resolution})
    raster.write(
        output,
        # Band by band, for a whole tile takes half a GiB and each step of the encoding one more.
        np.stack([encode(*band) for band in zip(reflectance.values, saturated, strict=True)]),
        product.grid(resolution),
        nodata=STACK_NODATA,
        band_names=bands,
        units="1e-4",
        tags={
            "product_id": product.product_id,
            "platform": product.platform,
            "tile": product.tile,
            "sensing_time": product.sensing_time.isoformat(),
            "sun_zenith": f"{product.sun_zenith:.6f}",
            "sun_azimuth": f"{product.sun_azimuth:.6f}",
            "FIRN_PROVENANCE": json.dumps(source, sort_keys=True),
        },
    )


def write_terrain(
    tile: PathLike,
    dem: PathLike,
    tree_cover: PathLike,
    water: PathLike,
    tree_cover_max: float,
    dem_output: PathLike,
    origin_output: PathLike,
    exclusion_output: PathLike,
) -> None:
    """Write relief and exclusion of a tile.

    Parameters
    ----------
    tile : path
        Any raster on the tile's grid.
    dem, tree_cover, water : path
        Elevation, tree cover density and water, as `firn.products.dem.read_dem` and
        `firn.products.land_cover` read them.
    tree_cover_max : float
        Per cent above which a pixel is forest.
    dem_output, origin_output, exclusion_output : path
        float32 metres; uint8 codes of `firn.products.dem.Origin`, which tell filled voids; uint8
        bits as in `firn.terrain.exclusion`.

    Raises
    ------
    GridError
        A raster does not reach the tile.
    DataError
        A raster is damaged, or has other units or codes than it should.
    """
    grid = raster.grid_of(tile)
    elevation, origin = read_dem(dem, grid)
    excluded = terrain.exclusion(
        read_tree_cover(tree_cover, grid), read_water(water, grid), tree_cover_max
    )
    names = [Path(path).name for path in (dem, tree_cover, water)]
    source = json.dumps(provenance(names, {"tree_cover_max": tree_cover_max}), sort_keys=True)
    raster.write(
        dem_output,
        np.where(np.isnan(elevation), np.float32(DEM_NODATA), elevation),
        grid,
        nodata=DEM_NODATA,
        band_names=["elevation"],
        units="m",
        tags={"FIRN_PROVENANCE": source},
    )
    codes = ", ".join(f"{code.value} {code.name.lower()}" for code in Origin)
    raster.write(
        origin_output,
        origin,
        grid,
        nodata=Origin.NONE,
        band_names=["origin"],
        tags={"FIRN_PROVENANCE": source, "codes": codes},
    )
    raster.write(
        exclusion_output,
        excluded,
        grid,
        band_names=["exclusion"],
        tags={"FIRN_PROVENANCE": source, "bits": "1 forest, 2 water"},
    )


def write_hillshade(dem: PathLike, toa: PathLike, output: PathLike) -> None:
    """Write the hillshade of a scene: the tile's relief under the sun of its reflectance stack.

    Parameters
    ----------
    dem : path
        Output of `write_terrain`.
    toa : path
        Output of `write_toa`.
    output : path
        uint8, 1-255, 0 without data.

    Raises
    ------
    GridError
        The two are not on one grid.
    DataError
        A file is damaged or the stack does not tell the sun.
    """
    tags = raster.tags(toa)
    try:
        zenith, azimuth = float(tags["sun_zenith"]), float(tags["sun_azimuth"])
    except (KeyError, ValueError) as error:
        raise DataError(
            f"{toa}: its tags do not tell sun_zenith and sun_azimuth ({error}); delete it and run "
            "its rule again"
        ) from error
    grid = raster.grid_of(dem)
    if grid != raster.grid_of(toa):
        raise GridError(
            f"{dem}: is not on the grid of {toa}; delete both and run their rules again"
        )
    source = provenance(
        [tags.get("product_id", Path(toa).name), Path(dem).name],
        {"sun_zenith": zenith, "sun_azimuth": azimuth},
    )
    raster.write(
        output,
        terrain.hillshade(raster.read_float32(dem)[0], grid.resolution, zenith, azimuth),
        grid,
        nodata=0,
        band_names=["hillshade"],
        tags={"FIRN_PROVENANCE": json.dumps(source, sort_keys=True)},
    )
