"""Sentinel-2 Level-1C against satpy, an independent reader, pixel for pixel."""

import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

import minimal_products
import numpy as np
import pytest
import satpy

from firn.products.sentinel2 import BAND_RESOLUTIONS, open_l1c

# satpy and what it stands on announce their own deprecations.
pytestmark = pytest.mark.filterwarnings("ignore")


def compare(safe: Path, path: Path, bands: Sequence[str]) -> np.ndarray:
    """Compare bands at their own resolution; how many pixels are infinite, NaN and else."""
    files = [str(file) for file in safe.rglob("*") if file.suffix in (".jp2", ".xml")]
    scene = satpy.Scene(files, reader="msi_safe")
    scene.load(bands, calibration="reflectance")
    product = open_l1c(path)
    counts = np.zeros(3, int)
    for band in bands:
        # satpy gives per cent, infinite where the instrument saturated.
        expected = scene[band].values / 100
        reflectance, saturated = product.read([band], BAND_RESOLUTIONS[band])
        infinite = np.isinf(expected)
        np.testing.assert_array_equal(saturated[0], infinite)
        values = np.where(infinite, np.inf, reflectance.values[0])
        np.testing.assert_allclose(values, expected, atol=1e-6)
        assert scene[band].attrs["area"].area_extent == product.grid(BAND_RESOLUTIONS[band]).bounds
        assert scene[band].attrs["start_time"] == product.sensing_time.replace(tzinfo=None)
        counts += infinite.sum(), np.isnan(expected).sum(), np.isfinite(expected).sum()
    return counts


@pytest.mark.parametrize("baseline", ["201", "400"])
def test_a_real_crop(crop_product: Callable[[str], Path], tmp_path: Path, baseline: str) -> None:
    path = crop_product(baseline)
    with zipfile.ZipFile(path) as archive:
        archive.extractall(tmp_path)
    _, _, finite = compare(tmp_path, path, ("B02", "B03", "B04", "B08", "B11"))
    assert finite > 4 * 10**5


def test_every_number_in_all_bands_each_with_an_offset_of_its_own(tmp_path: Path) -> None:
    rng = np.random.default_rng(11)
    bands = {}
    for band, resolution in BAND_RESOLUTIONS.items():
        shape = (minimal_products.SIDE // resolution,) * 2
        numbers = rng.integers(1, 32768, shape)
        numbers[0, :3] = 0, 65535, 32767
        bands[band] = numbers.astype(np.uint16)
    name = "S2C_MSIL1C_20250314T102021_N0511_R065_T32TPT_20250314T140000"
    offsets = {index: -1000.0 - index for index in range(13)}
    safe = minimal_products.sentinel2(tmp_path, bands, name=name, offsets=offsets)
    infinite, no_data, _ = compare(safe, safe, list(bands))
    assert (infinite, no_data) == (13, 13)
