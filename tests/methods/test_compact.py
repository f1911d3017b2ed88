"""The compact network: how far it sees, and that windows leave no seam."""

import numpy as np
import pytest
import torch

from firn.config import NetworkSettings
from firn.errors import ModelError
from firn.methods.base import ModelCard
from firn.methods.compact import BLOCK, CompactModel, CompactNetwork

BANDS = ("XS1", "XS2", "XS3")


@pytest.fixture
def model() -> CompactModel:
    torch.manual_seed(3)
    channels = (*BANDS, "hillshade", "dem")
    card = ModelCard(
        method="compact",
        sensor="spot2",
        bands=BANDS,
        channels=channels,
        mean=[0.0] * len(channels),
        std=[1.0] * len(channels),
        architecture=CompactModel.architecture(NetworkSettings()),
    )
    model = CompactModel(card)
    for module in model.network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(module.bias, -0.5, 0.5)
    return model


@pytest.mark.parametrize("phase", range(BLOCK))
def test_nothing_beyond_the_margin_changes_a_pixel(model: CompactModel, phase: int) -> None:
    """By the gradient, for each place in a block; the widest of them reaches that far."""
    network = model.network
    middle = 8 * network.alignment + 5 * BLOCK + phase
    image = torch.rand(1, len(model.card.channels), network.alignment, 16 * network.alignment)
    image.requires_grad_()
    network(image)[0, :, 3, middle].sum().backward()
    assert image.grad is not None
    seen = np.flatnonzero(image.grad.abs().sum(dim=(0, 1, 2)).numpy())
    assert middle - network.margin <= seen.min() < middle < seen.max() <= middle + network.margin


def test_windows_leave_no_seam(model: CompactModel) -> None:
    image = np.random.default_rng(1).random((5, 70, 333), np.float32)
    whole = model.predict(image)
    assert whole.shape == (3, 70, 333)
    np.testing.assert_allclose(whole.sum(axis=0), 1, atol=1e-5)
    first = (150 - model.margin) // model.alignment * model.alignment
    part = model.predict(image[:, :, first:], (10, 150 - first, 40, 50))
    np.testing.assert_allclose(part, whole[:, 10:50, 150:200], atol=5e-6)


def test_refuses_an_image_that_is_no_multiple_of_its_blocks(model: CompactModel) -> None:
    assert model.network.input_size(96) == 96
    assert model.network.input_size(97) == 112
    with pytest.raises(ModelError, match="multiple of 16"):
        model.network(torch.rand(1, 5, 100, 96))


def test_size() -> None:
    network = CompactNetwork(6, (32, 64, 96), 16)
    # By hand: colour, mixed and classes; the U-Net on blocks is tested as such.
    by_hand = (6 * 16 + 2 * 16) + (16 * 16 + 2 * 16) + (16 * 3 + 3)
    count = sum(values.numel() for values in network.parameters())
    around = sum(values.numel() for values in network.surroundings.parameters())
    assert count - around == by_hand
    assert count < 0.03 * 17e6, "a small part of the reference U-Net"
