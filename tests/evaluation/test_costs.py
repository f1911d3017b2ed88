"""What models cost."""

from pathlib import Path

import pytest

from firn.config import NetworkSettings
from firn.errors import DataError, ModelError
from firn.evaluation.costs import model_costs, training_seconds
from firn.methods import ModelCard, save_model
from firn.methods.unet import UNetModel


def unet(path: Path) -> Path:
    architecture = UNetModel.architecture(NetworkSettings(widths=(2, 3), padding="same"))
    channels = ["XS1", "hillshade", "dem"]
    card = ModelCard("unet", "spot2", ["XS1"], channels, [0.0] * 3, [1.0] * 3, architecture)
    save_model(UNetModel(card), path)
    return path


def test_size_is_that_of_the_file_and_of_its_weights(tmp_path: Path) -> None:
    """Weights by hand, each convolution with the two of its normalisation per channel.

    Way down: 3 to 2 to 2 (54 + 4, 36 + 4), 2 to 3 to 3 (54 + 6, 81 + 6); up: 5 to 2 to 2
    (90 + 4, 36 + 4); head: 2 to 3 (6 + 3). Running means and variances are not learnt.
    """
    path = unet(tmp_path / "m")
    costs = model_costs(path, side=64)
    assert costs["bytes"] == len(path.read_bytes())
    assert costs["parameters"] == 58 + 40 + 60 + 87 + 94 + 40 + 9
    assert costs["core_seconds_per_megapixel"] > 0


def test_baselines_count_what_they_learnt(snowy_model: Path) -> None:
    assert model_costs(snowy_model, side=8)["parameters"] == 3


def test_no_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no such model file"):
        model_costs(tmp_path / "none")


def test_training_time_adds_the_last_runs_of_all_jobs(tmp_path: Path) -> None:
    head = "s\th:m:s\tmax_rss\n"
    (tmp_path / "1.tsv").write_text(f"{head}30.5\t0:00:30\t900\n")
    (tmp_path / "2.tsv").write_text(f"{head}99\t0:01:39\t900\n10\t0:00:10\t900\n")
    paths = [tmp_path / "1.tsv", tmp_path / "2.tsv"]
    assert training_seconds(paths) == 40.5
    assert training_seconds([*paths, tmp_path / "3.tsv"]) is None
    paths[0].write_text(head + "soon\t\t\n")
    with pytest.raises(DataError, match=r"1\.tsv: is not a benchmark"):
        training_seconds(paths)
