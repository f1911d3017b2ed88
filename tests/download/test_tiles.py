"""Where tiles lie."""

import math

import pytest
import rasterio
from rasterio.crs import CRS
from rasterio.warp import transform, transform_bounds

from firn.download.tiles import TILE_SIZE, Box, core_box, dem_tiles, shared, tile_box, union
from firn.errors import ConfigError
from firn.sensors import packaged

#: UTM zone and upper-left corner as the products of these tiles have them, to the 60 m of their
#: grids.
CORNERS = {
    "31TCH": (32631, 300_000, 4_800_000),
    "31TDH": (32631, 399_960, 4_800_000),
    "32TPT": (32632, 600_000, 5_300_040),
    "19HCC": (32719, 300_000, 6_300_040),
}


@pytest.mark.parametrize("tile", CORNERS)
def test_box_of_a_tile_is_that_of_its_products(tile: str) -> None:
    epsg, left, top = CORNERS[tile]
    edges = (left, top - TILE_SIZE, left + TILE_SIZE, top)
    expected = transform_bounds(CRS.from_epsg(epsg), CRS.from_epsg(4326), *edges)
    # 60 m are 0.0005 degrees of latitude, and 0.0008 of longitude at 46 degrees.
    assert tile_box(tile) == pytest.approx(expected, abs=0.001)


def test_area_that_boxes_share() -> None:
    box = Box(0, 42, 2, 43)
    assert shared(box, Box(1.5, 42.25, 3, 44)) == 0.5 * 0.75
    assert shared(box, Box(0.5, 41, 1, 44)) == 0.5
    assert shared(box, Box(2, 42, 3, 43)) == shared(box, Box(3, 50, 4, 51)) == 0


def test_a_real_product_lies_in_its_tile() -> None:
    """Crop of tile 18SVG: its first degrees, read from the file."""
    with rasterio.open(packaged("crops/coast/B02.tif")) as dataset:
        west, south, east, north = transform_bounds(dataset.crs, "EPSG:4326", *dataset.bounds)
    box = tile_box("18SVG")
    assert box.west <= west < east <= box.east
    assert box.south <= south < north <= box.north


@pytest.mark.parametrize("tile", ["31TCH", "30TXN", "32TLS", "19HCC", "59GMK"])
def test_core_touches_no_neighbour_in_its_zone(tile: str) -> None:
    """A neighbour begins 100 km further, and tiles are 109.8 km wide: 9.8 km are shared."""
    box, core = tile_box(tile), core_box(tile)
    zone = CRS.from_epsg((32600 if tile[2] >= "N" else 32700) + int(tile[:2]))
    steps = [i / 20 for i in range(21)]
    lons = [core.west + s * (core.east - core.west) for s in steps]
    lats = [core.south + s * (core.north - core.south) for s in steps]
    edge = [(x, y) for x in lons for y in (core.south, core.north)]
    edge += [(x, y) for x in (core.west, core.east) for y in lats]
    xs, ys = transform(CRS.from_epsg(4326), zone, *zip(*edge, strict=True))
    left = min(transform(CRS.from_epsg(4326), zone, [box.west] * 2, [box.south, box.north])[0])
    left = round(left, -5) if left % 100_000 > 50_000 else left // 100_000 * 100_000
    assert min(xs) >= left + 9_800
    assert max(xs) <= left + 100_000
    bottom = math.floor(min(ys) / 100_000) * 100_000
    assert min(ys) >= bottom
    assert max(ys) <= bottom + 90_200
    assert max(xs) - min(xs) > 60_000
    assert max(ys) - min(ys) > 60_000


@pytest.mark.parametrize("tile", ["31ACH", "00TCH", "61TCH", "31TSH", "31TCW"])
def test_tile_that_does_not_exist(tile: str) -> None:
    with pytest.raises(ConfigError, match=f"tile {tile}: there is no such tile"):
        tile_box(tile)


def test_elevation_tiles_are_named_by_their_south_western_corner() -> None:
    names = dem_tiles(Box(-0.5, -0.2, 1.2, 0.7))
    assert names == [
        "Copernicus_DSM_COG_10_S01_00_W001_00_DEM",
        "Copernicus_DSM_COG_10_S01_00_E000_00_DEM",
        "Copernicus_DSM_COG_10_S01_00_E001_00_DEM",
        "Copernicus_DSM_COG_10_N00_00_W001_00_DEM",
        "Copernicus_DSM_COG_10_N00_00_E000_00_DEM",
        "Copernicus_DSM_COG_10_N00_00_E001_00_DEM",
    ]


def test_padding_is_the_same_on_the_ground_everywhere() -> None:
    """111 km are a degree of latitude, and two of longitude at 60 degrees."""
    assert Box(10, 59, 11, 59.999999).padded(111_000) == pytest.approx((8, 58, 13, 61), abs=1e-4)
    assert union([Box(0, 1, 2, 3), Box(-1, 2, 1, 5)]) == Box(-1, 1, 2, 5)
