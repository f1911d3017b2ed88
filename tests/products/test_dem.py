"""Elevation from tiles and rasters of many kinds."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import rasterio
from affine import Affine
from minimal_products import EPSG, LEFT, SIDE, TOP, transform
from rasterio.crs import CRS
from rasterio.warp import transform as transform_points

from firn import raster
from firn.errors import DataError, FirnError, GridError
from firn.grid import Grid
from firn.products import dem as dem_module
from firn.products.dem import Origin, read_dem

UTM, GEOGRAPHIC = CRS.from_epsg(EPSG), CRS.from_epsg(4326)
GRID = Grid(UTM, transform(20), SIDE // 20, SIDE // 20)
#: Rows of a Copernicus tile at 3 arc seconds, and its columns below and above 50 degrees.
ROWS, COLUMNS, FEWER_COLUMNS = 1200, 1200, 800

Surface = Callable[[npt.NDArray[np.float64], npt.NDArray[np.float64]], npt.NDArray[np.float64]]


def slope(x: npt.NDArray[np.float64], y: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Heights that rise about 1 m in 100 m to the east and 2 m in 100 m to the north."""
    return 1000 + 760 * (x - 10) + 2220 * (y - 46)


def centres(grid: Grid) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Longitude and latitude of the pixels' centres."""
    columns, rows = np.meshgrid(np.arange(grid.width) + 0.5, np.arange(grid.height) + 0.5)
    x = grid.transform.c + columns * grid.transform.a
    y = grid.transform.f + rows * grid.transform.e
    longitude, latitude = transform_points(grid.crs, GEOGRAPHIC, x.ravel(), y.ravel())
    return np.reshape(longitude, grid.shape), np.reshape(latitude, grid.shape)


def around(longitude: float, latitude: float, size: int = 300) -> Grid:
    """Square of ``size`` pixels of 20 m around a place."""
    (x,), (y,) = transform_points(GEOGRAPHIC, UTM, [longitude], [latitude])
    half = 10 * size
    return Grid.from_bounds(UTM, x - half, y - half, x + half, y + half, 20)


def copernicus(
    folder: Path, latitude: int, longitude: int, surface: Surface, *, nested: bool = False
) -> Path:
    """Tile at 3 arc seconds; its upper-left pixel has its centre on the degree lines."""
    columns = COLUMNS if latitude < 50 else FEWER_COLUMNS
    x_step, y_step = 1 / columns, 1 / ROWS
    corner = Affine(x_step, 0, longitude - x_step / 2, 0, -y_step, latitude + 1 + y_step / 2)
    grid = Grid(GEOGRAPHIC, corner, ROWS, columns)
    x = longitude + np.arange(columns) * x_step
    y = latitude + 1 - np.arange(ROWS) * y_step
    name = f"Copernicus_DSM_COG_30_N{latitude:02}_00_E{longitude:03}_00_DEM"
    path = (folder / name if nested else folder) / f"{name}.tif"
    values = np.broadcast_to(surface(x[None], y[:, None]), grid.shape).astype(np.float32)
    raster.write(path, values, grid)
    return path


def srtm(folder: Path, latitude: int, longitude: int, heights: npt.NDArray[np.int16]) -> Path:
    """Raw big-endian heights of 1201 x 1201 points, the outer ones on the degree lines."""
    assert heights.shape == (1201, 1201)
    path = folder / f"N{latitude:02}E{longitude:03}.hgt"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(heights.astype(">i2").tobytes())
    return path


def srtm_heights(latitude: int, longitude: int, surface: Surface) -> npt.NDArray[np.int16]:
    x = longitude + np.arange(1201) / 1200
    y = latitude + 1 - np.arange(1201) / 1200
    return np.rint(np.broadcast_to(surface(x[None], y[:, None]), (1201, 1201))).astype(np.int16)


@pytest.mark.parametrize("nested", [False, True])
def test_copernicus_tiles_meet_without_a_seam(tmp_path: Path, nested: bool) -> None:
    for latitude in (45, 46):
        for longitude in (9, 10):
            copernicus(tmp_path, latitude, longitude, slope, nested=nested)
    grid = around(10, 46)
    dem = read_dem(tmp_path, grid)
    assert dem.elevation.dtype == np.float32
    np.testing.assert_allclose(dem.elevation, slope(*centres(grid)), atol=0.05)
    assert (dem.origin == Origin.MEASURED).all()


def test_tiles_have_fewer_columns_beyond_50_degrees(tmp_path: Path) -> None:
    """At the border itself, where kernels end, half a pixel of 93 m x 0.022 is 1 m."""

    def northern(x: npt.NDArray[np.float64], y: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        return slope(x, y - 4)

    for south in (49, 50):
        copernicus(tmp_path, south, 10, northern)
    grid = around(10.5, 50)
    dem = read_dem(tmp_path, grid)
    longitude, latitude = centres(grid)
    error = np.abs(dem.elevation - northern(longitude, latitude))
    assert error.max() < 1.1
    assert error[np.abs(latitude - 50) > 2 / ROWS].max() < 0.05


def test_only_tiles_that_touch_the_grid_are_opened(tmp_path: Path) -> None:
    copernicus(tmp_path, 46, 10, slope)
    for name in ("N47_00_E010", "N46_00_E011", "S46_00_E010", "N46_00_W010"):
        (tmp_path / f"Copernicus_DSM_COG_10_{name}_00_DEM.tif").write_text("not a raster")
    # Masks come with the tiles.
    (tmp_path / "AUXFILES").mkdir()
    (tmp_path / "AUXFILES" / "Copernicus_DSM_COG_30_N46_00_E010_00_WBM.tif").write_text("mask")
    grid = around(10.5, 46.5)
    np.testing.assert_allclose(read_dem(tmp_path, grid).elevation, slope(*centres(grid)), atol=0.05)


def test_a_missing_copernicus_tile_is_sea(tmp_path: Path) -> None:
    """The land falls to 0 m at 10.99 degrees east; there is no tile beyond 11."""
    copernicus(tmp_path, 46, 10, lambda x, y: np.maximum(0, 5000 * (10.99 - x)) + 0 * y)
    grid = around(11, 46.5)
    dem = read_dem(tmp_path, grid)
    longitude, _ = centres(grid)
    assert np.isfinite(dem.elevation).all()
    assert (dem.elevation[longitude > 10.995] == 0).all()
    assert (dem.elevation[longitude < 10.985] > 20).all()
    assert (dem.origin[longitude > 11.0005] == Origin.SEA).all()
    assert (dem.origin[longitude < 10.999] == Origin.MEASURED).all()
    # One tile by its own name tells nothing about those around it.
    alone = read_dem(next(tmp_path.glob("*.tif")), grid)
    assert np.isnan(alone.elevation[longitude > 11.0005]).all()
    assert (alone.origin[longitude > 11.0005] == Origin.NONE).all()


def test_a_missing_tile_beside_high_land_is_an_error(tmp_path: Path) -> None:
    copernicus(tmp_path, 46, 10, slope)
    with pytest.raises(DataError, match=r"no Copernicus tile N46_00_E011_00.* 2\d{3} m .*fetch"):
        read_dem(tmp_path, around(11, 46.3))


def test_srtm_tiles_share_a_row_and_their_small_voids_are_filled(tmp_path: Path) -> None:
    """Heights are rounded to 1 m, and beside a void the kernel is cut."""
    west, east = (srtm_heights(46, longitude, slope) for longitude in (10, 11))
    small, large = (slice(600, 603), slice(1180, 1183)), (slice(640, 656), slice(1160, 1176))
    west[small] = west[large] = -32768
    for longitude, heights in ((10, west), (11, east)):
        srtm(tmp_path, 46, longitude, heights)
    grid = around(10.98, 46.48, 600)
    dem = read_dem(tmp_path, grid)
    expected = slope(*centres(grid))
    known = dem.origin == Origin.MEASURED
    np.testing.assert_allclose(dem.elevation[known], expected[known], atol=1.3)
    filled = dem.origin == Origin.FILLED
    # 3 x 3 pixels of 64 m x 93 m are 191 m x 278 m.
    assert filled.sum() == pytest.approx(191 * 278 / 400, rel=0.1)
    np.testing.assert_allclose(dem.elevation[filled], expected[filled], atol=2.5)
    # 16 x 16 pixels are 1021 m x 1482 m: nothing of them is filled, their rim neither.
    void = dem.origin == Origin.NONE
    assert void.sum() == pytest.approx(1021 * 1482 / 400, rel=0.05)
    np.testing.assert_array_equal(np.isnan(dem.elevation), void)


@pytest.mark.parametrize("code", [-32768, -32767, -9999, 32767])
def test_voids_that_no_tag_tells_are_not_interpolated(tmp_path: Path, code: int) -> None:
    values = np.full(GRID.shape, 1500, np.int16)
    values[12, 10] = code
    raster.write(tmp_path / "dem.tif", values, GRID)
    dem = read_dem(tmp_path / "dem.tif", GRID)
    assert (dem.elevation == 1500).all()
    assert np.argwhere(dem.origin == Origin.FILLED).tolist() == [[12, 10]]


def test_voids_that_a_tag_tells(tmp_path: Path) -> None:
    values = np.full(GRID.shape, 1500, np.float32)
    values[12, 10], values[3, 3] = 0, np.nan
    raster.write(tmp_path / "dem.tif", values, GRID, nodata=0)
    dem = read_dem(tmp_path / "dem.tif", GRID)
    assert (dem.elevation == 1500).all()
    assert np.argwhere(dem.origin == Origin.FILLED).tolist() == [[3, 3], [12, 10]]


def test_a_lone_void_takes_the_mean_of_its_neighbours(tmp_path: Path) -> None:
    values = np.arange(24 * 24, dtype=np.float32).reshape(24, 24)
    values[12, 10] = -32768
    raster.write(tmp_path / "dem.tif", values, GRID)
    dem = read_dem(tmp_path / "dem.tif", GRID)
    assert dem.elevation[12, 10] == pytest.approx(12 * 24 + 10, abs=0.01)


def test_beyond_a_raster_there_is_no_elevation(tmp_path: Path) -> None:
    """Nor in a void at its edge, of which one side is not known."""
    half = Grid(UTM, transform(20), SIDE // 20, SIDE // 40)
    values = np.full(half.shape, 1500, np.int16)
    values[4, -1] = -32768
    raster.write(tmp_path / "dem.tif", values, half)
    dem = read_dem(tmp_path / "dem.tif", GRID)
    assert np.isnan(dem.elevation[:, half.width :]).all()
    assert (dem.elevation[10:, : half.width] == 1500).all()
    assert np.isnan(dem.elevation[4, half.width - 1])
    assert (dem.origin == np.where(np.isnan(dem.elevation), Origin.NONE, Origin.MEASURED)).all()


@pytest.mark.parametrize("dtype", ["float32", "int16", "uint16"])
def test_relief_of_another_crs_lands_on_the_grid(tmp_path: Path, dtype: str) -> None:
    copy = copernicus(tmp_path, 46, 10, slope)
    data = raster.read(copy)
    raster.write(tmp_path / "any.tif", np.rint(data.values).astype(dtype), Grid.of(data))
    grid = around(10.5, 46.5)
    elevation = read_dem(tmp_path / "any.tif", grid).elevation
    np.testing.assert_allclose(elevation, slope(*centres(grid)), atol=0.7)


def test_a_finer_raster_is_averaged(tmp_path: Path) -> None:
    """Heights of 0 and 100 m in turns, in pixels of 5 m: 50 m in pixels of 20 m."""
    fine = GRID.with_resolution(5)
    values = np.indices(fine.shape).sum(axis=0) % 2 * 100.0
    raster.write(tmp_path / "dem.tif", values.astype(np.float32), fine)
    elevation = read_dem(tmp_path / "dem.tif", GRID).elevation
    np.testing.assert_allclose(elevation[1:-1, 1:-1], 50, atol=1e-3)


def test_a_large_source_is_read_in_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(1)
    fine = around(10.5, 46.5, 400).with_resolution(5)
    values = slope(*centres(fine.with_resolution(20))).repeat(4, 0).repeat(4, 1)
    values += rng.normal(0, 5, fine.shape)
    raster.write(tmp_path / "dem.tif", values.astype(np.float32), fine)
    grid = around(10.5, 46.5, 300)
    whole = read_dem(tmp_path / "dem.tif", grid).elevation
    monkeypatch.setattr(dem_module, "MAX_READ", 280)
    np.testing.assert_allclose(read_dem(tmp_path / "dem.tif", grid).elevation, whole, atol=0.01)


def test_a_list_of_files_and_a_vrt_give_the_same(tmp_path: Path) -> None:
    east, west = (srtm(tmp_path, 46, x, srtm_heights(46, x, slope)) for x in (11, 10))
    grid = around(11, 46.5)
    whole = read_dem(tmp_path, grid).elevation
    np.testing.assert_array_equal(read_dem([east, west], grid).elevation, whole)
    sources = "".join(
        f'<SimpleSource><SourceFilename relativeToVRT="1">{file.name}</SourceFilename>'
        '<SourceBand>1</SourceBand><SrcRect xOff="0" yOff="0" xSize="1201" ySize="1201"/>'
        f'<DstRect xOff="{x}" yOff="0" xSize="1201" ySize="1201"/>'
        "</SimpleSource>"
        for x, file in ((0, west), (1200, east))
    )
    (tmp_path / "all.vrt").write_text(
        '<VRTDataset rasterXSize="2401" rasterYSize="1201"><SRS>EPSG:4326</SRS>'
        f"<GeoTransform>{10 - 1 / 2400},{1 / 1200},0,{47 + 1 / 2400},0,{-1 / 1200}</GeoTransform>"
        '<VRTRasterBand dataType="Int16" band="1"><NoDataValue>-32768</NoDataValue>'
        f"{sources}</VRTRasterBand></VRTDataset>"
    )
    np.testing.assert_allclose(read_dem(tmp_path / "all.vrt", grid).elevation, whole, atol=0.02)


def test_heights_in_feet_are_refused(tmp_path: Path) -> None:
    values = np.full(GRID.shape, 4000, np.float32)
    raster.write(tmp_path / "tagged.tif", values, GRID, units="ft")
    with pytest.raises(DataError, match=r"tagged\.tif: has heights in 'ft', expected metres"):
        read_dem(tmp_path / "tagged.tif", GRID)
    feet = Grid(CRS.from_user_input(f"EPSG:{EPSG}+6360"), *(GRID.transform, *GRID.shape))
    raster.write(tmp_path / "vertical.tif", values, feet)
    with pytest.raises(DataError, match=r"vertical\.tif: has heights in 'US survey foot'"):
        read_dem(tmp_path / "vertical.tif", GRID)
    metres = Grid(CRS.from_user_input(f"EPSG:{EPSG}+5773"), *(GRID.transform, *GRID.shape))
    raster.write(tmp_path / "metres.tif", values, metres, units="m")
    assert (read_dem(tmp_path / "metres.tif", GRID).elevation == 4000).all()


@pytest.mark.parametrize("height", [9001, 12000, -501])
def test_absurd_heights_are_refused(tmp_path: Path, height: int) -> None:
    values = np.full(GRID.shape, 1500, np.int16)
    values[3, 3] = height
    raster.write(tmp_path / "dem.tif", values, GRID)
    with pytest.raises(DataError, match=rf"dem\.tif: has heights from .*{height}.*convert"):
        read_dem(tmp_path / "dem.tif", GRID)


def test_sources_that_are_of_no_use(tmp_path: Path) -> None:
    raster.write(tmp_path / "void.tif", np.full(GRID.shape, -32768, np.int16), GRID)
    away = Grid(UTM, transform(20, LEFT + 9000, TOP), 5, 5)
    raster.write(tmp_path / "away.tif", np.full((5, 5), 1500, np.int16), away)
    (tmp_path / "text.tif").write_text("no raster")
    local = Grid(CRS.from_wkt('LOCAL_CS["x",UNIT["metre",1]]'), GRID.transform, *GRID.shape)
    raster.write(tmp_path / "local.tif", np.ones(GRID.shape, np.int16), local)
    (tmp_path / "empty").mkdir()
    with rasterio.open(
        tmp_path / "nowhere.tif", "w", driver="GTiff", width=5, height=5, count=1, dtype="int16"
    ) as dataset:
        dataset.write(np.ones((1, 5, 5), np.int16))
    cases: dict[str, tuple[type[FirnError], str]] = {
        "void.tif": (DataError, "has no elevation on the grid, only voids"),
        "away.tif": (GridError, "covers no part of the grid"),
        "text.tif": (DataError, "cannot be opened as a raster"),
        "nowhere.tif": (GridError, "has no coordinate reference system"),
        "local.tif": (GridError, "no place on Earth"),
        "empty": (DataError, "holds no raster"),
        "missing": (DataError, "does not exist"),
    }
    for name, (error, message) in cases.items():
        with pytest.raises(error, match=f"{name}.*{message}"):
            read_dem(tmp_path / name, GRID)
