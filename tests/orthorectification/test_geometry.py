"""Parallax and viewing side of Level-1A scenes."""

from math import asin, cos, degrees, radians, sin, sqrt, tan

import minimal_products
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rasterio.crs import CRS

from firn.errors import ProductError
from firn.orthorectification.geometry import (
    ALTITUDE,
    EARTH_RADIUS,
    ViewingGeometry,
    nadir_distance,
    pixel_growth,
    seen_at,
)
from firn.products.location import LocationModel

REAL = LocationModel(*minimal_products.REAL_LOCATION, (3000, 3000))
UTM = CRS.from_epsg(32721)


def test_distance_from_the_track_by_the_law_of_sines() -> None:
    """27 degrees at the ground are asin(R / (R + H) sin 27) = 23.67 degrees at the satellite."""
    look = asin(EARTH_RADIUS / (EARTH_RADIUS + ALTITUDE) * sin(radians(27)))
    assert degrees(look) == pytest.approx(23.67, abs=0.01)
    assert nadir_distance(27) == pytest.approx(EARTH_RADIUS * (radians(27) - look))
    assert nadir_distance(-27) == -nadir_distance(27)
    assert nadir_distance(0) == 0


@given(st.floats(-31, 31), st.floats(0, 4000))
def test_parallax_is_height_times_tangent_of_incidence(incidence: float, height: float) -> None:
    """But for the second order in height, 14 m at 4000 m and 31 degrees."""
    distance = nadir_distance(incidence)
    moved = float(seen_at(np.array(distance), height)) - distance
    first_order = height * tan(radians(incidence))
    assert abs(moved - first_order) <= 14 * (height / 4000) ** 2 + 1e-6
    assert moved * incidence >= -1e-6


def test_parallax_by_a_triangle() -> None:
    """A place 3000 m up at 27 degrees, solved in the plane of satellite, place and centre."""
    distance, height = nadir_distance(27), 3000.0
    angle = distance / EARTH_RADIUS
    satellite = np.array([0.0, EARTH_RADIUS + ALTITUDE])
    place = (EARTH_RADIUS + height) * np.array([sin(angle), cos(angle)])
    ray = (place - satellite) / np.linalg.norm(place - satellite)
    along = float(satellite @ ray)
    reach = -along - sqrt(along**2 - float(satellite @ satellite) + EARTH_RADIUS**2)
    meets = satellite + reach * ray
    expected = EARTH_RADIUS * np.arctan2(meets[0], meets[1])
    assert float(seen_at(np.array(distance), height)) == pytest.approx(expected, abs=1e-3)


def test_pixels_grow_away_from_the_track() -> None:
    """Between look angles that are one detector apart, by the distances themselves."""
    look = np.radians(23.67)
    step = 20 / ALTITUDE
    angles = look + np.arctan(np.array([-step, 0, step]))
    incidence = np.arcsin((EARTH_RADIUS + ALTITUDE) / EARTH_RADIUS * np.sin(angles))
    sizes = np.diff(EARTH_RADIUS * (incidence - angles))
    found = pixel_growth(np.degrees(incidence[1:2]), float(sizes.mean()))
    assert found[0] == pytest.approx(sizes[1] - sizes[0], rel=0.01)
    assert pixel_growth(np.array([0.0]), 20.0)[0] == pytest.approx(0, abs=1e-6)


def test_a_real_scene_is_seen_from_the_west() -> None:
    """Its pixels, 25.3 m wide, grow eastwards as at 28.3 degrees; lines go to the south-west."""
    geometry = ViewingGeometry(REAL, 28.0, "scene")
    assert geometry.incidence == 28.0
    assert geometry.line_spacing == pytest.approx(20.0, abs=0.1)
    assert geometry.satellite_azimuth(UTM) == pytest.approx(278, abs=1)


@pytest.mark.parametrize("incidence", [20.0, 35.0])
def test_a_location_model_of_another_incidence(incidence: float) -> None:
    with pytest.raises(ProductError, match=r"grow as at an incidence of 28\.3 degrees, but INCID"):
        ViewingGeometry(REAL, incidence, "scene")


def test_high_ground_moves_along_the_line_and_away_from_the_satellite() -> None:
    """1000 m up at 28 degrees: 532 m further east, 21 pixels of 25.3 m; at height 0 nothing."""
    geometry = ViewingGeometry(REAL, 28.0, "scene")
    row, col = np.array([100.0, 1499.5, 2900]), np.array([200.0, 1499.5, 2800])
    lon, lat = REAL.ground(row, col)
    for height, expected in ((0.0, 0.0), (1000.0, 1000 * tan(radians(28)) / 25.3)):
        found = geometry.image(lon, lat, height)
        np.testing.assert_allclose(found[0], row, atol=1e-6)
        assert found[1][1] - col[1] == pytest.approx(expected, abs=0.1)
    assert (np.diff(found[1] - col) > 0).all(), "the incidence grows to the east"
