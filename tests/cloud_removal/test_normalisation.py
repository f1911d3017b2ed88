"""Normalisation, and the way back."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from firn.cloud_removal.normalisation import Normalisation, to_decibel, to_power
from firn.cloud_removal.tiles import Tiles, area_grids, read_tiles, tile_bands, tile_count
from firn.cloud_removal_config import BANDS, NormalisationSettings
from firn.errors import DataError
from tests.cloud_removal.tile_files import AREA, make_tiles, write_tile_file

TILES = make_tiles()
METHODS = [
    ("standardised", "standardised"),
    ("centred", "centred"),
    ("min-max", "min-max"),
    ("min-max-tile", "min-max-tile"),
    ("standardised", "min-max-year"),
]


def fitted(**changes: object) -> Normalisation:
    return Normalisation.fit([TILES], BANDS, NormalisationSettings.model_validate(changes))


@pytest.mark.parametrize("lowest", [-1, 0])
@pytest.mark.parametrize(("sentinel1", "sentinel2"), METHODS)
def test_way_there_and_back(sentinel1: str, sentinel2: str, lowest: int) -> None:
    normalisation = fitted(sentinel1=sentinel1, sentinel2=sentinel2, lowest=lowest)
    inputs, target, scaling = normalisation.forward(TILES)
    assert inputs.shape == (6, 4 + len(BANDS), 32, 32)
    assert np.isfinite(inputs).all()
    assert (inputs[:, 4:, 0, 0] == (lowest + 1) / 2).all()
    assert np.isnan(target[:, :, 0, 0]).all()
    assert np.nanmin(target) >= lowest
    assert np.nanmax(target) <= 1
    inside = (target > lowest) & (target < 1)
    assert inside.mean() > 0.5
    back = normalisation.inverse(target, scaling)
    np.testing.assert_allclose(back[inside], TILES.sentinel2_t1[inside], atol=1e-6)
    earlier = normalisation.inverse(inputs[:, 4:], scaling)
    of_earlier = inputs[:, 4:]
    seen = np.isfinite(TILES.sentinel2_t0) & (of_earlier > lowest) & (of_earlier < 1)
    np.testing.assert_allclose(earlier[seen], TILES.sentinel2_t0[seen], atol=1e-6)
    images = (TILES.sentinel1_t0, TILES.sentinel1_t1)
    decibel = [to_decibel(power, normalisation.settings) for power in images]
    radar = normalisation.sentinel1_scaling(*decibel)
    power = to_power(radar.inverse(inputs[:, 2:4]))
    np.testing.assert_allclose(power, TILES.sentinel1_t1, rtol=1e-5)


def test_standardised_values_by_hand() -> None:
    normalisation = fitted()
    inputs, target, _ = normalisation.forward(TILES)
    both = np.concatenate([TILES.sentinel2_t0, TILES.sentinel2_t1])
    visible, infrared = both[:, :3], both[:, 3]
    assert normalisation.sentinel2.mean[:3] == pytest.approx([np.nanmean(visible)] * 3, abs=1e-6)
    assert normalisation.sentinel2.std[3] == pytest.approx(np.nanstd(infrared), abs=1e-6)
    expected = (TILES.sentinel2_t1[2, 3, 5, 6] - np.nanmean(infrared)) / np.nanstd(infrared) / 7
    assert target[2, 3, 5, 6] == pytest.approx(expected, abs=1e-5)
    power = np.concatenate([TILES.sentinel1_t0[:, 1], TILES.sentinel1_t1[:, 1]])
    decibel = 10 * np.log10(power)
    assert normalisation.sentinel1.mean[1] == pytest.approx(decibel.mean(), abs=1e-4)
    expected = (decibel[1, 7, 8] - decibel.mean()) / decibel.std() * 0.2
    assert inputs[1, 1, 7, 8] == pytest.approx(expected, abs=1e-5)


def test_centred_values_by_hand() -> None:
    _, target, _ = fitted(sentinel2="centred").forward(TILES)
    infrared = TILES.sentinel2_t1[2, 3, 5, 6]
    mean = np.nanmean([TILES.sentinel2_t0[:, 3], TILES.sentinel2_t1[:, 3]])
    assert target[2, 3, 5, 6] == pytest.approx(infrared - mean, abs=1e-6)


def test_min_max_is_the_average_of_the_tiles_limits() -> None:
    inputs, target, _ = fitted(sentinel1="min-max", sentinel2="min-max", lowest=0).forward(TILES)
    both = np.stack([TILES.sentinel2_t0, TILES.sentinel2_t1])
    of_tiles = both[:, :, :3]  # red, green and blue share their limits
    low = np.nanmin(of_tiles, axis=(0, 2, 3, 4)).mean()
    high = np.nanmax(of_tiles, axis=(0, 2, 3, 4)).mean()
    expected = np.clip((TILES.sentinel2_t1[:, 1] - low) / (high - low), 0, 1)
    np.testing.assert_allclose(target[:, 1], expected, atol=1e-6)
    decibel = 10 * np.log10(np.stack([TILES.sentinel1_t0[:, 1], TILES.sentinel1_t1[:, 1]]))
    low, high = decibel.min(axis=(0, 2, 3)).mean(), decibel.max(axis=(0, 2, 3)).mean()
    np.testing.assert_allclose(inputs[:, 3], (decibel[1] - low) / (high - low), atol=1e-5)


def test_the_lower_end_moves_the_numbers() -> None:
    wide, narrow = (fitted(lowest=lowest).forward(TILES) for lowest in (-1, 0))
    np.testing.assert_allclose(narrow.target, (wide.target + 1) / 2, atol=1e-6)
    np.testing.assert_allclose(narrow.inputs, (wide.inputs + 1) / 2, atol=1e-6)


def test_fit_in_pieces_is_the_fit_of_the_whole() -> None:
    pieces = [make_tiles(2, seed=seed) for seed in (1, 2)]
    parts = Normalisation.fit(pieces, BANDS, NormalisationSettings())
    names = vars(pieces[0])
    together = Tiles(**{n: np.concatenate([getattr(p, n) for p in pieces]) for n in names})
    whole = Normalisation.fit([together], BANDS, NormalisationSettings())
    np.testing.assert_allclose(parts.sentinel2.std, whole.sentinel2.std, rtol=1e-9)
    np.testing.assert_allclose(parts.sentinel1.mean, whole.sentinel1.mean, rtol=1e-9)
    np.testing.assert_allclose(parts.sentinel2.low, whole.sentinel2.low, rtol=1e-9)


def test_min_max_of_the_tile_ends_at_its_limits() -> None:
    inputs, _, _ = fitted(sentinel1="min-max-tile", sentinel2="min-max-tile").forward(TILES)
    ends = inputs[:, 4:].min(axis=(2, 3)), inputs[:, 4:].max(axis=(2, 3))
    np.testing.assert_allclose(ends[0], -1, atol=1e-6)
    np.testing.assert_allclose(ends[1], 1, atol=1e-6)
    both = inputs[:, :4].reshape(6, 2, 2, 32, 32)
    np.testing.assert_allclose(both.max(axis=(1, 3, 4)), 1, atol=1e-6)
    np.testing.assert_allclose(both.min(axis=(1, 3, 4)), -1, atol=1e-6)


@pytest.mark.parametrize("method", [optical for _, optical in METHODS])
def test_inputs_and_scaling_do_not_see_the_later_image(method: str) -> None:
    normalisation = fitted(sentinel2=method)
    hidden = replace(TILES, sentinel2_t1=np.full_like(TILES.sentinel2_t1, np.nan))
    inputs, _, scaling = normalisation.forward(TILES)
    blind, target, blind_scaling = normalisation.forward(hidden)
    np.testing.assert_array_equal(inputs, blind)
    np.testing.assert_array_equal(scaling.scale, blind_scaling.scale)
    assert np.isnan(target).all()


def test_clipped_values_do_not_come_back() -> None:
    bright = TILES.sentinel2_t1.copy()
    bright[0, 0, 3, 3] = 30.0
    normalisation = fitted()
    _, target, scaling = normalisation.forward(replace(TILES, sentinel2_t1=bright))
    assert target[0, 0, 3, 3] == 1
    top = normalisation.sentinel2.mean[0] + 7 * normalisation.sentinel2.std[0]
    assert normalisation.inverse(target, scaling)[0, 0, 3, 3] == pytest.approx(top, rel=1e-6)


def test_negative_backscatter_becomes_the_mean_of_its_nearest_neighbours() -> None:
    power = np.full((1, 2, 5, 5), 9.0, np.float32)
    power[0, 0, 1:4, 1:4] = [[9, 2, 9], [4, -1, 6], [9, 8, 9]]
    settings = NormalisationSettings(neighbours=4)
    decibel = to_decibel(power, settings)
    assert decibel[0, 0, 2, 2] == pytest.approx(10 * np.log10(5), abs=1e-5)
    assert power[0, 0, 2, 2] == -1  # the caller's array is left alone
    smallest = to_decibel(power, NormalisationSettings(imputation="smallest"))
    assert smallest[0, 0, 2, 2] == pytest.approx(10 * np.log10(2), abs=1e-5)


def test_no_data_is_not_imputed() -> None:
    power = np.ones((1, 2, 4, 4), np.float32)
    power[0, 0, 0, 0] = np.nan
    power[0, 1] = -1
    decibel = to_decibel(power, NormalisationSettings())
    assert np.isnan(decibel[0, 0, 0, 0])
    assert np.isnan(decibel[0, 1]).all()
    assert (decibel[0, 0].ravel()[1:] == 0).all()


def test_json_keeps_it() -> None:
    normalisation = fitted(sentinel1="min-max-tile", neighbours=3)
    assert Normalisation.from_dict(json.loads(json.dumps(normalisation.as_dict()))) == normalisation
    with pytest.raises(DataError, match="fit it again"):
        Normalisation.from_dict({"bands": []})


def test_constant_band_is_refused() -> None:
    flat = TILES.sentinel2_t0.copy()
    flat[3, 5] = 0.2
    with pytest.raises(DataError, match="B11 of tile 3 has no range"):
        fitted(sentinel2="min-max-tile").forward(replace(TILES, sentinel2_t0=flat))
    constant = np.full_like(flat, 0.2)
    with pytest.raises(DataError, match="same everywhere"):
        Normalisation.fit(
            [replace(TILES, sentinel2_t0=constant, sentinel2_t1=constant)],
            BANDS,
            NormalisationSettings(),
        )


def test_unknown_year_is_refused() -> None:
    unknown = replace(TILES, year_low=np.full_like(TILES.year_low, np.nan))
    with pytest.raises(DataError, match="the year of Sentinel-2"):
        fitted(sentinel2="min-max-year").forward(unknown)


def test_nothing_to_fit_is_refused() -> None:
    with pytest.raises(DataError, match="no data"):
        Normalisation.fit([], BANDS, NormalisationSettings())


def test_file_of_tiles_keeps_everything(tmp_path: Path) -> None:
    path = write_tile_file(tmp_path / "train.nc")
    assert tile_count(path) == 6
    assert tile_bands(path) == BANDS
    back = read_tiles(path)
    for name, values in vars(TILES).items():
        np.testing.assert_array_equal(getattr(back, name), values)
    assert read_tiles(path, rows=[4, 1]).tile_col.tolist() == [128, 32]
    assert area_grids(path)[AREA].shape == (32, 192)
