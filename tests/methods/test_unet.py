"""The U-Net's shape, size and reach."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from firn.config import NetworkSettings
from firn.errors import ModelError
from firn.methods.base import ModelCard
from firn.methods.edges import lost_pixels
from firn.methods.unet import Decoder, UNet, UNetModel, radius_of_influence

REFERENCE = NetworkSettings()


def card(**network: object) -> ModelCard:
    return ModelCard(
        method="unet",
        sensor="spot2",
        bands=("XS1",),
        channels=("XS1", "hillshade", "dem"),
        mean=(0.3, 150, 1500),
        std=(0.1, 70, 500),
        architecture=UNetModel.architecture(NetworkSettings(**network)),
    )


def random_model(**network: object) -> UNetModel:
    """Untrained, with normalisations that do something."""
    torch.manual_seed(3)
    model = UNetModel(card(**network))
    for module in model.network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.uniform_(-0.1, 0.1)
            torch.nn.init.uniform_(module.bias, -0.5, 0.5)
    return model


def image(*shape: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    channels = rng.uniform(0, 1, (3, *shape)).astype(np.float32)
    return channels * np.array([0.6, 255, 3000], np.float32)[:, None, None]


def parameters(network: torch.nn.Module) -> int:
    return sum(p.numel() for p in network.parameters())


def test_reference_configuration() -> None:
    """17.26 M parameters with the reference's four outputs, of which firn needs three."""
    network = UNet(5, REFERENCE.widths, valid=True, bilinear=True)
    assert parameters(network) == 17_264_259
    assert parameters(network) + (64 + 1) == 17_264_324
    assert (network.lost, network.alignment) == (92, 16)
    assert network.input_size(572) == 572
    assert network.input_size(573) == 588
    assert [side for side in range(573, 700) if network.input_size(side) == side] == [
        side for side in range(573, 700) if side % 16 == 12
    ]


def test_reference_patch_gives_the_reference_map() -> None:
    network = UNet(5, (2, 2, 2, 2, 2), valid=True, bilinear=True).eval()
    with torch.inference_mode():
        assert network(torch.zeros(1, 5, 572, 572)).shape == (1, 3, 388, 388)


def test_padded_network_keeps_the_size() -> None:
    network = UNet(5, (2, 4, 6), valid=False, bilinear=False).eval()
    with torch.inference_mode():
        assert network(torch.zeros(2, 5, 24, 32)).shape == (2, 3, 24, 32)
    assert network.lost == 0


@pytest.mark.parametrize("valid", [True, False])
def test_features_of_single_pixels_join_the_pixel_that_they_are_of(valid: bool) -> None:
    """With a decoder that says nothing, an output pixel depends on its own input pixel alone."""
    torch.manual_seed(1)
    network = UNet(2, (2, 2), valid=valid, bilinear=True, pixel_features=8).eval()
    with torch.no_grad():
        network.head.weight[:, :2] = 0
    whole = torch.rand(1, 2, 32, 32)
    with torch.inference_mode():
        before = network(whole)
        whole[0, :, 17, 14] += 1
        moved = torch.nonzero((network(whole) - before).abs().sum(dim=1)[0])
    assert moved.tolist() == [[17 - network.lost, 14 - network.lost]]


@pytest.mark.parametrize(("depth", "lost"), [(1, 8), (2, 20), (3, 44), (4, 92)])
def test_lost_pixels(depth: int, lost: int) -> None:
    assert lost_pixels(depth) == lost


@pytest.mark.parametrize("valid", [True, False])
def test_wrong_size_is_refused(valid: bool) -> None:
    network = UNet(3, (2, 2, 2), valid=valid, bilinear=True)
    assert network(torch.zeros(1, 3, 100, 100)).shape[-1] == 100 - 2 * network.lost
    with pytest.raises(ModelError, match=r"\(98, 100\).*change patches\.size, 100 is the next"):
        network(torch.zeros(1, 3, 98, 100))


@pytest.mark.parametrize("padding", ["same", "valid"])
@pytest.mark.parametrize("bilinear", [True, False])
def test_radius_of_influence_is_exact(padding: str, bilinear: bool) -> None:
    """The gradient of an output pixel is zero beyond the radius, and not zero at it.

    Positive weights and no ReLU that closes: then nothing cancels, and max pooling is replaced by
    a mean, which every pixel of a cell takes part in.
    """
    network = UNet(1, (1, 1, 1), valid=padding == "valid", bilinear=bilinear).double().eval()
    network.pool = torch.nn.AvgPool2d(2)
    for parameter in network.parameters():
        torch.nn.init.constant_(parameter, 0.5)
    side = network.input_size(120)
    values = torch.ones(1, 1, side, side, dtype=torch.double, requires_grad=True)
    output = network(values)
    reach = 0
    middle = output.shape[-1] // 2
    for pixel in range(middle, middle + network.alignment):
        (gradient,) = torch.autograd.grad(output[0, 0, pixel, pixel], values, retain_graph=True)
        rows = torch.nonzero(gradient[0, 0].sum(dim=1))[:, 0]
        position = pixel + network.lost
        reach = max(reach, position - int(rows.min()), int(rows.max()) - position)
    assert network.margin == radius_of_influence(2, bilinear=bilinear) == reach


@settings(max_examples=25)
@given(
    padding=st.sampled_from(["same", "valid"]),
    bilinear=st.booleans(),
    pixel_features=st.sampled_from([0, 3]),
    top=st.integers(0, 12),
    left=st.integers(0, 12),
    height=st.integers(1, 30),
    width=st.integers(1, 30),
)
def test_window_with_its_margin_gives_the_result_of_the_whole(
    padding: str,
    bilinear: bool,
    pixel_features: int,
    top: int,
    left: int,
    height: int,
    width: int,
) -> None:
    model = random_model(
        widths=(3, 4), padding=padding, bilinear=bilinear, pixel_features=pixel_features
    )
    channels = image(67, 61)
    channels[:, 20:25, 10:30] = np.nan
    whole = model.predict(channels)
    row, col = 2 * top, 2 * left
    context = model.margin + model.margin % model.alignment
    first_row, first_col = max(row - context, 0), max(col - context, 0)
    part = channels[:, first_row : row + height + context, first_col : col + width + context]
    window = (row - first_row, col - first_col, height, width)
    expected = whole[:, row : row + height, col : col + width]
    np.testing.assert_allclose(model.predict(part, window), expected, atol=2e-6)
    np.testing.assert_allclose(
        model.predict(channels, (row, col, height, width)), expected, atol=2e-6
    )


@pytest.mark.parametrize("padding", ["same", "valid"])
def test_prediction_is_that_of_the_network(padding: str) -> None:
    """A patch that fits is given to the network as it is, normalised by hand here.

    Where the network loses pixels, the outermost ones that it gives still feel the patch's edge
    (interpolation repeats it), which `predict` has moved outwards.
    """
    model = random_model(widths=(3, 4), padding=padding)
    channels = image(36, 36)
    channels[0, 12, 12] = np.nan
    scaled = (channels - np.array([0.3, 150, 1500])[:, None, None]) / np.array([0.1, 70, 500])[
        :, None, None
    ]
    scaled[:, 12, 12] = 0
    with torch.inference_mode():
        logits = model.network(torch.from_numpy(scaled.astype(np.float32))[None])[0]
    expected = torch.softmax(logits, dim=0).numpy()
    edge = 2 if padding == "valid" else 0
    inner = slice(model.lost + edge, 36 - model.lost - edge)
    judged = slice(edge, expected.shape[-1] - edge)
    np.testing.assert_allclose(
        model.predict(channels)[:, inner, inner], expected[:, judged, judged], atol=1e-6
    )


def test_probabilities_sum_to_one_even_without_data() -> None:
    model = random_model(widths=(3, 4), padding="valid")
    probabilities = model.predict(np.full((3, 9, 5), np.nan, np.float32))
    assert probabilities.shape == (3, 9, 5)
    assert probabilities.dtype == np.float32
    np.testing.assert_allclose(probabilities.sum(axis=0), 1, atol=1e-6)


def test_temperature_softens_probabilities_and_keeps_classes() -> None:
    """Probabilities at a temperature of 2 are as the roots of those at 1."""
    model = random_model(widths=(2, 3), padding="same")
    soft = UNetModel(replace(model.card, temperature=2.0), model.network)
    channels = image(16, 16)
    sharp, softened = model.predict(channels), soft.predict(channels)
    roots = np.sqrt(sharp)
    np.testing.assert_allclose(softened, roots / roots.sum(axis=0), rtol=1e-5)
    np.testing.assert_array_equal(sharp.argmax(axis=0), softened.argmax(axis=0))


def test_gradients_of_a_cropped_level_keep_its_layout() -> None:
    """Values and gradients are those of a slice, whose gradient would have channels first."""
    decoder = Decoder(2, 4, 2, bilinear=True, padding=0).eval()
    coarse = torch.randn(1, 2, 4, 5)
    skip = torch.randn(1, 4, 12, 14).contiguous(memory_format=torch.channels_last).requires_grad_()
    seen = decoder(coarse.contiguous(memory_format=torch.channels_last), skip)
    seen.square().sum().backward()
    sliced = skip.detach().clone().requires_grad_()
    joined = torch.cat([sliced[..., 2:-2, 2:-2], decoder.up(coarse)], dim=1)
    expected = decoder.convolve(joined)
    expected.square().sum().backward()
    torch.testing.assert_close(seen, expected)
    assert skip.grad is not None
    torch.testing.assert_close(skip.grad, sliced.grad)
    assert skip.grad.is_contiguous(memory_format=torch.channels_last)
    assert skip.grad[..., :2, :].count_nonzero() == 0
