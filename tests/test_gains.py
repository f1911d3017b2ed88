"""Gains of scenes, from their metadata."""

import logging
from collections.abc import Sequence
from pathlib import Path

import minimal_products
import numpy as np
import pytest

from firn.errors import DataError
from firn.gains import collect
from firn.saturation import Saturations
from firn.seeds import generator
from firn.sensors import load_sensor

SPOT4 = load_sensor("spot4")


def spot_scenes(folder: Path, n: int) -> list[Path]:
    rng = np.random.default_rng(4)
    paths = []
    for i in range(n):
        saturation = dict(zip(SPOT4.band_names, rng.uniform(0.2, 0.7, 4).round(4), strict=True))
        minimum = dict(zip(SPOT4.band_names, rng.uniform(0.001, 0.02, 4).round(4), strict=True))
        name = f"SPOT4-HRVIR{1 + i % 2}-XS_2001061{i}-110246-780_L1C_039-264-0_D_V1-0"
        product = minimal_products.swh(folder, {}, saturation, minimum=minimum, name=name)
        paths.append(minimal_products.zip_folder(product))
    return paths


def test_collects_both_instruments_from_metadata_in_any_order(tmp_path: Path) -> None:
    paths = spot_scenes(tmp_path, 6)
    collected = collect(paths, SPOT4, "alps", 0.1)
    assert collected.bands == ("XS1", "XS2", "XS3", "SWIR")
    assert collected.dates[0] == "2001-06-10"
    assert [name[:12] for name in collected.scenes[:2]] == ["SPOT4-HRVIR1", "SPOT4-HRVIR1"]
    assert collected.saturation.shape == (6, 4)
    backwards = collect(list(reversed(paths)), SPOT4, "alps", 0.1)
    assert backwards.scenes == collected.scenes
    np.testing.assert_array_equal(backwards.saturation, collected.saturation)
    without = collect(paths, load_sensor("spot4-noswir"), "alps", 0.1)
    np.testing.assert_array_equal(without.saturation, collected.saturation[:, :3])


def raw_scenes(folder: Path, n: int, bias: float) -> list[Path]:
    """Level-1A scenes of SPOT2 on n days; the gain of XS1 is 1.2, 1.3, ..."""
    image = np.ones((3, 4, 4), np.uint8)
    paths = []
    for i in range(n):
        gains = {"XS1": (1.2 + 0.1 * i, bias), "XS2": (0.8 + 0.1 * (i % 3), bias)}
        day = {"<IMAGING_DATE>2007-02-10": f"<IMAGING_DATE>2007-02-1{i}"}
        product = minimal_products.spot_l1a(
            folder / str(i), image, {**gains, "XS3": (1.5 + 0.1 * (i % 2), bias)}, replaced=day
        )
        paths.append(minimal_products.zip_folder(product))
    return paths


def test_collects_level_1a_scenes_whose_minimum_is_one_and_the_same(tmp_path: Path) -> None:
    """DN 0 of scenes without bias is no radiance: the minimum is 0 in each of them."""
    collected = collect(raw_scenes(tmp_path, 6, bias=0.0), load_sensor("spot2"), "alps", 0.1)
    assert collected.scenes[0] == "26933810702101419061X"
    assert (np.diff(collected.saturation[:, 0]) < 0).all(), "a larger gain saturates earlier"
    assert not collected.minimum.any()
    saturation, minimum = collected.draw(50, generator(1, "raw"))[:2]
    assert not minimum.any()
    assert np.ptp(saturation[:, 0]) > 0
    collected.save(tmp_path / "kde.nc")
    assert not Saturations.load(tmp_path / "kde.nc").density("minimum", "XS1", np.ones(3)).any()


def messages(caplog: pytest.LogCaptureFixture) -> Sequence[str]:
    return [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]


def test_a_bad_scene_is_left_out_with_a_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    paths = spot_scenes(tmp_path, 6)
    paths[2].write_bytes(b"not a zip")
    with caplog.at_level(logging.WARNING):
        collected = collect(paths, SPOT4, "alps", 0.1)
    assert len(collected.scenes) == 5
    assert len(messages(caplog)) == 1
    assert str(paths[2]) in messages(caplog)[0]
    paths[3].unlink()
    with pytest.raises(DataError, match="4 scenes, a density over 4 bands needs 5"):
        collect(paths, SPOT4, "alps", 0.1)


def test_scenes_of_another_platform_do_not_count(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    paths = spot_scenes(tmp_path, 6)
    with caplog.at_level(logging.WARNING), pytest.raises(DataError, match="0 scenes"):
        collect(paths, load_sensor("spot2"), "alps", 0.1)
    assert all("is of SPOT4, expected SPOT2" in message for message in messages(caplog))
