"""Samples as models read them."""

from pathlib import Path

import numpy as np
import pytest
from pseudo_files import SIZE, write_scene

from firn.errors import DataError
from firn.samples import SampleRow, Samples, pair_scenes, read_rows, read_samples, write_rows

LABELS = np.ones((1, SIZE, SIZE), np.uint8)


def test_channels_by_hand(tmp_path: Path) -> None:
    """DN 51 of 255 between 0.1 and 0.6 is 0.1 + 0.2 x 0.5 = 0.2."""
    scene = write_scene(tmp_path, "32TPT", "20180101", LABELS)
    channels, labels, saturated = read_samples(scene, [0], [0]).sample(0)
    assert channels.dtype == np.float32
    np.testing.assert_allclose(channels[:, 3, 4], [0.2, 0.2, 0.2, 180, 2000], rtol=1e-6)
    assert np.isnan(channels[:, 0, 0]).all(), "no data is NaN in every channel"
    assert labels[0, 0] == 255, "and has no label"
    assert labels[3, 4] == 1
    assert not saturated.any()


def test_largest_number_is_saturated(tmp_path: Path) -> None:
    scene = write_scene(tmp_path, "32TPT", "20180101", LABELS, dn=255)
    assert read_samples(scene, [0], [0]).sample(0).saturated.all()


def test_split_is_read_by_index(tmp_path: Path) -> None:
    winter = write_scene(tmp_path, "32TPT", "20180101", LABELS, dn=51)
    summer = write_scene(tmp_path, "32TPT", "20180701", LABELS, dn=102)
    write_rows(
        tmp_path / "samples.csv",
        [
            SampleRow("32TPT", "20180701", 0, 0, "train", 0, 63, 0, 1),
            SampleRow("32TPT", "20180101", 0, 0, "evaluation", 0, 63, 0, 1),
        ],
    )
    train = Samples.open(
        tmp_path / "samples.csv",
        "train",
        [winter.patches, summer.patches],
        [summer.pseudo, winter.pseudo],
    )
    assert len(train) == 1
    assert train[0].channels[0, 1, 1] == pytest.approx(0.3)
    with pytest.raises(IndexError):
        train[1]


def test_rows_come_back_as_written(tmp_path: Path) -> None:
    rows = [SampleRow("32TPT", "20180701", 3, 7, "validation", 1, 2, 3, 4)]
    write_rows(tmp_path / "samples.csv", rows)
    assert read_rows(tmp_path / "samples.csv") == rows


@pytest.mark.parametrize("text", ["", "tile,date\n", None])
def test_damaged_table_is_named(tmp_path: Path, text: str | None) -> None:
    path = tmp_path / "samples.csv"
    if text is not None:
        path.write_text(text)
    with pytest.raises(DataError, match=r"samples\.csv"):
        read_rows(path)


def test_patches_without_pseudo_file_are_named(tmp_path: Path) -> None:
    scene = write_scene(tmp_path, "32TPT", "20180101", LABELS)
    with pytest.raises(DataError, match=r"20180101\.nc.*no pseudo-SPOT file"):
        pair_scenes([scene.patches], [])


def test_truncated_file_is_named(tmp_path: Path) -> None:
    scene = write_scene(tmp_path, "32TPT", "20180101", LABELS)
    scene.pseudo.write_bytes(scene.pseudo.read_bytes()[:500])
    with pytest.raises(DataError, match=rf"{scene.pseudo}.*run its rule again"):
        read_samples(scene, [0], [0])
