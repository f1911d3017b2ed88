"""The profile of a classification."""

from pathlib import Path

import pytest

from benchmarks import stage_profile


def test_stages_add_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for owner, name in stage_profile.STAGES:
        # Put back what the profile replaces.
        monkeypatch.setattr(owner, name, getattr(owner, name))
    found = stage_profile.stages(tmp_path, 120)
    assert set(found) == {*stage_profile.STAGES.values(), "all else"}
    assert all(seconds >= 0 for seconds in found.values())
