"""Copernicus DEM GLO-30: its tiles in a public bucket, and a mosaic of those that were fetched."""

import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from xml.sax.saxutils import escape

from firn import raster
from firn.acquisition_config import Acquisition, Retries
from firn.config import Area
from firn.download.table import Product
from firn.download.tiles import Box, dem_tiles, tile_box, union
from firn.download.transfer import look_up
from firn.errors import DataError, DownloadError
from firn.files import write_text
from firn.grid import Grid

#: Interpolating and shading need elevations beyond the edge of a tile, m.
MARGIN = 2_000
#: A SPOT scene that touches an area reaches this far beyond it: its diagonal, m.
SPOT_MARGIN = 90_000


def dem_url(address: str, name: str) -> str:
    """Address of a tile: each lies in a folder of its own name."""
    return f"{address.rstrip('/')}/{name}/{name}.tif"


def dem_box(areas: Iterable[Area], with_spot: bool) -> Box:
    """Box that needs elevations: the tiles of the areas, and the SPOT scenes that touch them."""
    box = union(tile_box(tile) for area in areas for tile in area.tiles)
    return box.padded(SPOT_MARGIN if with_spot else MARGIN)


def find_dem(address: str, areas: Mapping[str, Area], settings: Acquisition) -> list[Product]:
    """Elevation tiles that a run needs. There are none over the ocean.

    Raises
    ------
    DownloadError
        The server is not reachable, refuses, or has none of the tiles.
    """
    names = dem_tiles(dem_box(areas.values(), settings.spot is not None))
    tiles = [tile for name in names if (tile := _find(address, name, settings.retries))]
    if not tiles:
        raise DownloadError(
            f"{address}: has no elevation tile of the areas; correct acquisition.dem"
        )
    return tiles


def _find(address: str, name: str, retries: Retries) -> Product | None:
    headers = look_up(name, dem_url(address, name), retries)
    if headers is None:
        return None
    size = headers.get("Content-Length", "")
    # The tag of a file that was put into a bucket in one piece is its MD5.
    tag = re.fullmatch(r'"([0-9a-f]{32})"', headers.get("ETag", ""))
    return Product(
        kind="dem",
        area="",
        tile="",
        date="",
        platform="",
        product_id=name,
        provider="",
        collection="",
        cloud_cover=None,
        size=int(size) if size.isdigit() else None,
        md5=tag[1] if tag else None,
    )


def write_mosaic(tiles: Iterable[Path], box: Box, target: str | os.PathLike[str]) -> None:
    """Write a GDAL mosaic (VRT) of elevation tiles that covers a box.

    Where there is no tile there is ocean, and the elevation is 0.

    Parameters
    ----------
    tiles : iterable of path
        Rasters in degrees whose pixels may differ in width.
    box : Box
        What the mosaic must cover, whole tiles of one degree around it.
    target : path

    Raises
    ------
    DataError
        There is no tile, or one cannot be read.
    """
    folder = Path(target).resolve().parent
    grids = {tile: raster.grid_of(tile) for tile in sorted(tiles)}
    if not grids:
        raise DataError(f"{target}: there is no elevation tile to make it of; search again")
    finest = min(grids.values(), key=lambda grid: grid.transform.a)
    width, height = finest.transform.a, -finest.transform.e
    edges = [grid.bounds for grid in grids.values()]
    # Tiles begin half a pixel off the whole degree; the mosaic begins with them.
    bounds = union([Box(*edge) for edge in edges])
    west = bounds.west - _degrees(bounds.west - box.west)
    north = bounds.north + _degrees(box.north - bounds.north)
    east = bounds.east + _degrees(box.east - bounds.east)
    south = bounds.south - _degrees(bounds.south - box.south)
    sources = "".join(
        _source(os.path.relpath(tile.resolve(), folder), grid, west, north, width, height)
        for tile, grid in grids.items()
    )
    write_text(
        target,
        f'<VRTDataset rasterXSize="{round((east - west) / width)}" '
        f'rasterYSize="{round((north - south) / height)}">\n'
        f"  <SRS>{escape(finest.crs.to_wkt())}</SRS>\n"
        f"  <GeoTransform>{west!r}, {width!r}, 0.0, {north!r}, 0.0, {-height!r}</GeoTransform>\n"
        f'  <VRTRasterBand dataType="Float32" band="1">\n{sources}  </VRTRasterBand>\n'
        "</VRTDataset>\n",
    )


def _degrees(gap: float) -> int:
    """Whole degrees that close a gap."""
    return max(0, -int(-gap // 1))


def _source(path: str, grid: Grid, west: float, north: float, width: float, height: float) -> str:
    left, bottom, right, top = grid.bounds
    rows, columns = grid.shape
    target = (
        f'xOff="{(left - west) / width!r}" yOff="{(north - top) / height!r}" '
        f'xSize="{(right - left) / width!r}" ySize="{(top - bottom) / height!r}"'
    )
    return (
        '    <SimpleSource resampling="bilinear">\n'
        f'      <SourceFilename relativeToVRT="1">{escape(path)}</SourceFilename>\n'
        "      <SourceBand>1</SourceBand>\n"
        f'      <SrcRect xOff="0" yOff="0" xSize="{columns}" ySize="{rows}"/>\n'
        f"      <DstRect {target}/>\n"
        "    </SimpleSource>\n"
    )
