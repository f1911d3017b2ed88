"""Patches of a scene."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from affine import Affine
from hypothesis import given
from hypothesis import strategies as st
from rasterio.crs import CRS

from firn import netcdf, raster
from firn.config import PatchSettings
from firn.errors import DataError, GridError
from firn.grid import Grid
from firn.patches import Stack, cut_patches, origins, write_patches

BANDS = ("B02", "B03", "B04", "B08", "B11")
SIDE = 40
SETTINGS = PatchSettings(size=16, overlap=4, minimum_mean_elevation=1200)
GRID = Grid(CRS.from_epsg(32632), Affine(20, 0, 600000, 0, -20, 5200020), SIDE, SIDE)
TAGS = {
    "product_id": "S2A_TEST",
    "platform": "sentinel2a",
    "sun_zenith": "40.5",
    "sun_azimuth": "150",
}


@pytest.fixture
def stack(tmp_path: Path) -> Stack:
    """40 x 40 pixels: high in the west, low in the east, no data in the upper-left patch."""
    toa = np.arange(1, 5 * SIDE * SIDE + 1, dtype=np.uint16).reshape(5, SIDE, SIDE)
    toa[:, :16, :16] = 0
    dem = np.full((SIDE, SIDE), 2000, np.float32)
    dem[:, 24:] = 0
    dem[39, 0] = -9999
    labels = (toa[0] % 3).astype(np.uint8)
    paths = {name: tmp_path / f"{name}.tif" for name in ("toa", "labels", "hillshade", "dem")}
    raster.write(paths["toa"], toa, GRID, nodata=0, band_names=BANDS, tags=TAGS)
    raster.write(paths["labels"], labels, GRID)
    raster.write(paths["hillshade"], np.full((SIDE, SIDE), 180, np.uint8), GRID, nodata=0)
    raster.write(paths["dem"], dem, GRID, nodata=-9999, units="m")
    return Stack("32TPT", "20180315", **paths)


def test_reference_tile_gives_121_patches() -> None:
    corners = list(origins((5490, 5490), 572, 92))
    assert len(corners) == 121
    assert corners[0] == (0, 0)
    assert corners[-1] == (4800, 4800)


@given(st.integers(16, 400), st.integers(16, 400), st.integers(16, 64), st.integers(0, 15))
def test_patches_lie_inside_and_leave_less_than_a_step(
    height: int, width: int, size: int, overlap: int
) -> None:
    corners = list(origins((height, width), size, overlap))
    assert all(row + size <= height and col + size <= width for row, col in corners)
    if corners:
        row, col = corners[-1]
        assert height - (row + size) < size - overlap
        assert width - (col + size) < size - overlap
    else:
        assert min(height, width) < size


def test_low_and_empty_patches_are_dropped_and_counted(stack: Stack) -> None:
    """Of 3 x 3 patches at 0, 12, 24: column 24 is low, (0, 0) has no data."""
    patches = cut_patches(stack, SETTINGS)
    assert list(zip(patches.row.values, patches.col.values, strict=True)) == [
        (0, 12),
        (12, 0),
        (12, 12),
        (24, 0),
        (24, 12),
    ]
    assert patches.attrs["dropped_low"] == 3
    assert patches.attrs["dropped_no_data"] == 1
    # Columns 12-27: 12 of 16 columns at 2000 m, the others at 0 m.
    np.testing.assert_allclose(patches.mean_elevation.values, [1500, 2000, 1500, 2000, 1500])


def test_patch_holds_the_pixels_of_its_window(stack: Stack, tmp_path: Path) -> None:
    write_patches(stack, SETTINGS, tmp_path / "patches.nc")
    patches = netcdf.read(tmp_path / "patches.nc")
    toa = raster.read(stack.toa).values
    labels = raster.read(stack.labels).values[0]
    for index, (row, col) in enumerate(zip(patches.row.values, patches.col.values, strict=True)):
        window = np.s_[row : row + 16, col : col + 16]
        np.testing.assert_array_equal(patches.toa[index], toa[:, *window])
        np.testing.assert_array_equal(patches.label[index], labels[window])
    assert list(patches.band.values) == list(BANDS)
    assert patches.attrs["tile"] == "32TPT"
    assert patches.attrs["sun_zenith"] == 40.5
    assert np.isnan(patches.dem.values[3, 15, 0]), "DEM no-data is NaN"


def test_no_patch_is_a_valid_file(stack: Stack, tmp_path: Path) -> None:
    high = SETTINGS.model_copy(update={"minimum_mean_elevation": 5000})
    write_patches(stack, high, tmp_path / "none.nc")
    patches = netcdf.read(tmp_path / "none.nc")
    assert patches.sizes["patch"] == 0
    assert patches.toa.shape == (0, 5, 16, 16)
    assert patches.attrs["dropped_low"] == 8


def test_same_scene_gives_same_bytes(stack: Stack, tmp_path: Path) -> None:
    write_patches(stack, SETTINGS, tmp_path / "a" / "p.nc")
    write_patches(stack, SETTINGS, tmp_path / "b" / "p.nc")
    assert (tmp_path / "a" / "p.nc").read_bytes() == (tmp_path / "b" / "p.nc").read_bytes()


def test_scene_smaller_than_a_patch_is_refused(stack: Stack) -> None:
    with pytest.raises(DataError, match=r"toa\.tif.*lower patches\.size"):
        cut_patches(stack, PatchSettings(size=64, overlap=4))


def test_raster_on_another_grid_is_refused(stack: Stack, tmp_path: Path) -> None:
    other = tmp_path / "shifted.tif"
    grid = Grid(GRID.crs, Affine(20, 0, 600020, 0, -20, 5200020), SIDE, SIDE)
    raster.write(other, np.zeros((SIDE, SIDE), np.uint8), grid)
    with pytest.raises(GridError, match=r"shifted\.tif"):
        cut_patches(replace(stack, labels=other), SETTINGS)


def test_missing_tag_is_named(stack: Stack, tmp_path: Path) -> None:
    bare = tmp_path / "bare.tif"
    raster.write(bare, raster.read(stack.toa).values, GRID, nodata=0)
    with pytest.raises(DataError, match=r"bare\.tif.*platform"):
        cut_patches(replace(stack, toa=bare), SETTINGS)


def test_truncated_patch_file_is_named(stack: Stack, tmp_path: Path) -> None:
    path = tmp_path / "patches.nc"
    write_patches(stack, SETTINGS, path)
    path.write_bytes(path.read_bytes()[:300])
    with pytest.raises(DataError, match=r"patches\.nc"):
        netcdf.read(path)
