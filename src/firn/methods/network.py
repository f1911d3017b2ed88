"""Methods that are networks: normalisation, and prediction on arrays of any size."""

import copy
import itertools
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.fusion import fuse_conv_bn_eval

from firn.classes import CLASS_NAMES, IGNORE
from firn.compute import choose_device, choose_precision
from firn.config import NetworkSettings
from firn.errors import ModelError
from firn.methods.base import FloatArray, Model, ModelCard, Tensors, Window


class Network(nn.Module):
    """A network on normalised channels, (sample, channel, y, x), that gives logits of the classes.

    Attributes
    ----------
    margin : int
        Distance in pixels from which on no input changes an output pixel.
    alignment : int
        Shifting the input by so many pixels shifts the output by as many.
    lost : int
        Pixels per side by which the output is smaller than the input.
    features : int
        Channels of the widest layer of the full resolution.
    """

    margin: int = 0
    alignment: int = 1
    lost: int = 0
    features: int = 64

    def input_size(self, size: int) -> int:
        """Smallest side of an input, of ``size`` pixels at least, that the network takes."""
        return size


def normalise(channels: Tensor, mean: Tensor, std: Tensor) -> Tensor:
    """Standardise channels, (..., channel, y, x).

    A pixel without data (NaN) in one channel becomes 0, the mean, in all of them.
    """
    scaled = (channels - mean[:, None, None]) / std[:, None, None]
    return scaled.masked_fill(torch.isnan(channels).any(dim=-3, keepdim=True), 0.0)


class NetworkModel(Model):
    """A `Model` whose probabilities are the softmax of a `Network` at the card's temperature."""

    device = torch.device("cpu")

    def __init__(self, card: ModelCard, network: Network | None = None) -> None:
        super().__init__(card)
        self.network = network or self.build(card.architecture, len(card.channels))
        self.network.eval()
        self.margin = self.network.margin
        self.alignment = self.network.alignment
        self.lost = self.network.lost
        self.features = self.network.features
        self.mean = torch.tensor(card.mean, dtype=torch.float32)
        self.std = torch.tensor(card.std, dtype=torch.float32)

    @classmethod
    @abstractmethod
    def architecture(cls, settings: NetworkSettings) -> dict[str, Any]:
        """Give what `build` needs, as the configuration asks for it."""

    @classmethod
    @abstractmethod
    def build(cls, architecture: Mapping[str, Any], channels: int) -> Network:
        """Make the network with fresh weights from torch's random generator."""

    @classmethod
    def restore(cls, card: ModelCard, tensors: Tensors) -> Self:
        """See `Model.restore`."""
        model = cls(card)
        load_network(model.network, tensors)
        return model

    @classmethod
    def taught(cls, labels: Tensor) -> Tensor:
        """Classes that the network is to tell, (patch, y, x), of labels; as they are by default."""
        return labels

    @classmethod
    def class_weights(cls, weights: Sequence[float]) -> Sequence[float]:
        """Weights of the classes in the loss, of those of a data set; as they are by default."""
        return weights

    @classmethod
    def loss(cls, logits: Tensor, taught: Tensor, weights: Tensor) -> Tensor:
        """Loss, summed over the weights of labelled pixels: the cross-entropy by default.

        Parameters
        ----------
        logits : Tensor, (patch, class, y, x)
        taught : Tensor of int64, (patch, y, x)
            As `taught` gives them; 255 = ignored.
        weights : Tensor, (class,)
        """
        return functional.cross_entropy(
            logits, taught, weight=weights, ignore_index=IGNORE, reduction="sum"
        )

    def tensors(self) -> Tensors:
        """See `Model.tensors`."""
        return network_tensors(self.network)

    @property
    def n_parameters(self) -> int:
        """Weights that gradient descent changes; see `Model.n_parameters`."""
        return sum(weights.numel() for weights in self.network.parameters())

    def prepared(self, precision: str, device: str = "cpu") -> Self:
        """See `Model.prepared`; the weights are shared, and a model that is so already is given."""
        chosen = choose_device(device)
        asked = chosen, str(choose_precision(precision, chosen)).removeprefix("torch.")
        if asked == (self.device, self.precision):
            return self
        model = copy.copy(self)
        model.device, model.precision = asked
        vars(model).pop("_applied", None)
        return model

    @cached_property
    def _applied(self) -> Network:
        """The network as `predict` applies it: nobody trains a model that has predicted."""
        return folded(self.network).to(self.device)

    def predict(self, channels: FloatArray, window: Window | None = None) -> FloatArray:
        """See `Model.predict`."""
        row, col, height, width = window or (0, 0, *channels.shape[-2:])
        rows = _span(self.network, row, height, channels.shape[-2])
        cols = _span(self.network, col, width, channels.shape[-1])
        values = normalise(torch.from_numpy(channels), self.mean, self.std)
        batch = _reach(values, rows, cols)[None].to(self.device)
        batch = batch.contiguous(memory_format=torch.channels_last)
        kind, reduced = self.device.type, self.precision != "float32"
        with torch.inference_mode(), torch.autocast(kind, torch.bfloat16, enabled=reduced):
            logits = self._applied(batch)[0].float() / self.card.temperature
            probabilities = torch.softmax(logits, dim=0)
        top, left = row - rows[0] - self.lost, col - cols[0] - self.lost
        inner = probabilities[:, top : top + height, left : left + width]
        return np.ascontiguousarray(inner.cpu().numpy())


def _span(network: Network, start: int, size: int, total: int) -> tuple[int, int]:
    """Input that the network needs for ``size`` pixels from ``start`` of ``total``.

    It holds the pixels' margin as far as the image reaches, keeps the phase of the pooling, and
    goes beyond the image by what the network loses or needs to fit.

    Returns
    -------
    first, length : int
    """
    spare = start - (network.margin - network.lost)
    first = max(0, spare // network.alignment * network.alignment) - network.lost
    last = min(start + size + network.margin, total + network.lost)
    return first, network.input_size(last - first)


def _reach(values: Tensor, rows: tuple[int, int], cols: tuple[int, int]) -> Tensor:
    """Cut the spans (first, length) out of an image; what lies outside is no data (0)."""
    height, width = values.shape[-2:]
    (top, n_rows), (left, n_cols) = rows, cols
    right, bottom = left + n_cols - width, top + n_rows - height
    return nn.functional.pad(values, (-left, right, -top, bottom))


def network_tensors(network: nn.Module) -> Tensors:
    """Copy the weights and running statistics of a network into arrays."""
    return {
        name: np.array(tensor.detach().cpu().numpy(), order="C")
        for name, tensor in network.state_dict().items()
    }


def load_network(network: nn.Module, tensors: Tensors) -> None:
    """Fill a network with arrays from `network_tensors`; `ModelError` where they do not fit."""
    state = {name: torch.from_numpy(np.array(values)) for name, values in tensors.items()}
    try:
        network.load_state_dict(state)
    except RuntimeError as error:
        raise ModelError(f"its weights do not fit its architecture ({error})") from error


def folded(network: Network) -> Network:
    """Copy a network for inference, with batch normalisation taken into the convolutions.

    It gives the same but for rounding, in fewer passes over the memory.
    """
    network = copy.deepcopy(network).eval()
    for module in network.modules():
        if isinstance(module, nn.Sequential):
            for index in range(len(module) - 1):
                layer, after = module[index], module[index + 1]
                if isinstance(layer, nn.Conv2d) and isinstance(after, nn.BatchNorm2d):
                    module[index] = fuse_conv_bn_eval(layer, after)
                    module[index + 1] = nn.Identity()
    return network


class EndConvolution(nn.Conv2d):
    """First or last convolution, which is applied in float32 even where the others are not.

    bfloat16 has 8 bits: an elevation or reflectance that is the same all over an image would be
    off by the same amount all over it, and so would be the border between classes. These two are
    small, and in training, where such errors average out, they are as the others.
    """

    def forward(self, values: Tensor) -> Tensor:
        """Convolve values, (sample, channel, y, x)."""
        device = values.device.type
        if self.training or not torch.is_autocast_enabled(device):
            return super().forward(values)
        with torch.autocast(device, enabled=False):
            return super().forward(values.float())


def head(channels: int) -> nn.Conv2d:
    """Last layer of a network: 1x1 convolution to the logits of the classes."""
    return EndConvolution(channels, len(CLASS_NAMES), 1)


def convolutions(
    widths: Sequence[int], kernel: int, padding: int, *, first: bool = False
) -> nn.Sequential:
    """Convolutions without bias, each followed by batch normalisation and ReLU.

    ``widths`` are the channels before, between and after the convolutions, which are the
    ``first`` of a network or come after others.
    """
    layers: list[nn.Module] = []
    for index, (before, after) in enumerate(itertools.pairwise(widths)):
        convolution = EndConvolution if first and index == 0 else nn.Conv2d
        layers += [
            convolution(before, after, kernel, padding=padding, bias=False),
            nn.BatchNorm2d(after),
            nn.ReLU(inplace=True),
        ]
    return nn.Sequential(*layers)
