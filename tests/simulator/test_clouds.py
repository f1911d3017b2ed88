"""What clouds look like: their outlines, and how they reflect."""

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage

from firn.simulator.cloud_optics import (
    Particles,
    absorbed_in_one_collision,
    dimming,
    plane_albedo,
)
from firn.simulator.clouds import KINDS


def _thickness(*values: float) -> npt.NDArray[np.float32]:
    return np.array(values, np.float32)


DROPLETS = Particles(ice=0, droplet=10, crystal=30)
CRYSTALS = Particles(ice=1, droplet=10, crystal=30)


@given(st.floats(0, 200), st.floats(0.1, 1))
def test_cloud_albedo_stays_between_zero_and_one(thickness: float, mu: float) -> None:
    albedo = float(plane_albedo(_thickness(thickness), mu)[0])
    assert 0 <= albedo < 1
    assert float(plane_albedo(_thickness(thickness + 1), mu)[0]) > albedo


def test_co_albedo_of_droplets_of_ten_micrometres() -> None:
    # 0.85 x 4 pi x 8.55e-5 / 1.61 um x 10 um
    assert absorbed_in_one_collision(DROPLETS, "B11") == pytest.approx(0.00567, abs=1e-5)
    assert absorbed_in_one_collision(DROPLETS, "B04") == 0


def test_thick_ice_cloud_is_the_endless_cloud() -> None:
    # omega = 1 - 0.0539, 1 - omega g = 0.1959, similarity 0.5248, endless cloud 0.3117
    reflected, passed = dimming(_thickness(500), CRYSTALS, "B11")
    bright = np.sqrt(3) / 2 * 0.15 * 500
    assert reflected[0] * bright / (1 + bright) == pytest.approx(0.3117, abs=5e-4)
    assert passed[0] == pytest.approx(0, abs=1e-6)


@given(st.floats(0, 100), st.floats(0, 1), st.sampled_from(["SWIR", "B11", "B12"]))
def test_absorbing_clouds_are_darker_and_the_larger_their_particles_the_more(
    thickness: float, ice: float, band: str
) -> None:
    small, large = Particles(ice, 6, 12), Particles(ice, 16, 45)
    less, more = (dimming(_thickness(thickness), p, band) for p in (small, large))
    assert 0 < more[0][0] < less[0][0] < 1
    assert 0 <= more[1][0] <= less[1][0] + 1e-5 <= 1 + 1e-4


def test_a_thin_cloud_loses_what_its_particles_absorb() -> None:
    reflected, passed = dimming(_thickness(0, 1e-3), CRYSTALS, "B11")
    assert reflected == pytest.approx(1 - 0.0539, abs=2e-3)
    assert passed == pytest.approx(1, abs=1e-3)


def _perimeters(cloudy: npt.NDArray[np.bool_]) -> tuple[npt.NDArray[np.int_], ...]:
    """Area and perimeter of each cloud, in pixels and pixel sides."""
    labels, count = ndimage.label(np.pad(cloudy, 1))
    sides = np.zeros(count + 1, int)
    for axis in (0, 1):
        for step in (1, -1):
            border = (labels > 0) & (np.roll(labels, step, axis) == 0)
            sides += np.bincount(labels[border], minlength=count + 1)
    return np.bincount(labels.ravel(), minlength=count + 1)[1:], sides[1:]


@pytest.mark.parametrize("kind", ["cumulus", "stratocumulus", "cirrus", "frontal"])
def test_outlines_are_as_rough_as_those_of_real_clouds(kind: str) -> None:
    # 1.35 seen from space (Lovejoy 1982, Science 216, 185); perimeter ~ area ** (dimension / 2).
    # The rolls of altocumulus are left out: they are hardly larger than pixels.
    rng = np.random.default_rng(1986)
    height = np.full((480, 480), 2000, np.float32)
    clouds = [_perimeters(KINDS[kind](rng, height, 0.3)[0] >= 0.5) for _ in range(4)]
    area, perimeter = (np.concatenate(values) for values in zip(*clouds, strict=True))
    large = area >= 20
    slope = np.polyfit(np.log(area[large]), np.log(perimeter[large]), 1)[0]
    assert 2 * slope == pytest.approx(1.35, abs=0.12)
