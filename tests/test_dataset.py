"""The data set of an experiment."""

from pathlib import Path

import numpy as np
import pytest
from pseudo_files import SIZE, write_scene

from firn.config import BlockSplit, RandomPatchSplit
from firn.dataset import build_dataset
from firn.errors import DataError
from firn.samples import SceneFiles

DATES = ("20180115", "20180415", "20180715", "20181015", "20181215")
#: 2 x 2 blocks of 14 pixels with 2 x 2 patches each, overlapping by 2.
CORNERS = tuple((row, col) for row in (0, 6, 14, 20) for col in (0, 6, 14, 20))
BLOCKS = BlockSplit(block_size=14, validation=0.25, evaluation=0.25, evaluation_scenes=0.2)


def labels_of(*counts: int) -> np.ndarray:
    """Patches with so many ground, snow and cloud pixels, then ignored ones, from pixel 1 on."""
    flat = np.full(SIZE * SIZE, 255, np.uint8)
    flat[1 : 1 + sum(counts)] = np.repeat([0, 1, 2], counts)
    return np.tile(flat.reshape(1, SIZE, SIZE), (len(CORNERS), 1, 1))


def write_scenes(folder: Path, labels: np.ndarray) -> list[SceneFiles]:
    return [
        write_scene(folder, "32TPT", date, labels, corners=CORNERS, dn=51 * (i + 1))
        for i, date in enumerate(DATES)
    ]


def test_statistics_by_hand(tmp_path: Path) -> None:
    """2 training blocks of 4 patches on 4 dates: 32 samples of 30 + 20 + 10 labelled pixels."""
    scenes = write_scenes(tmp_path, labels_of(30, 20, 10))
    rows, statistics = build_dataset("spot2", scenes, BLOCKS, seed=1)
    assert statistics["splits"]["train"]["samples"] == 32
    assert statistics["splits"]["validation"]["samples"] == 16
    assert statistics["splits"]["evaluation"]["samples"] == 4
    assert statistics["class_counts"] == [960, 640, 320]
    assert statistics["class_weights"] == [2, 3, 6]
    assert statistics["channels"] == ["XS1", "XS2", "XS3", "hillshade", "dem"]
    (held_out,) = {row.date for row in rows if row.split == "evaluation"}
    # Dates have reflectance 0.2, 0.3 ... 0.6, one of them is held out.
    seen = [0.2 + 0.1 * i for i, date in enumerate(DATES) if date != held_out]
    np.testing.assert_allclose(statistics["mean"], [np.mean(seen)] * 3 + [180, 2000], rtol=1e-5)
    np.testing.assert_allclose(statistics["std"], [np.std(seen)] * 3 + [1, 1], rtol=1e-4)
    assert rows[0][5:] == (30, 20, 10, 4)


def test_evaluation_scene_does_not_reach_the_statistics(tmp_path: Path) -> None:
    rows, before = build_dataset(
        "spot2", write_scenes(tmp_path / "a", labels_of(30, 20, 10)), BLOCKS, seed=1
    )
    (held_out,) = {row.date for row in rows if row.split == "evaluation"}
    scenes = write_scenes(tmp_path / "b", labels_of(30, 20, 10))
    write_scene(tmp_path / "b", "32TPT", held_out, labels_of(1, 1, 1), corners=CORNERS, dn=255)
    _, after = build_dataset("spot2", scenes, BLOCKS, seed=1)
    for key in ("mean", "std", "class_counts", "class_weights"):
        assert before[key] == after[key]
    assert before["splits"]["evaluation"] != after["splits"]["evaluation"]


def test_data_set_depends_on_neither_name_nor_order(tmp_path: Path) -> None:
    scenes = write_scenes(tmp_path, labels_of(30, 20, 10))
    first, statistics = build_dataset("spot2", scenes, BLOCKS, seed=1)
    second, again = build_dataset("spot4", list(reversed(scenes)), BLOCKS, seed=1)
    assert first == second
    assert statistics == again | {"target": "spot2"}


def test_unlabelled_samples_are_dropped_and_counted(tmp_path: Path) -> None:
    labels = labels_of(30, 20, 10)
    labels[0] = 255
    scenes = write_scenes(tmp_path, labels)
    rows, statistics = build_dataset("spot2", scenes, RandomPatchSplit(), seed=1)
    assert len(rows) == len(DATES) * (len(CORNERS) - 1)
    assert statistics["dropped_samples"] == {"unlabelled": len(DATES)}


def test_absent_class_names_the_experiment_and_the_remedy(tmp_path: Path) -> None:
    scenes = write_scenes(tmp_path, labels_of(30, 0, 10))
    with pytest.raises(DataError, match=r"spot2: no training pixel is labelled snow; add"):
        build_dataset("spot2", scenes, BLOCKS, seed=1)


def test_empty_split_names_the_remedy(tmp_path: Path) -> None:
    scenes = write_scenes(tmp_path, labels_of(30, 20, 10))
    coarse = BLOCKS.model_copy(update={"block_size": 28})
    with pytest.raises(DataError, match=r"left for validation.*lower split\.block_size"):
        build_dataset("spot2", scenes, coarse, seed=1)
    with pytest.raises(DataError, match=r"left for train.*add dates"):
        build_dataset("spot2", scenes[:1], BLOCKS, seed=1)


def test_scenes_without_patches(tmp_path: Path) -> None:
    none = np.empty((0, SIZE, SIZE), np.uint8)
    empty = write_scene(tmp_path, "32TPT", "20190101", none, corners=())
    with pytest.raises(DataError, match=r"minimum_mean_elevation"):
        build_dataset("spot2", [empty], BLOCKS, seed=1)
    scenes = [*write_scenes(tmp_path, labels_of(30, 20, 10)), empty]
    rows, _ = build_dataset("spot2", scenes, BLOCKS, seed=1)
    assert {row.date for row in rows} == set(DATES)


def test_scenes_of_a_tile_share_its_grid(tmp_path: Path) -> None:
    scenes = write_scenes(tmp_path, labels_of(30, 20, 10))
    shifted = write_scene(
        tmp_path, "32TPT", "20190101", labels_of(1, 1, 1), corners=CORNERS, top=5200040.0
    )
    with pytest.raises(DataError, match=r"20190101\.nc: is on another grid .* 32TPT"):
        build_dataset("spot2", [*scenes, shifted], BLOCKS, seed=1)
