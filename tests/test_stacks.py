"""Stacks of a tile: reflectance, relief, exclusion and hillshade."""

from collections.abc import Callable
from pathlib import Path

import minimal_products
import numpy as np
import pytest
import rasterio
from affine import Affine
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from minimal_products import EPSG, LEFT, SIDE, full, transform
from rasterio.crs import CRS
from rasterio.warp import transform as transform_points

from firn import raster, terrain
from firn.errors import DataError, GridError, ProductError
from firn.grid import Grid
from firn.products.identity import TileDate
from firn.sensors import packaged
from firn.stacks import encode, write_hillshade, write_terrain, write_toa

UTM = CRS.from_epsg(EPSG)
GRID = Grid(UTM, transform(20), SIDE // 20, SIDE // 20)
CROP = Path(packaged("crops/coast"))


def test_encode() -> None:
    reflectance = np.array([np.nan, -0.02, 0, 0.00004, 0.12345, 1.2, 7, 3], np.float32)
    saturated = np.array([False] * 7 + [True])
    expected = [0, 1, 1, 1, 1234, 12000, 65534, 65535]
    assert encode(reflectance, saturated).tolist() == expected


@given(arrays(np.float32, 20, elements=st.floats(-1, 10, width=32) | st.just(np.nan)))
def test_encode_keeps_no_data_apart(reflectance: np.ndarray) -> None:
    numbers = encode(reflectance, np.zeros(20, bool))
    assert ((numbers == 0) == np.isnan(reflectance)).all()
    assert (numbers < 65535).all()


@pytest.mark.parametrize("baseline", ["201", "400"])
def test_toa_of_the_real_crop(
    tmp_path: Path, crop_product: Callable[[str], Path], baseline: str
) -> None:
    output = tmp_path / "stack" / "toa_20m.tif"
    write_toa(crop_product(baseline), TileDate("18SVG", "20180314"), output)
    stack = raster.read(output)
    assert stack.dtype == np.uint16
    assert stack.band.values.tolist() == ["B02", "B03", "B04", "B08", "B11"]
    assert stack.attrs["nodata"] == 0
    assert Grid.of(stack).transform == Affine(20, 0, 439380, 0, -20, 4170120)
    with rasterio.open(CROP / "B11.tif") as dataset:
        np.testing.assert_array_equal(stack.values[4], dataset.read(1))
    with rasterio.open(CROP / "B08.tif") as dataset:
        near_infrared = dataset.read(1).astype(float)
    side = np.array([1, 3, 3, 1]) / 8
    expected = side @ near_infrared[19:23, 39:43] @ side
    assert stack.values[3, 10, 20] == pytest.approx(expected, abs=0.51)
    tags = raster.tags(output)
    assert tags["product_id"].startswith(f"S2A_MSIL1C_20160501T155902_N0{baseline}")
    assert (tags["platform"], tags["tile"]) == ("sentinel2a", "18SVG")
    assert (float(tags["sun_zenith"]), float(tags["sun_azimuth"])) == (51.25, 157.5)
    assert tags["sensing_time"] == "2018-03-14T10:24:59.123000+00:00"
    assert tags["product_id"] in tags["FIRN_PROVENANCE"]


def test_a_damaged_product_leaves_no_stack(tmp_path: Path) -> None:
    safe = minimal_products.sentinel2(tmp_path, {"B02": full((48, 48), 1000, "uint16")})
    with pytest.raises(ProductError, match="B03"):
        write_toa(safe, TileDate("32TPT", "20180314"), tmp_path / "out" / "toa_20m.tif")
    assert not list((tmp_path).glob("out/*"))


@pytest.mark.parametrize("row", [TileDate("32TPS", "20180314"), TileDate("32TPT", "20180313")])
def test_a_product_of_another_row_is_refused(tmp_path: Path, row: TileDate) -> None:
    safe = minimal_products.sentinel2(tmp_path, {"B02": full((48, 48), 1000, "uint16")})
    with pytest.raises(
        ProductError, match=rf"{safe.name}: is a product of 32TPT/20180314, .* {'/'.join(row)};"
    ):
        write_toa(safe, row, tmp_path / "toa_20m.tif")


def plane(grid: Grid, crs_grid: Grid) -> np.ndarray:
    """Elevations of ``grid`` that rise 0.1 m a metre eastwards in the CRS of ``crs_grid``."""
    columns, rows = np.meshgrid(np.arange(grid.width) + 0.5, np.arange(grid.height) + 0.5)
    x = grid.transform.c + columns * grid.transform.a
    y = grid.transform.f + rows * grid.transform.e
    east, _ = transform_points(grid.crs, crs_grid.crs, x.ravel(), y.ravel())
    return ((np.array(east) - LEFT) * 0.1 + 1500).reshape(grid.shape)


@pytest.fixture
def tile(tmp_path: Path) -> Path:
    """Terrain of a tile: forest in the first rows, water in the first columns."""
    raster.write(tmp_path / "grid.tif", np.zeros(GRID.shape, np.uint8), GRID)
    raster.write(tmp_path / "dem.tif", plane(GRID, GRID).astype(np.float32), GRID)
    cover = np.full(GRID.shape, 50, np.uint8)
    cover[:2], cover[2] = 51, 255
    raster.write(tmp_path / "cover.tif", cover, GRID)
    water = Grid(UTM, transform(20), SIDE // 20, 3)
    raster.write(tmp_path / "water.tif", np.ones(water.shape, np.uint8), water)
    write_terrain(
        *(tmp_path / f"{name}.tif" for name in ("grid", "dem", "cover", "water")),
        50,
        tmp_path / "terrain" / "dem.tif",
        tmp_path / "terrain" / "dem_origin.tif",
        tmp_path / "terrain" / "exclusion.tif",
    )
    return tmp_path


def test_terrain(tile: Path) -> None:
    dem = raster.read(tile / "terrain" / "dem.tif")
    assert dem.attrs["nodata"] == -9999
    np.testing.assert_allclose(dem.values[0], plane(GRID, GRID), rtol=1e-6)
    origin = raster.read(tile / "terrain" / "dem_origin.tif")
    assert (origin.dtype, origin.attrs["nodata"]) == (np.uint8, 0)
    assert (origin.values == 1).all()
    codes = raster.tags(tile / "terrain" / "dem_origin.tif")["codes"]
    assert codes == "0 none, 1 measured, 2 filled, 3 sea"
    expected = np.zeros(GRID.shape, np.uint8)
    expected[:2] += 1
    expected[:, :3] += 2
    np.testing.assert_array_equal(
        raster.read(tile / "terrain" / "exclusion.tif").values[0], expected
    )


def test_hillshade_takes_the_sun_of_the_scene(tile: Path) -> None:
    """A plane that rises 1 in 10 to the east, the sun in the west at 45 degrees.

    cos(incidence) = (1 + 0.1) / sqrt(2 x 1.01) = 0.7740; 1 + 254 x 0.7740 = 197.6.
    """
    toa = tile / "toa_20m.tif"
    tags = {"sun_zenith": "45", "sun_azimuth": "270", "product_id": "S2A_X"}
    raster.write(toa, np.ones(GRID.shape, np.uint16), GRID, tags=tags)
    write_hillshade(tile / "terrain" / "dem.tif", toa, tile / "hillshade.tif")
    shade = raster.read(tile / "hillshade.tif")
    assert shade.attrs["nodata"] == 0
    assert (shade.values[0, :, 1:-1] == 198).all()
    np.testing.assert_array_equal(
        shade.values[0], terrain.hillshade(plane(GRID, GRID).astype(np.float32), 20, 45, 270)
    )


def test_hillshade_errors(tile: Path) -> None:
    dem, toa = tile / "terrain" / "dem.tif", tile / "toa_20m.tif"
    raster.write(toa, np.ones(GRID.shape, np.uint16), GRID)
    with pytest.raises(DataError, match=r"toa_20m\.tif: its tags do not tell sun_zenith"):
        write_hillshade(dem, toa, tile / "hillshade.tif")
    tags = {"sun_zenith": "45", "sun_azimuth": "270"}
    raster.write(toa, np.ones((4, 4), np.uint16), GRID.crop(0, 0, 4, 4), tags=tags)
    with pytest.raises(GridError, match="not on the grid"):
        write_hillshade(dem, toa, tile / "hillshade.tif")
    assert not (tile / "hillshade.tif").exists()
