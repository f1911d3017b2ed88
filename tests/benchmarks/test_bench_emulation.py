"""The benchmark of the emulation: it compares like with like, and reports."""

import json
from pathlib import Path

import numpy as np
import pytest
import rasterio

from benchmarks import emulation
from benchmarks.__main__ import main
from benchmarks.baselines import emulation as baseline
from firn import netcdf

SIZE = 30


def test_translate_scales_rounds_and_clips(tmp_path: Path) -> None:
    baseline.write_patches(tmp_path, np.array([[[[999, 1000, 2000, 3000, 3001]]]], np.uint16), "B")
    target = str(tmp_path / "byte.tif")
    baseline.translate(str(tmp_path / "0_B.tif"), target, "Byte", (1000, 3000), (0, 255))
    with rasterio.open(target) as dataset:
        assert dataset.read(1).tolist() == [[0, 0, 128, 255, 255]]


def test_gdal_alone_gives_the_same_patches(tmp_path: Path) -> None:
    patches, pseudo = tmp_path / "patches.nc", tmp_path / "pseudo.nc"
    emulation.write_patches(patches, SIZE)
    emulation.emulate(patches, pseudo)
    emulation.emulate_plainly(patches, emulation.acquisitions(patches), tmp_path / "plain")
    dn, valid, high, low = netcdf.arrays(pseudo, "dn", "valid", "saturation", "minimum")
    assert (valid == 1).all()
    assert dn.min() < 50 and dn.max() == 255
    step = (high - low)[..., None, None] / 255
    seen = 1000 * (low[..., None, None] + dn * step)
    for patch in range(emulation.PATCHES):
        for band, name in enumerate(emulation.SENSOR.band_names):
            with rasterio.open(tmp_path / "plain" / f"{patch}_{name}.tif") as dataset:
                difference = np.abs(dataset.read(1) - seen[patch, band])
            # Thousandths are rounded; the baseline rounds what it mixes as well, so that a digital
            # number may be the next one.
            assert difference.max() <= 0.51 + 1000 * step[patch, band]
            assert (difference <= 0.51).mean() > 0.95


@pytest.mark.usefixtures("one_process")
def test_rows_tell_time_and_memory(tmp_path: Path) -> None:
    output = tmp_path / "bench.json"
    main(["emulate", "--size", str(SIZE), "--repeats", "1", "--output", str(output)])
    names = [row["name"] for row in json.loads(output.read_text())]
    assert names == ["emulate", "emulate, processor time", "emulate, peak memory"]
