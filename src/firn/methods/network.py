"""Methods that are networks: normalisation, and prediction on arrays of any size."""

import copy
import itertools
from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
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
from firn.methods.streaming import RowStream, Whole


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
    rows : int
        Rows of an image that `by_rows` is best given at a time; 0 = all at once.
    """

    margin: int = 0
    alignment: int = 1
    lost: int = 0
    features: int = 64
    rows: int = 0

    def by_rows(self) -> RowStream:
        """Apply the network, which is not trained meanwhile, to an image band by band of rows."""
        return Whole(self)

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
        self.rows = self.network.rows
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
        model.rows = self.network.rows if chosen.type == "cpu" else 0
        vars(model).pop("_applied", None)
        return model

    @cached_property
    def _applied(self) -> Network:
        """The network as `predict` applies it: nobody trains a model that has predicted."""
        network = folded(self.network).to(self.device)
        if self.precision != "float32":
            # Autocast would do so for every band of rows.
            for module in network.modules():
                if isinstance(module, nn.Conv2d) and not isinstance(module, EndConvolution):
                    module.to(torch.bfloat16)
        return network

    def predict(self, channels: FloatArray, window: Window | None = None) -> FloatArray:
        """See `Model.predict`."""
        row, col, height, width = window or (0, 0, *channels.shape[-2:])
        rows = _span(self.network, row, height, channels.shape[-2])
        cols = _span(self.network, col, width, channels.shape[-1])
        inner = slice(col - cols[0] - self.lost, col - cols[0] - self.lost + width)
        probabilities = np.empty((len(CLASS_NAMES), height, width), np.float32)
        # Rows of the result, from the first that is wanted.
        done = rows[0] + self.lost - row
        for logits in self._logits(channels, rows, cols):
            first, done = done, done + logits.shape[-2]
            wanted = slice(max(first, 0), min(done, height))
            if wanted.start < wanted.stop:
                part = logits[:, wanted.start - first : wanted.stop - first, inner]
                soft = torch.softmax(part.float() / self.card.temperature, dim=0)
                probabilities[:, wanted] = soft.cpu().numpy()
        return probabilities

    def _logits(
        self, channels: FloatArray, rows: tuple[int, int], cols: tuple[int, int]
    ) -> Iterator[Tensor]:
        """Logits of the spans (first, length) of an image, (class, y, x), band by band of rows.

        A GPU is given everything at once, for it has more memory to itself and needs long work.
        """
        stream = self._applied.by_rows() if self.rows else Whole(self._applied)
        step = self.rows or rows[1]
        stop, reduced = sum(rows), self.precision != "float32"
        autocast = torch.autocast(self.device.type, torch.bfloat16, enabled=reduced)
        for first in range(rows[0], stop, step):
            band = first, min(step, stop - first)
            with torch.inference_mode(), autocast:
                batch = self._normalised(channels, band, cols)[None].to(self.device)
                batch = batch.contiguous(memory_format=torch.channels_last)
                logits = stream.push(batch, last=sum(band) == stop)
            if logits is not None:
                yield logits[0]

    def _normalised(
        self, channels: FloatArray, rows: tuple[int, int], cols: tuple[int, int]
    ) -> Tensor:
        """Spans (first, length) of an image; what lies outside is no data (0)."""
        height, width = channels.shape[-2:]
        values = torch.zeros((len(channels), rows[1], cols[1]))
        here, there = _overlap(rows, height)
        across, along = _overlap(cols, width)
        seen = torch.from_numpy(channels[:, there, along])
        values[:, here, across] = normalise(seen, self.mean, self.std)
        return values


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


def _overlap(span: tuple[int, int], size: int) -> tuple[slice, slice]:
    """Part of a span (first, length) that lies on an axis, in the span and on the axis."""
    first, length = span
    start, stop = min(max(first, 0), size), max(min(first + length, size), 0)
    return slice(start - first, max(stop, start) - first), slice(start, max(stop, start))


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
