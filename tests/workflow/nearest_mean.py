"""A method that firn does not have: the class whose mean over training pixels is the nearest."""

from collections.abc import Iterable
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from firn.methods.base import (
    FittedModel,
    FloatArray,
    ModelCard,
    PixelBatch,
    Tensors,
    Window,
    crop,
    one_hot,
)
from firn.sensors import Sensor

METHOD = "nearest-mean"
MADE_BY = "fit"


class NearestMeanModel(FittedModel):
    """Compares pixels with the mean of each class, in standard deviations of the channels."""

    def __init__(self, card: ModelCard, means: npt.NDArray[Any]) -> None:
        super().__init__(card)
        self.means = means

    @classmethod
    def restore(cls, card: ModelCard, tensors: Tensors) -> Self:
        return cls(card, tensors["means"])

    def tensors(self) -> Tensors:
        return {"means": self.means}

    @classmethod
    def architecture(cls, sensor: Sensor) -> dict[str, Any]:
        return {}

    @classmethod
    def fit(cls, card: ModelCard, batches: Iterable[PixelBatch]) -> Self:
        total, count = np.zeros((3, len(card.channels))), np.zeros(3)
        for channels, labels in batches:
            for surface in range(3):
                pixels = channels[:, (labels == surface) & ~np.isnan(channels).any(axis=0)]
                total[surface] += pixels.sum(axis=1)
                count[surface] += pixels.shape[1]
        return cls(card, total / np.maximum(count, 1)[:, None])

    def predict(self, channels: FloatArray, window: Window | None = None) -> FloatArray:
        spread = np.array(self.card.std)[:, None, None]
        image = np.nan_to_num(crop(channels, window))
        gaps = [((image - mean[:, None, None]) / spread) ** 2 for mean in self.means]
        return one_hot(np.argmin([gap.sum(axis=0) for gap in gaps], axis=0))
