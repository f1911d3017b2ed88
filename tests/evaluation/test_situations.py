"""Situations in which maps are known to fail."""

from pathlib import Path

import numpy as np
from affine import Affine
from rasterio.crs import CRS

from firn import raster
from firn.classes import Quality
from firn.evaluation.situations import of_ground, of_map, of_snow
from firn.files import strata_path
from firn.grid import Grid

GRID = Grid(CRS.from_epsg(32632), Affine(20, 0, 600000, 0, -20, 5200020), 4, 6)


def test_snow_situations_hold_snow_only() -> None:
    reference = np.array([[1, 1, 0, 2]], np.uint8)
    saturated = np.array([[True, False, True, True]])
    shaded = np.array([[False, True, True, False]])
    told = of_snow(reference, saturated, shaded, sun_elevation=24.9)
    assert told["saturated snow"].tolist() == [[True, False, False, False]]
    assert told["shaded snow"].tolist() == [[False, True, False, False]]
    assert told["low sun"].all()
    assert not of_snow(reference, saturated, shaded, sun_elevation=25.0)["low sun"].any()


def test_forest_edge_is_open_ground_within_60_m() -> None:
    quality = np.zeros((1, 8), np.uint8)
    quality[0, 2] = Quality.FOREST | Quality.SHADED
    told = of_map(np.ones((1, 8), np.uint8), quality, 40.0, resolution=20.0)
    assert told["forest edge"].tolist() == [[True, True, False, True, True, True, False, False]]
    assert told["shaded snow"].tolist() == [[False, False, True] + 5 * [False]]
    without = of_map(np.ones((1, 8), np.uint8), np.zeros((1, 8), np.uint8), 40.0, 20.0)
    assert not without["forest edge"].any()


def test_raster_beside_the_reference_names_its_situations(tmp_path: Path) -> None:
    """It covers the left half of the map; 2 is no flag."""
    reference = tmp_path / "S1.tif"
    assert of_ground(reference, GRID) == {}
    flags = np.zeros((2, 4, 3), np.uint8)
    flags[0, 1], flags[1, :, 0], flags[1, 0, 1] = 1, 1, 2
    raster.write(
        strata_path(reference), flags, GRID.crop(0, 0, 4, 3), band_names=("glacier", "scree")
    )
    assert strata_path(reference).name == "S1_strata.tif"
    told = of_ground(reference, GRID)
    assert list(told) == ["glacier", "scree"]
    np.testing.assert_array_equal(np.argwhere(told["glacier"]), [[1, 0], [1, 1], [1, 2]])
    np.testing.assert_array_equal(np.argwhere(told["scree"])[:, 1], [0, 0, 0, 0])
