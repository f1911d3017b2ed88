"""Saturation and minimum reflectance, and their density."""

import logging
from collections.abc import Sequence
from pathlib import Path

import minimal_products
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firn.errors import DataError
from firn.saturation import Saturations, collect
from firn.seeds import generator
from firn.sensors import load_sensor

SPOT4 = load_sensor("spot4")
BANDS = ("XS1", "XS2", "XS3")


def samples(saturation: np.ndarray, minimum: np.ndarray, bandwidth: float = 0.1) -> Saturations:
    n = len(saturation)
    return Saturations(
        sensor="spot2",
        area="alps",
        bands=BANDS[: saturation.shape[1]],
        scenes=tuple(f"S{i}" for i in range(n)),
        dates=("1990-01-01",) * n,
        saturation=saturation,
        minimum=minimum,
        bandwidth=bandwidth,
    )


def gains(n: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.uniform(0.2, 0.7, (n, 3)), rng.uniform(0.001, 0.02, (n, 3))


@settings(max_examples=25, deadline=None)
@given(st.integers(4, 30), st.integers(0, 2**32), st.sampled_from([0.05, 0.1, 0.5, 1.0]))
def test_draws_are_possible_whatever_the_bandwidth(n: int, seed: int, bandwidth: float) -> None:
    saturation, minimum = samples(*gains(n, seed), bandwidth).draw(200, generator(seed, "draw"))
    assert saturation.shape == minimum.shape == (200, 3)
    assert (minimum >= 0).all()
    assert (saturation > minimum).all()


def test_impossible_draws_do_occur_without_the_guard() -> None:
    """Else the test above could not fail."""
    raw = samples(*gains(10), 1.0)._density("minimum").resample(2000, seed=generator(1, "raw"))
    assert (raw < 0).any()


def test_draws_follow_the_samples() -> None:
    """A kernel of 0.1 standard deviations: mean kept, variance 1.01 times that of the samples."""
    saturation, minimum = gains(400)
    drawn, low = samples(saturation, minimum).draw(20000, generator(5, "moments"))
    np.testing.assert_allclose(drawn.mean(0), saturation.mean(0), atol=0.005)
    np.testing.assert_allclose(drawn.std(0), saturation.std(0, ddof=1) * 1.01**0.5, rtol=0.03)
    np.testing.assert_allclose(low.mean(0), minimum.mean(0), atol=0.0005)


def test_draws_are_joint_over_bands_and_independent_between_quantities() -> None:
    shared = np.linspace(0.2, 0.6, 60)[:, None]
    rng = np.random.default_rng(2)
    saturation = shared + rng.normal(0, 0.01, (60, 3))
    minimum = shared / 20 + rng.normal(0, 0.0005, (60, 3))
    drawn, low = samples(saturation, minimum).draw(3000, generator(3, "joint"))
    assert np.corrcoef(drawn[:, 0], drawn[:, 2])[0, 1] > 0.95
    assert abs(np.corrcoef(drawn[:, 0], low[:, 0])[0, 1]) < 0.06


def test_the_same_seed_draws_the_same() -> None:
    density = samples(*gains(20))
    one, two = (density.draw(50, generator(7, "tile", "date")) for _ in range(2))
    np.testing.assert_array_equal(one, two)
    other = density.draw(50, generator(8, "tile", "date"))
    assert (one[0] != other[0]).all()


def test_no_draw_is_an_empty_draw() -> None:
    saturation, minimum = samples(*gains(20)).draw(0, generator(1))
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
    np.testing.assert_array_equal(loaded.saturation, original.saturation)
    np.testing.assert_array_equal(loaded.minimum, original.minimum)
    with pytest.raises(DataError, match=r"gone\.nc"):
        Saturations.load(tmp_path / "gone.nc")


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
    saturation, minimum = collected.draw(50, generator(1, "raw"))
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
