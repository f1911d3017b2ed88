"""Sources read in strips give what they give at once."""

from collections.abc import Callable
from pathlib import Path

import minimal_products
import numpy as np
import pytest
from minimal_products import EPSG, LEFT, TOP, transform
from rasterio.crs import CRS

from firn import raster
from firn.errors import DataError, GridError, ProductError
from firn.grid import Grid
from firn.products import Scene
from firn.products.dem import Origin, dem_parts, read_dem
from firn.products.geotiff import open_geotiff
from firn.products.land_cover import read_tree_cover, tree_cover_parts
from firn.products.swh import open_swh
from firn.products.take5 import open_take5
from firn.sensors import Band, Sensor

UTM = CRS.from_epsg(EPSG)
SHAPE = (90, 70)
GRID = Grid(UTM, transform(20), *SHAPE)
BANDS = ("XS1", "XS2")
CAMERA = Sensor(
    name="camera",
    platform="CAMERA",
    instruments=("C1",),
    pixel_size=20,
    bands=tuple(
        Band(name=n, centre_nm=c, width_nm=60) for n, c in zip(BANDS, (545, 645), strict=True)
    ),
    scale=0.001,
    sun_zenith=40,
    sun_azimuth=150,
)


def numbers() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(4)
    bands = {band: rng.integers(20, 610, SHAPE).astype(np.uint16) for band in BANDS}
    for values in bands.values():
        values[:, :5] = values[40:44, 30:60] = 0
    return bands


def swh(folder: Path) -> Scene:
    return open_swh(minimal_products.swh(folder, numbers(), dict.fromkeys(BANDS, 0.6)))


def take5(folder: Path) -> Scene:
    bands = {band: values.astype(np.int16) for band, values in numbers().items()}
    return open_take5(minimal_products.take5(folder, bands, (bands["XS1"] > 600).astype(np.uint8)))


def geotiff(folder: Path) -> Scene:
    tags = {"ACQUISITION_TIME": "2001-06-14T11:02:46"}
    stack = np.stack(list(numbers().values()))
    raster.write(folder / "image.tif", stack, GRID, nodata=0, band_names=BANDS, tags=tags)
    return open_geotiff(folder / "image.tif", CAMERA)


def strips(grid: Grid, height: int) -> list[Grid]:
    starts = range(0, grid.height, height)
    return [grid.rows(slice(row, min(row + height, grid.height))) for row in starts]


@pytest.mark.parametrize("open_scene", [swh, take5, geotiff])
@pytest.mark.parametrize(
    "grid",
    [GRID, Grid.from_bounds(UTM, LEFT - 40, TOP - 1850, LEFT + 1000, TOP + 30, 31)],
    ids=["own", "warped"],
)
def test_strips_of_a_scene(tmp_path: Path, open_scene: Callable[[Path], Scene], grid: Grid) -> None:
    scene = open_scene(tmp_path)
    whole, flags = scene.read(BANDS, grid)
    assert np.isnan(whole.values).any() and np.isfinite(whole.values).any()
    parts = [scene.read(BANDS, part) for part in strips(grid, 13)]
    joined = np.concatenate([values.values for values, _ in parts], axis=1)
    np.testing.assert_array_equal(joined, whole.values)
    np.testing.assert_array_equal(np.concatenate([f for _, f in parts], axis=1), flags)


def test_units_are_judged_by_the_whole_band(tmp_path: Path) -> None:
    """A lake in the shade is darker than any land; a scene as dark is in other units."""
    bands = numbers()
    bands["XS1"][70:] = 3
    saturation = dict.fromkeys(BANDS, 0.6)
    shaded = open_swh(minimal_products.swh(tmp_path / "a", bands, saturation))
    reflectance, _ = shaded.read(["XS1"], GRID.rows(slice(75, 90)))
    assert np.nanmax(reflectance.values) == pytest.approx(0.003)
    bands["XS1"][:70] = 3
    wrong = open_swh(minimal_products.swh(tmp_path / "b", bands, saturation))
    with pytest.raises(ProductError, match="not in milli-reflectance"):
        wrong.read(["XS1"], GRID.rows(slice(0, 15)))


def test_strips_of_relief(tmp_path: Path) -> None:
    """From a source in degrees, with voids on both sides of a strip's edge and one all along it."""
    left, bottom, right, top = GRID.bounds_in(CRS.from_epsg(4326))
    source = Grid.from_bounds(
        CRS.from_epsg(4326), left - 0.05, bottom - 0.05, right + 0.05, top + 0.05, 1 / 3600
    )
    heights = 1500 + 300 * np.random.default_rng(5).random(source.shape, np.float32)
    rows, cols = (side // 2 for side in source.shape)
    heights[rows - 6 : rows + 6, cols - 10 : cols - 6] = -32768
    heights[rows - 120 : rows + 120, cols + 10 : cols + 13] = -32768
    raster.write(tmp_path / "dem.tif", heights, source)
    whole = read_dem(tmp_path / "dem.tif", GRID)
    assert {Origin.NONE, Origin.MEASURED, Origin.FILLED} == set(np.unique(whole.origin))
    for height in (45, 16):
        parts = list(dem_parts(tmp_path / "dem.tif", GRID, strips(GRID, height)))
        joined = np.concatenate([part.elevation for part in parts])
        np.testing.assert_array_equal(joined, whole.elevation)
        np.testing.assert_array_equal(np.concatenate([p.origin for p in parts]), whole.origin)


def test_a_strip_may_lie_beside_the_source(tmp_path: Path) -> None:
    """A scene needs no relief everywhere, but somewhere."""
    north = GRID.rows(slice(0, 30))
    raster.write(tmp_path / "dem.tif", np.full(north.shape, 900, np.int16), north)
    upper, lower = dem_parts(tmp_path / "dem.tif", GRID, strips(GRID, 45))
    assert (upper.elevation[:30] == 900).all() and np.isnan(upper.elevation[31:]).all()
    assert np.isnan(lower.elevation).all()
    with pytest.raises(GridError, match="covers no part of the grid"):
        list(dem_parts(tmp_path / "dem.tif", lower_half := GRID.rows(slice(45, 90)), [lower_half]))
    raster.write(tmp_path / "void.tif", np.full(SHAPE, -32768, np.int16), GRID)
    with pytest.raises(DataError, match="only voids"):
        list(dem_parts(tmp_path / "void.tif", GRID, strips(GRID, 45)))


def test_tree_cover_is_judged_by_all_strips(tmp_path: Path) -> None:
    """A strip with no more than 1 % of trees is no mask, a scene with no more is one."""
    cover = np.zeros(SHAPE, np.uint8)
    cover[:45:2], cover[45:] = 1, 60
    raster.write(tmp_path / "tcd.tif", cover, GRID)
    parts = list(tree_cover_parts(tmp_path / "tcd.tif", GRID, strips(GRID, 45)))
    np.testing.assert_array_equal(np.concatenate(parts), cover)
    np.testing.assert_array_equal(read_tree_cover(tmp_path / "tcd.tif", GRID), cover)
    raster.write(tmp_path / "mask.tif", np.minimum(cover, 1), GRID)
    with pytest.raises(DataError, match="expected per cent"):
        list(tree_cover_parts(tmp_path / "mask.tif", GRID, strips(GRID, 45)))
