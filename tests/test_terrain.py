"""Relief on planes and walls whose answers are known."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.ndimage import map_coordinates

from firn import terrain
from firn.simulator.fields import fractal


def relief(side: int) -> np.ndarray:
    """Mountains."""
    return 1800 + 400 * fractal(np.random.default_rng(4), (side, side), 20, 2000, 4)


def plane(east: float, north: float, side: int = 21, step: float = 20.0) -> np.ndarray:
    rows, cols = np.indices((side, side), dtype=np.float32)
    return (1000 + east * cols * step - north * rows * step).astype(np.float32)


def test_gradient_of_a_plane() -> None:
    east, north = terrain.gradient(plane(0.3, -0.2), 20)
    inner = np.s_[1:-1, 1:-1]
    assert east[inner] == pytest.approx(0.3, abs=1e-4)
    assert north[inner] == pytest.approx(-0.2, abs=1e-4)


def test_flat_ground_has_the_sun_zenith() -> None:
    cosine = terrain.illumination(plane(0, 0), 20, 60, 135)
    assert cosine == pytest.approx(0.5, abs=1e-6)
    # GDAL: 1 + 254 * 0.5 = 128.
    assert np.all(terrain.hillshade(plane(0, 0), 20, 60, 135) == 128)


def test_slope_that_faces_the_sun_is_brightest() -> None:
    # A plane that rises to the north by tan(30°) faces south with a slope of 30°.
    south_facing = plane(0, np.tan(np.radians(30)))
    assert terrain.illumination(south_facing, 20, 30, 180)[5, 5] == pytest.approx(1, abs=1e-4)
    assert terrain.illumination(south_facing, 20, 60, 0)[5, 5] == pytest.approx(0, abs=1e-4)
    assert terrain.hillshade(south_facing, 20, 30, 180)[5, 5] == 255
    assert terrain.hillshade(south_facing, 20, 75, 0)[5, 5] == 1


def test_hillshade_has_no_value_without_elevation() -> None:
    dem = plane(0, 0)
    dem[3, 3] = np.nan
    shade = terrain.hillshade(dem, 20, 45, 180)
    assert shade[3, 3] == 0
    assert shade[10, 10] > 0


@pytest.mark.parametrize(
    ("azimuth", "behind"), [(90, (10, 7)), (270, (10, 13)), (180, (7, 10)), (0, (13, 10))]
)
def test_wall_throws_its_shadow_away_from_the_sun(azimuth: float, behind: tuple[int, int]) -> None:
    dem = np.zeros((21, 21), np.float32)
    if azimuth in (90, 270):
        dem[:, 10] = 100
    else:
        dem[10, :] = 100
    # At 45° the shadow of 100 m is 100 m long: five pixels of 20 m.
    shadow = terrain.cast_shadow(dem, 20, 45, azimuth)
    assert shadow[behind]
    assert not shadow[20 - behind[0], 20 - behind[1]]
    assert shadow.sum() == pytest.approx(4.5 * 21, abs=21)


@given(st.floats(0, 80), st.floats(0, 360))
def test_flat_ground_is_never_in_shadow(zenith: float, azimuth: float) -> None:
    assert not terrain.cast_shadow(np.full((9, 9), 500, np.float32), 20, zenith, azimuth).any()


@pytest.mark.parametrize(("zenith", "azimuth"), [(65, 157), (40, 10), (70, 100), (60, 290)])
def test_shadow_is_where_fine_steps_towards_the_sun_meet_the_ground(
    zenith: float, azimuth: float
) -> None:
    """But for a few pixels along its edges, where interpolation decides."""
    dem = relief(90)
    rise = 20 / math.tan(math.radians(zenith))
    north, east = math.cos(math.radians(azimuth)), math.sin(math.radians(azimuth))
    rows, cols = np.mgrid[:90, :90]
    expected = np.zeros(dem.shape, bool)
    for distance in np.arange(1, np.ptp(dem) / rise, 0.25):
        seen = map_coordinates(dem, [rows - north * distance, cols + east * distance], order=1)
        expected |= seen > dem + distance * rise
    shadow = terrain.cast_shadow(dem, 20, zenith, azimuth)
    assert 0.05 < expected.mean() < 0.95
    assert (shadow != expected).mean() < 0.02


@pytest.mark.parametrize("azimuth", [157, 20, 100, 290])
def test_strips_are_shaded_as_the_whole(azimuth: float) -> None:
    dem = relief(90)
    whole = terrain.cast_shadow(dem, 20, 60, azimuth)
    heights = float(dem.min()), float(dem.max())
    shadows = terrain.Shadows(heights, dem.shape, 20, 60, azimuth)
    for start in range(0, 90, 13):
        stop = min(start + 13, 90)
        first, last = max(start - shadows.above, 0), min(stop + shadows.below, 90)
        own = slice(start - first, stop - first)
        strip = shadows.cast(dem[first:last], own, first)
        np.testing.assert_array_equal(strip, whole[start:stop])


def test_exclusion_bits() -> None:
    tree_cover = np.array([[50, 51, 100, 255]], np.uint8)
    water = np.array([[True, False, True, False]])
    assert terrain.exclusion(tree_cover, water, 50).tolist() == [[2, 1, 3, 0]]
