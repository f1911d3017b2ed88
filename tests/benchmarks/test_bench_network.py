"""The benchmarks of the network and of classification: they compare like with like."""

import json
from pathlib import Path

import numpy as np
import pytest

from benchmarks import classification, network, scenes
from benchmarks.__main__ import main
from benchmarks.baselines.network import PlainUNet
from benchmarks.memory import model
from firn import raster
from firn.config import InferenceSettings, NetworkSettings
from firn.methods.unet import UNetModel

SMALL = NetworkSettings(widths=(4, 8, 8), padding="valid")


def models() -> tuple[UNetModel, PlainUNet]:
    """A small U-Net, and the same to be applied plainly."""
    card = model(SMALL).card
    ours = UNetModel(card)
    return ours, PlainUNet(card, ours.network)


def test_the_plain_pass_gives_the_same_probabilities() -> None:
    ours, plain = models()
    channels = np.random.default_rng(1).normal(0.3, 0.2, (6, 61, 70)).astype(np.float32)
    channels[:, 20:30, 40:] = np.nan
    window = (5, 9, 31, 40)
    expected = plain.predict(channels)
    assert expected.shape == (3, 61, 70)
    assert expected.std() > 1e-3
    np.testing.assert_allclose(ours.predict(channels), expected, atol=1e-6)
    np.testing.assert_allclose(ours.predict(channels, window), expected[:, 5:36, 9:49], atol=1e-6)


def test_the_plain_way_gives_the_same_map(tmp_path: Path) -> None:
    scene, dem = tmp_path / "spot.zip", tmp_path / "dem.tif"
    scenes.write(scene, dem, 150, 150)
    maps = []
    for classifier, window in zip(models(), (64, 150), strict=True):
        folder = tmp_path / type(classifier).__name__
        settings = InferenceSettings(window=window)
        classification.classify(scene, dem, classifier, settings, folder)
        maps.append(raster.read(folder / "probability.tif").values.astype(int))
    assert np.ptp(maps[0]) > 10
    # Windows differ from the whole by rounding, which may tip a probability to the next step.
    assert np.abs(maps[0] - maps[1]).max() <= 1


@pytest.mark.usefixtures("one_process")
def test_rows_tell_time_and_precision(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (network, classification):
        monkeypatch.setattr(module, "model", lambda: model(SMALL))
    output = tmp_path / "bench.json"
    options = ["--size", "24", "--repeats", "1", "--output", str(output)]
    main(["network-cpu", "classify", *options])
    rows = json.loads(output.read_text())
    costs = ("", ", processor time", ", peak memory")
    names = [f"{name}{cost}" for name in ("network-cpu", "classify") for cost in costs]
    assert [row["name"] for row in rows] == names
    assert {row["machine"].split(", ")[-1] for row in rows} <= {"float32", "bfloat16"}
