"""A new method is one file and one entry of the configuration: the whole workflow knows it."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

import firn
from firn.files import read_json

from .conftest import ROOT, Call, command

NEW_METHOD = '''
"""The class whose mean over the training pixels is the nearest."""

import numpy as np

from firn.methods.base import FittedModel, crop, one_hot

METHOD = "nearest-mean"
MADE_BY = "fit"


class NearestMeanModel(FittedModel):
    def __init__(self, card, means):
        super().__init__(card)
        self.means = means

    @classmethod
    def restore(cls, card, tensors):
        return cls(card, tensors["means"])

    def tensors(self):
        return {"means": self.means}

    @classmethod
    def architecture(cls, sensor):
        return {}

    @classmethod
    def fit(cls, card, batches):
        total, count = np.zeros((3, len(card.channels))), np.zeros(3)
        for channels, labels in batches:
            for surface in range(3):
                pixels = channels[:, (labels == surface) & ~np.isnan(channels).any(axis=0)]
                total[surface] += pixels.sum(axis=1)
                count[surface] += pixels.shape[1]
        return cls(card, total / np.maximum(count, 1)[:, None])

    def predict(self, channels, window=None):
        spread = np.array(self.card.std)[:, None, None]
        image = np.nan_to_num(crop(channels, window))
        gaps = [((image - mean[:, None, None]) / spread) ** 2 for mean in self.means]
        return one_hot(np.argmin([gap.sum(axis=0) for gap in gaps], axis=0))
'''

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with a firn that has one more file, its data left where they are."""
    source, folder = Path(firn.__file__).parent, tmp_path_factory.mktemp("package")
    shutil.copytree(source, folder / "firn", ignore=shutil.ignore_patterns("data", "__pycache__"))
    (folder / "firn" / "data").symlink_to(source / "data")
    (folder / "firn" / "methods" / "nearest_mean.py").write_text(NEW_METHOD)
    return folder


def test_one_file_and_one_entry_make_a_method(package: Path, tmp_path: Path) -> None:
    environment = os.environ | {"PYTHONPATH": str(package)}

    def make(target: str, *methods: str) -> Call:
        """Call snakemake with methods."""
        call = command(
            target,
            "--configfile",
            "tests/workflow/tiny.yaml",
            "--profile",
            "workflow/profiles/local",
            config=[f"methods=[{','.join(methods)}]"],
            folder=tmp_path,
        )
        done = subprocess.run(
            call, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return Call(done.returncode, done.stdout, done.stderr)

    before = make("models", "baseline-majority").jobs()
    assert before["dataset"] == before["fit"] == 1
    run = tmp_path / "tiny"
    older = run / "models/baseline-majority-spot4/model.safetensors"
    made = older.stat().st_mtime_ns
    jobs = make("compare", "nearest-mean", "baseline-majority").jobs()
    # The new method is fitted, and nothing before it is made again.
    assert jobs["fit"] == 1
    assert not {"toa", "labels", "patches", "kde", "emulate", "dataset"} & jobs.keys()
    assert older.stat().st_mtime_ns == made
    new, old, _ = methods = read_json(run / "comparison.json")["methods"]
    assert [row["method"] for row in methods] == [
        *("nearest-mean", "baseline-majority", "let-it-snow"),
    ]
    # Means of three classes in four bands, hillshade and elevation.
    assert new["costs"]["parameters"] == 18
    assert new["costs"]["training_seconds"] > 0
    assert new["scores"]["kappa"]["value"] > old["scores"]["kappa"]["value"] == 0
    assert "nearest-mean" in (run / "comparison.html").read_text()
    for picture in ("costs.png", "strata/spot4.png"):
        assert (run / "figures/compare" / picture).read_bytes().startswith(b"\x89PNG")
