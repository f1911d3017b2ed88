"""Training of networks: what it learns, keeps, writes, and survives."""

import csv
import json
import logging
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import training_world
from pseudo_files import SIZE, write_scene
from scipy.special import log_softmax
from training_world import SETTINGS, preliminary, world

from firn.compute import choose_device, choose_precision, deterministic, take_huge_pages
from firn.config import (
    NetworkSettings,
    PreliminaryTraining,
    RandomPatchSplit,
    TrainingStep,
)
from firn.dataset import build_dataset
from firn.errors import DataError, ModelError
from firn.files import write_json
from firn.methods import load_model
from firn.methods.model_file import read_tensors
from firn.samples import Samples, write_rows
from firn.training.data import open_training_data
from firn.training.fitting import fit
from firn.training.loop import finished, train
from firn.training.passes import Passes, moving_average
from firn.training.reemulation import turned
from firn.training.selection import select, selected
from firn.training.state import EpochRecord, TrainingState, resume_path


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.set_num_threads(1)
    output = tmp_path_factory.mktemp("models") / "1.safetensors"
    train(preliminary(), world(), output, output.with_suffix(".csv"))
    return output


def history_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as stream:
        return list(csv.DictReader(stream))


def test_network_learns_what_a_pixel_cannot_tell(trained: Path, tmp_path: Path) -> None:
    """Half of the cloud pixels have the brightness of snow less 0.1, half more: context tells."""
    history = history_of(trained.with_suffix(".csv"))
    losses = [float(row["validation_loss"]) for row in history]
    assert min(losses) < 0.5 * losses[0]
    model = load_model(trained)
    channels, labels = world().validation.batch([0])
    predicted = model.predict(channels[0]).argmax(axis=0)
    known = labels[0] != 255
    assert (predicted == labels[0])[known].mean() > 0.9


def test_best_epoch_is_kept(trained: Path) -> None:
    history = history_of(trained.with_suffix(".csv"))
    losses = [float(row["validation_loss"]) for row in history]
    card = load_model(trained).card
    assert card.training["epochs"] == len(losses) == 12
    assert card.training["best_epoch"] == 1 + int(np.argmin(losses))
    assert card.training["validation_loss"] == min(losses)
    model = load_model(trained)
    loss, kappa = Passes(preliminary(), world(), model).validate(world().validation)
    assert loss == pytest.approx(min(losses), rel=1e-6)
    assert kappa == pytest.approx(card.training["validation_kappa"])


def test_model_is_calibrated_on_the_validation_patches(trained: Path) -> None:
    """No other temperature makes the validation labels likelier."""
    model = load_model(trained)
    assert model.card.temperature != 1
    passes = Passes(preliminary(), world(), model)
    logits, labels = passes.sample_logits(world().validation, 10**6)

    def likelihood(temperature: float) -> float:
        chances = log_softmax(logits / temperature, axis=1)
        return float(np.take_along_axis(chances, labels[:, None], axis=1).mean())

    best = likelihood(model.card.temperature)
    assert all(likelihood(factor * model.card.temperature) < best for factor in (0.9, 1.1))


def test_same_seed_same_bytes(trained: Path, tmp_path: Path) -> None:
    train(preliminary(), world(), tmp_path / "again", tmp_path / "again.csv")
    train(preliminary(seed=2), world(), tmp_path / "other", tmp_path / "other.csv")
    assert (tmp_path / "again").read_bytes() == trained.read_bytes()
    assert (tmp_path / "again.csv").read_bytes() == trained.with_suffix(".csv").read_bytes()
    assert not np.array_equal(
        read_tensors(tmp_path / "other")[0]["head.weight"], read_tensors(trained)[0]["head.weight"]
    )


def test_killed_training_ends_with_the_same_bytes(trained: Path, tmp_path: Path) -> None:
    """A process is killed, as by a batch system, once its second epoch is on disk."""
    output = tmp_path / "killed.safetensors"
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    command = [sys.executable, training_world.__file__, str(output), "24", "{}", "2"]
    killed = subprocess.run(command, env=environment, check=False)
    assert killed.returncode == -signal.SIGKILL
    assert not output.exists()
    assert resume_path(output).exists()
    assert len(history_of(output.with_suffix(".csv"))) == 2
    train(preliminary(), world(), output, output.with_suffix(".csv"))
    assert output.read_bytes() == trained.read_bytes()
    assert not resume_path(output).exists()
    assert not list(tmp_path.glob(".*"))
    histories = output.with_suffix(".csv"), trained.with_suffix(".csv")
    assert histories[0].read_bytes() == histories[1].read_bytes()


class Interrupted(Exception):
    pass


def interrupt_after(epochs: int, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = Passes.train

    def until(self: Passes, optimiser: torch.optim.Optimizer, epoch: int) -> float:
        if epoch > epochs:
            raise Interrupted
        return whole(self, optimiser, epoch)

    monkeypatch.setattr(Passes, "train", until)


@pytest.mark.parametrize("change", ["settings", "data", "damage"])
def test_resume_file_of_another_training_is_ignored(
    change: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    short = SETTINGS.preliminary.model_copy(update={"max_epochs": 2})
    output, history = tmp_path / "m.safetensors", tmp_path / "h.csv"
    with monkeypatch.context() as patch, pytest.raises(Interrupted):
        interrupt_after(1, patch)
        train(preliminary(preliminary=short), world(), output, history)
    run, data = preliminary(preliminary=short), world()
    if change == "settings":
        run = preliminary(preliminary=short, batch_size=3)
    elif change == "data":
        data = replace(data, digest="world-2")
    else:
        content = resume_path(output).read_bytes()
        resume_path(output).write_bytes(content[: len(content) // 2])
    with caplog.at_level(logging.WARNING):
        train(run, data, output, history)
    assert "starts anew" in caplog.text
    train(run, data, tmp_path / "whole", tmp_path / "whole.csv")
    assert output.read_bytes() == (tmp_path / "whole").read_bytes()


def test_intensive_training_never_ends_worse(trained: Path, tmp_path: Path) -> None:
    """At a learning rate that destroys the weights, what it started from remains."""
    step = SETTINGS.intensive.model_copy(update={"learning_rate": 30.0, "patience": 2})
    run = replace(preliminary(), name="intensive", step=step, start=trained)
    train(run, world(), tmp_path / "model", tmp_path / "history.csv")
    before, after = load_model(trained), load_model(tmp_path / "model")
    assert after.card.training["best_epoch"] == 0
    assert after.card.training["epochs"] == 2
    assert after.card.training["validation_loss"] == pytest.approx(
        before.card.training["validation_loss"], rel=1e-6
    )
    for name, values in before.tensors().items():
        np.testing.assert_array_equal(values, after.tensors()[name])


def test_intensive_training_improves(trained: Path, tmp_path: Path) -> None:
    run = replace(preliminary(), name="intensive", step=SETTINGS.intensive, start=trained)
    train(run, world(), tmp_path / "model", tmp_path / "history.csv")
    training = load_model(tmp_path / "model").card.training
    assert training["best_epoch"] >= 1
    assert training["validation_loss"] < load_model(trained).card.training["validation_loss"]
    assert [row["learning_rate"] for row in history_of(tmp_path / "history.csv")] == ["0.001"] * 4


def test_start_of_another_shape_is_refused(trained: Path, tmp_path: Path) -> None:
    run = replace(preliminary(), network=NetworkSettings(widths=(4, 4)), start=trained)
    with pytest.raises(ModelError, match=r"1\.safetensors: has another method, architecture"):
        train(run, world(), tmp_path / "model", tmp_path / "history.csv")


@pytest.mark.parametrize(
    ("losses", "expected"),
    [([3.0, 2.0], False), ([3.0, 2.0, 2.0], False), ([3.0, 2.0, 2.0, 2.5], True)],
)
def test_patience_counts_epochs_since_the_best(losses: list[float], expected: bool) -> None:
    network = torch.nn.Linear(1, 1)
    state = TrainingState(network, None, torch.optim.Adam(network.parameters()), {})
    for epoch, loss in enumerate(losses, start=1):
        state.record(EpochRecord(epoch, 1.0, loss, None, 0.1), network)
    assert finished(state, TrainingStep(learning_rate=0.1, patience=2)) is expected


def test_loss_is_the_weighted_mean_over_labelled_pixels() -> None:
    """Even logits cost ln 3 a pixel, whatever the weights; a sure and right pixel costs nothing."""
    data = replace(world(), class_weights=(1.0, 2.0, 5.0))
    passes = Passes(preliminary(), data, preliminary().model(data))
    labels = torch.tensor([[[0, 1, 2, 255]]], dtype=torch.uint8)
    even = torch.zeros(1, 3, 1, 4)
    total, weight = passes._loss(even, labels), passes._weight(labels)
    assert weight.item() == 8
    assert (total / weight).item() == pytest.approx(np.log(3))
    even[0, 2, 0, 2] = 50
    total = passes._loss(even, labels)
    assert (total / weight).item() == pytest.approx(3 * np.log(3) / 8)


def test_diverging_loss_is_reported(tmp_path: Path) -> None:
    data = world()
    data.train.channels[0, 0, 5, 5] = np.inf
    with pytest.raises(ModelError, match=r"preliminary/1.*loss of epoch 1.*lower the learning"):
        train(preliminary(), data, tmp_path / "m", tmp_path / "h.csv")
    assert not (tmp_path / "m").exists()


def test_unlabelled_validation_is_reported(tmp_path: Path) -> None:
    data = world()
    data.validation.labels[:] = 255
    with pytest.raises(DataError, match="all are ignored"):
        train(preliminary(), data, tmp_path / "m", tmp_path / "h.csv")


def test_batch_without_labels_changes_nothing(tmp_path: Path) -> None:
    """Weights of a training whose patches are all ignored but four stay those of the four."""
    data = world()
    data.train.labels[:20] = 255
    step = PreliminaryTraining(learning_rate=0.01, patience=1, max_epochs=1)
    run = preliminary(preliminary=step, batch_size=1)
    train(run, data, tmp_path / "m", tmp_path / "h.csv")
    assert all(
        np.isfinite(values).all() for values in load_model(tmp_path / "m").tensors().values()
    )


def test_patch_size_must_fit_the_network(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"\(15, 15\).*16 is the next that fits"):
        train(preliminary(), world(size=15), tmp_path / "m", tmp_path / "h.csv")


def test_unpadded_network_trains_on_the_inner_labels(tmp_path: Path) -> None:
    """Depth 1 loses 8 pixels a side: labels outside the inner 4 x 4 must not matter."""
    run = replace(
        preliminary(), network=NetworkSettings(widths=(4, 8), padding="valid"), step=short_step()
    )
    first, second = world(size=20), world(size=20)
    for source in (second.train, second.validation):
        source.labels[:, :8] = 255
    train(run, first, tmp_path / "a", tmp_path / "a.csv")
    train(run, second, tmp_path / "b", tmp_path / "b.csv")
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def short_step() -> TrainingStep:
    return TrainingStep(learning_rate=0.01, patience=1, max_epochs=1)


def test_average_follows_the_weights() -> None:
    """The first step is taken as it is; the decay is then 2/11, 3/12, ... until 0.5 caps it."""
    layer = torch.nn.Linear(1, 1, bias=False)
    average = moving_average(layer, 0.5)
    assert average is not None
    expected = 0.0
    for step, weight in enumerate((4.0, 1.0, 2.0, *[3.0] * 10)):
        torch.nn.init.constant_(layer.weight, weight)
        average.update_parameters(layer)
        decay = min(0.5, (1 + step) / (10 + step)) if step else 0
        expected = decay * expected + (1 - decay) * weight
        assert average.module.weight.item() == pytest.approx(expected)
        if step == 1:
            assert expected == pytest.approx(4 * 2 / 11 + 9 / 11)
    assert moving_average(layer, 0) is None


def test_average_is_what_is_kept(tmp_path: Path) -> None:
    run = preliminary(averaging=0.999)
    passes = Passes(run, world(), run.model(world()))
    optimiser = torch.optim.Adam(passes.network.parameters(), lr=0.01)
    passes.train(optimiser, 1)
    before, kept = passes.network.state_dict(), passes.kept.state_dict()
    assert not torch.equal(kept["head.weight"], before["head.weight"])
    assert torch.equal(*(s["encoders.0.1.num_batches_tracked"] for s in (kept, before)))
    plain = Passes(preliminary(averaging=0.0), world(), run.model(world()))
    plain.network.load_state_dict(kept)
    assert plain.validate(world().validation) == passes.validate(world().validation)


def test_turn_moves_labels_with_channels_through_all_symmetries() -> None:
    rows, cols = torch.meshgrid(torch.arange(6), torch.arange(6), indexing="ij")
    labels = (10 * rows + cols).expand(200, 6, 6)
    channels = torch.stack([labels, labels + 100], dim=1).float()
    codes = np.random.default_rng(3).integers(8, size=200).tolist()
    images, moved = turned(channels, codes), turned(labels, codes)
    torch.testing.assert_close(images[:, 0], moved.float())
    torch.testing.assert_close(images[:, 1], moved.float() + 100)
    corners = {(int(patch[0, 0]), int(patch[0, -1])) for patch in moved}
    assert corners == {(0, 5), (5, 55), (55, 50), (50, 0), (5, 0), (55, 5), (50, 55), (0, 50)}


def test_pixel_baseline_and_bfloat16_train(tmp_path: Path) -> None:
    run = preliminary("baseline-pixel", precision="bfloat16")
    train(run, world(), tmp_path / "m", tmp_path / "h.csv")
    model = load_model(tmp_path / "m")
    assert model.card.training["precision"] == "bfloat16"
    assert all(values.dtype != np.float16 for values in model.tensors().values())
    losses = [float(row["train_loss"]) for row in history_of(tmp_path / "h.csv")]
    assert losses[-1] < losses[0]


def test_selection_takes_the_lowest_validation_loss(trained: Path, tmp_path: Path) -> None:
    folder = tmp_path / "preliminary"
    for seed, epochs in ((1, 1), (2, 8)):
        step = SETTINGS.preliminary.model_copy(update={"max_epochs": epochs})
        run = replace(preliminary(seed=seed), step=step)
        train(run, world(), folder / f"{seed}.safetensors", folder / f"{seed}.csv")
    candidates = [folder / "1.safetensors", folder / "2.safetensors"]
    select(candidates, tmp_path / "selection.json")
    content = json.loads((tmp_path / "selection.json").read_text())
    losses = [load_model(path).card.training["validation_loss"] for path in candidates]
    assert losses[1] < losses[0]
    assert content["selected"] == "preliminary/2.safetensors"
    assert [row["validation_loss"] for row in content["candidates"]] == losses
    assert selected(tmp_path / "selection.json") == candidates[1]


def test_selection_needs_trained_models(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no preliminary model"):
        select([], tmp_path / "selection.json")
    with pytest.raises(ModelError, match="no such model file"):
        select([tmp_path / "1.safetensors"], tmp_path / "selection.json")


def test_device_and_precision() -> None:
    cpu = torch.device("cpu")
    assert choose_precision("float32", cpu) == torch.float32
    assert choose_precision("bfloat16", cpu) == torch.bfloat16
    if not torch.cuda.is_available():
        assert choose_device("auto") == cpu
        with pytest.raises(ModelError, match="torch sees no GPU"):
            choose_device("cuda")


def test_deterministic_algorithms_write_no_memory_in_vain() -> None:
    memory = torch.utils.deterministic
    with deterministic(torch.device("cpu")):
        assert torch.are_deterministic_algorithms_enabled()
        assert not memory.fill_uninitialized_memory
    assert not torch.are_deterministic_algorithms_enabled()
    assert memory.fill_uninitialized_memory


def test_huge_pages_are_the_choice_of_the_user(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("THP_MEM_ALLOC_ENABLE", raising=False)
    take_huge_pages()
    assert os.environ["THP_MEM_ALLOC_ENABLE"] == "1"
    monkeypatch.setenv("THP_MEM_ALLOC_ENABLE", "0")
    take_huge_pages()
    assert os.environ["THP_MEM_ALLOC_ENABLE"] == "0"


@pytest.fixture
def dataset(tmp_path: Path) -> dict[str, object]:
    """Data set of six dates of four patches, written by the stage before."""
    rng = np.random.default_rng(5)
    corners = ((0, 0), (0, 8), (8, 0), (8, 8))
    scenes = [
        write_scene(
            tmp_path,
            "32TPT",
            f"2018{month:02d}15",
            rng.choice([0, 1, 2, 255], (4, SIZE, SIZE)),
            corners=corners,
            dn=20 * month,
        )
        for month in range(1, 7)
    ]
    files = {"samples": tmp_path / "samples.csv", "statistics": tmp_path / "statistics.json"}
    split = RandomPatchSplit(validation=0.2, evaluation=0.2)
    rows, statistics = build_dataset("spot2", scenes, split, 1)
    write_rows(files["samples"], rows)
    write_json(files["statistics"], statistics)
    return files | {
        "patches": [scene.patches for scene in scenes],
        "pseudo": [scene.pseudo for scene in scenes],
    }


def test_memory_holds_what_the_files_hold(dataset: dict[str, object]) -> None:
    data = open_training_data(**dataset)
    rows = dataset["samples"]
    for split, source in (("train", data.train), ("validation", data.validation)):
        stored = Samples.open(rows, split, dataset["patches"], dataset["pseudo"])
        assert len(stored) == len(source) > 0
        channels, labels = source.batch(range(len(source)))
        assert (channels.dtype, labels.dtype) == (np.float32, np.uint8)
        for index in range(len(source)):
            sample = stored[index]
            np.testing.assert_allclose(channels[index], sample.channels, rtol=1e-6)
            np.testing.assert_array_equal(labels[index], sample.labels)


def test_missing_scene_is_named(dataset: dict[str, object]) -> None:
    fewer = {key: value[1:] for key, value in dataset.items() if key in ("patches", "pseudo")}
    with pytest.raises(DataError, match="20180115"):
        open_training_data(**(dataset | fewer))


def test_baselines_without_gradient_are_fitted(dataset: dict[str, object], tmp_path: Path) -> None:
    data = open_training_data(**dataset)
    counts = json.loads(Path(str(dataset["statistics"])).read_text())["class_counts"]
    fit("baseline-majority", data, tmp_path / "majority")
    np.testing.assert_array_equal(load_model(tmp_path / "majority").tensors()["counts"], counts)
    fit("baseline-threshold", data, tmp_path / "threshold")
    assert load_model(tmp_path / "threshold").card.architecture["swir"] is None
    with pytest.raises(ModelError, match="unet: cannot be fitted; it is trained by"):
        fit("unet", data, tmp_path / "unet")
    with pytest.raises(ModelError, match="baseline-majority: has no network"):
        train(preliminary("baseline-majority"), data, tmp_path / "m", tmp_path / "h.csv")
