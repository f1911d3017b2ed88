"""CloudDL: a binary cloud mask by a U-Net at lowered resolution (Kettig et al., EGU 2020).

The publication names the U-Net with batch normalisation and dropout, the loss and the inputs: the
bands that two sensors share, and the elevation. What it does not name is chosen in
`firn.clouddl_config.CloudDLNetwork`.

The network tells cloud from all else, so its probability of snow is 0 everywhere and that of ground
stands for "no cloud": its maps are to be judged as cloud masks alone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Self

import torch
from torch import Tensor, nn
from torch.nn import functional

from firn.classes import CLASS_NAMES, IGNORE, SurfaceClass
from firn.config import NetworkSettings
from firn.errors import ModelError
from firn.methods.base import ModelCard
from firn.methods.network import EndConvolution, Network, NetworkModel, convolutions
from firn.methods.unet import radius_of_influence
from firn.sensors import Sensor, load_sensor

METHOD = "clouddl"
MADE_BY = "train"
TELLS = "cloud"

#: Pixel size of the images, m.
PIXEL = 20
#: Logit of snow: its probability is 0 at any temperature, and every number stays finite.
NEVER = -1e4
#: A band with its centre below is blue, nm.
BLUE_BELOW = 510.0
#: Bands are the same to two sensors where their centres differ by no more than this share.
SAME_BAND = 0.05
#: Coarse pixels added to both parts of the Dice coefficient, so that a patch without cloud has one.
DICE_SMOOTHING = 1.0


class Level(nn.Module):
    """Two convolutions of a level with batch normalisation and ReLU, then dropout of features."""

    def __init__(
        self, before: int, after: int, kernel: int, dropout: float, *, first: bool
    ) -> None:
        super().__init__()
        widths = (before, after, after)
        self.convolve = convolutions(widths, kernel, padding=kernel // 2, first=first)
        self.dropout = nn.Dropout2d(dropout)

    def forward(self, values: Tensor) -> Tensor:
        """Features, (sample, feature, y, x)."""
        features: Tensor = self.dropout(self.convolve(values))
        return features


class CloudNetwork(Network):
    """A U-Net on block means, whose mask is given at the pixels of its input.

    Parameters
    ----------
    inputs : sequence of int or None
        Channel of each input of the U-Net; None is an input that this sensor does not have, which
        is shown the mean of what it was trained on.
    width, depth, kernel, dropout
        As in `firn.clouddl_config.CloudDLNetwork`.
    block : int
        Side of the blocks that are averaged, pixels.
    blue : int, optional
        Input that is the blue band.
    blue_dropout : float
        Share of training patches that the blue band is hidden from.
    shuffled : int, optional
        Input that other patches of a training batch give.
    """

    def __init__(
        self,
        inputs: Sequence[int | None],
        *,
        width: int,
        depth: int,
        kernel: int,
        dropout: float,
        block: int,
        blue: int | None = None,
        blue_dropout: float = 0.0,
        shuffled: int | None = None,
    ) -> None:
        super().__init__()
        self.inputs, self.block = tuple(inputs), block
        self.blue, self.blue_dropout, self.shuffled = blue, blue_dropout, shuffled
        self.alignment = block << depth
        reach = 2 * (kernel // 2)
        coarse = radius_of_influence(depth, bilinear=False, reach=reach)
        self.margin = coarse * block + block - 1
        widths = [width << level for level in range(depth + 1)]
        self.encoders = nn.ModuleList(
            Level(before, after, kernel, dropout, first=level == 0)
            for level, (before, after) in enumerate(
                zip((len(self.inputs), *widths[:-1]), widths, strict=True)
            )
        )
        self.pool = nn.MaxPool2d(2)
        self.ups = nn.ModuleList(
            nn.ConvTranspose2d(2 * w, w, kernel_size=2, stride=2) for w in reversed(widths[:-1])
        )
        self.decoders = nn.ModuleList(
            Level(2 * w, w, kernel, dropout, first=False) for w in reversed(widths[:-1])
        )
        self.head = EndConvolution(width, 1, 1)

    def forward(self, channels: Tensor) -> Tensor:
        """Logits, (sample, class, y, x)."""
        height, width = channels.shape[-2:]
        features = self._disturbed(self._coarse(channels))
        skips = []
        for level, encoder in enumerate(self.encoders):
            features = encoder(self.pool(features) if level else features)
            skips.append(features)
        skips.pop()
        for up, decoder in zip(self.ups, self.decoders, strict=True):
            features = decoder(torch.cat([skips.pop(), up(features)], dim=1))
        cloud = self.head(features)
        for dim in (-2, -1):
            cloud = cloud.repeat_interleave(self.block, dim)
        cloud = cloud[..., :height, :width]
        logits = [torch.zeros_like(cloud)] * len(CLASS_NAMES)
        logits[SurfaceClass.SNOW] = torch.full_like(cloud, NEVER)
        logits[SurfaceClass.CLOUD] = cloud
        return torch.cat(logits, dim=1)

    def _coarse(self, channels: Tensor) -> Tensor:
        """Means over the pixels of each block that have data; 0 where none has.

        The image is continued without data to a size that the poolings divide.
        """
        height, width = channels.shape[-2:]
        beyond = (0, -width % self.alignment, 0, -height % self.alignment)
        whole = functional.pad(channels, beyond)
        # A pixel without data is exactly 0 in all channels, see `normalise`; no other one is.
        known = (whole != 0).any(dim=1, keepdim=True).to(whole.dtype)
        absent = torch.zeros_like(whole[:, :1])
        chosen = [absent if i is None else whole[:, i : i + 1] for i in self.inputs]
        means = functional.avg_pool2d(torch.cat(chosen, dim=1), self.block)
        share = functional.avg_pool2d(known, self.block)
        return means / share.clamp(min=1 / self.block**2)

    def _disturbed(self, values: Tensor) -> Tensor:
        """Hide the blue band of some patches and shuffle the elevation, in training alone."""
        if not self.training:
            return values
        count = len(values)
        values = values.clone()
        if self.blue is not None and self.blue_dropout:
            hidden = torch.rand(count, device=values.device) < self.blue_dropout
            values[hidden, self.blue] = 0
        if self.shuffled is not None:
            # No patch keeps its own; one that is alone is shown the mean.
            step = int(torch.randint(1, count, ())) if count > 1 else 0
            others = values[:, self.shuffled].roll(step, 0)
            values[:, self.shuffled] = others if step else 0
        return values


def soft_dice(probability: Tensor, target: Tensor, known: Tensor) -> Tensor:
    """Soft Dice coefficient of each patch, over its labelled pixels (Milletari et al. 2016).

    Parameters
    ----------
    probability, target, known : Tensor of float, (patch, y, x)
        Of cloud; 1 where there is cloud; 1 where that is known.
    """
    both = (probability * target * known).sum(dim=(1, 2))
    sizes = ((probability + target) * known).sum(dim=(1, 2))
    return (2 * both + DICE_SMOOTHING) / (sizes + DICE_SMOOTHING)


class CloudDLModel(NetworkModel):
    """Cloud by a U-Net at lowered resolution; the probability of snow is 0."""

    def __init__(self, card: ModelCard, network: Network | None = None) -> None:
        if "inputs" not in card.architecture:
            card = replace(card, architecture=described(card, load_sensor(card.sensor)))
        super().__init__(card, network)

    @classmethod
    def architecture(cls, settings: NetworkSettings) -> dict[str, Any]:
        """Give the settings of the network; its inputs follow from the sensor."""
        return settings.clouddl.model_dump()

    @classmethod
    def build(cls, architecture: Mapping[str, Any], channels: int) -> Network:
        """See `NetworkModel.build`."""
        inputs = architecture["inputs"]
        return CloudNetwork(
            inputs,
            width=architecture["width"],
            depth=architecture["depth"],
            kernel=architecture["kernel"],
            dropout=architecture["dropout"],
            block=architecture["resolution"] // PIXEL,
            blue=architecture["blue"],
            blue_dropout=architecture["blue_dropout"],
            shuffled=len(inputs) - 1 if architecture["dem"] == "shuffled" else None,
        )

    @classmethod
    def taught(cls, labels: Tensor) -> Tensor:
        """Ground and cloud: snow counts as ground."""
        return torch.where(labels == SurfaceClass.SNOW, SurfaceClass.GROUND, labels)

    @classmethod
    def class_weights(cls, weights: Sequence[float]) -> Sequence[float]:
        """Ones: the Dice coefficient makes up for the rarity of clouds."""
        return [1.0] * len(weights)

    @classmethod
    def loss(cls, logits: Tensor, taught: Tensor, weights: Tensor) -> Tensor:
        """Binary cross-entropy plus one minus the soft Dice coefficient, summed over pixels.

        The coefficient is that of each patch and counts once for each of its labelled pixels, so
        that the sum does not depend on how a batch is shared or cut into parts.
        """
        cloud = logits[:, SurfaceClass.CLOUD] - logits[:, SurfaceClass.GROUND]
        known = (taught != IGNORE).to(cloud.dtype)
        target = (taught == SurfaceClass.CLOUD).to(cloud.dtype)
        entropy = functional.binary_cross_entropy_with_logits(
            cloud, target, weight=known, reduction="sum"
        )
        dice = soft_dice(torch.sigmoid(cloud), target, known)
        return entropy + ((1 - dice) * known.sum(dim=(1, 2))).sum()

    def transferred(self, sensor: Sensor) -> Self:
        """Give the same model for images of another sensor.

        Each band of the model is read from the band of ``sensor`` with the nearest centre. A model
        that was trained with ``blue_dropout`` does without its blue band where there is none.

        Parameters
        ----------
        sensor : Sensor

        Raises
        ------
        ModelError
            A band has no counterpart.
        """
        own = load_sensor(self.card.sensor)
        inputs: list[int | None] = []
        bands: list[str] = []
        moments: list[tuple[float, float]] = []
        for place, source in enumerate(self.card.architecture["inputs"]):
            if source is None or source >= len(self.card.bands):
                continue
            wanted = own.band(self.card.bands[source]).centre_nm
            band = min(sensor.bands, key=lambda band: abs(band.centre_nm - wanted))
            if abs(band.centre_nm - wanted) <= SAME_BAND * wanted:
                inputs.append(len(bands))
                bands.append(band.name)
                moments.append((self.card.mean[source], self.card.std[source]))
            elif place == self.card.architecture["blue"] and self.card.architecture["blue_dropout"]:
                inputs.append(None)
            else:
                raise ModelError(
                    f"{sensor.name}: has no band near {wanted:g} nm, which the {self.card.method} "
                    f"for {self.card.sensor} needs; train it without, or with "
                    "network.clouddl.blue_dropout if it is the blue"
                )
        relief = slice(len(self.card.bands), None)
        if self.card.architecture["dem"] != "none":
            inputs.append(len(bands) + 1)
        mean, std = (list(column) for column in zip(*moments, strict=True))
        card = replace(
            self.card,
            sensor=sensor.name,
            bands=bands,
            channels=[*bands, *self.card.channels[relief]],
            mean=[*mean, *self.card.mean[relief]],
            std=[*std, *self.card.std[relief]],
            architecture={**self.card.architecture, "inputs": inputs},
        )
        return self.restore(card, self.tensors())


def described(card: ModelCard, sensor: Sensor) -> dict[str, Any]:
    """Architecture with its inputs: the bands, the blue one perhaps without, and the elevation.

    The hillshade is not among them: it was none of the published inputs.
    """
    settings = dict(card.architecture)
    blue = [i for i, b in enumerate(card.bands) if sensor.band(b).centre_nm < BLUE_BELOW]
    inputs = list(range(len(card.bands)))
    if settings["blue_dropout"] == 1:
        inputs = [i for i in inputs if i not in blue]
        blue = []
    if settings["dem"] != "none":
        inputs.append(list(card.channels).index("dem"))
    return settings | {"inputs": inputs, "blue": inputs.index(blue[0]) if blue else None}
