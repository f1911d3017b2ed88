"""The benchmark of the dry run: the archive of the reference, and a run that takes all of it."""

import re
import subprocess
from collections import Counter
from pathlib import Path

import pytest

from benchmarks import dry_run
from benchmarks.cost import measure_command
from firn.catalogue import catalogue
from firn.config import load_config


def test_the_archive_is_that_of_the_reference(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Path, "touch", lambda path: None)
    config = dry_run.write(tmp_path, dry_run.SCENES)
    monkeypatch.chdir(tmp_path)
    scenes = catalogue(load_config(config)).spot
    assert len(scenes) == 28434
    counts = Counter((scene.area, scene.sensor) for scene in scenes)
    assert counts["alps", "spot4"] == 5620
    assert counts["pyrenees", "spot3"] == 274
    assert len(counts) == 10


@pytest.mark.parametrize("there", [True, False])
def test_every_scene_is_in_a_batch_of_the_dry_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, there: bool
) -> None:
    monkeypatch.setattr(dry_run, "DATES", dry_run.DATES[:1])
    config = dry_run.write(tmp_path, 60)
    if not there:
        for product in (tmp_path / "spot").iterdir():
            product.unlink()
    with (tmp_path / "jobs").open("w") as jobs:
        cost = measure_command(dry_run.command(config), stdout=jobs, stderr=subprocess.STDOUT)
    text = (tmp_path / "jobs").read_text()
    batches = re.findall(r"rule classify_batch:\n    input: ([^\n]+)", text)
    scenes = {name for files in batches for name in re.findall(r"spot/[^,]+zip", files)}
    assert len(scenes) == (60 if there else 0)
    assert len(batches) > 30
    assert text.count("rule missing_spot:") == (not there)
    # No upper bound: a program begins as large as the process that starts it.
    assert cost.memory > 0.05
    assert cost.processor > 1


def test_a_failed_command_is_not_measured() -> None:
    with pytest.raises(subprocess.CalledProcessError):
        measure_command(["false"])
