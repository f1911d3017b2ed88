"""Sentinel-1 over the virtual range: geometry, backscatter, speckle."""

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest
from scipy import stats

from firn.cloud_removal_config import Orbit, Radar
from firn.simulator.fire import Burn
from firn.simulator.radar import (
    CORRELATION,
    LEVELS,
    REFERENCE_INCIDENCE,
    View,
    acquire,
    backscatter,
    radar_azimuth,
    snow_wetness,
    speckle,
    view_relief,
)
from tests.simulator.hand_made_world import MATERIALS, flat_world, middle, snow_of

ORBIT = Orbit(direction="descending", incidence=39)
WORLD = flat_world()


def slope_towards(azimuth: float, degrees: float, size: int = 60) -> np.ndarray:
    """Plane that falls towards an azimuth, on 10 m pixels."""
    rows, cols = np.indices((size, size)) * 10.0
    away = -(np.sin(np.radians(azimuth)) * cols - np.cos(np.radians(azimuth)) * rows)
    return (away * np.tan(np.radians(degrees)) + 3000).astype(np.float32)


def flat_view() -> View:
    cosine = np.full(WORLD.grid.shape, np.cos(np.radians(REFERENCE_INCIDENCE)), np.float32)
    nothing = np.zeros(WORLD.grid.shape, bool)
    return View(cosine, nothing, nothing)


def gamma(snow: float = 0, wet: float = 0, burn: Burn | None = None) -> np.ndarray:
    wetness = np.full(WORLD.grid.shape, wet, np.float32)
    rng = np.random.default_rng(7)
    return backscatter(WORLD, MATERIALS, snow_of(WORLD, snow), wetness, burn, flat_view(), rng)


def decibel(power: np.ndarray) -> float:
    return float(10 * np.log10(power.mean()))


def test_satellite_stands_left_of_its_track_seen_from_the_ground() -> None:
    # At the equator the track leaves the meridian by the inclination less 90 degrees.
    assert radar_azimuth(Orbit(direction="ascending"), 0) == pytest.approx(270 - 8.18)
    assert radar_azimuth(Orbit(direction="descending"), 0) == pytest.approx(90 + 8.18)
    # Towards the poles the tracks lean over: sin(heading) = cos(98.18) / cos(60) = -0.2846.
    assert radar_azimuth(Orbit(direction="ascending"), 60) == pytest.approx(253.467, abs=1e-3)


@pytest.mark.parametrize("degrees", [-30, 0, 15, 30])
def test_local_incidence_is_that_of_the_plane(degrees: float) -> None:
    azimuth = radar_azimuth(ORBIT, 46.9)
    view = view_relief(slope_towards(azimuth, degrees), 10, ORBIT, 46.9)
    inner = view.cosine[20:40, 20:40]
    np.testing.assert_allclose(inner, np.cos(np.radians(39 - degrees)), atol=2e-3)
    assert not (view.layover | view.shadow)[20:40, 20:40].any()


def test_steep_slopes_fold_over_towards_the_satellite_and_hide_away_from_it() -> None:
    azimuth = radar_azimuth(ORBIT, 46.9)
    facing = view_relief(slope_towards(azimuth, 45), 10, ORBIT, 46.9)
    assert facing.layover[20:40, 20:40].all()
    away = view_relief(slope_towards(azimuth, -60), 10, ORBIT, 46.9)
    assert away.shadow[20:40, 25:35].all()
    assert not away.layover[20:40, 20:40].any()


def test_layover_also_spoils_the_flat_ground_before_a_cliff() -> None:
    # Satellite in the east; the cliff of 300 m faces it. Ground before the cliff is as far from it
    # as the top is: 300 m / tan(incidence) before the foot, and behind the top as far again.
    east = Orbit(direction="descending", incidence=45)
    elevation = np.zeros((60, 120), np.float32)
    elevation[:, :60] = 300
    view = view_relief(elevation, 10, east, 0)
    row = view.layover[30]
    assert row[62:86].all()
    assert row[34:58].all()
    assert not row[95:].any()
    assert not row[:25].any()


def test_looks_of_speckle() -> None:
    rng = np.random.default_rng(3)
    field = speckle((2, 400, 400), 4.4, rng)
    assert field.mean() == pytest.approx(1, abs=0.01)
    assert field.var() == pytest.approx(1 / 4.4, rel=0.03)
    # Every sixth pixel is independent of the others.
    sample = field[0, ::6, ::6].ravel()
    assert stats.kstest(sample, "gamma", args=(4.4, 0, 1 / 4.4)).pvalue > 0.01
    near = np.corrcoef(field[0, :, :-1].ravel(), field[0, :, 1:].ravel())[0, 1]
    far = np.corrcoef(field[0, :, :-6].ravel(), field[0, :, 6:].ravel())[0, 1]
    # Two Gaussian blurs one pixel apart: exp(-1 / (4 sigma^2)).
    assert near == pytest.approx(np.exp(-1 / (4 * CORRELATION**2)), abs=0.05)
    assert abs(far) < 0.03
    assert (field[0] != field[1]).any()


def test_cover_sets_the_level() -> None:
    image = gamma()
    assert decibel(middle(image[0], 0)) == pytest.approx(LEVELS["forest"][0][0], abs=0.02)
    assert decibel(middle(image[1], 2)) == pytest.approx(LEVELS["rock"][0][1], abs=0.02)


def test_wet_snow_darkens_open_ground_and_dry_snow_does_not() -> None:
    bare, dry, wet = gamma(), gamma(snow=1), gamma(snow=1, wet=1)
    np.testing.assert_array_equal(dry, bare)
    for stripe in (1, 2, 3):
        assert decibel(middle(bare[0], stripe)) - decibel(middle(wet[0], stripe)) > 3
        assert decibel(middle(bare[1], stripe)) - decibel(middle(wet[1], stripe)) > 3
    np.testing.assert_array_equal(middle(wet, 0), middle(bare, 0))  # below the canopy


def test_fire_takes_the_volume_of_the_forest() -> None:
    burnt = Burn(np.ones(WORLD.grid.shape, np.float32), np.full(WORLD.grid.shape, 3, np.uint8))
    before, after = gamma(), gamma(burn=burnt)
    change = [decibel(middle(after[c], 0)) - decibel(middle(before[c], 0)) for c in range(2)]
    assert change == pytest.approx([0.8, -4.0], abs=0.01)
    np.testing.assert_array_equal(middle(after, 2), middle(before, 2))


def test_snow_is_wet_in_summer_and_on_low_ground() -> None:
    height = np.array([[1000, 2500, 4500]], np.float32)
    summer, winter = (
        snow_wetness(height, datetime(2019, month, 15, tzinfo=UTC), np.random.default_rng(1))
        for month in (7, 1)
    )
    assert summer[0, 1] > 0.9
    assert winter[0, 1] < 0.1
    assert summer[0, 0] >= summer[0, 1] >= summer[0, 2]


def test_shadow_holds_noise_around_nothing() -> None:
    shadow = np.zeros(WORLD.grid.shape, bool)
    shadow[:, :32] = True
    view = replace(flat_view(), shadow=shadow)
    image = acquire(gamma(), WORLD, view, Radar(looks=16), np.random.default_rng(5))
    dark = image[:, :, :32]
    assert 0.2 < (dark < 0).mean() < 0.8
    assert abs(dark.mean()) < 3e-4
    assert dark.std() == pytest.approx(10**-2.2 / 4, rel=0.1)
    assert (image[0, :, 40:] > 0).all()
