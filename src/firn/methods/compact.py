"""A small network for many scenes: context at a quarter of the resolution, colour at all of it.

What a pixel is shows in its own colour and in what lies around it, but the surroundings need not be
told pixel by pixel. So a U-Net looks at blocks of 4 x 4 pixels, each with all the values of its
pixels (space to depth: Shi et al. 2016, CVPR, 1874-1883, the other way round). What it makes of
them is interpolated to the pixels and joins what each tells by itself. At full resolution, where
other networks spend most of their time, nothing is wider than these few features.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor, nn

from firn.config import NetworkSettings
from firn.errors import ModelError
from firn.methods.network import Network, NetworkModel, convolutions, head
from firn.methods.streaming import Meeting, Rows, RowStream, streamed
from firn.methods.unet import UNet, radius_of_influence

METHOD = "compact"
MADE_BY = "train"

#: Side of a block, pixels.
BLOCK = 4
#: Features of the U-Net per level, finest first, and of a pixel.
WIDTHS, FEATURES = (32, 64, 96), 16


class CompactNetwork(Network):
    """U-Net on blocks of pixels, joined by a perceptron on pixels.

    Parameters
    ----------
    channels : int
        Input channels.
    widths : sequence of int
        Features of the U-Net per level, finest first.
    features : int
        Features of a pixel.
    """

    rows = 64

    def __init__(self, channels: int, widths: Sequence[int], features: int) -> None:
        super().__init__()
        depth = len(widths) - 1
        self.alignment = BLOCK << depth
        # A pixel is interpolated between its block and the next, and influenced by all of both.
        reach = radius_of_influence(depth, bilinear=True) + 1
        self.margin = BLOCK * reach + BLOCK - 1
        # The pixel's own and those of its surroundings, before they join.
        self.features = 2 * features
        self.surroundings = UNet(BLOCK**2 * channels, widths, valid=False, bilinear=True)
        self.surroundings.head = nn.Conv2d(widths[0], features, 1)
        self.up = nn.Upsample(scale_factor=BLOCK, mode="bilinear", align_corners=False)
        # These are small and all that sees a pixel's own colour, so they stay in float32.
        self.colour = convolutions((channels, features), kernel=1, padding=0, first=True)[:-1]
        self.mixed = convolutions((features, features), kernel=1, padding=0, first=True)
        self.head = head(features)

    def forward(self, channels: Tensor) -> Tensor:
        """Logits, (sample, class, y, x).

        Raises
        ------
        ModelError
            A side is not a multiple of `alignment`.
        """
        if any(side % self.alignment for side in channels.shape[-2:]):
            raise ModelError(
                f"an image of {tuple(channels.shape[-2:])} pixels does not fit the network: each "
                f"side must be a multiple of {self.alignment}; change patches.size"
            )
        blocks = self.surroundings(nn.functional.pixel_unshuffle(channels, BLOCK))
        return self.joined(channels, self.up(blocks))

    def joined(self, channels: Tensor, surroundings: Tensor) -> Tensor:
        """Logits of pixels, from their channels and the features of what is around them."""
        features = nn.functional.relu(self.colour(channels) + surroundings, inplace=True)
        logits: Tensor = self.head(self.mixed(features))
        return logits

    def by_rows(self) -> RowStream:
        """See `Network.by_rows`."""
        return _CompactRows(self)

    def input_size(self, size: int) -> int:
        """See `Network.input_size`."""
        return -(-size // self.alignment) * self.alignment


class _CompactRows(RowStream):
    """Row by row; these wait until they fill blocks, and then for what is around them."""

    def __init__(self, network: CompactNetwork) -> None:
        self._network, self._waiting, self._pixels = network, Rows(), Meeting()
        self._surroundings, self._up = network.surroundings.by_rows(), streamed(network.up)

    def push(self, rows: Tensor | None, *, last: bool) -> Tensor | None:
        """See `RowStream.push`."""
        self._waiting.add(rows)
        blocks = None
        if count := len(self._waiting) // BLOCK * BLOCK:
            blocks = nn.functional.pixel_unshuffle(self._waiting.take(count), BLOCK)
        around = self._up.push(self._surroundings.push(blocks, last=last), last=last)
        met = self._pixels.push(rows, around)
        return met and self._network.joined(*met)


class CompactModel(NetworkModel):
    """Snow, cloud and ground by a small network."""

    @classmethod
    def architecture(cls, settings: NetworkSettings) -> dict[str, Any]:
        """Widths and features; the settings of the U-Net do not matter."""
        return {"widths": list(WIDTHS), "features": FEATURES}

    @classmethod
    def build(cls, architecture: Mapping[str, Any], channels: int) -> Network:
        """See `NetworkModel.build`."""
        return CompactNetwork(channels, architecture["widths"], architecture["features"])
