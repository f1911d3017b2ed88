"""Networks that are applied to an image band by band of rows."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from firn.methods.compact import CompactNetwork
from firn.methods.network import Network, folded
from firn.methods.pixel import PixelNetwork
from firn.methods.streaming import Rows, RowStream, streamed
from firn.methods.unet import UNet

NETWORKS = {
    "unpadded": lambda: UNet(3, [4, 5, 6], valid=True, bilinear=True),
    "unpadded, transposed": lambda: UNet(3, [4, 5, 6], valid=True, bilinear=False),
    "padded, of pixels too": lambda: UNet(
        3, [4, 5, 6], valid=False, bilinear=True, pixel_features=5
    ),
    "unpadded, of pixels too": lambda: UNet(
        3, [4, 5], valid=True, bilinear=False, pixel_features=2
    ),
    "compact": lambda: CompactNetwork(3, [8, 6, 4], 4),
    "pixel": lambda: PixelNetwork(3, (4, 4)),
}


def applied(stream: RowStream, image: Tensor, heights: list[int]) -> Tensor:
    """Apply it to an image in bands of such heights, again and again."""
    result, row, turn = [], 0, 0
    while row < image.shape[-2]:
        band = image[..., row : row + heights[turn % len(heights)], :]
        row, turn = row + band.shape[-2], turn + 1
        given_back = stream.push(band, last=row >= image.shape[-2])
        if given_back is not None:
            result.append(given_back)
    return torch.cat(result, dim=-2)


def network(name: str) -> Network:
    torch.manual_seed(3)
    made = NETWORKS[name]()
    for module in made.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.running_mean, -1, 1)
            nn.init.uniform_(module.running_var, 0.5, 2)
            nn.init.uniform_(module.bias, -1, 1)
    return folded(made)


@pytest.mark.parametrize("name", NETWORKS)
@given(heights=st.lists(st.integers(1, 40), min_size=1, max_size=4), size=st.integers(30, 60))
@settings(max_examples=10, deadline=None)
def test_bands_give_what_the_whole_image_gives(name: str, heights: list[int], size: int) -> None:
    net = network(name)
    image = torch.rand(1, 3, net.input_size(size), net.input_size(33)) - 0.5
    with torch.inference_mode():
        whole = net(image)
        torch.testing.assert_close(applied(net.by_rows(), image, heights), whole, atol=1e-5, rtol=0)
    assert whole.std() > 0.01


@pytest.mark.parametrize("factor", [2, 4])
def test_interpolated_rows_by_hand(factor: int) -> None:
    """The first half of a row's lines lies between it and the row before."""
    stream = streamed(nn.Upsample(scale_factor=factor, mode="bilinear", align_corners=False))
    first = stream.push(torch.full((1, 1, 1, 1), 8.0), last=False)
    assert first is not None
    assert first[0, 0, :, 0].tolist() == [8.0] * (factor // 2)
    between = stream.push(torch.zeros((1, 1, 1, 1)), last=False)
    assert between is not None
    assert between[0, 0, :, 0].tolist() == {2: [6.0, 2.0], 4: [7.0, 5.0, 3.0, 1.0]}[factor]
    assert stream.push(None, last=False) is None
    rest = stream.push(None, last=True)
    assert rest is not None
    assert rest[0, 0, :, 0].tolist() == [0.0] * (factor // 2)


def test_what_is_kept_does_not_grow_with_the_image() -> None:
    """A convolution of three rows keeps two, and no view of more."""
    stream = streamed(nn.Conv2d(2, 2, 3, padding=1))
    stream.push(torch.rand(1, 2, 500, 7), last=False)
    kept = stream._kept
    assert kept.shape == (1, 2, 2, 7)
    assert kept.untyped_storage().nbytes() == kept.numel() * 4


def test_rows_are_taken_in_order() -> None:
    rows = Rows()
    for band in torch.arange(10.0).reshape(1, 1, 10, 1).split([3, 4, 3], dim=2):
        rows.add(band)
    rows.add(None)
    assert rows.take(5)[0, 0, :, 0].tolist() == [0, 1, 2, 3, 4]
    assert rows.take(1)[0, 0, :, 0].tolist() == [5]
    assert len(rows) == 4
    assert rows.take(4)[0, 0, :, 0].tolist() == [6, 7, 8, 9]


def test_layers_that_are_not_known_are_an_error() -> None:
    with pytest.raises(TypeError, match="AdaptiveAvgPool2d cannot be applied row by row"):
        streamed(nn.AdaptiveAvgPool2d(1))
