"""Saturation and minimum reflectance, and their density."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import gaussian_kde

from firn.errors import DataError
from firn.saturation import Saturations, draw_density
from firn.seeds import generator

BANDS = ("XS1", "XS2", "XS3")


def samples(saturation: np.ndarray, minimum: np.ndarray, bandwidth: float = 0.1) -> Saturations:
    n = len(saturation)
    return Saturations(
        sensor="spot2",
        area="alps",
        bands=BANDS[: saturation.shape[1]],
        scenes=tuple(f"S{i}" for i in range(n)),
        dates=("1990-01-01",) * n,
        instruments=("HRV1",) * n,
        sun_elevation=np.linspace(20, 60, n),
        saturation=saturation,
        minimum=minimum,
        bandwidth=bandwidth,
    )


def gains(n: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.uniform(0.2, 0.7, (n, 3)), rng.uniform(0.001, 0.02, (n, 3))


@settings(max_examples=25)
@given(st.integers(4, 30), st.integers(0, 2**32), st.sampled_from([0.05, 0.1, 0.5, 1.0]))
def test_draws_are_possible_whatever_the_bandwidth(n: int, seed: int, bandwidth: float) -> None:
    saturation, minimum = samples(*gains(n, seed), bandwidth).draw(200, generator(seed, "draw"))[:2]
    assert saturation.shape == minimum.shape == (200, 3)
    assert (minimum >= 0).all()
    assert (saturation > minimum).all()


def test_impossible_draws_do_occur_without_the_guard() -> None:
    """Else the test above could not fail."""
    _, minimum = gains(10)
    assert (draw_density(minimum, 1.0, 2000, generator(1, "raw"))[0] < 0).any()


@pytest.mark.parametrize("bands", [1, 2, 3])
@pytest.mark.parametrize("bandwidth", [0.1, 1.0])
def test_draws_are_those_of_scipy(bands: int, bandwidth: float) -> None:
    """The same random numbers give the same draws, so density and bandwidth are the same."""
    values = gains(25)[0][:, :bands] * [1, 2, 3][:bands]
    drawn, centres = draw_density(values, bandwidth, 500, generator(1, "scipy"))
    expected = gaussian_kde(values.T, bw_method=bandwidth).resample(500, generator(1, "scipy")).T
    np.testing.assert_allclose(drawn, expected, rtol=1e-9)
    deviation = bandwidth * values.std(axis=0, ddof=1)
    assert (np.abs(drawn - values[centres]) < 5 * deviation).all()


def test_draws_have_the_covariance_of_the_density() -> None:
    """That of n samples with the divisor n, to which the kernels add h² times that with n - 1."""
    values, _ = gains(20)
    drawn, _ = draw_density(values, 0.5, 200_000, generator(1, "covariance"))
    covariance = np.cov(values, rowvar=False)
    np.testing.assert_allclose(drawn.mean(axis=0), values.mean(axis=0), atol=2e-3)
    expected = (19 / 20 + 0.5**2) * covariance
    np.testing.assert_allclose(np.cov(drawn, rowvar=False), expected, atol=3e-4)


def test_density_is_that_of_all_bands_with_the_others_summed_out() -> None:
    values, minimum = gains(15)
    reflectance = np.linspace(0, 1, 50)
    joint = gaussian_kde(values.T, bw_method=0.3)
    np.testing.assert_allclose(
        samples(values, minimum, 0.3).density("saturation", "XS3", reflectance),
        joint.marginal([2])(reflectance),
    )


def test_draws_follow_the_samples() -> None:
    """A kernel of 0.1 standard deviations: mean kept, variance 1.01 times that of the samples."""
    saturation, minimum = gains(400)
    drawn, low = samples(saturation, minimum).draw(20000, generator(5, "moments"))[:2]
    np.testing.assert_allclose(drawn.mean(0), saturation.mean(0), atol=0.005)
    np.testing.assert_allclose(drawn.std(0), saturation.std(0, ddof=1) * 1.01**0.5, rtol=0.03)
    np.testing.assert_allclose(low.mean(0), minimum.mean(0), atol=0.0005)


def test_draws_are_joint_over_bands_and_independent_between_quantities() -> None:
    shared = np.linspace(0.2, 0.6, 60)[:, None]
    rng = np.random.default_rng(2)
    saturation = shared + rng.normal(0, 0.01, (60, 3))
    minimum = shared / 20 + rng.normal(0, 0.0005, (60, 3))
    drawn, low = samples(saturation, minimum).draw(3000, generator(3, "joint"))[:2]
    assert np.corrcoef(drawn[:, 0], drawn[:, 2])[0, 1] > 0.95
    assert abs(np.corrcoef(drawn[:, 0], low[:, 0])[0, 1]) < 0.06


def test_the_same_seed_draws_the_same() -> None:
    density = samples(*gains(20))
    one, two = (density.draw(50, generator(7, "tile", "date"))[:2] for _ in range(2))
    np.testing.assert_array_equal(one, two)
    other = density.draw(50, generator(8, "tile", "date"))
    assert (one[0] != other[0]).all()


def test_no_draw_is_an_empty_draw() -> None:
    saturation, minimum = samples(*gains(20)).draw(0, generator(1))[:2]
    assert saturation.shape == minimum.shape == (0, 3)


def test_gives_up_when_hardly_any_draw_is_possible() -> None:
    saturation, minimum = gains(20)
    with pytest.raises(DataError, match=r"2 of 2 draws .*make the bandwidth smaller"):
        samples(saturation, minimum - 1).draw(2, generator(1))


def test_density_of_one_band_integrates_to_one_around_the_samples() -> None:
    saturation, minimum = gains(30)
    reflectance = np.linspace(0, 1, 2001)
    density = samples(saturation, minimum).density("saturation", "XS2", reflectance)
    assert density.sum() * (reflectance[1] - reflectance[0]) == pytest.approx(1, abs=1e-3)
    mean = (density * reflectance).sum() / density.sum()
    assert mean == pytest.approx(saturation[:, 1].mean(), abs=1e-3)


def test_too_few_scenes() -> None:
    with pytest.raises(DataError, match="3 scenes, a density over 3 bands needs 4 or more"):
        samples(*gains(3))


def test_samples_without_volume() -> None:
    saturation, minimum = gains(10)
    saturation[:, 1] = 0.3
    with pytest.raises(DataError, match="saturation of spot2 over alps: the 10 scenes span no vol"):
        samples(saturation, minimum)
    saturation, minimum = gains(10)
    minimum[:, 2] = 2 * minimum[:, 0] - minimum[:, 1]
    with pytest.raises(DataError, match=r"minimum of spot2 .*add scenes with other gains"):
        samples(saturation, minimum)


def test_save_and_load(tmp_path: Path) -> None:
    original = samples(*gains(8))
    original.save(tmp_path / "kde.nc")
    loaded = Saturations.load(tmp_path / "kde.nc")
    assert loaded.bands == BANDS
    assert (loaded.sensor, loaded.area, loaded.bandwidth) == ("spot2", "alps", 0.1)
    assert (loaded.scenes, loaded.dates) == (original.scenes, original.dates)
    assert loaded.instruments == original.instruments
    np.testing.assert_array_equal(loaded.sun_elevation, original.sun_elevation)
    np.testing.assert_array_equal(loaded.saturation, original.saturation)
    np.testing.assert_array_equal(loaded.minimum, original.minimum)
    with pytest.raises(DataError, match=r"gone\.nc"):
        Saturations.load(tmp_path / "gone.nc")
