"""Networks of the cloud removal: parameters, operations, receptive field."""

import pytest
import torch
from torch import nn

from firn.cloud_removal.networks import (
    RECEPTIVE_FIELD,
    SMALLEST_TILE,
    FastGenerator,
    PatchDiscriminator,
    _BlocksToChannels,
    _ChannelsToBlocks,
    build_generator,
    multiply_accumulates,
)
from firn.errors import ModelError

#: Channels of the paper: VV and VH of two dates with R, G, B and NIR.
INPUTS, OUTPUTS = 8, 4


def parameters(network: nn.Module) -> int:
    return sum(p.numel() for p in network.parameters())


def test_original_generator_has_the_published_parameters() -> None:
    weights = 49 * 8 * 64 + 9 * (64 * 128 + 128 * 256 + 18 * 256 * 256 + 256 * 128 + 128 * 64)
    weights += 9 * 64 * 4 + 4
    scales = 2 * (64 + 128 + 256 + 18 * 256 + 128 + 64)
    count = parameters(build_generator({"name": "original"}, INPUTS, OUTPUTS))
    assert count == weights + scales == 11_392_004


def test_discriminator_has_the_published_parameters() -> None:
    weights = 16 * (12 * 64 + 64 * 256 + 256 * 256 + 256 * 512 + 512)
    count = parameters(PatchDiscriminator(INPUTS + OUTPUTS))
    assert count == weights + 64 + 1 + 2 * (256 + 256 + 512) == 3_430_465


def test_original_generator_takes_the_derived_operations() -> None:
    count = multiply_accumulates({"name": "original"}, INPUTS, OUTPUTS)
    # A weight is used at every pixel; biases and batch normalisation do not multiply.
    assert count == 256 * 256 * (11_392_004 - 4 - 2 * 5248)
    assert count / 1e9 == pytest.approx(746, abs=1)


def test_fast_generator_takes_a_quarter_of_the_operations_at_most() -> None:
    original, fast = (
        multiply_accumulates({"name": name}, INPUTS, OUTPUTS) for name in ("original", "fast")
    )
    assert fast <= original / 4


def test_width_scales_the_original_generator() -> None:
    half, whole = (
        multiply_accumulates({"name": "original", "width": width}, INPUTS, OUTPUTS)
        for width in (32, 64)
    )
    ends = 256 * 256 * (49 * INPUTS * 32 + 9 * 32 * OUTPUTS)
    # But for the first and the last convolution, operations grow with the square of the width.
    assert whole - 2 * ends == 4 * (half - ends)


def test_fast_generator_learns_from_any_features() -> None:
    """Where the biases silence every activation, gradients still come through."""
    network = FastGenerator(INPUTS, OUTPUTS, width=8, blocks=2, detail=4)
    with torch.no_grad():
        for layer in network.modules():
            if isinstance(layer, nn.Conv2d) and layer.bias is not None:
                layer.bias.fill_(-100.0)
        network.fine[-1].weight.fill_(0.1)
    network(torch.zeros(1, INPUTS, 8, 8)).sum().backward()
    for name, parameter in network.named_parameters():
        assert name.endswith("weight") or parameter.grad.abs().max() > 0, name


def test_verdicts_see_seventy_pixels() -> None:
    """By arithmetic: each layer adds kernel - 1 steps of the strides before it."""
    network = PatchDiscriminator(INPUTS + OUTPUTS)
    field, step = 1, 1
    for layer in network.layers:
        if isinstance(layer, nn.Conv2d):
            field += (layer.kernel_size[0] - 1) * step
            step *= layer.stride[0]
    assert field == RECEPTIVE_FIELD == 70


def test_verdicts_depend_on_seventy_pixels() -> None:
    """By gradient: what a verdict in the middle depends on is a square of 70 pixels."""
    torch.manual_seed(1)
    network = PatchDiscriminator(2, (4, 4, 4, 4)).eval()
    image = torch.randn(1, 1, 256, 256, requires_grad=True)
    verdicts = network(image, torch.randn(1, 1, 256, 256))
    assert verdicts.shape == (1, 1, 30, 30)
    verdicts[0, 0, 15, 15].backward()
    rows, cols = image.grad[0, 0].nonzero(as_tuple=True)
    for axis in (rows, cols):
        assert axis.max() - axis.min() + 1 == RECEPTIVE_FIELD


def test_the_smallest_tile_has_one_verdict() -> None:
    network = PatchDiscriminator(2, (4, 4, 4, 4)).eval()
    smallest, smaller = (torch.zeros(1, 1, size, size) for size in (SMALLEST_TILE, 16))
    assert network(smallest, smallest).shape == (1, 1, 1, 1)
    with pytest.raises(RuntimeError):
        network(smaller, smaller)


@pytest.mark.parametrize("name", ["fast", "residual"])
def test_a_fresh_network_copies_the_first_date(name: str) -> None:
    network = build_generator({"name": name, "width": 8, "blocks": 1}, INPUTS, OUTPUTS)
    tile = torch.randn(2, INPUTS, 16, 16)
    assert torch.equal(network(tile), tile[:, 4:])


@pytest.mark.parametrize("name", ["fast", "original", "residual"])
def test_a_batch_without_a_sample_passes(name: str) -> None:
    """As of a process that has no tile of the last batch."""
    network = build_generator({"name": name, "blocks": 1}, INPUTS, OUTPUTS).eval()
    judge = PatchDiscriminator(INPUTS + OUTPUTS, (4, 4, 4, 4)).eval()
    tiles = torch.zeros(0, INPUTS, 32, 32)
    verdicts = judge(network(tiles), tiles)
    assert verdicts.shape == (0, 1, 2, 2)
    verdicts.sum().backward()
    assert all((p.grad == 0).all() for p in network.parameters())


def test_blocks_become_channels_and_come_back() -> None:
    values = torch.randn(2, 3, 8, 12)
    channels = _BlocksToChannels(4)(values)
    assert torch.equal(channels, nn.functional.pixel_unshuffle(values, 4))
    assert torch.equal(_ChannelsToBlocks(4)(channels), values)


def test_original_generator_stays_within_its_range() -> None:
    network = build_generator({"name": "original", "blocks": 1}, INPUTS, OUTPUTS)
    simulated = network(100 * torch.randn(2, INPUTS, 8, 8))
    assert simulated.shape == (2, OUTPUTS, 8, 8)
    assert simulated.abs().max() <= 1


def test_dropout_works_in_training_alone() -> None:
    network = build_generator({"name": "original", "blocks": 1}, INPUTS, OUTPUTS)
    tile = torch.randn(2, INPUTS, 8, 8)
    assert not torch.equal(network(tile), network(tile))
    network.eval()
    assert torch.equal(network(tile), network(tile))


def test_unknown_generator_is_refused() -> None:
    with pytest.raises(ModelError, match="unet: is no generator; original, fast, residual are"):
        build_generator({"name": "unet"}, INPUTS, OUTPUTS)


def test_pixels_of_a_block_begin_alike() -> None:
    """Before it is trained, the fast generator's features show no grid of its blocks."""
    torch.manual_seed(2)
    network = FastGenerator(8, 4, width=8, blocks=1, reduction=4, detail=3)
    features = network.coarse(torch.rand(1, 8, 16, 16))[0]
    blocks = features.reshape(3, 4, 4, 4, 4)
    torch.testing.assert_close(blocks, blocks[:, :, :1, :, :1].expand_as(blocks))
    assert features.std() > 0
