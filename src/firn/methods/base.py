"""What every method has in common: a card that describes the model, and prediction on arrays."""

import math
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from firn.classes import CLASS_NAMES
from firn.errors import ModelError
from firn.samples import RELIEF_CHANNELS
from firn.sensors import Sensor

FloatArray = npt.NDArray[np.float32]
Tensors = dict[str, npt.NDArray[Any]]
#: (row, col, height, width) in pixels, as in `firn.raster.read`.
Window = tuple[int, int, int, int]
#: Channels, (channel, y, x), with the labels of their pixels, (y, x).
PixelBatch = tuple[FloatArray, npt.NDArray[np.uint8]]


@dataclass(frozen=True)
class ModelCard:
    """What a model expects, how it is built and where it comes from.

    Parameters
    ----------
    method : str
        Name in the registry, as in experiment names.
    sensor : str
        Name or YAML path of the sensor whose images it reads.
    bands : sequence of str
        The sensor's bands, in order.
    channels : sequence of str
        Input channels in order: the bands (reflectance), ``hillshade`` (0-255), ``dem`` (m).
    mean, std : sequence of float
        Normalisation per channel, in the channel's unit.
    architecture : mapping
        What the method needs to build itself again.
    training : mapping
        Outcome and settings of the training: seed, epochs, losses.
    provenance : mapping
        As `firn.provenance.provenance` makes it.
    temperature : float
        Divisor of a network's logits that makes its softmax a probability, see
        `firn.training.calibration`; the other methods have none.
    """

    method: str
    sensor: str
    bands: Sequence[str]
    channels: Sequence[str]
    mean: Sequence[float]
    std: Sequence[float]
    architecture: Mapping[str, Any] = field(default_factory=dict)
    training: Mapping[str, Any] = field(default_factory=dict)
    provenance: Mapping[str, Any] = field(default_factory=dict)
    classes: Sequence[str] = CLASS_NAMES
    temperature: float = 1.0

    @property
    def released(self) -> bool | None:
        """Whether the model passed the quality gate of its sensor; None where there was none."""
        release = self.training.get("release")
        return None if release is None else bool(release["released"])

    def __post_init__(self) -> None:
        """Check that the parts fit each other."""
        if list(self.channels) != [*self.bands, *RELIEF_CHANNELS]:
            raise ModelError(
                f"{self.method} for {self.sensor}: channels {list(self.channels)} are not the "
                f"bands {list(self.bands)} and {list(RELIEF_CHANNELS)}; make the data set again"
            )
        if not len(self.channels) == len(self.mean) == len(self.std):
            raise ModelError(
                f"{self.method} for {self.sensor}: {len(self.channels)} channels, but "
                f"{len(self.mean)} means and {len(self.std)} standard deviations"
            )
        if tuple(self.classes) != CLASS_NAMES:
            raise ModelError(
                f"{self.method} for {self.sensor}: classes {list(self.classes)} are not firn's "
                f"{list(CLASS_NAMES)}"
            )
        if not 0 < self.temperature < math.inf:
            raise ModelError(
                f"{self.method} for {self.sensor}: a temperature of {self.temperature} is not "
                "positive; train the model again"
            )


class Model(ABC):
    """A classifier of calibrated images.

    Attributes
    ----------
    card : ModelCard
    margin : int
        Distance in pixels from which on nothing changes a pixel's result.
    alignment : int
        Arrays cut from a scene must start at multiples of so many pixels to fit without seams.
    lost : int
        Pixels along the edge of a patch that the method does not judge, for want of context.
    features : int
        Of each pixel at once, at most: they decide how many pixels fit into the memory.
    rows : int
        Rows of an image that it works on at a time; 0 = all at once.
    precision : str
        Number format that most is computed in: ``float32`` or ``bfloat16``.
    """

    margin: int = 0
    alignment: int = 1
    lost: int = 0
    features: int = 64
    rows: int = 0
    precision: str = "float32"

    def __init__(self, card: ModelCard) -> None:
        self.card = card

    def prepared(self, precision: str, device: str = "cpu") -> Self:
        """Give the same model, to compute in a precision and on a device of `firn.compute`.

        What has no network computes in float32 on the CPU whatever is asked for.

        Raises
        ------
        ModelError
            A GPU is asked for and there is none.
        """
        return self

    @classmethod
    @abstractmethod
    def restore(cls, card: ModelCard, tensors: Tensors) -> Self:
        """Build the model again from what `tensors` gave; `ModelError` where they do not fit."""

    @abstractmethod
    def tensors(self) -> Tensors:
        """Everything learnt, as named arrays."""

    @property
    def n_parameters(self) -> int:
        """Numbers that were learnt."""
        return sum(values.size for values in self.tensors().values())

    @abstractmethod
    def predict(self, channels: FloatArray, window: Window | None = None) -> FloatArray:
        """Probabilities of the classes.

        Parameters
        ----------
        channels : ndarray of float32, (channel, y, x)
            In physical units, NaN where there is no data.
        window : (row, col, height, width), optional
            The part that is wanted; the rest serves as context. Everything by default.

        Returns
        -------
        ndarray of float32, (class, height, width)
            Sums to 1 over the classes; never NaN. It means nothing where the input has no data.
        """


class FittedModel(Model):
    """A `Model` that one look at the training pixels makes; see `firn.training.fit`."""

    @classmethod
    @abstractmethod
    def architecture(cls, sensor: Sensor) -> dict[str, Any]:
        """Describe the sensor to the method; `ModelError` where it lacks a band."""

    @classmethod
    @abstractmethod
    def fit(cls, card: ModelCard, batches: Iterable[PixelBatch]) -> Self:
        """Make the model.

        Parameters
        ----------
        card : ModelCard
            Its architecture comes from `architecture`.
        batches : iterable of (channels, labels)
            (channel, y, x) in physical units, NaN where there is no data, and (y, x) classes; other
            labels than the three classes are left out.

        Raises
        ------
        ModelError
            No pixel is labelled.
        """


def crop(values: npt.NDArray[Any], window: Window | None) -> npt.NDArray[Any]:
    """Cut a window out of the last two axes; everything when there is none."""
    if window is None:
        return values
    row, col, height, width = window
    return values[..., row : row + height, col : col + width]


def one_hot(classes: npt.NDArray[np.integer[Any]]) -> FloatArray:
    """Probabilities, (class, y, x), that are 1 for the given class of each pixel."""
    return np.stack([classes == c for c in range(len(CLASS_NAMES))]).astype(np.float32)
