"""From pairs to tiles: what is kept, what is left out, and which split it is in."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from firn import raster
from firn.cloud_removal.dataset import build_tiles, fit_normalisation, reason_to_skip
from firn.cloud_removal.normalisation import Normalisation
from firn.cloud_removal.tiles import OTHER_DATES, SPLITS, area_grids, read_tiles
from firn.cloud_removal_config import (
    BANDS,
    CloudRemoval,
    NormalisationSettings,
    TileSettings,
)
from firn.errors import DataError, GridError
from firn.files import read_json
from firn.grid import Grid
from tests.cloud_removal.pair_files import GRID, write_pair
from tests.cloud_removal.pair_files import change as rewrite

SETTINGS = TileSettings(size=16, block_size=32, validation=0.3, test=0.3)


def build(pairs: dict, folder: Path, settings: TileSettings = SETTINGS) -> dict:
    splits = (*SPLITS, OTHER_DATES) if settings.test_pairs else SPLITS
    outputs = {split: folder / f"{split}.nc" for split in splits}
    build_tiles(pairs, settings, 3, outputs, folder / "report.json")
    return {split: read_tiles(path) for split, path in outputs.items()}


def values_of(path: Path) -> np.ndarray:
    return raster.read(path).values


def test_tiles_hold_the_pixels_of_the_pair(tmp_path: Path) -> None:
    files = write_pair(tmp_path / "valley")
    splits = build({"valley": files}, tmp_path)
    later, gamma = values_of(files.sentinel2_t1) / 10000, values_of(files.sentinel1_t0)
    seen = set()
    for tiles in splits.values():
        for i in range(len(tiles)):
            row, col = int(tiles.tile_row[i]), int(tiles.tile_col[i])
            part = np.s_[:, row : row + 16, col : col + 16]
            np.testing.assert_allclose(tiles.sentinel2_t1[i], later[part], rtol=1e-6)
            np.testing.assert_array_equal(tiles.sentinel1_t0[i], gamma[part])
            seen.add((row, col))
    assert seen == {(row, col) for row in range(0, 96, 16) for col in range(0, 96, 16)}
    assert splits["train"].year_low[0].tolist() == pytest.approx([0.04] * 7)
    assert splits["train"].year_high[0].tolist() == pytest.approx([0.41] * 7)
    assert area_grids(tmp_path / "test.nc") == {"valley": GRID}


def test_no_ground_is_in_two_splits(tmp_path: Path) -> None:
    # Two pairs over the same ground, one of them shifted by a block.
    left, bottom, right, top = GRID.bounds
    shifted = Grid.from_bounds(GRID.crs, left + 320, bottom, right + 320, top, 10)
    pairs = {
        "one": write_pair(tmp_path / "one"),
        "other": write_pair(tmp_path / "other", shifted, seed=2),
    }
    splits = build(pairs, tmp_path)
    ground: dict[tuple[float, float], set[str]] = {}
    for split, tiles in splits.items():
        assert len(tiles)
        for area, row, col in zip(tiles.area, tiles.tile_row, tiles.tile_col, strict=True):
            shift = 32 if area == "other" else 0
            ground.setdefault((int(row) // 32, (int(col) + shift) // 32), set()).add(split)
    assert all(len(names) == 1 for names in ground.values())
    assert len(ground) == 12


def test_what_is_left_out_is_counted(tmp_path: Path) -> None:
    files = write_pair(tmp_path / "valley")
    cloud = values_of(files.cloud_t1)[0]
    cloud[:16, :16] = 1
    cloud[:16, 16:24] = 1  # half a tile: kept
    raster.write(files.cloud_t1, cloud, GRID)
    numbers = values_of(files.sentinel2_t0)
    numbers[2, 16:32, :6] = 0  # a third of a tile without data in one band
    numbers[4, 16:32, 16:32] = 777
    rewrite(files.sentinel2_t0, numbers)
    gamma = values_of(files.sentinel1_t1)
    gamma[1, 32:48, :16] = np.nan
    gamma[0, 32:48, 16:32] = 0.1
    rewrite(files.sentinel1_t1, gamma)
    build({"valley": files}, tmp_path)
    report = read_json(tmp_path / "report.json")
    expected = {"all_cloud": 1, "little_data": 2, "constant_band": 2, "crosses_blocks": 0}
    expected["taught_ground"] = 0
    assert report["skipped"] == expected
    assert sum(report["tiles"].values()) == 31
    assert report["areas"]["valley"]["skipped"] == expected


def test_reasons_have_an_order() -> None:
    images = {f"sentinel{n}_{d}": np.zeros((2, 4, 4)) for n in (1, 2) for d in ("t0", "t1")}
    values = {**images, "cloud_t1": np.ones((4, 4), np.uint8)}
    assert reason_to_skip(values, SETTINGS) == "all_cloud"
    values["cloud_t1"] = np.zeros((4, 4), np.uint8)
    assert reason_to_skip(values, SETTINGS) == "constant_band"
    values["sentinel1_t0"] = np.full((2, 4, 4), np.nan)
    assert reason_to_skip(values, SETTINGS) == "little_data"


def test_tiles_across_blocks_of_two_splits_are_left_out(tmp_path: Path) -> None:
    settings = TileSettings(size=16, block_size=24, validation=0.3, test=0.3)
    build({"valley": write_pair(tmp_path / "valley")}, tmp_path, settings)
    report = read_json(tmp_path / "report.json")
    assert report["skipped"]["crosses_blocks"] > 0
    assert sum(report["tiles"].values()) + report["skipped"]["crosses_blocks"] == 36


def test_pairs_that_test_alone_lie_on_ground_that_taught_nothing(tmp_path: Path) -> None:
    left, bottom, right, top = GRID.bounds
    elsewhere = Grid.from_bounds(GRID.crs, left + 9600, bottom, right + 9600, top, 10)
    pairs = {
        "train": write_pair(tmp_path / "train"),
        "unseen": write_pair(tmp_path / "unseen", seed=2),
        "far": write_pair(tmp_path / "far", elsewhere, seed=3),
    }
    alone = build({"train": pairs["train"]}, tmp_path)
    settings = SETTINGS.model_copy(update={"test_pairs": ("unseen", "far")})
    splits = build(pairs, tmp_path, settings)
    for split in SPLITS:
        # They change nothing in the splits of the others.
        np.testing.assert_array_equal(splits[split].tile_row, alone[split].tile_row)
        np.testing.assert_array_equal(splits[split].sentinel2_t1, alone[split].sentinel2_t1)
    other = splits[OTHER_DATES]
    places: dict[str, set[tuple[int, int]]] = {"unseen": set(), "far": set(), "train": set()}
    for area, row, col in zip(other.area, other.tile_row, other.tile_col, strict=True):
        places[area].add((int(row), int(col)))
    tested = splits["test"]
    ground = set(zip(tested.tile_row.tolist(), tested.tile_col.tolist(), strict=True))
    assert places["unseen"] == ground
    assert not places["train"]
    assert len(places["far"]) == 36
    report = read_json(tmp_path / "report.json")
    assert report["skipped"]["taught_ground"] == 36 - len(ground)
    assert report["tiles"][OTHER_DATES] == 36 + len(ground)


def test_pairs_that_test_alone_must_exist_and_leave_others() -> None:
    pairs = {name: {"tile": "32TPT", "t0": "20190501", "t1": "20190601"} for name in "ab"}
    for chosen, message in ((["c"], "c is no pair"), (["a", "b"], "no pair is left to train")):
        with pytest.raises(ValueError, match=message):
            CloudRemoval.model_validate({"pairs": pairs, "tiles": {"test_pairs": chosen}})


def test_empty_split_is_an_error_after_the_report(tmp_path: Path) -> None:
    settings = TileSettings(size=48, block_size=96)
    with pytest.raises(DataError, match="no tiles are left for validation, test"):
        build({"valley": write_pair(tmp_path / "valley")}, tmp_path, settings)
    assert read_json(tmp_path / "report.json")["tiles"]["train"] == 4


def test_another_grid_is_refused(tmp_path: Path) -> None:
    files = write_pair(tmp_path / "valley")
    left, bottom, right, top = GRID.bounds
    moved = Grid.from_bounds(GRID.crs, left + 5, bottom, right + 5, top, 10)
    other = write_pair(tmp_path / "moved", moved)
    with pytest.raises(GridError, match=r"sentinel1_t1\.tif: is not on the grid of .*sentinel2_t1"):
        build({"valley": replace(files, sentinel1_t1=other.sentinel1_t1)}, tmp_path)


def test_normalisation_is_fitted_on_the_training_tiles_alone(tmp_path: Path) -> None:
    splits = build({"valley": write_pair(tmp_path / "valley")}, tmp_path)
    settings = NormalisationSettings()
    output = tmp_path / "normalisation.json"
    fit_normalisation(tmp_path / "train.nc", settings, output)
    stored = Normalisation.from_dict(read_json(output))
    train = splits["train"]
    both = np.concatenate([train.sentinel2_t0, train.sentinel2_t1])
    assert stored.sentinel2.mean[3] == pytest.approx(both[:, 3].mean(dtype=float), rel=1e-6)
    assert stored.bands == BANDS
