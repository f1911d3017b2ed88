"""Baseline: a perceptron that sees one pixel at a time, in the same channels as the U-Net."""

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from firn.config import NetworkSettings
from firn.methods.network import Network, NetworkModel, convolutions, head
from firn.methods.streaming import Chain, RowStream, streamed

METHOD = "baseline-pixel"
MADE_BY = "train"

#: Hidden units per layer: enough that more do not help, so that what it lacks is context.
HIDDEN = (32, 32)


class PixelNetwork(Network):
    """A multi-layer perceptron, written as 1x1 convolutions."""

    rows = 64

    def __init__(self, channels: int, widths: tuple[int, ...]) -> None:
        super().__init__()
        self.hidden = convolutions((channels, *widths), kernel=1, padding=0, first=True)
        self.head = head(widths[-1])

    def forward(self, channels: Tensor) -> Tensor:
        """Logits, (sample, class, y, x)."""
        logits: Tensor = self.head(self.hidden(channels))
        return logits

    def by_rows(self) -> RowStream:
        """See `Network.by_rows`."""
        return Chain([streamed(self.hidden), streamed(self.head)])


class PixelModel(NetworkModel):
    """Per-pixel classifier, trained like the U-Net on the same pixels."""

    @classmethod
    def architecture(cls, settings: NetworkSettings) -> dict[str, Any]:
        """Hidden widths; the settings of the U-Net do not matter."""
        return {"widths": list(HIDDEN)}

    @classmethod
    def build(cls, architecture: Mapping[str, Any], channels: int) -> Network:
        """See `NetworkModel.build`."""
        return PixelNetwork(channels, tuple(architecture["widths"]))
