"""Sharpness and position of emulated images."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sensors_and_scenes import BANDS

from firn.emulation.arrays import filtered
from firn.emulation.geometry import (
    blur_ratio,
    blur_weights,
    filter_weights,
    shift_weights,
    transfer,
)
from firn.emulation.spectral import boxcar_weights
from firn.sensors import load_sensor

SENTINEL2 = load_sensor("sentinel2a")


def gain(weights: np.ndarray, frequency: float) -> complex:
    """Transfer of a filter at a frequency in cycles per pixel."""
    offsets = np.arange(len(weights)) - len(weights) // 2
    return complex(np.sum(weights * np.exp(2j * np.pi * frequency * offsets)))


def test_transfer_of_sentinel2_on_the_stacks_by_hand() -> None:
    """B11 has pixels of 20 m: 0.21. B02 has 0.304 at 1/20 m, so 0.304**(1/4) = 0.7425 at 1/40 m.

    Averaged with (1 3 3 1)/8 at -15, -5, 5, 15 m: (6 cos(pi/4) + 2 cos(3 pi/4)) / 8 = 0.35355.
    """
    assert transfer(SENTINEL2, SENTINEL2.band("B11"), 20) == 0.21
    expected = 0.304**0.25 * 0.35355
    assert transfer(SENTINEL2, SENTINEL2.band("B02"), 20) == pytest.approx(expected, rel=1e-4)


def test_blur_takes_the_mixed_bands_to_the_sensor() -> None:
    sensor = load_sensor("spot4").model_copy(update={"mtf_nyquist": 0.1})
    weights = boxcar_weights(sensor, SENTINEL2, BANDS)
    ratios = blur_ratio(sensor, SENTINEL2, BANDS, weights, 20)
    assert ratios[3] == pytest.approx(0.1 / 0.21)
    assert ratios[1] == pytest.approx(0.1 / (0.233**0.25 * 0.35355), rel=1e-4)


def test_what_is_sharper_than_its_source_is_left_alone() -> None:
    sharp = load_sensor("spot4").model_copy(update={"mtf_nyquist": 0.6})
    unknown = load_sensor("spot4").model_copy(update={"mtf_nyquist": None})
    weights = boxcar_weights(sharp, SENTINEL2, BANDS)
    for sensor in (sharp, unknown):
        assert (blur_ratio(sensor, SENTINEL2, BANDS, weights, 20) == 1).all()
    assert blur_weights(1.0) == pytest.approx([0, 1, 0])


@given(st.floats(0.01, 1))
def test_blur_has_the_transfer_that_is_asked_for(ratio: float) -> None:
    weights = blur_weights(ratio)
    assert gain(weights, 0).real == pytest.approx(1)
    assert gain(weights, 0.5).real == pytest.approx(ratio)
    assert (weights >= 0).all()
    assert weights == pytest.approx(weights[::-1])


@pytest.mark.parametrize("ratio", [0.8, 0.5, 0.3, 0.1, 0.05])
def test_blur_has_nearly_the_shape_of_a_gaussian(ratio: float) -> None:
    """At half of the Nyquist frequency a Gaussian has ratio**(1/4)."""
    assert gain(blur_weights(ratio), 0.25).real == pytest.approx(ratio**0.25, abs=0.1)


@given(st.floats(-2.5, 2.5))
def test_shift_moves_a_parabola_exactly(shift: float) -> None:
    at = np.arange(30.0)
    weights = filter_weights(np.ones(1), shift)[0]
    moved = filtered((at**2)[None].astype(np.float32), [np.float32(1)], weights)[0]
    assert moved[5:-5] == pytest.approx((at[5:-5] - shift) ** 2, rel=1e-3, abs=1e-2)
    assert shift_weights(shift).sum() == pytest.approx(1)


def test_energy_is_conserved_and_shape_blurred_by_hand() -> None:
    """Ratio 0.6 has the weights 0.1, 0.8, 0.1; a point becomes their product along both axes."""
    image = np.zeros((7, 7), np.float32)
    image[3, 3] = 100
    weights = filter_weights(np.array([0.6]), 0.0)[0]
    assert weights == pytest.approx([0.1, 0.8, 0.1])
    seen = filtered(image, weights, weights)
    assert seen.sum() == pytest.approx(100, rel=1e-6)
    expected = [[1, 8, 1], [8, 64, 8], [1, 8, 1]]
    np.testing.assert_allclose(seen[2:5, 2:5], expected, rtol=1e-5)


def test_flat_images_stay_flat_to_the_edge() -> None:
    weights = filter_weights(np.array([0.4]), 0.7)[0]
    seen = filtered(np.full((9, 9), 0.5, np.float32), weights, weights)
    np.testing.assert_allclose(seen, 0.5, rtol=1e-6)


def test_image_moves_down_and_to_the_right() -> None:
    image = np.zeros((9, 9), np.float32)
    image[4, 4] = 1
    down, right = filter_weights(np.ones(1), 1.0)[0], filter_weights(np.ones(1), 2.0)[0]
    assert np.unravel_index(filtered(image, down, right).argmax(), (9, 9)) == (5, 6)


def test_nothing_to_do_is_a_single_weight() -> None:
    assert filter_weights(np.ones(3), 0.0).tolist() == [[1], [1], [1]]
