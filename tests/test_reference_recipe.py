"""The published recipe, config/reference.yaml, from labels to scores on a few patches."""

from pathlib import Path

import numpy as np
import pytest
import torch
from pseudo_files import write_scene

from firn.config import Config, EvaluationSettings, Experiment, load_config
from firn.dataset import build_dataset
from firn.evaluation import evaluate_pseudo
from firn.files import write_json
from firn.labels import make_labels
from firn.methods import load_model
from firn.methods.edges import judged_edge
from firn.samples import Samples, SceneFiles, write_rows
from firn.training.data import open_training_data
from firn.training.loop import train
from firn.training.run import Run

#: Smallest patch of an unpadded U-Net of four poolings: it gives a map of 4 x 4.
SIZE = 188
DATES = ("20170115", "20170415", "20170715", "20171015")
CORNERS = ((0, 0), (0, 96), (96, 0))


@pytest.fixture
def recipe() -> Config:
    """The recipe with an eighth of the features, and one epoch in batches of two."""
    config = load_config(Path(__file__).parents[1] / "config/reference.yaml")
    widths = tuple(width // 8 for width in config.network.widths)
    step = config.training.preliminary.model_copy(update={"max_epochs": 1})
    training = {"preliminary": step, "batch_size": 2, "device": "cpu"}
    return config.model_copy(
        update={
            "network": config.network.model_copy(update={"widths": widths}),
            "training": config.training.model_copy(update=training),
        }
    )


@pytest.fixture
def scenes(tmp_path: Path, recipe: Config) -> list[SceneFiles]:
    """Stripes of ground, snow and clouds that no test of the image has confirmed."""
    codes = np.tile(np.array([0, 100, 205], np.uint8)[np.arange(SIZE) % 3], (SIZE, 1))
    nothing = np.zeros_like(codes)
    labels = make_labels(codes, nothing, nothing, recipe.labels.filter)
    assert (labels == np.arange(SIZE) % 3).all(), "every cloud is a label"
    patches = np.tile(labels, (len(CORNERS), 1, 1))
    return [
        write_scene(tmp_path, "31TCH", date, patches, dn=50 * (i + 1), corners=CORNERS)
        for i, date in enumerate(DATES)
    ]


def test_recipe_trains_and_predicts(
    tmp_path: Path, recipe: Config, scenes: list[SceneFiles]
) -> None:
    """Of 12 patches 2 evaluate and a tenth of the others, 1, validates."""
    torch.set_num_threads(1)
    rows, statistics = build_dataset("spot1-pyrenees", scenes, recipe.split, recipe.seed)
    splits = [row.split for row in rows]
    assert [splits.count(s) for s in ("train", "validation", "evaluation")] == [9, 1, 2]
    samples, content = tmp_path / "samples.csv", tmp_path / "statistics.json"
    write_rows(samples, rows)
    write_json(content, statistics)
    files = [scene.patches for scene in scenes], [scene.pseudo for scene in scenes]
    data = open_training_data(samples, content, *files)
    run = Run(
        method="unet",
        name="preliminary/1",
        seed=recipe.seed,
        network=recipe.network,
        settings=recipe.training,
        step=recipe.training.preliminary,
    )
    train(run, data, tmp_path / "model.safetensors", tmp_path / "history.csv")

    model = load_model(tmp_path / "model.safetensors")
    assert (model.lost, model.card.training["precision"]) == (92, "float32")
    held_out = Samples.open(samples, "evaluation", *files)
    metrics = evaluate_pseudo(
        model,
        held_out,
        "unet-spot1-pyrenees",
        Experiment(method="unet", sensor="spot1", area="pyrenees"),
        EvaluationSettings(bootstrap=10),
        edge=judged_edge(recipe.network, recipe.patches.overlap),
        seed=recipe.seed,
    )
    assert metrics["n_pixels"] == 2 * (SIZE - 2 * 92) ** 2
