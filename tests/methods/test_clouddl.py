"""CloudDL's network: size, reach, resolution, loss, and what it says of three classes."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from training_world import SETTINGS, world

from firn.classes import SurfaceClass
from firn.config import NetworkSettings
from firn.errors import ModelError
from firn.methods import load_model
from firn.methods.base import ModelCard
from firn.methods.clouddl import CloudDLModel, CloudNetwork, soft_dice
from firn.sensors import Band, Sensor, load_sensor
from firn.training.loop import train
from firn.training.run import Run

BANDS = ("XS1", "XS2", "XS3", "SWIR")
SMALL = {"width": 4, "depth": 2, "resolution": 60}


def card(sensor: str = "spot4", bands: tuple[str, ...] = BANDS, **clouddl: object) -> ModelCard:
    n = len(bands)
    settings = NetworkSettings.model_validate({"clouddl": SMALL | clouddl})
    return ModelCard(
        method="clouddl",
        sensor=sensor,
        bands=bands,
        channels=(*bands, "hillshade", "dem"),
        mean=(*[0.3] * n, 150, 1500),
        std=(*[0.1] * n, 70, 500),
        architecture=CloudDLModel.architecture(settings),
    )


def random_model(**options: object) -> CloudDLModel:
    torch.manual_seed(3)
    model = CloudDLModel(card(**options))
    for module in model.network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.uniform_(-0.1, 0.1)
            torch.nn.init.uniform_(module.bias, -0.5, 0.5)
    return model


def image(height: int, width: int, seed: int = 0, bands: int = 4) -> np.ndarray:
    rng = np.random.default_rng(seed)
    channels = rng.uniform(0, 1, (bands + 2, height, width)).astype(np.float32)
    return channels * np.array([*[0.6] * bands, 255, 3000], np.float32)[:, None, None]


def test_declared_default_has_so_many_parameters_and_this_shape() -> None:
    """Levels of 32 to 512 filters on four bands and the elevation, counted by hand."""
    default = card(width=32, depth=4)
    network = CloudDLModel(default).network
    encoder = decoder = 0
    before = 5
    for width in (32, 64, 128, 256, 512):
        encoder += 9 * (before * width + width * width) + 4 * width
        before = width
    for width in (256, 128, 64, 32):
        decoder += 4 * 2 * width * width + width
        decoder += 9 * (2 * width * width + width * width) + 4 * width
    assert sum(p.numel() for p in network.parameters()) == encoder + decoder + 33 == 7_763_617
    assert network(torch.zeros(2, 6, 96, 96)).shape == (2, 3, 96, 96)
    assert network.alignment == 48


def test_a_wider_kernel_has_more_weights_and_reaches_further() -> None:
    three, five = (CloudDLModel(card(kernel=kernel)).network for kernel in (3, 5))
    first = three.encoders[0].convolve[0].weight, five.encoders[0].convolve[0].weight
    assert [tuple(w.shape[2:]) for w in first] == [(3, 3), (5, 5)]
    assert five.margin > three.margin


@pytest.mark.parametrize("depth", [1, 2])
@pytest.mark.parametrize("kernel", [3, 5])
def test_nothing_beyond_the_margin_changes_a_pixel(depth: int, kernel: int) -> None:
    model = random_model(depth=depth, kernel=kernel, width=8)
    network, size = model.network.double(), 336
    x = torch.rand(1, 6, size, size, dtype=torch.float64) + 0.1
    row, reached = size // 2, 0
    for phase in (0, 5, model.alignment - 1):
        x.requires_grad_(True)
        (gradient,) = torch.autograd.grad(network(x)[0, 2, row + phase, row], x)
        x = x.detach()
        rows = gradient.abs().sum(dim=(0, 1, 3)).nonzero().flatten()
        reached = max(reached, row + phase - int(rows.min()), int(rows.max()) - row - phase)
        assert reached <= model.margin
    # Max pooling passes only one of its pixels on, so the reach is not seen in full.
    assert reached > model.margin // 3


def test_windows_give_what_the_whole_scene_gives() -> None:
    model = random_model()
    channels = image(150, 170)
    channels[:, 40:60, 90:] = np.nan
    whole = model.predict(channels)
    for window in [(0, 0, 48, 48), (37, 51, 60, 44), (100, 120, 50, 50)]:
        row, col, height, width = window
        part = model.predict(channels, window)
        inner = whole[:, row : row + height, col : col + width]
        np.testing.assert_allclose(part, inner, atol=2e-6)


@pytest.mark.parametrize(("resolution", "block"), [(60, 3), (120, 6), (240, 12)])
def test_network_sees_means_of_blocks_over_pixels_with_data(resolution: int, block: int) -> None:
    model = random_model(resolution=resolution, depth=1)
    values = torch.rand(1, 6, 2 * block, 2 * block) + 1
    values[..., :block, :block].fill_(0)
    values[:, :, 0, 0] = 5.0
    values[:, :, :block, block:] = 0
    coarse = model.network._coarse(values)
    assert coarse.shape == (1, 5, 2, 2)
    # Of the first block one pixel has data; the second has none.
    torch.testing.assert_close(coarse[0, :, 0], torch.tensor([[5.0, 0.0]] * 5))
    whole = values[0, [0, 1, 2, 3, 5], block:, block:].mean(dim=(1, 2))
    torch.testing.assert_close(coarse[0, :, 1, 1], whole)


def test_mask_is_the_same_within_a_block_and_binary() -> None:
    model = random_model()
    probabilities = model.predict(image(48, 48))
    np.testing.assert_array_equal(probabilities[SurfaceClass.SNOW], 0)
    np.testing.assert_allclose(probabilities.sum(axis=0), 1, atol=1e-6)
    blocks = probabilities[2].reshape(16, 3, 16, 3)
    assert np.ptp(blocks, axis=(1, 3)).max() == 0
    assert np.ptp(probabilities[2]) > 0.01


def test_loss_is_entropy_plus_missing_overlap() -> None:
    """By hand: one patch of three labelled pixels, p = (0.8, 0.5, 0.1), cloud in the first."""
    p = torch.tensor([0.8, 0.5, 0.1, 0.9])
    logits = torch.zeros(1, 3, 2, 2)
    logits[0, 1] = -1e4
    logits[0, 2] = torch.log(p / (1 - p)).view(2, 2)
    labels = torch.tensor([[[2, 0], [1, 255]]])
    taught = CloudDLModel.taught(labels)
    assert taught.tolist() == [[[2, 0], [0, 255]]]
    entropy = -(math.log(0.8) + math.log(0.5) + math.log(0.9))
    dice = (2 * 0.8 + 1) / (0.8 + 0.5 + 0.1 + 1 + 1)
    weights = torch.tensor(CloudDLModel.class_weights([9.0, 4.0, 2.0]))
    loss = CloudDLModel.loss(logits, taught, weights)
    assert loss.item() == pytest.approx(entropy + 3 * (1 - dice), rel=1e-5)


def test_dice_of_a_patch_without_cloud_rewards_silence() -> None:
    nothing, known = torch.zeros(1, 4, 4), torch.ones(1, 4, 4)
    assert soft_dice(nothing, nothing, known).item() == 1
    assert soft_dice(known, nothing, known).item() == pytest.approx(1 / 17)


def test_sensor_without_swir_and_blue_has_three_bands_and_relief_is_optional() -> None:
    spot2 = CloudDLModel(card("spot2", BANDS[:3]))
    assert spot2.card.architecture["inputs"] == [0, 1, 2, 4]
    assert spot2.card.architecture["blue"] is None
    assert CloudDLModel(card(dem="none")).card.architecture["inputs"] == [0, 1, 2, 3]


PLEIADES = ("B0", "B1", "B2", "B3")


def test_blue_is_found_by_its_wavelength_and_may_be_left_out() -> None:
    within = CloudDLModel(card("pleiades", PLEIADES, blue_dropout=0.5)).card.architecture
    assert (within["inputs"], within["blue"]) == ([0, 1, 2, 3, 5], 0)
    without = CloudDLModel(card("pleiades", PLEIADES, blue_dropout=1.0)).card.architecture
    assert (without["inputs"], without["blue"]) == ([1, 2, 3, 5], None)


def test_blue_is_hidden_from_some_patches_in_training_alone() -> None:
    network = CloudDLModel(card("pleiades", PLEIADES, blue_dropout=0.5)).network
    values = torch.ones(400, 5, 1, 1)
    torch.manual_seed(1)
    hidden = network.train()._disturbed(values)
    assert 150 < (hidden[:, 0] == 0).sum() < 250
    assert (hidden[:, 1:] == 1).all()
    assert (network.eval()._disturbed(values) == 1).all()


def test_shuffled_elevation_is_never_that_of_the_patch_in_training() -> None:
    network = CloudDLModel(card(dem="shuffled")).network.train()
    values = torch.arange(5.0)[:, None, None, None].expand(5, 5, 2, 2) + 1
    for _ in range(20):
        disturbed = network._disturbed(values)
        assert (disturbed[:, :4] == values[:, :4]).all()
        assert (disturbed[:, 4] != values[:, 4]).all()
        assert sorted(disturbed[:, 4, 0, 0].tolist()) == [1, 2, 3, 4, 5]
    assert (network._disturbed(values[:1])[:, 4] == 0).all()


def test_model_for_another_sensor_reads_its_bands_and_does_without_blue() -> None:
    five = Sensor(
        name="fivebands",
        platform="X",
        instruments=("X",),
        pixel_size=20,
        bands=[
            Band(name=name, centre_nm=nm, width_nm=50)
            for name, nm in (("B", 490), ("G", 560), ("R", 665), ("N", 842), ("S", 1610))
        ],
    )
    names = five.band_names
    torch.manual_seed(3)
    # Its sensor is no file, so it is described by hand.
    described = card("fivebands", names, dem="none", blue_dropout=0.3)
    described = replace(
        described,
        architecture={**described.architecture, "inputs": [0, 1, 2, 3, 4], "blue": 0},
        mean=(0.1, 0.2, 0.3, 0.4, 0.5, 150, 1500),
    )
    model = CloudDLModel(described)
    loaded = {"fivebands": five}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("firn.methods.clouddl.load_sensor", lambda name: loaded[name])
        spot4 = model.transferred(load_sensor("spot4"))
        with pytest.raises(ModelError, match="spot2: has no band near 1610 nm"):
            model.transferred(load_sensor("spot2"))
    assert spot4.card.bands == list(BANDS)
    assert spot4.card.mean == [0.2, 0.3, 0.4, 0.5, 150, 1500]
    assert spot4.card.architecture["inputs"] == [None, 0, 1, 2, 3]
    seen = image(24, 24)
    blind = np.concatenate([np.full((1, 24, 24), 0.1, np.float32), seen])
    np.testing.assert_allclose(spot4.predict(seen), model.predict(blind), atol=1e-6)


def test_training_learns_the_clouds_and_a_kill_changes_nothing(tmp_path, monkeypatch) -> None:
    """The small world's clouds are chequered at 20 m: the network has to work at that here."""
    network = NetworkSettings(clouddl={"width": 4, "depth": 1, "resolution": 20, "dropout": 0.1})
    data = replace(world(), name="clouddl-spot2")
    step = SETTINGS.preliminary.model_copy(update={"max_epochs": 12})
    run = Run("clouddl", "preliminary/1", 7, network, SETTINGS, step)
    torch.set_num_threads(1)
    train(run, data, tmp_path / "whole", tmp_path / "whole.csv")
    model = load_model(tmp_path / "whole")
    assert model.card.training["validation_kappa"] > 0.8
    assert model.card.architecture["inputs"] == [0, 1, 2, 4]

    def stop(path: object, rows: list[object]) -> None:
        if len(rows) == 4:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        # The epoch's state is on the disk when its row is written.
        patch.setattr("firn.training.loop.write_history", stop)
        with pytest.raises(KeyboardInterrupt):
            train(run, data, tmp_path / "killed", tmp_path / "killed.csv")
    train(run, data, tmp_path / "killed", tmp_path / "killed.csv")
    assert (tmp_path / "killed").read_bytes() == (tmp_path / "whole").read_bytes()


def test_network_without_its_sensor_file_loads_again() -> None:
    model = random_model()
    alien = replace(model.card, sensor="gone")
    again = CloudDLModel.restore(alien, model.tensors())
    np.testing.assert_array_equal(again.predict(image(24, 24)), model.predict(image(24, 24)))


def test_all_parts_are_modules_of_the_network() -> None:
    network = CloudNetwork([0, 1], width=2, depth=1, kernel=3, dropout=0.0, block=3)
    assert network(torch.zeros(1, 4, 7, 11)).shape == (1, 3, 7, 11)
