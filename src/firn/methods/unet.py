"""The U-Net of the method, in the shape of the reference and in smaller, padded ones.

Ronneberger, Fischer & Brox 2015 (MICCAI, LNCS 9351, 234-241), with batch normalisation. The
reference (Barrou Dumont et al. 2024) uses unpadded convolutions, widths 64-128-256-512-512 and
bilinear upsampling: a patch of 572 pixels gives a map of 388.
"""

from collections.abc import Mapping, Sequence
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from firn.config import NetworkSettings
from firn.errors import ModelError
from firn.methods.edges import CONVOLUTIONS_REACH as _CONVOLUTIONS_REACH
from firn.methods.edges import lost_pixels
from firn.methods.network import Network, NetworkModel, convolutions, head
from firn.methods.streaming import Meeting, RowStream, streamed

METHOD = "unet"
MADE_BY = "train"


class Decoder(nn.Module):
    """One level of the way up: upsample, join the encoder's features, convolve.

    Parameters
    ----------
    coarse, skip, out : int
        Channels from the level below, from the encoder, and given.
    bilinear : bool
        Interpolate, else learn a transposed convolution to ``skip`` channels.
    padding : int
    """

    def __init__(self, coarse: int, skip: int, out: int, *, bilinear: bool, padding: int) -> None:
        super().__init__()
        # Corners are not aligned: the step between samples is then the same whatever the size of
        # the image, or else a scene cut into windows would not give the result of the whole.
        self.up: nn.Module = (
            nn.Upsample(scale_factor=2, mode="bilinear", align_corners=False)
            if bilinear
            else nn.ConvTranspose2d(coarse, skip, kernel_size=2, stride=2)
        )
        joined = skip + (coarse if bilinear else skip)
        self.convolve = convolutions((joined, joined // 2, out), kernel=3, padding=padding)

    def forward(self, coarse: Tensor, skip: Tensor) -> Tensor:
        """Features of this level, from those of the level below and of the encoder."""
        fine = self.up(coarse)
        lost = (skip.shape[-1] - fine.shape[-1]) // 2
        # Not a slice, whose gradient has channels first: adding it to the other gradient, with
        # channels last, takes ten times as long as adding two alike.
        inner = functional.pad(skip, (-lost, -lost, -lost, -lost)) if lost else skip
        features: Tensor = self.convolve(torch.cat([inner, fine], dim=1))
        return features


class UNet(Network):
    """U-Net of any depth.

    Parameters
    ----------
    channels : int
        Input channels.
    widths : sequence of int
        Features per level, finest first; the number of poolings is one less.
    valid : bool
        Unpadded convolutions, else convolutions padded with zeros.
    bilinear : bool
        Bilinear upsampling, else transposed convolutions.
    pixel_features : int
        Features that a perceptron makes of each pixel alone and that join the last layer: narrow
        convolutions of 3x3 pixels would blur what a pixel's own colour tells.
    """

    rows = 48

    def __init__(
        self,
        channels: int,
        widths: Sequence[int],
        *,
        valid: bool,
        bilinear: bool,
        pixel_features: int = 0,
    ) -> None:
        super().__init__()
        self.depth = len(widths) - 1
        self.valid = valid
        self.alignment = 1 << self.depth
        self.lost = lost_pixels(self.depth) if valid else 0
        self.margin = radius_of_influence(self.depth, bilinear=bilinear)
        # The first decoder's input, where the finest features meet those from below.
        self.features = widths[0] + (widths[0] if self.depth > 1 or not bilinear else widths[1])
        padding = 0 if valid else 1
        inputs = (channels, *widths[:-1])
        self.encoders = nn.ModuleList(
            convolutions((before, width, width), kernel=3, padding=padding, first=level == 0)
            for level, (before, width) in enumerate(zip(inputs, widths, strict=True))
        )
        self.pool = nn.MaxPool2d(2)
        decoders = []
        coarse = widths[-1]
        for level in reversed(range(self.depth)):
            # With bilinear upsampling the halving of the features is left to the convolutions.
            out = widths[max(level - 1, 0)] if bilinear else widths[level]
            decoders.append(Decoder(coarse, widths[level], out, bilinear=bilinear, padding=padding))
            coarse = out
        self.decoders = nn.ModuleList(decoders)
        perceptron = (channels, pixel_features, pixel_features)
        self.alone = (
            convolutions(perceptron, kernel=1, padding=0, first=True) if pixel_features else None
        )
        self.head = head(coarse + pixel_features)

    def forward(self, channels: Tensor) -> Tensor:
        """Logits, (sample, class, y - 2 lost, x - 2 lost).

        Raises
        ------
        ModelError
            The network cannot take an image of this size.
        """
        self._check_size(channels.shape[-2:])
        features = self.encoders[0](channels)
        skips = []
        for encoder in self.encoders[1:]:
            skips.append(features)
            features = encoder(self.pool(features))
        for decoder in self.decoders:
            features = decoder(features, skips.pop())
        if self.alone is not None:
            height, width = features.shape[-2:]
            inner = channels[..., self.lost : self.lost + height, self.lost : self.lost + width]
            features = torch.cat([features, self.alone(inner)], dim=1)
        logits: Tensor = self.head(features)
        return logits

    def by_rows(self) -> RowStream:
        """See `Network.by_rows`."""
        return _UNetRows(self)

    def input_size(self, size: int) -> int:
        """See `Network.input_size`."""
        # The finest size follows from the coarsest by 2 n, plus the pixels that convolutions lose:
        # only the remainder of a division by the alignment matters, and a minimum.
        remainder = 2 * self._shrinking_before_bottom() % self.alignment
        smallest = size if not self.valid else max(size, 2 * self.lost + 1)
        return smallest + (remainder - smallest) % self.alignment

    def _shrinking_before_bottom(self) -> int:
        """Input pixels per side that the encoder's convolutions lose before the last pooling."""
        return sum(_CONVOLUTIONS_REACH << level for level in range(self.depth)) * self.valid

    def _check_size(self, shape: Sequence[int]) -> None:
        for side in shape:
            if self.input_size(side) != side:
                below = 2 * self._shrinking_before_bottom() % self.alignment
                raise ModelError(
                    f"an image of {tuple(shape)} pixels does not fit the U-Net: each side must be "
                    f"{below} modulo {self.alignment} and at least {self.input_size(1)}; "
                    f"change patches.size, {self.input_size(side)} is the next that fits"
                )


class _UNetRows(RowStream):
    """A U-Net row by row: each level takes from the one below what is complete there."""

    def __init__(self, network: UNet) -> None:
        depth = network.depth
        self._encoders = [streamed(encoder) for encoder in network.encoders]
        self._pools = [streamed(network.pool) for _ in range(depth)]
        # Those of the network come in the order of the way up.
        decoders = [cast(Decoder, decoder) for decoder in reversed(network.decoders)]
        self._ups = [streamed(decoder.up) for decoder in decoders]
        self._skips = [Meeting() for _ in range(depth)]
        self._convolve = [streamed(decoder.convolve) for decoder in decoders]
        self._alone, self._pixels = network.alone, Meeting()
        self._head = network.head

    def push(self, rows: Tensor | None, *, last: bool) -> Tensor | None:
        """See `RowStream.push`."""
        features = self._level(0, rows, last=last)
        if self._alone is not None:
            met = self._pixels.push(rows, features)
            features = met and torch.cat([met[1], self._alone(met[0])], dim=1)
        return None if features is None else self._head(features)

    def _level(self, level: int, rows: Tensor | None, *, last: bool) -> Tensor | None:
        """Features that a level gives, from those of the level above or the channels."""
        features = self._encoders[level].push(rows, last=last)
        if level == len(self._pools):
            return features
        coarse = self._level(level + 1, self._pools[level].push(features, last=last), last=last)
        met = self._skips[level].push(features, self._ups[level].push(coarse, last=last))
        return self._convolve[level].push(met and torch.cat(met, dim=1), last=last)


def radius_of_influence(depth: int, *, bilinear: bool, reach: int = _CONVOLUTIONS_REACH) -> int:
    """Distance in pixels beyond which no input changes an output pixel of a U-Net.

    The interval of pixels that an output pixel depends on is followed down and up again, for each
    phase of the output pixel in the grid of the coarsest pooling. ``reach`` is how far the
    convolutions of a level look together.
    """
    radius = 0
    for pixel in range(2**depth):
        low = high = pixel
        for _ in range(depth):
            low, high = low - reach, high + reach
            # Fine pixel i is interpolated between coarse pixels floor((i - 1) / 2) and the next.
            low, high = ((low - 1) // 2, (high + 1) // 2) if bilinear else (low // 2, high // 2)
        low, high = low - reach, high + reach
        for _ in range(depth):
            low, high = 2 * low - reach, 2 * high + 1 + reach
        radius = max(radius, pixel - low, high - pixel)
    return radius


class UNetModel(NetworkModel):
    """Snow, cloud and ground by a U-Net."""

    @classmethod
    def architecture(cls, settings: NetworkSettings) -> dict[str, Any]:
        """Widths, padding, upsampling and features of single pixels as configured."""
        return {
            "widths": list(settings.widths),
            "padding": settings.padding,
            "bilinear": settings.bilinear,
            "pixel_features": settings.pixel_features,
        }

    @classmethod
    def build(cls, architecture: Mapping[str, Any], channels: int) -> Network:
        """See `NetworkModel.build`."""
        return UNet(
            channels,
            architecture["widths"],
            valid=architecture["padding"] == "valid",
            bilinear=architecture["bilinear"],
            pixel_features=architecture.get("pixel_features", 0),
        )
