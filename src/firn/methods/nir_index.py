"""Snow by an index that needs no SWIR: the normalised difference of visible and near infrared.

Snow reflects a little less in the near infrared than in the visible, soil and plants reflect more
(Baba et al. 2020, Remote Sens. 12, 3058). Cloud looks like snow to it, so it tells snow only where
there is no cloud. A pixel is snow where green reflectance and index exceed two thresholds, those
of the highest kappa over the cloud-free training pixels.
"""

from collections.abc import Iterable
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from firn.classes import SurfaceClass
from firn.confusion import kappa
from firn.errors import ModelError
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

METHOD = "nir-index"
MADE_BY = "fit"
TELLS = "snow"

#: Centres of the bands in which the index is taken: those nearest to them, nm.
GREEN, NEAR_INFRARED = 550.0, 840.0
#: How far the near infrared may be from its centre, nm.
REACH = 100.0
#: Candidate thresholds of green reflectance and of the index.
BRIGHTNESS_CANDIDATES = np.linspace(0.02, 1.0, 99, dtype=np.float32)
INDEX_CANDIDATES = np.linspace(-0.98, 0.98, 99, dtype=np.float32)


class NirIndexModel(FittedModel):
    """Tells snow from ground by thresholds on green reflectance and the index."""

    def __init__(self, card: ModelCard, brightness: float, index: float) -> None:
        super().__init__(card)
        self.thresholds = np.array([brightness, index])

    @classmethod
    def restore(cls, card: ModelCard, tensors: Tensors) -> Self:
        """See `Model.restore`."""
        thresholds = tensors.get("thresholds")
        if thresholds is None or thresholds.shape != (2,) or "nir" not in card.architecture:
            raise ModelError("holds no thresholds of green reflectance and index")
        return cls(card, *map(float, thresholds))

    def tensors(self) -> Tensors:
        """See `Model.tensors`."""
        return {"thresholds": self.thresholds}

    def predict(self, channels: FloatArray, window: Window | None = None) -> FloatArray:
        """See `Model.predict`."""
        green, index = features(self.card, crop(channels, window))
        snow = (green > self.thresholds[0]) & (index > self.thresholds[1])
        return one_hot(np.where(snow, SurfaceClass.SNOW, SurfaceClass.GROUND))

    @classmethod
    def architecture(cls, sensor: Sensor) -> dict[str, Any]:
        """Names of the bands ``green`` and ``nir``; see `FittedModel.architecture`."""
        green, nir = (
            min(sensor.bands, key=lambda band: abs(band.centre_nm - centre))
            for centre in (GREEN, NEAR_INFRARED)
        )
        if abs(nir.centre_nm - NEAR_INFRARED) > REACH or nir == green:
            raise ModelError(
                f"sensor {sensor.name}: has no near infrared, which the index needs; leave "
                f"{METHOD} out of methods"
            )
        return {"green": green.name, "nir": nir.name}

    @classmethod
    def fit(cls, card: ModelCard, batches: Iterable[PixelBatch]) -> Self:
        """Find the thresholds of the highest kappa by exhaustive search; see `FittedModel.fit`."""
        candidates = BRIGHTNESS_CANDIDATES, INDEX_CANDIDATES
        counts = np.zeros((2, *(len(c) + 1 for c in candidates)))
        for channels, labels in batches:
            values = features(card, channels)
            use = (labels < SurfaceClass.CLOUD) & np.isfinite(values).all(axis=0)
            bins = (np.searchsorted(c, v[use]) for c, v in zip(candidates, values, strict=True))
            np.add.at(counts, (labels[use].astype(np.intp), *bins), 1)
        if not counts.any():
            raise ModelError(
                f"{card.method} for {card.sensor}: no training pixel is labelled ground or snow; "
                "check the labels"
            )
        scores = np.nan_to_num(kappa(confusions(counts)), nan=-1.0)
        best = np.unravel_index(int(np.argmax(scores)), scores.shape)
        return cls(card, *(float(c[i]) for c, i in zip(candidates, best, strict=True)))


def features(card: ModelCard, channels: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Green reflectance, and the index (0 where both bands are dark)."""
    names = list(card.channels)
    green, nir = (channels[names.index(card.architecture[role])] for role in ("green", "nir"))
    total = green + nir
    index = np.zeros_like(green)
    np.divide(green - nir, total, out=index, where=~(total <= 0))
    return green, index


def confusions(counts: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Confusion matrices of every pair of thresholds.

    Parameters
    ----------
    counts : ndarray, (class, brightness bin, index bin)
        Bin ``i`` holds the values in ]candidate ``i - 1``, candidate ``i``].

    Returns
    -------
    ndarray, (brightness threshold, index threshold, class, predicted class)
    """
    above = np.flip(np.flip(counts, (1, 2)).cumsum(1).cumsum(2), (1, 2))
    snow = above[:, 1:, 1:]
    return np.moveaxis(np.stack([above[:, :1, :1] - snow, snow], axis=1), (0, 1), (-2, -1))
