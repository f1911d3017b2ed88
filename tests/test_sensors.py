"""Sensors and the conversions between reflectance and digital numbers."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from firn.errors import ConfigError, DataError
from firn.sensors import (
    band_responses,
    load_response,
    load_sensor,
    load_spectra,
    sensor_names,
    to_dn,
    to_reflectance,
)


def test_every_sensor_loads_and_its_response_has_its_bands() -> None:
    for name in sensor_names():
        sensor = load_sensor(name)
        assert sensor.name == name
        for instrument in sensor.instruments:
            wavelength, response = band_responses(sensor, instrument)
            assert set(sensor.band_names) <= set(response)
            for band in sensor.bands:
                curve = response[band.name]
                centre = np.sum(wavelength * curve) / np.sum(curve)
                assert centre == pytest.approx(band.centre_nm, abs=35)


def test_digital_numbers_by_hand() -> None:
    saturation, minimum = np.array(0.45), np.array(0.05)
    reflectance = np.array([0.05, 0.051, 0.25, 0.45, 0.9, 0.0])
    # Steps of 0.4 / 255 = 0.00157: 0.051 is 0.64 of a step; 0.25 is 127.5, to the even 128.
    assert to_dn(reflectance, saturation, minimum).tolist() == [0, 1, 128, 255, 255, 0]
    assert to_reflectance(np.array([0, 51, 255], np.uint8), saturation, minimum) == pytest.approx(
        [0.05, 0.13, 0.45]
    )


@given(
    arrays(np.float64, 20, elements=st.floats(0, 1.5)),
    st.floats(0.0, 0.1),
    st.floats(0.05, 1.0),
)
def test_quantisation_errs_by_half_a_step(
    reflectance: np.ndarray, minimum: float, span: float
) -> None:
    low, high = np.array(minimum), np.array(minimum + span)
    back = to_reflectance(to_dn(reflectance, high, low), high, low)
    inside = np.clip(reflectance, low, high)
    assert np.all(np.abs(back - inside) <= span / 255 / 2 + 1e-6)


def test_unknown_and_wrong_sensors(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError, match="spot9: unknown"):
        load_sensor("spot9")
    path = tmp_path / "odd.yaml"
    path.write_text("name: odd\nplatform: X\ninstruments: []\npixel_size: 20\ncolour: red\n")
    with pytest.raises(ConfigError, match=r"odd\.yaml"):
        load_sensor(path)


def test_a_sensor_of_the_users_own(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "config" / "sensors"
    folder.mkdir(parents=True)
    (folder / "mine.yaml").write_text(
        "name: mine\nplatform: MINE\ninstruments: [CAM]\npixel_size: 20\n"
        "bands: [{name: G, centre_nm: 560, width_nm: 40}]\n"
    )
    monkeypatch.chdir(tmp_path)
    load_sensor.cache_clear()
    assert load_sensor("mine").band_names == ("G",)
    (folder / "mine.yaml").rename(folder / "other.yaml")
    load_sensor.cache_clear()
    with pytest.raises(ConfigError, match=r"other\.yaml: describes mine; write name: other"):
        load_sensor("other")
    assert load_sensor("config/sensors/other.yaml").name == "mine"
    load_sensor.cache_clear()


def test_irradiance_over_the_responses_matches_the_literature() -> None:
    # 6S irradiance over 6S's SPOT1 HRV1 response: 1861.7, 1632.9, 1090.0 W m-2 um-1.
    from firn.sensors import packaged

    wavelength, response = load_response("spot1_hrv1")
    sun_at, sun = load_spectra(packaged("spectra/solar_irradiance.csv"))
    sun_here = np.interp(wavelength, sun_at, sun["irradiance_w_m2_um"])
    means = [np.sum(sun_here * r) / np.sum(r) for r in response.values()]
    assert means == pytest.approx([1861.7, 1632.9, 1090.0], abs=0.5)


@pytest.mark.parametrize(
    "text",
    ["", "wavelength_nm,a\n", "wavelength_nm,a\n500,x\n600,1\n", "wavelength_nm,a\n500,1\n400,1\n"],
)
def test_tables_that_are_none(tmp_path, text: str) -> None:
    path = tmp_path / "table.csv"
    path.write_text(text)
    with pytest.raises(DataError, match=r"table\.csv"):
        load_spectra(path)
