"""The patch network: its size, and that scenes give what single patches give."""

from pathlib import Path

import numpy as np
import pytest
import torch

from firn.classes import SurfaceClass
from firn.config import NetworkSettings
from firn.methods import load_model, patch_cnn, save_model
from firn.methods.base import ModelCard
from firn.methods.patch_cnn import PATCH, PatchCnnModel, PatchNetwork


def network(
    seed: int,
    head: str = "classes",
    activation: str = "relu",
    *,
    norm: bool = False,
    bands: int = 3,
) -> PatchNetwork:
    """A network with random weights, biases and statistics."""
    torch.manual_seed(seed)
    made = PatchNetwork(bands, head, activation, norm, 0.3).eval()
    for layer in made.norms:
        if isinstance(layer, torch.nn.BatchNorm2d):
            assert layer.running_mean is not None and layer.running_var is not None
            layer.running_mean.uniform_(-0.5, 0.5)
            layer.running_var.uniform_(0.5, 2)
            layer.weight.data.uniform_(-1, 1)
            layer.bias.data.uniform_(-0.5, 0.5)
    return made


def parameters(made: PatchNetwork) -> int:
    return sum(parameter.numel() for parameter in made.parameters())


def test_published_network_has_6363_parameters_and_one_output() -> None:
    published = network(1, head="cloud", bands=13)
    assert parameters(published) == 6363
    assert published.dense[-1].out_features == 1
    # Two outputs more, of 50 weights and a bias each.
    assert parameters(network(1, bands=13)) == 6363 + 2 * 51


@pytest.mark.parametrize("head", ["classes", "cloud"])
@pytest.mark.parametrize(("activation", "norm"), [("relu", False), ("leaky-relu", True)])
def test_scene_gives_what_each_patch_gives(
    head: str, activation: str, norm: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patch_cnn, "TILE", 8)
    made = network(7, head, activation, norm=norm)
    # Two channels of relief more, and a size that is no multiple of the tiles.
    scene = torch.randn(2, 5, PATCH + 11, PATCH + 19)
    with torch.no_grad():
        dense = made(scene)
        assert dense.shape == (2, 3, 11, 19)
        patches = scene.unfold(2, PATCH, 1).unfold(3, PATCH, 1)[:, :, :11, :19]
        single = made.judge(patches.permute(0, 2, 3, 1, 4, 5).reshape(-1, 5, PATCH, PATCH))
    expected = single.reshape(2, 11, 19, 3).permute(0, 3, 1, 2)
    torch.testing.assert_close(dense, expected, rtol=1e-4, atol=1e-6)
    assert float(dense[:, [0, 2]].std()) > 1e-3, "the weights matter"


def test_training_through_scenes_has_the_gradients_of_patches() -> None:
    made = network(3)
    scene = torch.randn(1, 5, PATCH + 4, PATCH + 4)
    patches = scene.unfold(2, PATCH, 1).unfold(3, PATCH, 1)[:, :, :4, :4]
    flat = patches.permute(0, 2, 3, 1, 4, 5).reshape(-1, 5, PATCH, PATCH)
    gradients = []
    for logits in (made(scene)[0].flatten(1).T, made.judge(flat)):
        made.zero_grad()
        logits.square().sum().backward()
        gradients.append([p.grad.clone() for p in made.parameters() if p.grad is not None])
    assert len(gradients[0]) == len(list(made.parameters()))
    torch.testing.assert_close(*gradients, rtol=1e-3, atol=1e-5)


def test_zeros_beyond_a_patch_are_not_its_neighbours() -> None:
    """A dilated network that let the scene through the edge of a patch would see them."""
    made = network(5)
    inside = torch.randn(1, 3, PATCH, PATCH)
    around = [torch.randn(1, 5, PATCH + 6, PATCH + 6) for _ in range(2)]
    found = []
    for scene in around:
        scene[:, :3, 3 : 3 + PATCH, 3 : 3 + PATCH] = inside
        with torch.no_grad():
            found.append(made(scene)[0, :, 3, 3])
    torch.testing.assert_close(found[0], found[1])


def card(architecture: dict[str, object]) -> ModelCard:
    channels = ("G", "R", "N", "hillshade", "dem")
    return ModelCard(
        "patch-cnn", "three", channels[:3], channels, [0.3] * 5, [0.2] * 5, architecture
    )


def test_a_pixel_is_the_ninth_of_its_patch() -> None:
    """Its patch reaches 8 pixels up and left, 7 down and right; relief does not matter."""
    torch.manual_seed(2)
    model = PatchCnnModel(card(PatchCnnModel.architecture(NetworkSettings())))
    channels = np.random.default_rng(1).random((5, 40, 37)).astype(np.float32)
    before = model.predict(channels)
    assert before.shape == (3, 40, 37)
    np.testing.assert_allclose(before.sum(axis=0), 1, rtol=1e-5)
    channels[3:] += 5
    np.testing.assert_array_equal(model.predict(channels), before)
    channels[0, 20, 18] += 50
    rows, cols = np.nonzero(np.abs(model.predict(channels) - before).max(axis=0) > 1e-9)
    assert (rows.min(), rows.max()) == (20 - 7, 20 + 8)
    assert (cols.min(), cols.max()) == (18 - 7, 18 + 8)
    assert model.margin == 8


def test_a_window_is_the_same_part_of_the_whole() -> None:
    torch.manual_seed(2)
    model = PatchCnnModel(card(PatchCnnModel.architecture(NetworkSettings())))
    channels = np.random.default_rng(1).random((5, 40, 37)).astype(np.float32)
    channels[:, 12, 12] = np.nan
    whole = model.predict(channels)
    assert np.isfinite(whole).all()
    for row, col, height, width in ((0, 0, 5, 5), (13, 9, 6, 11), (30, 30, 10, 7)):
        part = model.predict(channels, (row, col, height, width))
        expected = whole[:, row : row + height, col : col + width]
        np.testing.assert_allclose(part, expected, rtol=1e-4, atol=1e-6)


def test_published_head_gives_cloud_or_ground() -> None:
    torch.manual_seed(2)
    architecture = PatchCnnModel.architecture(NetworkSettings()) | {"head": "cloud"}
    model = PatchCnnModel(card(architecture))
    channels = np.random.default_rng(1).random((5, 20, 20)).astype(np.float32)
    probabilities = model.predict(channels)
    assert (probabilities[SurfaceClass.SNOW] == 0).all()
    values = torch.from_numpy((channels - 0.3) / 0.2)[None, :, 2:18, 2:18]
    with torch.no_grad():
        logit = model.network.judge(values)[0, SurfaceClass.CLOUD]  # type: ignore[operator]
    expected = torch.sigmoid(logit).item()
    assert probabilities[SurfaceClass.CLOUD, 10, 10] == pytest.approx(expected, rel=1e-4)


def test_model_survives_its_file(tmp_path: Path) -> None:
    torch.manual_seed(2)
    model = PatchCnnModel(card(PatchCnnModel.architecture(NetworkSettings())))
    save_model(model, tmp_path / "model.safetensors")
    channels = np.random.default_rng(1).random((5, 20, 20)).astype(np.float32)
    again = load_model(tmp_path / "model.safetensors")
    np.testing.assert_array_equal(again.predict(channels), model.predict(channels))
