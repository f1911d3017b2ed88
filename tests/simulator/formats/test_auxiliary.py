"""Elevation, tree cover and water, reread with rasterio."""

from pathlib import Path

import numpy as np
import pytest
import rasterio

from firn.errors import GridError
from firn.grid import Grid
from firn.raster import read_on
from firn.simulator.formats.auxiliary import (
    copernicus_grid,
    write_dem,
    write_tree_cover,
    write_water,
)

GRID = Grid.from_bounds("EPSG:32632", 600000, 5196000, 604000, 5200000, 20)


def plane() -> np.ndarray:
    """1500 m in the north-west, rising 1 m per 20 m to the east and 0.5 m to the south."""
    rows, cols = np.indices(GRID.shape)
    return (1500 + cols + 0.5 * rows).astype(np.float32)


def test_dem_is_a_copernicus_like_cog(tmp_path: Path) -> None:
    write_dem(tmp_path / "dem.tif", plane(), GRID)
    with rasterio.open(tmp_path / "dem.tif") as dem:
        assert dem.crs.to_epsg() == 4326
        assert dem.dtypes == ("float32",)
        assert dem.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
        assert dem.res == pytest.approx((1 / 3600, 1 / 3600))
        # Centres of pixels, not their edges, lie at whole arc seconds.
        arc_seconds = np.multiply(dem.xy(0, 0), 3600)
        np.testing.assert_allclose(arc_seconds, np.round(arc_seconds), atol=1e-4)
        left, bottom, right, top = GRID.bounds_in(dem.crs)
        assert dem.bounds.left <= left and dem.bounds.right >= right
        assert dem.bounds.bottom <= bottom and dem.bounds.top >= top


def test_dem_keeps_elevations_when_read_back(tmp_path: Path) -> None:
    write_dem(tmp_path / "dem.tif", plane(), GRID)
    inner = GRID.crop(10, 10, 180, 180)
    (back,) = read_on(tmp_path / "dem.tif", inner, "bilinear")
    assert np.abs(back - plane()[10:190, 10:190]).max() < 0.1


@pytest.mark.parametrize(
    ("zone", "northing", "factor"),
    [(32632, 5_200_000, 1), (32632, 6_000_000, 1.5), (32606, 6_800_000, 2), (32719, 6_000_000, 1)],
)
def test_columns_thin_out_towards_the_poles(zone: int, northing: float, factor: float) -> None:
    grid = copernicus_grid(
        Grid.from_bounds(f"EPSG:{zone}", 500000, northing - 2000, 502000, northing, 20)
    )
    assert grid.transform.a == pytest.approx(factor / 3600)
    assert grid.transform.e == pytest.approx(-1 / 3600)


def test_tree_cover_and_water(tmp_path: Path) -> None:
    percent = np.full(GRID.shape, 80, np.uint8)
    percent[0, 0] = 255
    write_tree_cover(tmp_path / "tcd.tif", percent, GRID)
    write_water(tmp_path / "water.tif", (percent == 255).astype(np.uint8), GRID)
    with rasterio.open(tmp_path / "tcd.tif") as image:
        assert (image.nodata, image.dtypes, image.transform) == (255, ("uint8",), GRID.transform)
        np.testing.assert_array_equal(image.read(1), percent)
    with rasterio.open(tmp_path / "water.tif") as image:
        assert image.nodata is None
        assert image.read(1).sum() == image.read(1)[0, 0] == 1


def test_same_input_same_bytes(tmp_path: Path) -> None:
    for name in ("a.tif", "b.tif"):
        write_dem(tmp_path / name, plane(), GRID)
    assert (tmp_path / "a.tif").read_bytes() == (tmp_path / "b.tif").read_bytes()


def test_wrong_shape(tmp_path: Path) -> None:
    for write in (write_dem, write_tree_cover, write_water):
        with pytest.raises(GridError, match=r"\(3, 3\)"):
            write(tmp_path / "x.tif", np.ones((3, 3)), GRID)
    assert list(tmp_path.iterdir()) == []
