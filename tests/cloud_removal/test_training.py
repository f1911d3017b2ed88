"""Training of a generator: what it learns, keeps, and survives."""

import csv
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from firn.cloud_removal.adversaries import Adversaries, TileSource
from firn.cloud_removal.losses import absolute_error, adversarial_loss
from firn.cloud_removal.model import load_model
from firn.cloud_removal.tiles import read_tiles, write_tiles
from firn.cloud_removal.training import learning_rate, read_normalisation, run, train
from firn.cloud_removal_training_config import SimulationNetworks, SimulationTraining
from firn.errors import DataError, ModelError
from firn.grid import Grid
from firn.training.group import Group
from firn.training.state import resume_path
from tests.cloud_removal import simulation_jobs
from tests.cloud_removal.simulation_jobs import ARCHITECTURES, job, write_world
from tests.cloud_removal.tile_files import AREA, make_tiles


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("world")
    write_world(folder)
    return folder


def history_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as stream:
        return list(csv.DictReader(stream))


def test_losses_by_hand() -> None:
    logits = torch.tensor([0.0, 2.0])
    binary = -np.log(0.5) - np.log(1 / (1 + np.exp(-2)))
    assert adversarial_loss(logits, 1.0, "bce").item() == pytest.approx(binary)
    assert adversarial_loss(logits, 0.0, "least-squares").item() == pytest.approx(4)
    smooth = -0.9 * np.log(0.5) - 0.1 * np.log(0.5)
    assert adversarial_loss(logits[:1], 0.9, "bce").item() == pytest.approx(smooth)
    simulated = torch.tensor([[[[0.0, 1.0]], [[2.0, 3.0]]]])
    error = absolute_error(
        simulated, torch.full((1, 2, 1, 2), 5.0), torch.tensor([[[True, False]]])
    )
    assert error.item() == 8


@pytest.mark.parametrize("name", ["fast", "original", "residual"])
def test_every_generator_trains_and_is_kept(name: str, world: Path) -> None:
    training = job(world, name, f"kept-{name}")
    train(training)
    rows = history_of(training.history)
    assert [row["epoch"] for row in rows] == ["1", "2", "3"]
    assert (rows[0]["discriminator_loss"] == "") == (name == "residual")
    losses = [float(row["validation_loss"]) for row in rows]
    model = load_model(training.model)
    assert model.card.training["validation_loss"] == min(losses)
    assert model.card.training["best_epoch"] == 1 + losses.index(min(losses))
    assert model.card.training["parameters"] == sum(p.numel() for p in model.network.parameters())
    assert not resume_path(training.model).exists()
    tiles = read_tiles(world / "test.nc")
    simulated = model.simulate(tiles)
    assert simulated.shape == tiles.sentinel2_t1.shape
    assert np.isnan(simulated[:, :, 0, 0]).all()
    assert np.isfinite(simulated[:, :, 1:]).all()


def test_training_beats_the_copy_where_ground_burned(world: Path) -> None:
    training = job(world, "fast", "better", epochs=40, learning_rate=0.003)
    train(training)
    tiles = read_tiles(world / "test.nc")
    burned = (tiles.severity > 0) & np.isfinite(tiles.sentinel2_t1).all(axis=1)
    truth = tiles.sentinel2_t1.swapaxes(0, 1)[:, burned]
    copied = tiles.sentinel2_t0.swapaxes(0, 1)[:, burned]
    simulated = load_model(training.model).simulate(tiles).swapaxes(0, 1)[:, burned]
    assert np.abs(simulated - truth).mean() < 0.5 * np.abs(copied - truth).mean()


def test_the_simulation_does_not_look_at_the_later_image(world: Path) -> None:
    training = job(world, "fast", "blind")
    train(training)
    model, tiles = load_model(training.model), make_tiles(2)
    expected = model.simulate(tiles)
    tiles.sentinel2_t1[:] = 7
    tiles.cloud_t1[:] = 1
    tiles.severity[:] = 255
    np.testing.assert_array_equal(model.simulate(tiles), expected)


def test_tiles_of_any_size_are_simulated(world: Path) -> None:
    training = job(world, "fast", "sizes")
    train(training)
    simulated = load_model(training.model).simulate(make_tiles(1, size=35))
    assert simulated.shape == (1, 7, 35, 35)


def test_clouds_and_missing_pixels_do_not_teach(world: Path) -> None:
    """Whatever is written where the later image is cloudy or has no data, the step is the same."""
    normalisation = read_normalisation(world / "normalisation.json")
    tiles = make_tiles(2)
    weights = []
    for value in (0.0, 0.9):
        hidden = (tiles.cloud_t1 == 1)[:, None] | np.isnan(tiles.sentinel2_t0)
        tiles.sentinel2_t1[np.broadcast_to(hidden, tiles.sentinel2_t1.shape)] = value
        path = world / f"hidden-{value}.nc"
        grid = Grid.from_bounds("EPSG:32632", 0, 0, 640, 320, 10)
        write_tiles(path, tiles, normalisation.bands, {AREA: grid}, {})
        torch.manual_seed(1)
        settings = SimulationTraining.model_validate(simulation_jobs.SETTINGS)
        networks = Adversaries(ARCHITECTURES["fast"], (4, 4, 4, 4), settings, 7, Group())
        source = TileSource(path, normalisation)
        losses = networks.train(source, networks.optimisers(), np.random.default_rng(1))
        weights.append([p.detach().numpy() for p in networks.generator.parameters()])
        assert losses.values == 7 * (2 * (32 * 32 * 3 / 4 - 1))
    for first, second in zip(*weights, strict=True):
        np.testing.assert_array_equal(first, second)


def test_learning_rate_falls_in_a_line_at_the_end() -> None:
    settings = SimulationTraining(epochs=8, learning_rate=0.4, decay=0.5)
    rates = [learning_rate(settings, epoch) for epoch in range(1, 9)]
    assert rates == pytest.approx([0.4] * 5 + [0.3, 0.2, 0.1])
    stays = settings.model_copy(update={"decay": 0.0})
    assert [learning_rate(stays, epoch) for epoch in (1, 8)] == [0.4, 0.4]


def test_training_takes_the_learning_rate_of_its_epochs(world: Path) -> None:
    """Where the rate falls, the last epoch moves the weights less."""
    falling = job(world, "residual", "falling", decay=1.0)
    train(falling)
    rates = [float(row["learning_rate"]) for row in history_of(falling.history)]
    assert rates == pytest.approx([0.001, 0.002 / 3, 0.001 / 3])
    constant = job(world, "residual", "constant")
    train(constant)
    losses = [[row["train_l1"] for row in history_of(j.history)] for j in (falling, constant)]
    assert losses[0][0] == losses[1][0]
    assert losses[0][1] != losses[1][1]


def test_with_a_falling_rate_the_number_of_epochs_matters(world: Path) -> None:
    """A training without one may be made longer, one with it begins anew."""
    digests = [
        [job(world, epochs=epochs, decay=decay).digest() for epochs in (3, 4)]
        for decay in (0.0, 0.5)
    ]
    assert digests[0][0] == digests[0][1]
    assert digests[1][0] != digests[1][1]


@pytest.mark.parametrize(("name", "decay"), [("fast", 0.5), ("original", 0.0)])
def test_killed_training_ends_with_the_same_weights(name: str, decay: float, world: Path) -> None:
    whole = job(world, name, f"whole-{name}", decay=decay)
    train(whole)
    cut = job(world, name, f"cut-{name}", decay=decay)
    path = world / f"cut-{name}.json"
    path.write_text(cut.model_dump_json())
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", simulation_jobs.__name__, str(path)]
    assert subprocess.run(command, env=environment, check=False).returncode == -signal.SIGKILL
    assert resume_path(cut.model).exists()
    assert not cut.model.exists()
    assert len(history_of(cut.history)) == 1
    train(cut)
    assert cut.model.read_bytes() == whole.model.read_bytes()
    assert history_of(cut.history) == history_of(whole.history)


def test_training_of_other_settings_starts_anew(
    world: Path, caplog: pytest.LogCaptureFixture
) -> None:
    first = job(world, "residual", "other")
    train(first)
    expected = first.model.read_bytes()
    resume_path(first.model).write_bytes(b"no state")
    train(first)
    assert "starts anew" in caplog.text
    assert first.model.read_bytes() == expected


@pytest.mark.slow
def test_processes_take_the_steps_of_one(world: Path) -> None:
    """With a batch of three tiles, one of two processes has two of them, and of the last none."""
    changes: dict[str, Any] = {"epochs": 2, "batch_size": 3, "learning_rate": 1e-4}
    folder = world / "together"
    folder.mkdir()
    write_world(folder, train=7)
    one = job(folder, "fast", "one", **changes)
    train(one)
    several = job(folder, "fast", "several", **changes, processes=2)
    run(several)
    for row, expected in zip(history_of(several.history), history_of(one.history), strict=True):
        for key, value in expected.items():
            assert float(row[key]) == pytest.approx(float(value), rel=1e-3), key
    assert load_model(several.model).card.training["processes"] == 2


@pytest.mark.parametrize("changes", [{"adversarial": "least-squares"}, {"real_labels": (0.7, 0.9)}])
def test_options_change_the_training(changes: dict[str, Any], world: Path) -> None:
    first, other = job(world, "fast", "plain"), job(world, "fast", "option", **changes)
    train(first)
    train(other)
    losses = [history_of(one.history)[-1]["discriminator_loss"] for one in (first, other)]
    assert losses[0] != losses[1]


def test_wrong_files_are_refused(world: Path) -> None:
    training = job(world)
    with pytest.raises(DataError, match=r"none\.nc: cannot be read as NetCDF"):
        train(training.model_copy(update={"train": world / "none.nc"}))
    tiles = make_tiles(2)
    grid = Grid.from_bounds("EPSG:32632", 0, 0, 640, 320, 10)
    other = ("B04", "B03", "B02", "B08", "B8A", "B11", "B09")
    write_tiles(world / "bands.nc", tiles, other, {AREA: grid}, {})
    with pytest.raises(DataError, match=r"bands\.nc: has the bands .*B09, but the normalisation"):
        train(training.model_copy(update={"validation": world / "bands.nc"}))
    with pytest.raises(DataError, match=r"absent\.json: "):
        train(training.model_copy(update={"normalisation": world / "absent.json"}))


def test_tiles_without_a_valid_pixel_are_refused(world: Path) -> None:
    training, tiles = job(world), make_tiles(2)
    tiles.cloud_t1[:] = 1
    grid = Grid.from_bounds("EPSG:32632", 0, 0, 640, 320, 10)
    normalisation = read_normalisation(training.normalisation)
    write_tiles(world / "cloudy.nc", tiles, normalisation.bands, {AREA: grid}, {})
    with pytest.raises(DataError, match=r"cloudy\.nc: no pixel has data on both dates"):
        train(training.model_copy(update={"train": world / "cloudy.nc"}))
    write_tiles(world / "small.nc", make_tiles(2, size=16), normalisation.bands, {AREA: grid}, {})
    with pytest.raises(DataError, match=r"small\.nc: its tiles are smaller than 24 pixels"):
        train(training.model_copy(update={"train": world / "small.nc"}))


def test_another_normalisation_or_file_is_no_model(world: Path) -> None:
    training = job(world, "residual", "own")
    train(training)
    model = load_model(training.model)
    normalisation = read_normalisation(training.normalisation)
    model.require_normalisation(normalisation, training.normalisation)
    other = normalisation.as_dict()
    other["sentinel1"]["mean"][0] += 1
    with pytest.raises(ModelError, match="is another normalisation than that which the model"):
        model.require_normalisation(type(normalisation).from_dict(other), "normalisation.json")
    with pytest.raises(ModelError, match="no such model file"):
        load_model(world / "none.safetensors")
    with pytest.raises(ModelError, match="is no model of the cloud removal but of unet"):
        load_model("src/firn/data/models/spot-xs.safetensors")


def test_settings_that_make_no_sense_are_refused() -> None:
    for wrong in ({"real_labels": (1, 0.7)}, {"fake_labels": (0, 2)}):
        with pytest.raises(ValueError, match="must be two numbers from 0 to 1"):
            SimulationTraining.model_validate(wrong)
    with pytest.raises(ValueError, match="each can be named once"):
        SimulationNetworks.model_validate({"generators": ["fast", "fast"]})
    assert SimulationNetworks().architecture("original") == {
        "name": "original",
        "width": 64,
        "blocks": 9,
        "dropout": 0.5,
    }
