"""The virtual pushbroom camera, against geometry worked out by hand."""

from math import asin, cos, degrees, hypot, radians, sin, tan

import numpy as np
import pytest
from rasterio.warp import transform
from scipy import ndimage

from firn.grid import Grid
from firn.simulator.level1a import location_terms
from firn.simulator.pushbroom import ORBIT_RADIUS, Pushbroom

UTM = "EPSG:32632"
LON, LAT = 10.87, 46.85
#: Look angle of an incidence of about 27 degrees.
OBLIQUE = 23.8


def camera(look: float, side: int = 401) -> Pushbroom:
    return Pushbroom(LON, LAT, look, 20.0, (side, side))


def mapped(camera: Pushbroom, rows: list[float], cols: list[float], height: float) -> np.ndarray:
    """UTM coordinates, (x or y, pixel)."""
    lon, lat = camera.ground(np.array(rows), np.array(cols), height)
    return np.array(transform("EPSG:4326", UTM, lon, lat))


@pytest.mark.parametrize("look", [0.0, OBLIQUE, -OBLIQUE])
def test_centre_and_orientation(look: float) -> None:
    """Lines run south-south-west: 13 degrees of the orbit, 3 of the Earth that turns below it."""
    lon, lat = camera(look).ground(np.array([200.0]), np.array([200.0]), 0.0)
    assert (lon[0], lat[0]) == pytest.approx((LON, LAT), abs=1e-9)
    x, y = mapped(camera(look), [200, 201, 200], [200, 200, 201], 0)
    assert degrees(np.arctan2(x[1] - x[0], y[1] - y[0])) % 360 == pytest.approx(194, abs=1)
    assert degrees(np.arctan2(x[2] - x[0], y[2] - y[0])) % 360 == pytest.approx(101.4, abs=1)


def test_pixel_sizes() -> None:
    """20 m at nadir; across the track at an angle, the range over the cosine of the incidence."""
    x, y = mapped(camera(0), [200, 201, 200], [200, 200, 201], 0)
    assert hypot(x[1] - x[0], y[1] - y[0]) == pytest.approx(20, abs=0.3)
    assert hypot(x[2] - x[0], y[2] - y[0]) == pytest.approx(20, abs=0.1)
    earth = 6_367_000.0  # radius at 46.85 degrees
    incidence = asin(ORBIT_RADIUS / earth * sin(radians(OBLIQUE)))
    angle = incidence - radians(OBLIQUE)
    slant = earth * sin(angle) / sin(radians(OBLIQUE))
    x, y = mapped(camera(OBLIQUE), [200, 200], [200, 201], 0)
    assert hypot(x[1] - x[0], y[1] - y[0]) == pytest.approx(
        20 * slant / 832e3 / cos(incidence), rel=0.003
    )
    assert camera(OBLIQUE).incidence == pytest.approx(degrees(incidence), abs=0.1)


@pytest.mark.parametrize(("look", "side"), [(OBLIQUE, 1), (-OBLIQUE, -1)])
def test_high_ground_is_met_nearer_to_the_satellite(look: float, side: int) -> None:
    """1000 m up, the ray is height times tan(incidence) short of where it meets the ellipsoid."""
    flat, high = (mapped(camera(look), [200, 200], [200, 201], h) for h in (0, 1000))
    eastward = (flat[:, 1] - flat[:, 0]) / np.hypot(*(flat[:, 1] - flat[:, 0]))
    moved = float((high[:, 0] - flat[:, 0]) @ eastward)
    # The relief's height is along the normal, rays lean on the Earth's centre: 3 m northwards.
    assert moved == pytest.approx(-side * 1000 * tan(radians(camera(look).incidence)), abs=2)


def test_rays_end_on_the_relief() -> None:
    """A plateau of 1500 m beside a plain of 500 m, seen from the west."""
    grid = Grid.from_bounds(UTM, 638000, 5186000, 647000, 5194000, 10)
    elevation = np.full(grid.shape, 500, np.float32)
    elevation[:, grid.width // 2 :] = 1500
    cliff = (grid.bounds[0] + grid.bounds[2]) / 2
    view = camera(OBLIQUE, 201)
    x, y = view.ground_points(elevation, grid)
    rows, cols = np.nonzero(np.isfinite(x))
    for height, there in ((500.0, x < cliff - 30), (1500.0, x > cliff + 30)):
        rows, cols = np.nonzero(there)
        lon, lat = view.ground(rows.astype(float), cols.astype(float), height)
        expected = np.array(transform("EPSG:4326", UTM, lon, lat))
        np.testing.assert_allclose([x[there], y[there]], expected, atol=0.05)
    # Seen from the east, the plateau hides a strip that is 1000 m tan(27) cos(11) = 500 m wide.
    x, y = camera(-OBLIQUE, 201).ground_points(elevation, grid)
    hidden = (x < cliff - 20) & (x > cliff - 20 - 450)
    assert np.isfinite(x).any()
    assert not hidden.any()


@pytest.mark.parametrize("look", [0.0, OBLIQUE, -OBLIQUE])
def test_nothing_stands_before_the_place_where_a_ray_ends(look: float) -> None:
    """Hills of 1500 m: on its way down, a ray is above them until it ends on them."""
    grid = Grid.from_bounds(UTM, 639000, 5187000, 646000, 5193000, 10)
    noise = np.random.default_rng(4).standard_normal(grid.shape)
    hills = ndimage.gaussian_filter(noise, 20)
    elevation = (800 + 1500 * (hills - hills.min()) / np.ptp(hills)).astype(np.float32)
    view = camera(look, 201)
    x, y = view.ground_points(elevation, grid)
    rows, cols = np.nonzero(np.isfinite(x))
    assert rows.size / x.size > 0.6

    def below(east: np.ndarray, north: np.ndarray) -> np.ndarray:
        places = [(grid.bounds[3] - north) / 10 - 0.5, (east - grid.bounds[0]) / 10 - 0.5]
        return np.asarray(ndimage.map_coordinates(elevation, places, order=1, cval=np.nan))

    ends = below(x[rows, cols], y[rows, cols])
    for height in range(2300, 800, -25):
        higher = ends < height - 1
        passed = view.ground(rows[higher].astype(float), cols[higher].astype(float), height)
        ground = below(*np.array(transform("EPSG:4326", UTM, *passed)))
        # Steps of 20 m may miss what is less than a step high.
        assert not (ground > height + 2).any()
        there = np.abs(ends - height) < 1
        exact = view.ground(rows[there].astype(float), cols[there].astype(float), height)
        mapped = np.array(transform("EPSG:4326", UTM, *exact))
        np.testing.assert_allclose(mapped, [x[rows, cols][there], y[rows, cols][there]], atol=2)


def test_rays_beside_the_relief_meet_nothing() -> None:
    grid = Grid.from_bounds(UTM, 641000, 5188000, 642000, 5189000, 10)
    x, y = camera(0).ground_points(np.full(grid.shape, 800, np.float32), grid)
    seen = np.isfinite(x)
    assert 0 < seen.mean() < 0.05
    assert x[seen].min() > 641000
    assert y[seen].max() < 5189000


def test_location_model_is_the_camera_with_its_error() -> None:
    """A second order fits 401 pixels to centimetres; 300 m to the east, none to the north."""
    view = camera(OBLIQUE)
    longitude, latitude = location_terms(view, (300.0, 0.0))
    for row, col in ((0.0, 0.0), (400.0, 10.0), (123.0, 321.0)):
        r, c = row + 1, col + 1
        terms = np.array([1, r, c, r * c, r * r, c * c])
        found = transform("EPSG:4326", UTM, [terms @ longitude], [terms @ latitude])
        true = mapped(view, [row], [col], 0)
        # Map grid and meridian are 1.4 degrees apart.
        assert found[0][0] - true[0][0] == pytest.approx(300 * cos(radians(1.4)), abs=1)
        assert found[1][0] - true[1][0] == pytest.approx(300 * sin(radians(1.4)), abs=1)
