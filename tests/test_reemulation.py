"""Training patches that are emulated anew in each epoch."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from emulation.sensors_and_scenes import BANDS, FULL, PUBLISHED, saturations
from pseudo_files import SIZE, write_scene
from training_world import preliminary

from firn import netcdf
from firn.classes import IGNORE
from firn.config import EmulationSettings, RandomPatchSplit
from firn.dataset import build_dataset
from firn.emulation.acquisition import SourceScene
from firn.emulation.patches import emulate
from firn.errors import DataError
from firn.files import write_json
from firn.samples import write_rows
from firn.seeds import generator
from firn.sensors import load_sensor, to_reflectance
from firn.training.data import TrainingData, open_training_data
from firn.training.loop import train
from firn.training.passes import Passes
from firn.training.reemulation import EpochPatches
from firn.training.sentinel2 import Emulation, Sentinel2Samples

QUIET = FULL.model_copy(update={"noise": False, "mixed": None})


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


def emulation(settings: EmulationSettings, sensor: str = "spot2") -> Emulation:
    described = load_sensor(sensor)
    return Emulation(described, saturations(described.band_names), settings)


def samples(settings: EmulationSettings, sensor: str = "spot2") -> Sentinel2Samples:
    """Two scenes, of both satellites, with three patches in two draws each.

    There are holes in single bands, saturated pixels and pixels without relief.
    """
    rng = np.random.default_rng(4)
    toa = rng.integers(1, 9000, (6, 5, 20, 20)).astype(np.uint16)
    toa[:, 1, 15, 4] = 0
    toa[rng.random(toa.shape) < 0.005] = 65535
    draws = settings.draws
    return Sentinel2Samples(
        emulation=emulation(settings, sensor),
        scenes=[
            SourceScene("32TPT", "20180118", "sentinel2a", 20.0, BANDS),
            SourceScene("32TPT", "20180716", "sentinel2b", 60.0, BANDS),
        ],
        scene=np.repeat([0, 1], 3),
        toa=toa,
        hillshade=rng.integers(0, 255, (6, 20, 20)).astype(np.uint8),
        label=rng.choice([0, 1, 2, IGNORE], (6, 20, 20)).astype(np.uint8),
        dem=rng.integers(500, 4000, (6, 20, 20)).astype(np.int16),
        patch=np.repeat(np.arange(6), draws),
        draw=np.tile(np.arange(draws), 6),
    )


def epoch(
    content: Sentinel2Samples, name: str = "epoch-1", turns: np.ndarray | None = None
) -> EpochPatches:
    acquisitions, rng = content.acquisitions(1, name), generator(7, name)
    return EpochPatches(content, acquisitions, rng, torch.device("cpu"), turns)


@pytest.mark.parametrize("sensor", ["spot2", "spot4", "pleiades"])
@pytest.mark.parametrize(
    "settings", [PUBLISHED, QUIET, QUIET.model_copy(update={"misregistration": 40.0})]
)
def test_patches_are_those_of_the_stored_emulation(
    settings: EmulationSettings, sensor: str
) -> None:
    """The same draws give the same bits: gains, haze, blur, shift, no data and saturation."""
    content = samples(settings, sensor)
    patches = epoch(content)
    index = [3, 0, len(content) - 1, 2]
    channels, labels = patches.batch(index)
    bits = content.emulation.sensor.bits
    for place, sample in enumerate(index):
        patch, taken = content.patch[sample], patches.acquisitions[sample]
        dn, valid = emulate(content.toa[patch], taken, bits)
        gains = taken.saturation[:, None, None], taken.minimum[:, None, None]
        known = valid & (content.hillshade[patch] > 0)
        expected = np.where(known, to_reflectance(dn, *gains, bits), np.nan)
        np.testing.assert_array_equal(channels[place, :-2].numpy(), expected)
        np.testing.assert_array_equal(
            channels[place, -1].numpy(), np.where(known, content.dem[patch], np.nan)
        )
        np.testing.assert_array_equal(
            labels[place].numpy(), np.where(known, content.label[patch], IGNORE)
        )
        assert known.any()
        assert not known.all()


def test_epochs_differ_and_repeat_by_their_seed() -> None:
    content = samples(FULL)
    first, _ = epoch(content).batch([0, 5])
    again, _ = epoch(content).batch([0, 5])
    other, _ = epoch(content, "epoch-2").batch([0, 5])
    torch.testing.assert_close(first, again, rtol=0, atol=0, equal_nan=True)
    assert not torch.allclose(first[:, :3], other[:, :3], equal_nan=True)


def test_noise_has_the_variance_of_the_stored_emulation() -> None:
    """Flat ground of half of full scale: (127.5 / 150)**2 + 0.3**2 + 1/12 squared numbers."""
    settings = PUBLISHED.model_copy(update={"noise": True, "gains": "joint"})
    content = replace(samples(settings), toa=np.full((6, 5, 300, 300), 2500, np.uint16))
    relief = np.ones((6, 300, 300), np.uint8)
    content = replace(content, hillshade=relief, label=relief, dem=relief.astype(np.int16))
    patches = epoch(content)
    taken = replace(
        patches.acquisitions[0],
        saturation=np.full(3, 0.5, np.float32),
        minimum=np.zeros(3, np.float32),
    )
    channels, _ = replace(patches, acquisitions=[taken]).batch([0])
    numbers = channels[0, :3].numpy() * 255 / 0.5
    expected = (127.5 / 150) ** 2 + 0.3**2 + 1 / 12
    np.testing.assert_allclose(numbers.var(axis=(1, 2)), expected, rtol=0.05)


def test_ground_is_turned_before_it_is_taken() -> None:
    """A turned patch under a shift to the south still moves south, not with the ground."""
    content = samples(QUIET)
    codes = np.arange(len(content)) % 8
    patches = epoch(content, turns=codes)
    seen, labels = patches.batch([7])
    ground = replace(
        content,
        **{
            name: np.rot90(np.flip(getattr(content, name), -1), 3, (-2, -1)).copy()
            for name in ("toa", "hillshade", "label", "dem")
        },
    )
    expected, marks = replace(patches, samples=ground, turns=None).batch([7])
    torch.testing.assert_close(seen, expected, rtol=0, atol=0, equal_nan=True)
    assert torch.equal(labels, marks)


@pytest.fixture
def files(tmp_path: Path) -> dict[str, object]:
    """Data set of six dates of four patches; its images are constant, so the labels tell apart."""
    rng = np.random.default_rng(5)
    corners = ((0, 0), (0, 8), (8, 0), (8, 8))
    scenes = [
        write_scene(
            tmp_path,
            "32TPT",
            f"2018{m:02d}15",
            rng.choice([0, 1, 2], (4, SIZE, SIZE)),
            corners=corners,
        )
        for m in range(1, 7)
    ]
    paths = {"samples": tmp_path / "samples.csv", "statistics": tmp_path / "statistics.json"}
    split = RandomPatchSplit(validation=0.2, evaluation=0.2)
    rows, statistics = build_dataset("spot2", scenes, split, 1)
    write_rows(paths["samples"], rows)
    write_json(paths["statistics"], statistics)
    return paths | {
        "patches": [scene.patches for scene in scenes],
        "pseudo": [scene.pseudo for scene in scenes],
    }


def opened(files: dict[str, object], settings: EmulationSettings) -> TrainingData:
    return open_training_data(**files, emulation=emulation(settings))


def test_samples_stand_in_the_order_of_the_stored_ones(files: dict[str, object]) -> None:
    """Labels and relief of each sample are those of the pseudo-SPOT file, the image its own.

    B02 to B08 are 0.1 to 0.4: XS2 is 0.3 and XS3 0.4 by the boxcars, up to half a step and the cut.
    """
    data = opened(files, PUBLISHED)
    assert data.sentinel2 is not None
    patches = epoch(data.sentinel2)
    every = list(range(len(data.train)))
    channels, labels = patches.batch(every)
    stored, marks = data.train.batch(every)
    known = np.isfinite(stored[:, 0])
    np.testing.assert_array_equal(labels.numpy()[known], marks[known])
    np.testing.assert_array_equal(
        channels[:, 3:].numpy().transpose(0, 2, 3, 1)[known],
        stored[:, 3:].transpose(0, 2, 3, 1)[known],
    )
    for place, taken in enumerate(patches.acquisitions):
        expected = np.clip([0.3, 0.4], taken.minimum[1:], taken.saturation[1:])
        assert channels[place, 1:3, 4, 4].numpy() == pytest.approx(expected, abs=0.0015)


def test_mixed_labels_are_ignored(files: dict[str, object]) -> None:
    """Labels are drawn pixel by pixel, so hardly one is what a pixel sees."""
    plain, strict = (
        opened(files, PUBLISHED.model_copy(update={"mixed": share})).sentinel2
        for share in (None, 0.9)
    )
    assert plain is not None and strict is not None
    assert (plain.label != IGNORE).all()
    assert (strict.label == IGNORE).mean() > 0.9


def test_more_draws_than_the_configuration_knows_are_refused(files: dict[str, object]) -> None:
    path = files["pseudo"][0]
    with netcdf.read(path) as pseudo:
        pseudo.load()
    pseudo["draw"] = pseudo.draw + 3
    netcdf.write(path, pseudo)
    with pytest.raises(DataError, match="was made with more draws"):
        opened(files, PUBLISHED)


class Interrupted(Exception):
    pass


def test_interrupted_training_ends_with_the_same_bytes(
    files: dict[str, object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With every part of the emulation, and turns."""
    data = opened(files, FULL.model_copy(update={"draws": 1, "mixed": None}))
    step = preliminary().step.model_copy(update={"max_epochs": 3})
    run = preliminary(emulation="every-epoch", augment=True, preliminary=step)
    whole, cut = tmp_path / "whole.safetensors", tmp_path / "cut.safetensors"
    train(run, data, whole, whole.with_suffix(".csv"))
    training = Passes.train

    def until_two(self: Passes, optimiser: torch.optim.Optimizer, number: int) -> float:
        if number > 2:
            raise Interrupted
        return training(self, optimiser, number)

    with monkeypatch.context() as patch, pytest.raises(Interrupted):
        patch.setattr(Passes, "train", until_two)
        train(run, data, cut, cut.with_suffix(".csv"))
    train(run, data, cut, cut.with_suffix(".csv"))
    assert cut.read_bytes() == whole.read_bytes()
    stored = replace(run, settings=run.settings.model_copy(update={"emulation": "stored"}))
    train(stored, data, tmp_path / "stored", tmp_path / "stored.csv")
    assert (tmp_path / "stored").read_bytes() != whole.read_bytes()


def test_training_needs_what_it_emulates_from(files: dict[str, object], tmp_path: Path) -> None:
    data = open_training_data(**files)
    with pytest.raises(DataError, match=r"write training\.emulation: stored"):
        train(preliminary(emulation="every-epoch"), data, tmp_path / "m", tmp_path / "h.csv")


def test_another_sensor_than_that_of_the_data_set_is_refused(files: dict[str, object]) -> None:
    with pytest.raises(DataError, match="is of sensor spot2, not of spot4"):
        open_training_data(**files, emulation=emulation(PUBLISHED, "spot4"))


def test_other_gains_make_another_data_set(files: dict[str, object]) -> None:
    """A training continues only with what it began with."""
    one = open_training_data(**files, emulation=emulation(PUBLISHED))
    gains = saturations()
    other = replace(emulation(PUBLISHED), saturations=replace(gains, minimum=gains.minimum / 2))
    assert one.digest != open_training_data(**files, emulation=other).digest
    assert one.digest != open_training_data(**files).digest
