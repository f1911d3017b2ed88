"""Networks that simulate the image of a later date, and the one that judges them.

All take normalised channels, (sample, channel, y, x), in the order radar of the first date, radar
of the second, optical bands of the first; the optical bands of the second are what comes out.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from firn.errors import ModelError

#: Pixels by which one verdict of the discriminator reaches, along each axis.
RECEPTIVE_FIELD = 70
#: Side of the smallest tile that the discriminator has a verdict on.
SMALLEST_TILE = 24
#: Slope of leaky activations below 0.
LEAK = 0.2


class Generator(nn.Module):
    """A network that simulates bands from normalised channels.

    Attributes
    ----------
    multiple : int
        Sides of an image must be a multiple of so many pixels.
    """

    multiple: int = 1


def build_generator(architecture: dict[str, Any], inputs: int, outputs: int) -> Generator:
    """Make a generator with fresh weights from torch's random generator.

    Parameters
    ----------
    architecture : dict
        ``name``, one of `GENERATORS`, and the arguments of its class but for the channels.
    inputs, outputs : int
        Channels; the last ``outputs`` of the inputs are the optical bands of the first date.

    Raises
    ------
    ModelError
        There is no generator of that name.
    """
    arguments = dict(architecture)
    kind = GENERATORS.get(arguments.pop("name", ""))
    if kind is None:
        raise ModelError(
            f"{architecture.get('name')}: is no generator; {', '.join(GENERATORS)} are"
        )
    return kind(inputs, outputs, **arguments)


def multiply_accumulates(
    architecture: dict[str, Any], inputs: int, outputs: int, size: int = 256
) -> int:
    """Count the multiplications of a generator on a tile; nothing is computed."""
    with torch.device("meta"):
        network = build_generator(architecture, inputs, outputs)
        tile = torch.empty(1, inputs, size, size)
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        network(tile)
    # A multiplication and an addition count as two.
    return int(counter.get_total_flops()) // 2


class OriginalGenerator(Generator):
    """Residual network at full resolution (Dumeur et al. 2021, after He & Yokoya 2018).

    7x7-64, 3x3-128, 3x3-256, nine residual blocks with dropout, 3x3-128, 3x3-64 and 3x3 to the
    bands with tanh; batch normalisation and ReLU after each convolution but the last. The
    convolutions before a batch normalisation have no bias, which that would take away again.

    Parameters
    ----------
    inputs, outputs : int
    width : int
        Channels of the first convolution; the blocks have four times as many.
    blocks : int
    dropout : float
        Share of the features that a block leaves out in training.
    """

    def __init__(
        self, inputs: int, outputs: int, width: int = 64, blocks: int = 9, dropout: float = 0.5
    ) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            *_normalised(inputs, width, 7),
            *_normalised(width, 2 * width, 3),
            *_normalised(2 * width, 4 * width, 3),
            *(_OriginalBlock(4 * width, dropout) for _ in range(blocks)),
            *_normalised(4 * width, 2 * width, 3),
            *_normalised(2 * width, width, 3),
            nn.Conv2d(width, outputs, 3, padding=1),
            nn.Tanh(),
        )

    def forward(self, channels: Tensor) -> Tensor:
        """Simulate the bands."""
        simulated: Tensor = self.layers(channels)
        return simulated


class _OriginalBlock(nn.Module):
    def __init__(self, width: int, dropout: float) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            *_normalised(width, width, 3), nn.Dropout(dropout), *_normalised(width, width, 3)[:-1]
        )

    def forward(self, features: Tensor) -> Tensor:
        return torch.relu(features + self.layers(features))


def _normalised(before: int, after: int, kernel: int) -> list[nn.Module]:
    """Convolution, batch normalisation of the published momentum (0.99 in Keras' terms), ReLU."""
    convolution = nn.Conv2d(before, after, kernel, padding=kernel // 2, bias=False)
    return [convolution, nn.BatchNorm2d(after, momentum=0.01), nn.ReLU(inplace=True)]


class FastGenerator(Generator):
    """Generator that thinks at reduced resolution and draws at full resolution.

    Blocks of ``reduction`` x ``reduction`` pixels become channels, residual blocks work on them,
    and pixels come back from channels. Two convolutions at full resolution, which see the inputs
    too, turn that into a change that is added to the image of the first date: detail that did not
    change need not be drawn anew, and a fresh network is a copy of the first date. It has no batch
    normalisation, whose statistics of two tiles are not those of a scene. Its activations are leaky
    and the changes of its blocks scaled by 0.1: else a step that is too long can silence all
    features at once, for good.

    Parameters
    ----------
    inputs, outputs : int
    width : int
        Channels of the residual blocks.
    blocks : int
    reduction : int
    detail : int
        Channels at full resolution.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        width: int = 128,
        blocks: int = 9,
        reduction: int = 4,
        detail: int = 24,
    ) -> None:
        super().__init__()
        self.multiple = reduction
        self.outputs = outputs
        area = reduction**2
        self.coarse = nn.Sequential(
            _BlocksToChannels(reduction),
            _convolution(area * inputs, width),
            nn.LeakyReLU(LEAK, inplace=True),
            *(_PlainBlock(width, nn.LeakyReLU(LEAK, inplace=True)) for _ in range(blocks)),
            _alike(_convolution(width, area * detail), area),
            _ChannelsToBlocks(reduction),
        )
        self.fine = nn.Sequential(
            _convolution(inputs + detail, detail),
            nn.LeakyReLU(LEAK, inplace=True),
            _zeroed(_convolution(detail, outputs)),
        )

    def forward(self, channels: Tensor) -> Tensor:
        """Simulate the bands."""
        change: Tensor = self.fine(torch.cat([channels, self.coarse(channels)], dim=1))
        return channels[:, -self.outputs :] + change


class _BlocksToChannels(nn.Module):
    """What `nn.PixelUnshuffle` does, of a batch without a sample too."""

    def __init__(self, side: int) -> None:
        super().__init__()
        self.side = side

    def forward(self, values: Tensor) -> Tensor:
        count, channels, height, width = values.shape
        side, rows, cols = self.side, height // self.side, width // self.side
        blocks = values.reshape(count, channels, rows, side, cols, side)
        return blocks.permute(0, 1, 3, 5, 2, 4).reshape(count, channels * side**2, rows, cols)


class _ChannelsToBlocks(nn.Module):
    """What `nn.PixelShuffle` does, of a batch without a sample too."""

    def __init__(self, side: int) -> None:
        super().__init__()
        self.side = side

    def forward(self, values: Tensor) -> Tensor:
        count, channels, rows, cols = values.shape
        side, left = self.side, channels // self.side**2
        blocks = values.reshape(count, left, side, side, rows, cols)
        return blocks.permute(0, 1, 4, 2, 5, 3).reshape(count, left, rows * side, cols * side)


class ResidualNetwork(Generator):
    """Residual network without an adversary, like DSen2-CR (Meraner et al. 2020, ISPRS J. 166).

    A convolution, ``blocks`` residual blocks whose changes are scaled by 0.1, and a convolution to
    the change of the image of the first date.

    Parameters
    ----------
    inputs, outputs : int
    width : int
    blocks : int
    """

    def __init__(self, inputs: int, outputs: int, width: int = 256, blocks: int = 16) -> None:
        super().__init__()
        self.outputs = outputs
        self.layers = nn.Sequential(
            _convolution(inputs, width),
            nn.ReLU(inplace=True),
            *(_PlainBlock(width, nn.ReLU(inplace=True)) for _ in range(blocks)),
            _zeroed(_convolution(width, outputs)),
        )

    def forward(self, channels: Tensor) -> Tensor:
        """Simulate the bands."""
        change: Tensor = self.layers(channels)
        return channels[:, -self.outputs :] + change


class _PlainBlock(nn.Module):
    """Residual block without normalisation, whose change is scaled by 0.1."""

    def __init__(self, width: int, activation: nn.Module) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            _convolution(width, width), activation, _convolution(width, width)
        )

    def forward(self, features: Tensor) -> Tensor:
        changed: Tensor = features + 0.1 * self.layers(features)
        return changed


def _convolution(before: int, after: int) -> nn.Conv2d:
    """3 x 3 convolution; beyond the edge lies what is at it, for zeros would darken the edges."""
    return nn.Conv2d(before, after, 3, padding=1, padding_mode="replicate")


def _alike(convolution: nn.Conv2d, area: int) -> nn.Conv2d:
    """Begin with the same weights for all pixels of a block (Aitken et al. 2017, arXiv:1707.02937).

    Or else the blocks show as a grid, which training removes slowly.
    """
    with torch.no_grad():
        for values in (convolution.weight, convolution.bias):
            assert values is not None
            values.copy_(values[::area].repeat_interleave(area, dim=0))
    return convolution


def _zeroed(convolution: nn.Conv2d) -> nn.Conv2d:
    """Let a convolution begin as zero."""
    nn.init.zeros_(convolution.weight)
    assert convolution.bias is not None
    nn.init.zeros_(convolution.bias)
    return convolution


#: Generators by the name that the configuration gives them.
GENERATORS: dict[str, type[Generator]] = {
    "original": OriginalGenerator,
    "fast": FastGenerator,
    "residual": ResidualNetwork,
}
#: Those that are trained against a discriminator.
ADVERSARIAL = ("original", "fast")


class PatchDiscriminator(nn.Module):
    """PatchGAN that judges windows of 70 x 70 pixels (Isola et al. 2017; Dumeur et al. 2021).

    4x4 convolutions with strides 2, 2, 2, 1, 1 and the edge repeated by a pixel, leaky ReLU (0.2)
    between them, batch normalisation after all but the first and the last. The published code
    normalises the verdicts too, so that their mean over a batch tells nothing; this one does not.

    Parameters
    ----------
    channels : int
        Those of the image that is judged and of all that it was made from.
    widths : sequence of int
        Channels after each convolution but the last.
    """

    def __init__(self, channels: int, widths: Sequence[int] = (64, 256, 256, 512)) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        before = channels
        for index, width in enumerate(widths):
            first, stride = index == 0, 2 if index < 3 else 1
            layers.append(_verdict_convolution(before, width, stride, bias=first))
            if not first:
                layers.append(nn.BatchNorm2d(width))
            layers.append(nn.LeakyReLU(LEAK, inplace=True))
            before = width
        self.layers = nn.Sequential(*layers, _verdict_convolution(before, 1, 1, bias=True))

    def forward(self, image: Tensor, channels: Tensor) -> Tensor:
        """Judge an image, (sample, band, y, x), made from channels: logits, (sample, 1, y, x)."""
        logits: Tensor = self.layers(torch.cat([image, channels], dim=1))
        return logits


def _verdict_convolution(before: int, after: int, stride: int, *, bias: bool) -> nn.Conv2d:
    return nn.Conv2d(before, after, 4, stride, padding=1, padding_mode="replicate", bias=bias)
