"""Pseudo-SPOT patches."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

from firn import netcdf, raster
from firn.emulator import Target, emulate, emulate_patches, write_pseudo
from firn.errors import ConfigError
from firn.products.identity import TileDate
from firn.saturation import Saturations
from firn.sensors import boxcar_weights, load_sensor
from firn.stacks import write_toa

BANDS = ("B02", "B03", "B04", "B08", "B11")
SATURATION = np.array([0.45, 0.45, 0.65])
MINIMUM = np.array([0.05, 0.05, 0.05])


def weights(sensor: str) -> np.ndarray:
    return boxcar_weights(load_sensor(sensor), load_sensor("sentinel2a"), BANDS)


def pixel(*values: int) -> np.ndarray:
    return np.array(values, np.uint16).reshape(-1, 1, 1)


def saturations(bands: Sequence[str] = ("XS1", "XS2", "XS3")) -> Saturations:
    """Twelve scenes with gains of their own in every band."""
    spread = np.random.default_rng(0).uniform(-1, 1, (2, 12, len(bands)))
    return Saturations(
        sensor="spot2",
        area="alps",
        bands=tuple(bands),
        scenes=tuple(f"S{i}" for i in range(12)),
        dates=("1990-01-01",) * 12,
        saturation=0.4 + 0.1 * spread[0],
        minimum=0.05 + 0.01 * spread[1],
        bandwidth=0.1,
    )


def patches(count: int = 3, date: str = "20180315") -> xr.Dataset:
    toa = np.random.default_rng(1).integers(1, 9000, (count, 5, 4, 4)).astype(np.uint16)
    return xr.Dataset(
        {
            "toa": (("patch", "band", "y", "x"), toa),
            "label": (("patch", "y", "x"), np.zeros((count, 4, 4), np.uint8)),
        },
        coords={"band": list(BANDS)},
        attrs={"tile": "32TPT", "date": date, "platform": "sentinel2a", "product_id": "S2A"},
    )


def target(path: Path = Path("pseudo.nc"), sensor: str = "spot2") -> Target:
    loaded = load_sensor(sensor)
    return Target("alps", loaded, saturations(loaded.band_names), path)


def test_digital_numbers_by_hand() -> None:
    """Reflectance 0.2 and 0.3 in blue and green mix to XS1; red 0.25 is half-way in 0.05-0.45.

    XS1 = (25.4 x 0.2 + 36 x 0.3) / 61.4 = 0.258632, (0.258632 - 0.05) / 0.4 x 255 = 133.003;
    XS2 = 0.25 gives 127.5, the nearest even number is 128; XS3 = 0.35, 0.3 / 0.6 x 255 = 127.5.
    """
    dn, valid = emulate(pixel(2000, 3000, 2500, 3500, 100), weights("spot2"), SATURATION, MINIMUM)
    assert dn.dtype == np.uint8
    assert dn[0].item() == 133
    assert dn[1].item() in (127, 128)
    assert dn[2].item() in (127, 128)
    assert valid.item()


def test_numbers_are_rounded_and_clipped() -> None:
    """(0.0520 - 0.05) / 0.4 x 255 = 1.275 -> 1; 0.0525 -> 1.594 -> 2; 0.04 -> 0; 0.7 -> 255."""
    toa = np.full((5, 1, 4), 3000, np.uint16)
    toa[2, 0] = [520, 525, 400, 7000]
    dn, _ = emulate(toa, weights("spot2"), SATURATION, MINIMUM)
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
    saturation, minimum = np.array([0.3, 0.35, 0.55, 0.45]), np.array([0.04, 0.03, 0.02, 0.01])
    dn, valid = emulate(toa, weights("spot4"), saturation, minimum)
    assert dn[:, 10, 20].tolist() == [72, 44, 127, 124]
    assert valid[10, 20]


def test_missing_band_makes_a_pixel_invalid_only_where_it_is_used() -> None:
    without_swir = pixel(2000, 3000, 2500, 3500, 0)
    assert emulate(without_swir, weights("spot2"), SATURATION, MINIMUM)[1].item()
    gains = np.append(SATURATION, 0.5), np.append(MINIMUM, 0.05)
    dn, valid = emulate(without_swir, weights("spot4"), *gains)
    assert not valid.item()
    assert not dn.any()
    without_blue = pixel(0, 3000, 2500, 3500, 100)
    assert not emulate(without_blue, weights("spot2"), SATURATION, MINIMUM)[1].item()


def test_saturated_input_saturates_the_bands_mixed_from_it() -> None:
    """Even where the drawn saturation lies above the largest value that a stack can hold."""
    dn, valid = emulate(
        pixel(65535, 3000, 2500, 3500, 100), weights("spot2"), np.full(3, 9.0), MINIMUM
    )
    assert dn[0].item() == 255
    assert (dn[1:] < 255).all()
    assert valid.item()


@given(st.integers(1, 65534), st.integers(1, 65534))
def test_brighter_pixels_never_get_lower_numbers(one: int, other: int) -> None:
    low, high = sorted((one, other))
    toa = np.repeat(np.array([[[low, high]]], np.uint16), 5, axis=0)
    dn, _ = emulate(toa, weights("spot2"), SATURATION, MINIMUM)
    assert (dn[:, 0, 0] <= dn[:, 0, 1]).all()


def test_every_draw_has_gains_of_its_own() -> None:
    pseudo = emulate_patches(patches(), target(), draws=2, seed=1)
    assert pseudo.patch.values.tolist() == [0, 0, 1, 1, 2, 2]
    assert pseudo.draw.values.tolist() == [0, 1] * 3
    assert len(np.unique(pseudo.saturation.values, axis=0)) == 6
    assert len(np.unique(pseudo.minimum.values, axis=0)) == 6
    for sample in range(6):
        expected, _ = emulate(
            patches().toa.values[pseudo.patch.values[sample]],
            weights("spot2"),
            pseudo.saturation.values[sample],
            pseudo.minimum.values[sample],
        )
        np.testing.assert_array_equal(pseudo.dn.values[sample], expected)


def test_draws_depend_on_seed_scene_and_sensor_alone() -> None:
    first = emulate_patches(patches(), target(), draws=1, seed=1)
    assert first.equals(emulate_patches(patches(), target(), draws=1, seed=1))
    others = [
        emulate_patches(patches(), target(), draws=1, seed=2),
        emulate_patches(patches(date="20180316"), target(), draws=1, seed=1),
        emulate_patches(patches(), target(sensor="spot3"), draws=1, seed=1),
    ]
    for other in others:
        assert not np.array_equal(first.saturation.values, other.saturation.values)


def test_one_read_serves_several_sensors(tmp_path: Path) -> None:
    netcdf.write(tmp_path / "patches.nc", patches())
    targets = [target(tmp_path / f"{name}.nc", name) for name in ("spot2", "spot4")]
    write_pseudo(tmp_path / "patches.nc", targets, draws=1, seed=1)
    two, four = (netcdf.read(t.path) for t in targets)
    assert list(two.band.values) == ["XS1", "XS2", "XS3"]
    assert list(four.band.values) == ["XS1", "XS2", "XS3", "SWIR"]
    assert two.equals(emulate_patches(patches(), targets[0], draws=1, seed=1))
    first = targets[0].path.read_bytes()
    write_pseudo(tmp_path / "patches.nc", targets[:1], draws=1, seed=1)
    assert targets[0].path.read_bytes() == first, "the same bytes again"


def test_scene_without_patches_gives_an_empty_file(tmp_path: Path) -> None:
    netcdf.write(tmp_path / "patches.nc", patches(count=0))
    write_pseudo(tmp_path / "patches.nc", [target(tmp_path / "none.nc")], draws=3, seed=1)
    assert netcdf.read(tmp_path / "none.nc").dn.shape == (0, 3, 4, 4)


def test_saturations_of_other_bands_are_refused() -> None:
    wrong = Target("alps", load_sensor("spot4"), saturations(), Path("spot4.nc"))
    with pytest.raises(ConfigError, match=r"spot4\.nc.*SWIR"):
        emulate_patches(patches(), wrong, draws=1, seed=1)
