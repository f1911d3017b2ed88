"""Spectral synthesis: weights of Sentinel-2 bands, and their errors."""

import re
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from scipy.optimize import nnls
from sensors_and_scenes import BANDS

from firn.emulation import spectral
from firn.emulation.spectral import (
    band_reflectance,
    boxcar_weights,
    choose_bands,
    library,
    response_weights,
    spectral_errors,
)
from firn.errors import ConfigError
from firn.sensors import Band, Sensor, load_sensor

SPOT = ["spot1", "spot2", "spot3", "spot4", "spot5"]


def test_weights_of_the_published_method() -> None:
    # XS1 = (25.4 B02 + 36.0 B03) / 61.4; XS2 = B04; XS3 = B08; SWIR = B11.
    weights = boxcar_weights(load_sensor("spot4"), load_sensor("sentinel2a"), BANDS)
    expected = np.zeros((4, 5))
    expected[0, :2] = 25.4 / 61.4, 36.0 / 61.4
    expected[1, 2] = expected[2, 3] = expected[3, 4] = 1
    assert weights == pytest.approx(expected, abs=1e-3)
    weights = boxcar_weights(load_sensor("spot1"), load_sensor("sentinel2b"), BANDS)
    assert weights[0, :2] == pytest.approx([25.1 / 61.1, 36.0 / 61.1], abs=1e-3)


def test_band_without_source_is_an_error() -> None:
    with pytest.raises(ConfigError, match="SWIR overlaps none"):
        boxcar_weights(load_sensor("spot4"), load_sensor("sentinel2a"), BANDS[:4])
    with pytest.raises(ConfigError, match="SWIR is more than 100 nm from each"):
        response_weights(load_sensor("spot4"), "HRVIR1", load_sensor("sentinel2a"), BANDS[:4])


@pytest.mark.parametrize("source", ["sentinel2a", "sentinel2b"])
@pytest.mark.parametrize("name", SPOT)
def test_response_weights_are_sound_and_halve_the_error(name: str, source: str) -> None:
    sensor, sentinel2 = load_sensor(name), load_sensor(source)
    boxcars = boxcar_weights(sensor, sentinel2, BANDS)
    for instrument in sensor.instruments:
        fitted = response_weights(sensor, instrument, sentinel2, BANDS)
        assert (fitted >= 0).all()
        assert fitted.sum(axis=1) == pytest.approx(1, abs=0.02)
        errors = [
            list(spectral_errors(sensor, instrument, sentinel2, BANDS, weights).values())
            for weights in (fitted, boxcars)
        ]
        after, before = np.mean(np.square(errors), axis=1)
        assert (after < before).all()
        assert after[:3].sum() < 0.25 * before[:3].sum()


def test_errors_in_the_docs_are_those_of_the_code() -> None:
    """Root mean squares over library and conditions, thousandths of reflectance."""
    text = (Path(__file__).parents[2] / "docs/method.md").read_text()
    rows = [
        line.split("|")[1:-1] for line in text.splitlines() if re.match(r"\|.*\| (XS|SW)", line)
    ]
    assert len(rows) == 10
    source, platform, instrument = load_sensor("sentinel2a"), "", ""
    for first, band, *told in ([cell.strip() for cell in row] for row in rows):
        platform, instrument = first.split() if first else (platform, instrument)
        sensor = load_sensor(platform.lower())
        at = sensor.band_names.index(band)
        for weights, number in (
            (boxcar_weights(sensor, source, BANDS), told[0]),
            (response_weights(sensor, instrument, source, BANDS), told[1]),
        ):
            errors = list(spectral_errors(sensor, instrument, source, BANDS, weights).values())
            rms = float(np.sqrt(np.mean(np.square(errors), axis=0))[at])
            assert f"{1000 * rms:.1f}" == number, (first, band)


def left_out_errors(
    name: str, instrument: str, monkeypatch: pytest.MonkeyPatch
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Root mean squares of each band over materials left out of the fit in turn, and of boxcars."""
    sensor, source = load_sensor(name), load_sensor("sentinel2a")
    names, spectra = library()
    conditions = len(spectra) // len(names)
    seen = band_reflectance(source, "MSI", BANDS)
    wanted = band_reflectance(sensor, instrument, sensor.band_names)
    boxcars = boxcar_weights(sensor, source, BANDS)
    fitted_error, boxcar_error = [], []
    for index in range(len(names)):
        kept = np.tile(np.arange(len(names)) != index, conditions)
        with monkeypatch.context() as patch:
            patch.setattr(spectral, "library", lambda kept=kept: (names, spectra[kept]))
            weights = response_weights(sensor, instrument, source, BANDS)
        fitted_error.append(seen[~kept] @ weights.T - wanted[~kept])
        boxcar_error.append(seen[~kept] @ boxcars.T - wanted[~kept])
    errors = np.array([fitted_error, boxcar_error])
    fitted, plain = np.sqrt(np.mean(errors**2, axis=(1, 2)))
    return fitted, plain


def test_weights_hold_for_materials_that_they_were_not_fitted_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fitted, plain = left_out_errors("spot1", "HRV1", monkeypatch)
    assert (fitted < 0.004).all()
    assert (fitted < plain).all()


def test_near_infrared_tells_what_the_swir_does_over_materials_left_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """docs/method.md has the figures."""
    with_infrared, _ = left_out_errors("spot4", "HRVIR1", monkeypatch)
    monkeypatch.setattr(spectral, "REACH", spectral.NEAR)
    without, _ = left_out_errors("spot4", "HRVIR1", monkeypatch)
    assert [f"{1000 * error[3]:.1f}" for error in (without, with_infrared)] == ["9.9", "6.8"]
    assert (with_infrared < without + 1e-4).all()


def test_both_instruments_of_a_satellite_have_weights_of_their_own() -> None:
    """HRV1's red lies 13 nm below HRV2's, so green has a larger part in it."""
    sensor, source = load_sensor("spot2"), load_sensor("sentinel2a")
    one, two = (response_weights(sensor, name, source, BANDS) for name in sensor.instruments)
    assert one[1, 1] > two[1, 1] + 0.04
    assert one[1, 2] < two[1, 2]


def test_fit_is_that_of_an_independent_solver() -> None:
    """The ridge written as further rows of the least-squares problem."""
    rng = np.random.default_rng(3)
    for _ in range(20):
        seen, prior = rng.uniform(0, 1, (40, 4)), rng.dirichlet(np.ones(4))
        wanted = seen @ rng.normal(0.2, 0.4, 4)
        rows = np.vstack([seen / np.sqrt(40), np.sqrt(spectral.SHRINKAGE) * np.eye(4)])
        right = np.append(wanted / np.sqrt(40), np.sqrt(spectral.SHRINKAGE) * prior)
        expected, _ = nnls(rows, right)
        assert spectral._non_negative(seen, wanted, prior) == pytest.approx(expected, abs=1e-9)


def test_a_sensor_of_the_same_bands_copies_its_source() -> None:
    source = load_sensor("sentinel2a")
    same = source.model_copy(update={"bands": tuple(source.band(name) for name in BANDS)})
    weights = response_weights(same, "MSI", source, BANDS)
    assert weights == pytest.approx(np.eye(5), abs=0.05)
    errors = spectral_errors(same, "MSI", source, BANDS, np.eye(5))
    assert max(error.max() for error in errors.values()) == 0


def test_library_is_brighter_through_air_where_it_is_dark_and_short() -> None:
    """Path reflectance at 450 nm lies above that at 850 nm: Rayleigh's fourth power."""
    names, seen = library()
    water = seen[names.index("water")]
    blue, infrared = (water[round((nm - 400) / 2.5)] for nm in (450, 850))
    assert blue > 0.05 > infrared > 0.02


def test_error_of_a_band_by_hand() -> None:
    """A weight 10 % too large errs by 10 % of the reflectance, whatever the material."""
    source = load_sensor("sentinel2a")
    red = source.model_copy(update={"bands": (source.band("B04"),)})
    errors = spectral_errors(red, "MSI", source, ["B04"], np.array([[1.1]]))
    seen = band_reflectance(source, "MSI", ["B04"]).reshape(-1, len(errors))
    assert errors["snow_fine"] == pytest.approx(0.1 * np.sqrt(np.mean(seen[:, 0] ** 2)))


def test_bands_beside_those_of_the_stacks_are_found() -> None:
    """A deep blue band needs B01; SPOT4 needs none, nor ever a band that the air hides."""
    blue = Sensor(
        name="blue",
        platform="B",
        instruments=("CAM",),
        pixel_size=20,
        bands=(Band(name="C", centre_nm=443, width_nm=20),),
    )
    assert choose_bands(blue, load_sensor("sentinel2a"), BANDS) == ("B01", "B02", "B03")
    assert choose_bands(load_sensor("spot4"), load_sensor("sentinel2a"), BANDS) == BANDS
    water = blue.model_copy(update={"bands": (Band(name="W", centre_nm=910, width_nm=20),)})
    assert choose_bands(water, load_sensor("sentinel2a"), BANDS) == ("B08", "B8A")
