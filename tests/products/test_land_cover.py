"""Tree cover and water from rasters, tiles and polygons."""

import json
from pathlib import Path

import numpy as np
import pyogrio
import pytest
import shapely
from minimal_products import EPSG, LEFT, SIDE, TOP, full, transform
from rasterio.crs import CRS
from rasterio.warp import transform as transform_points

from firn import raster
from firn.errors import DataError, GridError
from firn.grid import Grid
from firn.products.land_cover import read_tree_cover, read_water
from firn.raster import Array

UTM = CRS.from_epsg(EPSG)
GRID = Grid(UTM, transform(20), SIDE // 20, SIDE // 20)
SHAPE = GRID.shape
HALVES = [GRID.crop(0, 0, 24, 12), GRID.crop(0, 12, 24, 12)]


def rectangle(rows: slice, cols: slice, inset: float = 5) -> shapely.Polygon:
    """Polygon around the centres of pixels, whose edges it passes ``inset`` metres inside."""
    left, right = (LEFT + 20 * col for col in (cols.start, cols.stop))
    top, bottom = (TOP - 20 * row for row in (rows.start, rows.stop))
    return shapely.box(left + inset, bottom + inset, right - inset, top - inset)


def write_vector(path: Path, *shapes: shapely.Geometry, layer: str = "water") -> Path:
    kinds = {shape.geom_type for shape in shapes}
    pyogrio.raw.write(
        path,
        geometry=shapely.to_wkb(np.array(shapes)),
        field_data=[],
        fields=[],
        geometry_type=kinds.pop() if len(kinds) == 1 else "Unknown",
        crs=f"EPSG:{EPSG}",
        layer=layer,
        append=path.exists(),
    )
    return path


LAKE = rectangle(slice(2, 10), slice(3, 20)).difference(rectangle(slice(4, 6), slice(5, 8), -5))
POND = rectangle(slice(15, 16), slice(15, 16))


def lake_and_pond() -> Array:
    """The lake has an island."""
    expected = np.zeros(SHAPE, bool)
    expected[2:10, 3:20] = True
    expected[4:6, 5:8] = False
    expected[15, 15] = True
    return expected


@pytest.mark.parametrize("suffix", [".gpkg", ".shp"])
def test_water_as_polygons(tmp_path: Path, suffix: str) -> None:
    away = shapely.box(0, 0, 10, 10)
    path = write_vector(tmp_path / f"water{suffix}", LAKE, POND, away)
    np.testing.assert_array_equal(read_water(path, GRID), lake_and_pond())
    np.testing.assert_array_equal(read_water(str(path), GRID), lake_and_pond())


def test_water_as_polygons_in_degrees(tmp_path: Path) -> None:
    """GeoJSON is in degrees and may hold other shapes, which are not water."""

    def degrees(ring: shapely.LinearRing) -> list[tuple[float, float]]:
        return list(zip(*transform_points(UTM, "EPSG:4326", *ring.xy), strict=True))

    features = [
        {
            "type": "Feature",
            "properties": {},
            "geometry": {
                "type": "Polygon",
                "coordinates": [degrees(ring) for ring in (shape.exterior, *shape.interiors)],
            },
        }
        for shape in (LAKE, POND)
    ]
    point = {"type": "Point", "coordinates": degrees(POND.exterior)[0]}
    features.append({"type": "Feature", "properties": {}, "geometry": point})
    path = tmp_path / "water.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    np.testing.assert_array_equal(read_water(path, GRID), lake_and_pond())


def test_polygons_that_reach_far_beyond_the_grid(tmp_path: Path) -> None:
    """A sea, of which one corner is no place on Earth, over the right half."""
    (east,), (north,) = transform_points(UTM, "EPSG:4326", [LEFT + 240], [TOP])
    ring = [[east, north - 1], [1e30, north - 1], [1e30, north + 1], [east, north + 1]]
    shape = {"type": "Polygon", "coordinates": [[*ring, ring[0]]]}
    feature = {"type": "Feature", "properties": {}, "geometry": shape}
    path = tmp_path / "sea.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}))
    expected = np.zeros(SHAPE, bool)
    expected[:, 12:] = True
    np.testing.assert_array_equal(read_water(path, GRID), expected)


def test_no_polygon_on_the_grid_is_no_water(tmp_path: Path) -> None:
    path = write_vector(tmp_path / "water.gpkg", shapely.box(0, 0, 10, 10))
    assert not read_water(path, GRID).any()


def test_vectors_that_are_of_no_use(tmp_path: Path) -> None:
    basins = write_vector(tmp_path / "basins.gpkg", LAKE, layer="lakes")
    write_vector(basins, rectangle(slice(0, 24), slice(0, 24)), layer="basins")
    with pytest.raises(DataError, match=r"basins\.gpkg: has 2 layers of polygons .*lakes.*ogr2ogr"):
        read_water(basins, GRID)
    points = write_vector(tmp_path / "points.gpkg", POND.centroid)
    with pytest.raises(DataError, match=r"points\.gpkg: holds no polygons"):
        read_water(points, GRID)
    nowhere = write_vector(tmp_path / "nowhere.shp", LAKE)
    nowhere.with_suffix(".prj").unlink()
    with pytest.raises(GridError, match=r"nowhere\.shp: has no coordinate reference system"):
        read_water(nowhere, GRID)
    damaged = tmp_path / "damaged.gpkg"
    damaged.write_bytes(points.read_bytes()[:2000])
    for path in (damaged, tmp_path / "missing.gpkg"):
        with pytest.raises(DataError, match=rf"{path.name}: cannot be read as polygons"):
            read_water(path, GRID)


def test_a_layer_of_lines_beside_one_of_polygons_is_left_alone(tmp_path: Path) -> None:
    path = write_vector(tmp_path / "water.gpkg", LAKE, POND)
    write_vector(path, shapely.LineString([(LEFT, TOP), (LEFT + 480, TOP - 480)]), layer="rivers")
    np.testing.assert_array_equal(read_water(path, GRID), lake_and_pond())


def test_water_as_raster_is_1(tmp_path: Path) -> None:
    """2 to 4 are flooded or wet at times; what a raster does not reach is not water."""
    codes = np.resize(np.array([0, 1, 2, 3, 4, 253, 254, 255], np.uint8), HALVES[0].shape)
    raster.write(tmp_path / "water.tif", codes, HALVES[0])
    water = read_water(tmp_path / "water.tif", GRID)
    assert water.dtype == bool
    np.testing.assert_array_equal(water[:, :12], codes == 1)
    assert not water[:, 12:].any()


@pytest.mark.parametrize("value", [5, 100])
def test_other_codes_are_no_mask_of_water(tmp_path: Path, value: int) -> None:
    codes = np.ones(SHAPE, np.uint8)
    codes[0, 0] = value
    raster.write(tmp_path / "occurrence.tif", codes, GRID)
    with pytest.raises(DataError, match=rf"occurrence\.tif: has the values \[{value}\]"):
        read_water(tmp_path / "occurrence.tif", GRID)


def test_tree_cover_of_tiles(tmp_path: Path) -> None:
    """The second tile fills what the first has no data for."""
    west = np.resize(np.arange(0, 101, dtype=np.uint8), HALVES[0].shape)
    west[0, :2] = 254, 255
    both = np.full(SHAPE, 30, np.uint8)
    raster.write(tmp_path / "TCD_1.tif", west, HALVES[0], nodata=255)
    raster.write(tmp_path / "TCD_2.tif", both, GRID)
    raster.write(tmp_path / "TCD_3.tif", full((5, 5), 99, "uint8"), GRID.crop(-900, 0, 5, 5))
    cover = read_tree_cover(tmp_path, GRID)
    expected = both.copy()
    expected[:, :12] = west
    expected[0, 1] = 30
    assert cover.dtype == np.uint8
    np.testing.assert_array_equal(cover, expected)
    np.testing.assert_array_equal(
        read_tree_cover([tmp_path / "TCD_2.tif", tmp_path / "TCD_1.tif"], GRID), expected
    )


def test_open_land_has_no_tree_cover(tmp_path: Path) -> None:
    raster.write(tmp_path / "tcd.tif", np.zeros(SHAPE, np.uint8), GRID)
    assert (read_tree_cover(tmp_path / "tcd.tif", GRID) == 0).all()
    raster.write(tmp_path / "void.tif", full(SHAPE, 254, "uint8"), GRID)
    assert (read_tree_cover(tmp_path / "void.tif", GRID) == 254).all()


@pytest.mark.parametrize("dtype", ["int16", "float32"])
def test_tree_cover_of_another_type(tmp_path: Path, dtype: str) -> None:
    values = np.full(SHAPE, 40, dtype)
    values[0, 0] = -9999
    raster.write(tmp_path / "tcd.tif", values, GRID, nodata=-9999)
    cover = read_tree_cover(tmp_path / "tcd.tif", GRID)
    assert cover[0, 0] == 255
    assert (cover.ravel()[1:] == 40).all()


@pytest.mark.parametrize(
    ("values", "dtype"), [((0, 0.7), "float32"), ((0, 1), "uint8"), ((0, 200), "uint8"),
                          ((-5, 40), "int16")]
)  # fmt: skip
def test_values_that_are_no_per_cent(
    tmp_path: Path, values: tuple[float, float], dtype: str
) -> None:
    cover = np.full(SHAPE, values[0], dtype)
    cover[5] = values[1]
    raster.write(tmp_path / "tcd.tif", cover, GRID)
    with pytest.raises(DataError, match=r"tcd\.tif: has tree cover from .*expected per cent"):
        read_tree_cover(tmp_path / "tcd.tif", GRID)


def test_rasters_elsewhere(tmp_path: Path) -> None:
    raster.write(tmp_path / "away.tif", full((5, 5), 1, "uint8"), GRID.crop(-900, 0, 5, 5))
    for read in (read_tree_cover, read_water):
        with pytest.raises(GridError, match=r"away\.tif: covers no part of the grid"):
            read(tmp_path / "away.tif", GRID)
        with pytest.raises(DataError, match=r"missing: does not exist"):
            read(tmp_path / "missing", GRID)
