"""Metrics of simulated images: by hand, and against scikit-image."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from firn.cloud_removal.metrics import (
    METRICS,
    image_metrics,
    similarity_map,
    spectral_angles,
    valid_pixels,
)


def images(seed: int = 1, bands: int = 3, size: int = 40) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    target = rng.uniform(0, 0.6, (bands, size, size)).astype(np.float32)
    return (target + rng.normal(0, 0.05, target.shape)).astype(np.float32), target


def everywhere(image: np.ndarray) -> np.ndarray:
    return np.ones(image.shape[1:], bool)


def test_errors_by_hand() -> None:
    """Two bands of two pixels, whose errors are 0.1, -0.3, 0 and 0.2."""
    target = np.array([[[0.2, 0.5]], [[0.4, 0.1]]])
    simulated = target + np.array([[[0.1, -0.3]], [[0.0, 0.2]]])
    metrics = image_metrics(simulated, target, np.ones((1, 2), bool))
    assert metrics["mae"] == pytest.approx(0.15)
    assert metrics["rmse"] == pytest.approx(math.sqrt(0.14 / 4))
    assert metrics["psnr"] == pytest.approx(10 * math.log10(4 / 0.14))
    angles = [
        math.degrees(math.atan2(0.4, 0.2) - math.atan2(0.4, 0.3)),
        math.degrees(math.atan2(0.3, 0.2) - math.atan2(0.1, 0.5)),
    ]
    assert metrics["sam"] == pytest.approx(np.mean(angles))
    # No window of eleven pixels lies in an image of two.
    assert metrics["ssim"] is None
    assert metrics["n_pixels"] == 2


def test_psnr_is_relative_to_the_range_that_is_given() -> None:
    simulated, target = images()
    for data_range in (1.0, 1.27):
        metrics = image_metrics(simulated, target, everywhere(target), data_range)
        expected = peak_signal_noise_ratio(target, simulated, data_range=data_range)
        assert metrics["psnr"] == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("data_range", [1.0, 0.5])
def test_similarity_is_that_of_scikit_image(data_range: float) -> None:
    simulated, target = images()
    expected = structural_similarity(
        simulated.astype(float),
        target.astype(float),
        channel_axis=0,
        data_range=data_range,
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
    )
    metrics = image_metrics(simulated, target, everywhere(target), data_range)
    assert metrics["ssim"] == pytest.approx(expected, abs=1e-6)


def test_pixels_without_data_count_nowhere() -> None:
    """The metrics of an image with a hole are those of what is left around it."""
    simulated, target = images(size=60)
    holed, other = simulated.copy(), simulated.copy()
    holed[1, 20:30, 20:30] = np.nan
    other[:, 20:30, 20:30] = 99
    around = everywhere(target)
    around[20:30, 20:30] = False
    of_holed = image_metrics(holed, target, everywhere(target))
    expected = image_metrics(simulated, target, around)
    for name in ("mae", "rmse", "psnr", "sam", "n_pixels"):
        assert of_holed[name] == pytest.approx(expected[name])
    assert of_holed["n_pixels"] == 3500
    similarity, whole = similarity_map(holed, target)
    assert not whole[:, :5].any() and not whole[15:35, 15:35].any()
    assert whole[14, 30] and whole[5, 5]
    untouched = similarity_map(simulated, target)[0]
    np.testing.assert_allclose(similarity[whole], untouched[whole], atol=1e-12)
    assert similarity_map(other, target)[0][25, 25] < 0.1 < untouched[25, 25]


def test_chosen_pixels_alone_count() -> None:
    simulated, target = images()
    simulated[:, :20] = target[:, :20]
    upper = everywhere(target)
    upper[20:] = False
    metrics = image_metrics(simulated, target, upper)
    assert metrics["mae"] == metrics["rmse"] == 0
    assert metrics["psnr"] is None
    assert metrics["sam"] == pytest.approx(0, abs=1e-5)
    assert image_metrics(simulated, target, ~upper)["mae"] > 0.03


def test_without_a_pixel_nothing_is_defined() -> None:
    simulated, target = images()
    metrics = image_metrics(simulated, target, ~everywhere(target))
    assert metrics == dict.fromkeys(METRICS) | {"n_pixels": 0}


def test_black_spectra_have_no_angle() -> None:
    target = np.array([[0.0, 0.3], [0.0, 0.0]])
    angles = spectral_angles(target + np.array([[0.1, 0.0], [0.0, 0.3]]), target)
    assert np.isnan(angles[0]) and angles[1] == pytest.approx(45)


def test_a_pixel_is_valid_with_all_bands_of_all_images() -> None:
    first, second = images(size=2)
    first[0, 0, 0] = np.nan
    second[2, 1, 1] = np.inf
    assert valid_pixels(first, second).tolist() == [[False, True], [True, False]]


@given(st.integers(0, 1000), st.floats(0.1, 3))
def test_spectral_angle_knows_no_brightness(seed: int, factor: float) -> None:
    simulated, target = images(seed, bands=4, size=3)
    angles = spectral_angles(simulated, target)
    np.testing.assert_allclose(spectral_angles(factor * simulated, target), angles, atol=1e-4)
    np.testing.assert_allclose(spectral_angles(target, simulated), angles, atol=1e-9)
