"""Where Sentinel-2 tiles and elevation tiles lie."""

import math
from collections.abc import Iterable
from typing import NamedTuple

from rasterio.crs import CRS
from rasterio.warp import transform, transform_bounds

from firn.errors import ConfigError

#: Letters of the military grid: without I and O. A square is 100 km wide.
_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ"
_SQUARE = 100_000
#: Letters of northing are used again after this distance, in even zones shifted by five letters.
_ROWS, _EVEN_SHIFT = 20, 5
_BANDS = "CDEFGHJKLMNPQRSTUVWX"
_LOWEST_LATITUDE, _BAND_HEIGHT = -80, 8
#: A Sentinel-2 tile is this wide; it begins at the north-western corner of its square.
TILE_SIZE = 109_800
WGS84 = CRS.from_epsg(4326)


class Box(NamedTuple):
    """A box in degrees."""

    west: float
    south: float
    east: float
    north: float

    def padded(self, metres: float) -> "Box":
        """Add a margin on every side; a degree of latitude has 111 km."""
        high = metres / 111_000
        wide = high / math.cos(math.radians(max(abs(self.south), abs(self.north))))
        return Box(self.west - wide, self.south - high, self.east + wide, self.north + high)


def shared(one: Box, other: Box) -> float:
    """Area that two boxes share, square degrees."""
    width = min(one.east, other.east) - max(one.west, other.west)
    height = min(one.north, other.north) - max(one.south, other.south)
    return max(width, 0.0) * max(height, 0.0)


def union(boxes: Iterable[Box]) -> Box:
    """Smallest box around boxes."""
    west, south, east, north = zip(*boxes, strict=True)
    return Box(min(west), min(south), max(east), max(north))


def _square(tile: str) -> tuple[CRS, int, int]:
    """UTM zone of a tile and the lower-left corner of its square, m.

    The scheme is that of the military grid reference system (NGA.STND.0037, 2014): columns take
    eight letters in each of three kinds of zones, rows repeat every 2000 km and the latitude band
    tells which repetition is meant.
    """
    zone, band, column, row = int(tile[:2]), tile[2], tile[3], tile[4]
    first = (zone - 1) % 3 * 8
    columns = _LETTERS[first : first + 8]
    rows = _LETTERS[:_ROWS]
    if not 1 <= zone <= 60 or band not in _BANDS or column not in columns or row not in rows:
        raise ConfigError(f"tile {tile}: there is no such tile; correct its name")
    easting = (columns.index(column) + 1) * _SQUARE
    northing = (rows.index(row) - (_EVEN_SHIFT if zone % 2 == 0 else 0)) % _ROWS * _SQUARE
    crs = CRS.from_epsg((32600 if band >= "N" else 32700) + zone)
    latitude = _LOWEST_LATITUDE + _BAND_HEIGHT * _BANDS.index(band)
    # Parallels curve upwards from the central meridian, where the band is lowest.
    _, (lowest,) = transform(WGS84, crs, [zone * 6 - 183], [latitude])
    cycle = _ROWS * _SQUARE
    northing += max(0, math.ceil((lowest - _SQUARE - northing) / cycle)) * cycle
    return crs, easting, northing


def tile_box(tile: str) -> Box:
    """Box around a Sentinel-2 tile.

    Raises
    ------
    ConfigError
        There is no such tile.
    """
    crs, easting, northing = _square(tile)
    top = northing + _SQUARE
    return Box(*transform_bounds(crs, WGS84, easting, top - TILE_SIZE, easting + TILE_SIZE, top))


def core_box(tile: str) -> Box:
    """Box around the part of a tile that no neighbour in its zone shares.

    A search there finds the tile, and not the eight around it.

    Raises
    ------
    ConfigError
        There is no such tile.
    """
    crs, easting, northing = _square(tile)
    # What lies beyond is shared. The same again on all sides, for a box in degrees is turned
    # against the tile by up to three degrees.
    overlap = TILE_SIZE - _SQUARE
    west, south = easting + 2 * overlap, northing + overlap
    east, north = easting + _SQUARE - overlap, northing + _SQUARE - 2 * overlap
    return Box(*transform_bounds(crs, WGS84, west, south, east, north))


def dem_tiles(box: Box) -> list[str]:
    """Names of the Copernicus DEM GLO-30 tiles of one degree that a box touches.

    The name is that of the south-western corner, as the public bucket spells it (its readme).
    """
    return [
        f"Copernicus_DSM_COG_10_{'N' if lat >= 0 else 'S'}{abs(lat):02d}_00_"
        f"{'E' if lon >= 0 else 'W'}{abs(lon):03d}_00_DEM"
        for lat in range(math.floor(box.south), math.floor(box.north) + 1)
        for lon in range(math.floor(box.west), math.floor(box.east) + 1)
    ]
