"""Snow below filled clouds, on cases computed by hand."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from firn.cloud_removal.snow import (
    LAST_CLEAR,
    RadarContrast,
    backscatter_loss,
    fill_clouds,
    score_fillings,
    tile_snow,
)
from firn.cloud_removal.tiles import write_tiles
from firn.cloud_removal_config import BANDS
from firn.config import SnowMapSettings
from firn.errors import DataError
from tests.cloud_removal.pair_files import GRID
from tests.cloud_removal.tile_files import make_tiles

SETTINGS = SnowMapSettings()
#: B04, B03, B02, B08, B8A, B11, B12.
SNOW = np.array([0.8, 0.8, 0.8, 0.7, 0.7, 0.1, 0.1], np.float32)
GROUND = np.array([0.1, 0.12, 0.08, 0.3, 0.3, 0.3, 0.2], np.float32)


def image(snow: np.ndarray) -> np.ndarray:
    """Tiles that show snow where told, (tile, y, x)."""
    return np.where(snow[:, None], SNOW[:, None, None], GROUND[:, None, None])


def write(path: Path, before: np.ndarray, after: np.ndarray, cloud: np.ndarray) -> Path:
    tiles = replace(
        make_tiles(len(before), before.shape[-1]),
        sentinel2_t0=image(before),
        sentinel2_t1=image(after),
        cloud_t1=cloud.astype(np.uint8),
    )
    write_tiles(path, tiles, BANDS, {"slope": GRID}, {})
    return path


@pytest.fixture
def scene(tmp_path: Path) -> Path:
    """A tile of 4 x 4: the two upper rows are under cloud. Snow leaves the first of them."""
    before = np.zeros((1, 4, 4), bool)
    before[0, 0] = True
    after = np.zeros((1, 4, 4), bool)
    after[0, 1, 0] = True
    cloud = np.zeros((1, 4, 4), bool)
    cloud[0, :2] = True
    return write(tmp_path / "test.nc", before, after, cloud)


def row(scores: dict, filling: str, subset: str) -> dict:
    (found,) = (r for r in scores["rows"] if (r["filling"], r["subset"]) == (filling, subset))
    return found


def test_snow_map_of_tiles() -> None:
    snow = np.array([[[True, False], [False, True]]])
    reflectance = image(snow)
    reflectance[0, 5, 0, 1] = np.nan
    maps = tile_snow(reflectance, BANDS, SETTINGS)
    assert maps.tolist() == [[[100, 254], [0, 100]]]
    with pytest.raises(DataError, match="B11"):
        tile_snow(reflectance[:, :4], BANDS[:4], SETTINGS)


def test_only_what_is_under_cloud_is_filled() -> None:
    image, filling = np.zeros((1, 2, 2, 2)), np.ones((1, 2, 2, 2))
    cloud = np.array([[[1, 0], [0, 0]]], np.uint8)
    filled = fill_clouds(image, cloud, filling)
    assert filled[0, :, 0, 0].tolist() == [1, 1]
    assert filled.sum() == 2


def test_temporal_gap_filling_by_hand(scene: Path) -> None:
    scores = score_fillings(scene, {}, SETTINGS)
    assert scores["pixels"] == {"all": 8, "changed": 5, "unchanged": 3}
    assert scores["snow"] == {"all": 1 / 8, "changed": 1 / 5, "unchanged": 0}
    # Four pixels are shown as snow that has gone, the one that came is missed, three are right.
    told = row(scores, LAST_CLEAR, "all")
    assert told["accuracy"] == pytest.approx(3 / 8)
    assert told["precision"] == 0
    assert told["recall"] == 0
    assert told["f1"] == 0
    assert told["snow_bias"] == pytest.approx(3 / 8)
    assert told["mae"] == pytest.approx(5 / 8 * np.abs(SNOW - GROUND).mean(), rel=1e-5)
    assert row(scores, LAST_CLEAR, "changed")["accuracy"] == 0
    assert row(scores, LAST_CLEAR, "unchanged")["accuracy"] == 1


def test_pairs_are_judged_on_their_own(tmp_path: Path) -> None:
    """The snow of the first pair stays as it is, that of the second goes."""
    before = np.ones((2, 4, 4), bool)
    after = np.stack([np.ones((4, 4), bool), np.zeros((4, 4), bool)])
    tiles = replace(
        make_tiles(2, 4),
        sentinel2_t0=image(before),
        sentinel2_t1=image(after),
        cloud_t1=np.ones((2, 4, 4), np.uint8),
        area=np.array(["stays", "goes"], object),
    )
    path = tmp_path / "test.nc"
    write_tiles(path, tiles, BANDS, {"stays": GRID, "goes": GRID}, {})
    pairs = {row["pair"]: row for row in score_fillings(path, {}, SETTINGS)["pairs"]}
    assert pairs.keys() == {"stays", "goes"}
    assert (pairs["stays"]["accuracy"], pairs["stays"]["snow"]) == (1, 1)
    assert (pairs["goes"]["accuracy"], pairs["goes"]["snow"]) == (0, 0)
    assert pairs["stays"]["pixels"] == 16
    assert pairs["goes"]["snow_bias"] == 1


def test_radar_contrast_by_hand() -> None:
    """Of six pairs of snow and former ground the snow lost more in four, and as much in one."""
    contrast = RadarContrast()
    loss = np.array([5.0, 0.02, 3.0, 0.02, -2.0, np.nan, 40.0], np.float32)
    before = np.array([0, 0, 0, 0, 0, 0, 1], np.uint8)
    after = np.array([1, 1, 0, 0, 0, 1, 1], np.uint8)
    contrast.add(loss[:3], before[:3], after[:3])
    contrast.add(loss[3:], before[3:], after[3:])
    told = contrast.summary()
    assert told["auc_ground"] == pytest.approx((3 + 1.5) / 6)
    assert told["auc_snow"] is None
    assert told["snow_t0"] == pytest.approx(1 / 6)
    assert told["snow_t1"] == pytest.approx(3 / 6)


def test_backscatter_that_fell_is_a_loss() -> None:
    tiles = make_tiles(1, 16)
    power = np.full((1, 2, 16, 16), 0.2, np.float32)
    lower = power * np.array([0.5, 0.1], np.float32)[:, None, None]
    lower[:, :, :5, :5] = -1
    loss = backscatter_loss(replace(tiles, sentinel1_t0=power, sentinel1_t1=lower))
    assert loss[0, 12, 12] == pytest.approx((3.0103 + 10) / 2, abs=1e-3)
    assert np.isnan(loss[0, 2, 2])


def test_a_perfect_filling_has_full_marks(scene: Path) -> None:
    scores = score_fillings(scene, {"perfect": lambda tiles: tiles.sentinel2_t1}, SETTINGS)
    for subset in ("all", "changed"):
        told = row(scores, "perfect", subset)
        assert (told["accuracy"], told["f1"], told["kappa"]) == (1, 1, 1)
        assert (told["snow_bias"], told["mae"]) == (0, 0)


def test_what_nothing_defines_is_none(tmp_path: Path) -> None:
    ground = np.zeros((1, 4, 4), bool)
    cloud = np.ones((1, 4, 4), bool)
    scores = score_fillings(write(tmp_path / "a.nc", ground, ground, cloud), {}, SETTINGS)
    told = row(scores, LAST_CLEAR, "all")
    assert told["accuracy"] == 1
    assert told["f1"] is None
    assert told["kappa"] is None
    assert row(scores, LAST_CLEAR, "changed")["accuracy"] is None
    with pytest.raises(DataError, match="no pixel under cloud"):
        score_fillings(write(tmp_path / "b.nc", ground, ground, ~cloud), {}, SETTINGS)
