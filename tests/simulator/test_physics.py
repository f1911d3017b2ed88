"""Sun, air, clouds, snow and cameras of the virtual world against known values and invariants."""

from datetime import UTC, datetime

import numpy as np
import pytest
from small_world import simulation

from firn.classes import IGNORE
from firn.errors import ConfigError
from firn.grid import Grid
from firn.seeds import generator
from firn.simulation_config import Instruments
from firn.simulator import fields, instruments
from firn.simulator.atmosphere import (
    GAS_TRANSMITTANCE,
    clear_air,
    rayleigh_thickness,
    water_transmittance,
)
from firn.simulator.spectra import band_optics
from firn.simulator.sun import sun_position
from firn.simulator.truth import true_classes, true_situations


def rng() -> np.random.Generator:
    return np.random.default_rng(5)


@pytest.mark.parametrize(
    ("when", "latitude", "zenith"),
    [
        (datetime(2019, 6, 21, 12, tzinfo=UTC), 46.5, 46.5 - 23.44),
        (datetime(2019, 12, 21, 12, tzinfo=UTC), 46.5, 46.5 + 23.44),
        (datetime(2019, 3, 20, 12, tzinfo=UTC), 46.5, 46.5),
    ],
)
def test_noon_sun_stands_in_the_south(when: datetime, latitude: float, zenith: float) -> None:
    # At longitude 0 noon is off by the equation of time, at most 8 minutes on these days.
    found, azimuth = sun_position(when, latitude, 0.0)
    assert found == pytest.approx(zenith, abs=0.5)
    assert azimuth == pytest.approx(180, abs=4)


def test_gases_absorb_what_smac_tells() -> None:
    """SMAC of Sentinel-2A: water vapour 1 g/cm2 in B08, ozone 0.3 cm-atm in B02 and B03."""
    assert GAS_TRANSMITTANCE["B08"] == pytest.approx(np.exp(-0.028164), abs=5e-4)
    assert GAS_TRANSMITTANCE["B02"] == pytest.approx(np.exp(-0.027266 * 0.3**0.995324), abs=5e-4)
    ozone, water = -0.098738 * 0.3**0.998703, -0.000757
    assert GAS_TRANSMITTANCE["B03"] == pytest.approx(np.exp(ozone + water), abs=5e-4)


def test_morning_sun_stands_in_the_east() -> None:
    zenith, azimuth = sun_position(datetime(2019, 6, 21, 8, tzinfo=UTC), 46.5, 0.0)
    assert 90 < azimuth < 120
    assert 45 < zenith < 60


def test_rayleigh_thickness_of_the_literature() -> None:
    # Hansen & Travis (1974): 0.0973 at 0.55 um.
    assert rayleigh_thickness(0.55) == pytest.approx(0.0973, abs=3e-4)


def test_air_is_bluer_lower_down_and_thinner_higher_up() -> None:
    heights = np.array([0, 1, 2, 4], np.float32)
    blue = clear_air("B02", 0.49, heights, 0.1, 45)
    red = clear_air("B04", 0.66, heights, 0.1, 45)
    assert np.all(blue.path > red.path)
    assert np.all(np.diff(blue.path) < 0)
    assert np.all(np.diff(blue.transmittance) > 0)
    assert np.all((blue.transmittance > 0.5) & (blue.transmittance < 1))
    assert np.all((blue.diffuse > 0) & (blue.diffuse < 0.5))


def test_cirrus_band_is_blind_at_the_ground_and_sees_high_clouds() -> None:
    heights = np.array([1.0, 10.0], np.float32)
    through = water_transmittance("B10", heights, 45)
    assert through[0] < 1e-6
    assert through[1] > 0.7
    assert np.all(water_transmittance("B04", heights, 45) == 1)


def test_fractal_fields_are_standardised_and_repeatable() -> None:
    field = fields.fractal(rng(), (64, 96), 20, 500)
    assert field.shape == (64, 96)
    assert field.mean() == pytest.approx(0, abs=1e-4)
    assert field.std() == pytest.approx(1, abs=1e-4)
    assert np.array_equal(field, fields.fractal(rng(), (64, 96), 20, 500))


def test_displaced_field_moves_down_and_right() -> None:
    field = np.zeros((8, 8), np.float32)
    field[2, 3] = 1
    assert fields.displaced(field, 2, 1)[4, 4] == 1
    half = fields.displaced(field, 0.5, 0)
    assert half[2, 3] == pytest.approx(0.5)
    assert half[3, 3] == pytest.approx(0.5)
    assert fields.displaced(field, -2.5, 3.25).sum() == pytest.approx(1, abs=1e-5)


def test_enlarge_keeps_a_ramp_and_shrink_undoes_it() -> None:
    ramp = np.tile(np.arange(10, dtype=np.float32), (6, 1))
    large = fields.enlarge(ramp, 2, (12, 20))
    assert large[5, 4:6] == pytest.approx([1.75, 2.25])
    assert fields.shrink(large, 2)[:, 1:-1] == pytest.approx(ramp[:, 1:-1])


def test_blur_has_the_transfer_that_was_asked_for() -> None:
    # A wave at the Nyquist frequency of 20 m pixels: period 40 m, four samples of 10 m.
    col = np.arange(400)
    wave = np.tile(np.sin(2 * np.pi * col / 4 + np.pi / 4), (20, 1)).astype(np.float32)
    blurred = instruments.blur(wave, 0.25, 10, 20)
    averaged = fields.shrink(blurred, 2)
    optics = np.abs(blurred[10, 100:300]).max() / np.abs(wave).max()
    # The rest of 0.25 is the averaging over the pixel, sinc(1/2) = 0.637.
    assert optics == pytest.approx(0.25 / 0.6366, rel=0.03)
    assert averaged.std() < blurred.std()
    flat = np.full((30, 30), 0.4, np.float32)
    assert instruments.blur(flat, 0.25, 10, 20) == pytest.approx(0.4)


def camera(**changes: float) -> instruments.Camera:
    values = {"response_shift": 0.0, "snr": 100.0, "mtf_nyquist": 0.25, "striping": 0.0}
    return instruments.Camera(**{**values, **changes}, gain={"XS1": 1.0})


def test_noise_is_as_configured() -> None:
    half = np.full((300, 300), 0.25, np.float32)
    dn = instruments.expose(half, camera(), 0.45, 0.05, rng()).astype(float)
    # At half of full scale the noise is 127.5 / 100, plus 1/12 of a DN for the rounding.
    assert dn.mean() == pytest.approx(127.5, abs=0.1)
    assert dn.var() == pytest.approx(1.275**2 + 1 / 12, rel=0.03)


def test_stripes_run_along_columns() -> None:
    half = np.full((400, 200), 0.25, np.float32)
    dn = instruments.expose(half, camera(striping=2.0), 0.45, 0.05, rng()).astype(float)
    assert dn.mean(axis=0).std() == pytest.approx(2.0, rel=0.2)
    assert dn.mean(axis=1).std() < 0.3


def test_bright_and_dark_are_clipped() -> None:
    extreme = np.array([[2.0, -1.0]], np.float32)
    assert instruments.expose(extreme, camera(), 0.45, 0.05, rng()).tolist() == [[255, 0]]


def test_gain_steps_are_discrete_and_near_what_was_wanted() -> None:
    settings = Instruments()
    found = [
        instruments.choose_exposure(
            settings, camera(), "SPOT4", ("XS1",), zenith, 0, generator(seed, "x")
        )
        for seed in range(200)
        for zenith in (60.0,)
    ]
    saturation = np.array([e.saturation["XS1"] for e in found])
    steps = np.log(saturation / saturation.min()) / np.log(instruments.GAIN_STEP["SPOT4"])
    assert steps == pytest.approx(np.rint(steps), abs=1e-6)
    low, high = settings.saturation["XS1"]
    assert low - 0.05 < np.median(saturation) < high + 0.05
    assert all(e.minimum["XS1"] < e.saturation["XS1"] for e in found)


def test_cameras_differ_between_instruments_and_repeat() -> None:
    settings = Instruments()
    one = instruments.draw_camera(settings, "SPOT2-HRV1", ("XS1",), 1)
    assert one == instruments.draw_camera(settings, "SPOT2-HRV1", ("XS1",), 1)
    assert one != instruments.draw_camera(settings, "SPOT2-HRV2", ("XS1",), 1)
    assert 0.7 * settings.snr <= one.snr <= 1.3 * settings.snr
    assert abs(one.response_shift) <= settings.response_shift


def test_displacement_is_in_metres() -> None:
    shifts = [
        instruments.displacement(Instruments(geolocation_error=10.0), generator(seed, "x"))
        for seed in range(2000)
    ]
    assert np.std(shifts) == pytest.approx(10.0, rel=0.05)


def test_misplaced_image_moves_east_and_north() -> None:
    grid = Grid.from_bounds("EPSG:32632", 600000, 5199800, 600200, 5200000, 10)
    image = np.zeros(grid.shape, np.float32)
    image[10:12, 10:12] = 1
    moved = instruments.resample_image(image, grid, grid.with_resolution(20), (20.0, 40.0))
    assert np.argwhere(np.nan_to_num(moved) > 0.9).tolist() == [[3, 6]]


def test_truth_by_hand() -> None:
    def code(snow: float, thickness: float, trees: float = 0.0, water: float = 0.0) -> int:
        one = [np.full((1, 1), v, np.float32) for v in (snow, thickness, trees, water)]
        return int(true_classes(*one)[0, 0])

    assert code(0.65, 0.1) == 100
    assert code(0.35, 0.0) == 0
    assert code(0.5, 0.0) == IGNORE
    assert code(0.0, 0.3) == IGNORE
    assert code(1.0, 0.5) == 205
    assert code(0.0, 30, trees=0.6) == IGNORE
    assert code(0.0, 0.0, water=1.0) == IGNORE


def test_band_means_of_the_spectra() -> None:
    optics = band_optics(simulation(), "sentinel2a")
    assert optics.names[0] == "B01"
    assert optics.wavelength[optics.names.index("B04")] == pytest.approx(0.664, abs=0.003)
    snow = optics.reflectance["snow_medium"]
    assert snow[optics.names.index("B03")] > 0.9
    assert snow[optics.names.index("B11")] < 0.2
    shifted = band_optics(simulation(), "sentinel2a", 5.0)
    assert shifted.wavelength - optics.wavelength == pytest.approx(0.005, abs=0.001)


def test_spectra_without_the_column_of_a_role() -> None:
    with pytest.raises(ConfigError, match="granite"):
        band_optics(simulation(materials={"rock": ["granite"]}), "sentinel2a")


def test_situations_by_hand() -> None:
    """Left half snow, right half bare; clouds in the first rows, bright rock in the last column."""
    snow = np.zeros((20, 20), np.float32)
    snow[:, :10] = 1
    thickness = np.zeros_like(snow)
    thickness[0], thickness[1] = 1.0, 5.0
    rock, brightness = np.zeros_like(snow), np.full_like(snow, 0.3)
    rock[:, 19] = 0.9
    told = true_situations(snow, thickness, rock, brightness, month=5)
    np.testing.assert_array_equal(np.argwhere(told["thin cloud over snow"])[:, 0], [0] * 10)
    np.testing.assert_array_equal(np.argwhere(told["bright rock"])[:, 1], [19] * 18)
    # 9 pixels around column c hold max(0, min(9, 14 - c)) of snow: 2 to 7 of 9 are patchy.
    patchy = told["spring patchy snow"]
    assert patchy[2:].any(axis=0).nonzero()[0].tolist() == [7, 8, 9, 10, 11, 12]
    assert not patchy[:2].any()
    assert not true_situations(snow, thickness, rock, brightness, 9)["spring patchy snow"].any()
    dark = true_situations(snow, thickness, rock, brightness / 2, 5)
    assert not dark["bright rock"].any()
