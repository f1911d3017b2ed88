"""Pseudo-SPOT patches."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sensors_and_scenes import (
    FULL,
    PUBLISHED,
    acquisition,
    emulate_patches,
    patches,
    saturations,
    target,
)

from firn import netcdf, raster
from firn.emulation.acquisition import noise_variance, stripe_deviation
from firn.emulation.geometry import filter_weights
from firn.emulation.patches import Noise, Target, emulate, write_pseudo
from firn.errors import ConfigError
from firn.products.identity import TileDate
from firn.samples import DATA, MIXED_LABEL
from firn.seeds import generator
from firn.sensors import load_sensor
from firn.stacks import write_toa


def pixel(*values: int) -> np.ndarray:
    return np.array(values, np.uint16).reshape(-1, 1, 1)


def test_digital_numbers_by_hand() -> None:
    """Reflectance 0.2 and 0.3 in blue and green mix to XS1; red 0.25 is half-way in 0.05-0.45.

    XS1 = (25.4 x 0.2 + 36 x 0.3) / 61.4 = 0.258632, (0.258632 - 0.05) / 0.4 x 255 = 133.003;
    XS2 = 0.25 gives 127.5, the nearest even number is 128; XS3 = 0.35, 0.3 / 0.6 x 255 = 127.5.
    """
    dn, valid = emulate(pixel(2000, 3000, 2500, 3500, 100), acquisition())
    assert dn.dtype == np.uint8
    assert dn[0].item() == 133
    assert dn[1].item() in (127, 128)
    assert dn[2].item() in (127, 128)
    assert valid.item()


def test_numbers_are_rounded_and_clipped() -> None:
    """(0.0520 - 0.05) / 0.4 x 255 = 1.275 -> 1; 0.0525 -> 1.594 -> 2; 0.04 -> 0; 0.7 -> 255."""
    toa = np.full((5, 1, 4), 3000, np.uint16)
    toa[2, 0] = [520, 525, 400, 7000]
    dn, _ = emulate(toa, acquisition())
    assert dn[1, 0].tolist() == [1, 2, 0, 255]


@pytest.mark.parametrize("baseline", ["201", "400"])
def test_real_crop_by_hand(
    tmp_path: Path, crop_product: Callable[[str], Path], baseline: str
) -> None:
    """Pixel (10, 20) of the 20 m grid: 4 x 4 pixels of 10 m weighed (1 3 3 1)/8 along both axes.

    They give 1166, 1106, 853 and 2831 for B02, B03, B04 and B08; B11 is 2240. So
    XS1 = (25.4 x 0.1166 + 36 x 0.1106) / 61.4 = 0.11308, 255 x (0.11308 - 0.04) / 0.26 = 71.7;
    XS2 = 0.0853, 255 x 0.0553 / 0.32 = 44.1; XS3 = 0.2831, 255 x 0.2631 / 0.53 = 126.6;
    SWIR = 0.2240, 255 x 0.214 / 0.44 = 124.0.
    """
    write_toa(crop_product(baseline), TileDate("18SVG", "20180314"), tmp_path / "toa.tif")
    toa = raster.read(tmp_path / "toa.tif").values
    gains = {"saturation": [0.3, 0.35, 0.55, 0.45], "minimum": [0.04, 0.03, 0.02, 0.01]}
    arrays = {name: np.array(values, np.float32) for name, values in gains.items()}
    dn, valid = emulate(toa, acquisition("spot4", **arrays))
    assert dn[:, 10, 20].tolist() == [72, 44, 127, 124]
    assert valid[10, 20]


def test_missing_band_makes_a_pixel_invalid_only_where_it_is_used() -> None:
    without_swir = pixel(2000, 3000, 2500, 3500, 0)
    assert emulate(without_swir, acquisition())[1].item()
    dn, valid = emulate(without_swir, acquisition("spot4"))
    assert not valid.item()
    assert not dn.any()
    traces = acquisition(weights=acquisition("spot4").weights[:3] + np.float32(0.003))
    assert emulate(without_swir, traces)[1].item()
    without_blue = pixel(0, 3000, 2500, 3500, 100)
    assert not emulate(without_blue, acquisition())[1].item()


def test_saturated_input_saturates_the_bands_mixed_from_it() -> None:
    """Even where the drawn saturation lies above the largest value that a stack can hold."""
    high = acquisition(saturation=np.full(3, 9, np.float32))
    dn, valid = emulate(pixel(65535, 3000, 2500, 3500, 100), high)
    assert dn[0].item() == 255
    assert (dn[1:] < 255).all()
    assert valid.item()


def test_saturated_input_leaves_a_band_that_it_hardly_tells_of() -> None:
    """0.02 x 2 (as bright as anything may be) + 0.98 x 0.01 = 0.0498; x 255 = 12.7."""
    weights = np.zeros((1, 5), np.float32)
    weights[0, 3:] = 0.02, 0.98
    one = acquisition(
        weights=weights, saturation=np.ones(1, np.float32), minimum=np.zeros(1, np.float32)
    )
    assert emulate(pixel(2000, 3000, 2500, 65535, 100), one)[0].item() == 13


@given(st.integers(1, 65534), st.integers(1, 65534))
def test_brighter_pixels_never_get_lower_numbers(one: int, other: int) -> None:
    low, high = sorted((one, other))
    toa = np.repeat(np.array([[[low, high]]], np.uint16), 5, axis=0)
    dn, _ = emulate(toa, acquisition())
    assert (dn[:, 0, 0] <= dn[:, 0, 1]).all()


def test_every_draw_has_gains_of_its_own() -> None:
    twice = PUBLISHED.model_copy(update={"draws": 2})
    pseudo = emulate_patches(patches(), target(), twice, seed=1)
    assert pseudo.patch.values.tolist() == [0, 0, 1, 1, 2, 2]
    assert pseudo.draw.values.tolist() == [0, 1] * 3
    assert len(np.unique(pseudo.saturation.values, axis=0)) == 6
    assert len(np.unique(pseudo.minimum.values, axis=0)) == 6
    for sample in range(6):
        expected, _ = emulate(
            patches().toa.values[pseudo.patch.values[sample]],
            acquisition(
                saturation=pseudo.saturation.values[sample],
                minimum=pseudo.minimum.values[sample],
            ),
        )
        np.testing.assert_array_equal(pseudo.dn.values[sample], expected)


def test_draws_depend_on_seed_scene_and_sensor_alone() -> None:
    first = emulate_patches(patches(), target(), PUBLISHED, seed=1)
    assert first.equals(emulate_patches(patches(), target(), PUBLISHED, seed=1))
    others = [
        emulate_patches(patches(), target(), PUBLISHED, seed=2),
        emulate_patches(patches(date="20180316"), target(), PUBLISHED, seed=1),
        emulate_patches(patches(), target(sensor="spot3"), PUBLISHED, seed=1),
    ]
    for other in others:
        assert not np.array_equal(first.saturation.values, other.saturation.values)


def test_one_read_serves_several_sensors(tmp_path: Path) -> None:
    netcdf.write(tmp_path / "patches.nc", patches())
    targets = [target(tmp_path / f"{name}.nc", name) for name in ("spot2", "spot4")]
    write_pseudo(tmp_path / "patches.nc", targets, PUBLISHED, seed=1)
    two, four = (netcdf.read(t.path) for t in targets)
    assert list(two.band.values) == ["XS1", "XS2", "XS3"]
    assert list(four.band.values) == ["XS1", "XS2", "XS3", "SWIR"]
    assert two.equals(emulate_patches(patches(), targets[0], PUBLISHED, seed=1))
    first = targets[0].path.read_bytes()
    write_pseudo(tmp_path / "patches.nc", targets[:1], PUBLISHED, seed=1)
    assert targets[0].path.read_bytes() == first, "the same bytes again"


def test_scene_without_patches_gives_an_empty_file(tmp_path: Path) -> None:
    netcdf.write(tmp_path / "patches.nc", patches(count=0))
    write_pseudo(tmp_path / "patches.nc", [target(tmp_path / "none.nc")], FULL, seed=1)
    assert netcdf.read(tmp_path / "none.nc").dn.shape == (0, 3, 4, 4)


def test_saturations_of_other_bands_are_refused() -> None:
    wrong = Target("alps", load_sensor("spot4"), saturations(), Path("spot4.nc"))
    with pytest.raises(ConfigError, match=r"sensor spot4: .*SWIR.*make the saturation file"):
        emulate_patches(patches(), wrong, PUBLISHED, seed=1)


def test_bits_of_another_sensor() -> None:
    """12 bits: (0.25 - 0.05) / 0.4 x 4095 = 2047.5 in XS2."""
    dn, _ = emulate(pixel(2000, 3000, 2500, 3500, 100), acquisition(), bits=12)
    assert dn.dtype == np.uint16
    assert dn[1].item() in (2047, 2048)


def test_haze_by_hand() -> None:
    """A layer of 0.1 over 0.25: 0.1 + 0.9**2 x 0.25 / (1 - 0.025) = 0.30769; DN 164.3 of 0.05-0.45.

    Over white nothing is lost: h + (1 - h)**2 / (1 - h) = 1.
    """
    hazy = acquisition(haze=np.full(3, 0.1, np.float32))
    assert emulate(pixel(2000, 3000, 2500, 3500, 100), hazy)[0][1].item() == 164
    white = acquisition(haze=np.full(3, 0.1, np.float32), saturation=np.full(3, 2, np.float32))
    dn, _ = emulate(pixel(*[10000] * 5), white)
    np.testing.assert_allclose(dn.ravel(), 0.95 / 1.95 * 255, atol=0.5)


def noisy(sensor: str, reflectance: float, size: int = 400) -> np.ndarray:
    """Digital numbers of flat ground, saturation 1 and minimum 0."""
    described = load_sensor(sensor)
    toa = np.full((5, size, size), round(10000 * reflectance), np.uint16)
    one = {"saturation": np.ones(3, np.float32), "minimum": np.zeros(3, np.float32)}
    noise = Noise(described, size, generator(1, "noise", str(reflectance)))
    return emulate(toa, acquisition(**one), described.bits, noise)[0].astype(float)


@pytest.mark.parametrize("reflectance", [0.2, 0.5, 0.8])
def test_noise_has_the_variance_that_is_configured(reflectance: float) -> None:
    """Beside the noise there are the stripes and the rounding, whose variance is 1/12."""
    still, growth = noise_variance(load_sensor("spot2"))[0]
    expected = still + growth * 255 * reflectance + 1 / 12
    within_columns = noisy("spot2", reflectance).var(axis=1)
    np.testing.assert_allclose(within_columns.mean(axis=1), expected, rtol=0.03)


def test_signal_to_noise_ratio_is_that_of_the_description() -> None:
    """At half of full scale: 127.5 / 150 = 0.85 DN; half of its variance is there in the dark."""
    still, growth = noise_variance(load_sensor("spot2"))[0]
    assert (still + growth * 127.5) ** 0.5 == pytest.approx(127.5 / 150)
    assert still == pytest.approx(0.5 * (127.5 / 150) ** 2)


def test_four_small_pixels_have_half_the_noise_of_one() -> None:
    """SPOT5 has 10 m in the visible and 20 m in SWIR; stripes are averaged over two columns."""
    sensor = load_sensor("spot5")
    variance = noise_variance(sensor)
    assert variance[0][0] == pytest.approx(variance[3][0] / 4)
    assert noise_variance(sensor, 10)[0] == pytest.approx(variance[3])
    assert stripe_deviation(sensor) == pytest.approx([0.3 / 2**0.5] * 3 + [0.3])


def test_columns_differ_by_the_stripes() -> None:
    numbers = noisy("spot2", 0.5, size=1000)
    across = numbers.mean(axis=1).std(axis=1)
    np.testing.assert_allclose(across, 0.3, rtol=0.1)


def test_noise_leaves_the_mean_and_saturation_alone() -> None:
    np.testing.assert_allclose(noisy("spot2", 0.5).mean(), 127.5, atol=0.05)
    assert (noisy("spot2", 1.1) == 255).all()


def test_no_data_spreads_as_far_as_the_filters_reach() -> None:
    """A shift of half a pixel weighs two pixels on either side; data beyond stay as they are."""
    half = np.repeat(filter_weights(np.ones(1), 0.5), 3, axis=0)
    toa = np.full((5, 11, 11), 3000, np.uint16)
    toa[:, 5, 5] = 0
    dn, valid = emulate(toa, acquisition(rows=half, columns=half))
    reach = half.shape[1] // 2
    expected = np.ones((11, 11), bool)
    expected[5 - reach : 6 + reach, 5 - reach : 6 + reach] = False
    np.testing.assert_array_equal(valid, expected)
    assert len(np.unique(dn[1][valid])) == 1
    assert not dn[:, ~valid].any()


@pytest.mark.parametrize("rows", [1, 2, 5])
def test_blocks_of_rows_give_the_same_numbers(rows: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """With every part that looks at neighbours, missing and saturated pixels and noise."""
    toa = patches(count=1, size=13).toa.values[0]
    toa[:, 6, 2], toa[3, 11, 11] = 0, 65535
    half = filter_weights(np.full(3, 0.8), 0.4)
    hazy = acquisition(rows=half, columns=half, haze=np.full(3, 0.02, np.float32))

    def emulated() -> tuple[np.ndarray, np.ndarray]:
        return emulate(toa, hazy, noise=Noise(load_sensor("spot2"), 13, generator(1, "noise")))

    dn, valid = emulated()
    monkeypatch.setattr("firn.emulation.patches.BLOCK", 13 * rows)
    dn_by_rows, valid_by_rows = emulated()
    np.testing.assert_array_equal(dn_by_rows, dn)
    np.testing.assert_array_equal(valid_by_rows, valid)
    assert 0 < valid.sum() < valid.size
    assert dn[2, 11, 11] == 255


def test_one_joint_draw_serves_all_patches_and_is_traced_to_its_scene() -> None:
    """What the file tells is enough to make the gains again from the scene's metadata."""
    pseudo = emulate_patches(patches(), target(), FULL, seed=3)
    gains = saturations()
    for draw in (0, 1):
        own = pseudo.isel(sample=pseudo.draw.values == draw)
        for name in ("saturation", "minimum", "shift", "haze", "gain_steps"):
            assert len(np.unique(own[name].values, axis=0)) == 1, name
        assert set(own.saturation_scene.values) == set(own.minimum_scene.values)
        scene = gains.scenes.index(str(own.saturation_scene.values[0]))
        assert own.instrument.values[0] == gains.instruments[scene]
        steps = 1.3 ** own.gain_steps.values[0].astype(float)
        scale = own.saturation.values[0] / (gains.saturation[scene] * steps)
        assert scale == pytest.approx(scale[0], rel=1e-5), "one sun for all bands"
        assert own.minimum.values[0] == pytest.approx(scale[0] * gains.minimum[scene], rel=1e-5)
    assert len(np.unique(pseudo["shift"].values, axis=0)) == 2


def test_independent_draws_are_traced_to_the_centres_of_their_kernels() -> None:
    pseudo = emulate_patches(patches(), target(), PUBLISHED, seed=1)
    gains = saturations()
    spread = gains.saturation.std(axis=0)
    for sample in range(3):
        scene = gains.scenes.index(str(pseudo.saturation_scene.values[sample]))
        error = pseudo.saturation.values[sample] - gains.saturation[scene]
        assert (np.abs(error) < 0.5 * spread).all()


def test_parts_have_random_numbers_of_their_own() -> None:
    """What is switched off changes nothing of what the others draw."""
    whole = emulate_patches(patches(), target(), FULL, seed=1)
    for part, off in {"misregistration": 0.0, "haze": 0.0, "noise": False, "blur": False}.items():
        other = emulate_patches(patches(), target(), FULL.model_copy(update={part: off}), seed=1)
        for name in ("saturation", "minimum", "gain_steps", "haze", "shift"):
            if not (name == part or (name, part) == ("shift", "misregistration")):
                np.testing.assert_array_equal(whole[name].values, other[name].values)


def test_label_that_no_pixel_sees_alone_does_not_count() -> None:
    """A snow pixel in ground, and the ground beside it, see too much of the other class."""
    scene = patches(count=1, size=9)
    scene.label.values[0, 4, 4] = 1
    pseudo = emulate_patches(scene, target(), PUBLISHED.model_copy(update={"mixed": 0.9}), seed=1)
    valid = pseudo.valid.values[0]
    assert valid[4, 4] == valid[4, 3] == valid[3, 4] == MIXED_LABEL
    assert valid[3, 3] == valid[0, 0] == DATA


def test_weights_and_their_errors_are_told_by_instrument() -> None:
    settings = FULL.model_copy(update={"draws": 12})
    pseudo = emulate_patches(patches(), target(), settings, seed=1)
    told = json.loads(pseudo.attrs["spectral"])
    assert set(told) == {"HRV1", "HRV2"} == set(pseudo.instrument.values)
    assert np.shape(told["HRV1"]["weights"]) == (3, 5)
    assert max(told["HRV1"]["rms_error"]["conifer"]) < 0.01


def test_a_sensor_that_is_no_spot(tmp_path: Path) -> None:
    """Pléiades: four bands without a response table, 12 bits, no gain steps."""
    sensor = load_sensor("pleiades")
    gains = replace(saturations(sensor.band_names), sensor="pleiades", instruments=("PHR1A",) * 12)
    pseudo = emulate_patches(
        patches(size=16), Target("alps", sensor, gains, tmp_path / "p.nc"), FULL, seed=1
    )
    assert pseudo.dn.dtype == np.uint16
    assert 255 < pseudo.dn.values.max() <= 4095
    assert not pseudo.gain_steps.values.any()
    errors = json.loads(pseudo.attrs["spectral"])["PHR1A"]["rms_error"]
    assert max(errors["snow_medium"]) < 0.01
