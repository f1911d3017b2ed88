"""Baseline: the most frequent class of the training pixels, everywhere."""

from collections.abc import Iterable
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from firn.classes import CLASS_NAMES
from firn.errors import ModelError
from firn.methods.base import FittedModel, FloatArray, ModelCard, PixelBatch, Tensors, Window
from firn.sensors import Sensor

METHOD = "baseline-majority"
MADE_BY = "fit"


class MajorityModel(FittedModel):
    """Gives every pixel the class shares of the training pixels, so that the commonest one wins."""

    def __init__(self, card: ModelCard, counts: npt.NDArray[np.int64]) -> None:
        super().__init__(card)
        if counts.shape != (len(CLASS_NAMES),) or counts.sum() <= 0:
            raise ModelError(
                "class counts of a majority model must be three, and not all zero; check the labels"
            )
        self.counts = counts

    @classmethod
    def restore(cls, card: ModelCard, tensors: Tensors) -> Self:
        """See `Model.restore`."""
        if "counts" not in tensors:
            raise ModelError("holds no class counts")
        return cls(card, tensors["counts"].astype(np.int64))

    def tensors(self) -> Tensors:
        """See `Model.tensors`."""
        return {"counts": self.counts}

    def predict(self, channels: FloatArray, window: Window | None = None) -> FloatArray:
        """See `Model.predict`."""
        shares = (self.counts / self.counts.sum()).astype(np.float32)
        height, width = channels.shape[-2:] if window is None else window[2:]
        return np.tile(shares[:, None, None], (1, height, width))

    @classmethod
    def architecture(cls, sensor: Sensor) -> dict[str, Any]:
        """See `FittedModel.architecture`; the method looks at no band."""
        return {}

    @classmethod
    def fit(cls, card: ModelCard, batches: Iterable[PixelBatch]) -> Self:
        """Count the training pixels of each class; see `FittedModel.fit`."""
        counts = np.zeros(len(CLASS_NAMES), np.int64)
        for _, labels in batches:
            counts += np.bincount(labels.ravel(), minlength=256)[: len(CLASS_NAMES)]
        return cls(card, counts)
