"""A training that is killed with its workflow continues where it was."""

import os
import signal
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest
import yaml
from pseudo_files import SIZE, write_scene

from firn.config import RandomPatchSplit
from firn.dataset import build_dataset
from firn.files import write_json
from firn.methods import load_model
from firn.samples import SceneFiles, write_rows
from firn.training.state import resume_path

from .conftest import ENVIRONMENT, ROOT, command

TINY = ROOT / "tests/workflow/tiny.yaml"

pytestmark = pytest.mark.slow


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """Run of the tiny configuration that has its data set, and nothing before it."""
    folder = tmp_path / "tiny"
    rng = np.random.default_rng(1)
    scenes = []
    for date in yaml.safe_load(TINY.read_text())["simulation"]["sentinel2"]["32TPT"]:
        labels = rng.choice([0, 1, 2], (4, SIZE, SIZE))
        corners = ((0, 0), (0, 8), (8, 0), (8, 8))
        scene = write_scene(folder, "32TPT", date, labels, corners=corners)
        pseudo = folder / f"pseudo/alps/spot4/32TPT/{date}.nc"
        pseudo.parent.mkdir(parents=True, exist_ok=True)
        scene.pseudo.rename(pseudo)
        scenes.append(SceneFiles("32TPT", date, scene.patches, pseudo))
    rows, statistics = build_dataset("spot4", scenes, RandomPatchSplit(), 1)
    write_rows(folder / "datasets/spot4/samples.csv", rows)
    write_json(folder / "datasets/spot4/statistics.json", statistics)
    return folder


@pytest.mark.parametrize(("processes", "epochs"), [(1, 200), (2, 40)])
def test_killed_training_continues(processes: int, epochs: int, run: Path) -> None:
    training = {
        "preliminary": {"seeds": [1], "patience": epochs, "max_epochs": epochs},
        "batch_size": processes,
        "emulation": "stored",
        "device": "cpu",
        "processes": processes,
    }
    model = run / "models/unet-spot4/preliminary/1.safetensors"
    line = command(
        *("--configfile", TINY, "--profile", "workflow/profiles/local"),
        *(model, "--allowed-rules", "train_preliminary"),
        config=[f"training={training}"],
        folder=run.parent,
    )
    process = subprocess.Popen(line, cwd=ROOT, env=ENVIRONMENT, start_new_session=True)
    deadline = time.monotonic() + 120
    while not resume_path(model).exists() and time.monotonic() < deadline:
        assert process.poll() is None
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert not model.exists()

    assert subprocess.run(line, cwd=ROOT, env=ENVIRONMENT, check=False).returncode == 0
    assert "continuing after epoch" in (run / "logs/train_preliminary/unet-spot4_1.log").read_text()
    outcome = load_model(model).card.training
    assert (outcome["epochs"], outcome["processes"]) == (epochs, processes)
    assert not resume_path(model).exists()
