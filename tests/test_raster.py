"""Grids, warping and writing of rasters."""

import numpy as np
import pytest
import rasterio
import xarray as xr
from affine import Affine
from rasterio.crs import CRS

from firn import cog, raster
from firn.errors import DataError, GridError
from firn.grid import Grid

UTM = CRS.from_epsg(32632)


@pytest.fixture
def grid() -> Grid:
    return Grid.from_bounds(UTM, 600000, 5199000, 601000, 5200000, 20)


def test_grid_from_bounds_and_back(grid: Grid) -> None:
    assert grid.shape == (50, 50)
    assert grid.bounds == (600000, 5199000, 601000, 5200000)
    assert grid.with_resolution(10).shape == (100, 100)


def test_crop_moves_the_origin(grid: Grid) -> None:
    part = grid.crop(2, 5, 10, 20)
    assert part.shape == (10, 20)
    assert part.bounds == (600100, 5199760, 600500, 5199960)


def test_rotated_grid_is_refused() -> None:
    with pytest.raises(GridError, match="rotated"):
        Grid(UTM, Affine(20, 1, 0, 0, -20, 0), 5, 5)


def test_south_up_raster_is_refused_by_name(tmp_path) -> None:
    path = tmp_path / "upside_down.tif"
    profile = {"driver": "GTiff", "count": 1, "height": 5, "width": 5, "dtype": "uint8"}
    with rasterio.open(
        path, "w", **profile, crs=UTM, transform=Affine(20, 0, 600000, 0, 20, 5200000)
    ) as dataset:
        dataset.write(np.zeros((1, 5, 5), np.uint8))
    with pytest.raises(GridError, match=r"upside_down\.tif: a south-up .*gdalwarp"):
        raster.read(path)


def test_grid_covers_what_lies_within(grid: Grid) -> None:
    assert grid.covers(grid)
    assert grid.covers(grid.crop(2, 5, 10, 20))
    assert not grid.covers(grid.crop(45, 0, 10, 10))
    degrees = Grid.from_bounds(CRS.from_epsg(4326), *grid.bounds_in(CRS.from_epsg(4326)), 1e-4)
    assert degrees.covers(grid.crop(1, 1, 48, 48))
    assert not grid.covers(degrees)


def test_overlap_across_coordinate_systems(grid: Grid) -> None:
    degrees = Grid.from_bounds(CRS.from_epsg(4326), *grid.bounds_in(CRS.from_epsg(4326)), 0.001)
    far = Grid.from_bounds(CRS.from_epsg(4326), 100, 10, 101, 11, 0.1)
    assert grid.overlaps(degrees)
    assert not grid.overlaps(far)


def test_array_must_fit_its_grid(grid: Grid) -> None:
    with pytest.raises(GridError, match=r"\(3, 3\)"):
        raster.data_array(np.zeros((3, 3)), grid, name="x", units="1")


def test_written_raster_reads_back(tmp_path, grid: Grid) -> None:
    values = np.arange(2 * 2500, dtype=np.uint16).reshape(2, 50, 50)
    path = tmp_path / "deep" / "file.tif"
    raster.write(path, values, grid, nodata=0, band_names=("a", "b"), tags={"KEY": "value"})
    data = raster.read(path)
    assert np.array_equal(data.values, values)
    assert list(data.band.values) == ["a", "b"]
    assert data.attrs["nodata"] == 0
    assert Grid.of(data) == grid == raster.grid_of(path)
    assert raster.tags(path)["KEY"] == "value"
    window = raster.read(path, indexes=[2], window=(10, 20, 3, 4))
    assert np.array_equal(window.values[0], values[1, 10:13, 20:24])
    assert [p.name for p in path.parent.iterdir()] == ["file.tif"]


def test_pixels_alone_are_those_of_the_data_array(tmp_path, grid: Grid) -> None:
    values = np.arange(2 * 2500, dtype=np.int16).reshape(2, 50, 50)
    path = tmp_path / "file.tif"
    raster.write(path, values, grid, nodata=7, units="m")
    assert np.array_equal(raster.read_values(path), values)
    part = raster.read_values(path, indexes=[2], window=(10, 20, 3, 4))
    assert np.array_equal(part, values[1:, 10:13, 20:24])
    assert (raster.nodata(path), raster.units(path)) == (7, "m")
    numbers = raster.read_float32(path)
    assert numbers.dtype == np.float32
    assert np.argwhere(np.isnan(numbers)).tolist() == [[0, 0, 7]]
    assert np.array_equal(numbers[1], values[1])


def test_a_file_may_tell_neither_units_nor_no_data(tmp_path, grid: Grid) -> None:
    path = tmp_path / "file.tif"
    raster.write(path, np.ones((50, 50), np.uint8), grid)
    assert (raster.nodata(path), raster.units(path)) == (None, "1")
    assert np.array_equal(raster.read_float32(path), np.ones((1, 50, 50), np.float32))


def test_arithmetic_keeps_the_georeference(grid: Grid) -> None:
    data = raster.data_array(np.ones((50, 50), np.float32), grid, name="x", units="1")
    told = (2 * data + 1).spatial_ref.attrs
    assert Grid.of(2 * data + 1) == grid
    assert CRS.from_wkt(told["crs_wkt"]) == UTM
    assert told["GeoTransform"] == "600000.0 20.0 0.0 5200000.0 0.0 -20.0"
    with pytest.raises(GridError, match="x: has no coordinate reference system"):
        Grid.of(data.drop_vars("spatial_ref"))


def test_missing_and_truncated_files_name_the_file(tmp_path, grid: Grid) -> None:
    with pytest.raises(DataError, match=r"absent\.tif"):
        raster.read(tmp_path / "absent.tif")
    path = tmp_path / "short.tif"
    raster.write(path, np.random.default_rng(0).integers(0, 255, (50, 50), dtype=np.uint8), grid)
    path.write_bytes(path.read_bytes()[:-1500])
    with pytest.raises(DataError, match=r"short\.tif"):
        raster.read(path)
    with pytest.raises(DataError, match="band"):
        raster.write(path, np.zeros((50, 50), np.uint8), grid)
        raster.read(path, indexes=[2])


def test_failed_write_leaves_the_old_file(tmp_path, grid: Grid) -> None:
    path = tmp_path / "file.tif"
    raster.write(path, np.ones((50, 50), np.uint8), grid)
    before = path.read_bytes()
    with pytest.raises(ValueError, match="nodata"):
        raster.write(path, np.ones((50, 50), np.uint8), grid, nodata=70000)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_read_on_averages_blocks(tmp_path, grid: Grid) -> None:
    fine = np.zeros((50, 50), np.float32)
    fine[0, 0], fine[0, 1], fine[1, 0], fine[1, 1] = 1, 2, 3, 6
    path = tmp_path / "fine.tif"
    raster.write(path, fine, grid)
    coarse = raster.read_on(path, grid.with_resolution(40), "average")
    assert coarse.shape == (1, 25, 25)
    assert coarse[0, 0, 0] == pytest.approx(3.0)


def test_read_on_refuses_another_place(tmp_path, grid: Grid) -> None:
    path = tmp_path / "here.tif"
    raster.write(path, np.zeros((50, 50), np.uint8), grid)
    elsewhere = Grid.from_bounds(UTM, 700000, 5199000, 701000, 5200000, 20)
    with pytest.raises(GridError, match=r"here\.tif.*no part"):
        raster.read_on(path, elsewhere, "nearest")


def test_resample_fills_what_the_source_does_not_reach(grid: Grid) -> None:
    target = Grid.from_bounds(UTM, 600500, 5199000, 601500, 5200000, 20)
    moved = raster.resample(np.full((50, 50), 7, np.uint8), grid, target, "nearest", fill=99)
    assert np.all(moved[:, :25] == 7)
    assert np.all(moved[:, 25:] == 99)


def test_cog_keeps_codes_colours_and_names(tmp_path) -> None:
    grid = Grid.from_bounds(UTM, 600000, 5180000, 620480, 5200480, 20)
    values = np.where(np.indices(grid.shape)[0] < 500, 100, 205).astype(np.uint8)
    path = tmp_path / "map.tif"
    with cog.pieces(
        tmp_path / "plain.tif",
        grid,
        np.uint8,
        nodata=254,
        colours={100: "#56b4e9"},
        categories={100: "snow"},
    ) as plain:
        plain.write(values[:500])
        plain.write(values[500:], row=500)
    cog.publish(tmp_path / "plain.tif", path)
    with rasterio.open(path) as dataset:
        assert dataset.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
        assert dataset.nodata == 254
        assert dataset.colormap(1)[100] == (0x56, 0xB4, 0xE9, 255)
        assert dataset.tags()["CATEGORY_100"] == "snow"
        assert dataset.overviews(1)
        overview = dataset.read(1, out_shape=(512, 512))
    assert set(np.unique(overview)) == {100, 205}


def test_georeference_is_that_of_rioxarray(grid: Grid) -> None:
    """What firn makes, rioxarray reads; what rioxarray makes, under any name, firn reads."""
    import rioxarray  # noqa: F401  (registers the .rio accessor)

    values = np.zeros(grid.shape, np.float32)
    ours = raster.data_array(values, grid, name="x", units="1")
    assert ours.rio.crs == grid.crs
    assert ours.rio.transform() == grid.transform
    plain = xr.DataArray(values, dims=("y", "x"))
    with pytest.raises(GridError, match="no coordinate reference system"):
        Grid.of(plain)
    theirs = plain.rio.write_crs(grid.crs, grid_mapping_name="crs")
    theirs = theirs.rio.write_transform(grid.transform, grid_mapping_name="crs")
    assert Grid.of(theirs) == grid
