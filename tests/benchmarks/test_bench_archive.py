"""Share of the network in the time of an archive."""

from pathlib import Path

import pytest

from benchmarks import archive
from firn.config import NetworkSettings


def test_network_is_a_part_of_the_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "SCENES", 3)
    small = NetworkSettings(widths=(4, 8), padding="same")
    (row,) = archive.rows("cpu", tmp_path, 60, small)
    assert row.name == "archive-gpu"
    assert 0 < row.ours < 3 * row.baseline
    # Every scene was written.
    assert sorted(path.name for path in tmp_path.glob("archive_*/item.json")) == ["item.json"] * 3
