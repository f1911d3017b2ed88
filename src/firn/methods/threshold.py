"""Baseline: thresholds on brightness and on a snow index or, without SWIR, on elevation.

A pixel is ground unless its visible reflectance exceeds a threshold. A bright pixel is snow where
the normalised difference snow index, (green - SWIR) / (green + SWIR), exceeds a second threshold
(Dozier 1989, Remote Sens. Environ. 28, 9-22), cloud elsewhere. A sensor without SWIR cannot tell
snow from cloud by colour: there a bright pixel is snow above an elevation. All thresholds are those
of the highest kappa over the training pixels.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from firn.classes import CLASS_NAMES, SurfaceClass
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

#: Wavelengths that tell the bands of the rule, nm.
VISIBLE_BELOW = 700.0
SWIR_RANGE = (1500.0, 1800.0)
GREEN = 550.0

#: Candidate thresholds of visible reflectance, of the snow index and of elevation in m.
BRIGHTNESS_CANDIDATES = np.linspace(0.02, 1.0, 99, dtype=np.float32)
INDEX_CANDIDATES = np.linspace(-0.98, 0.98, 99, dtype=np.float32)
ELEVATION_CANDIDATES = np.linspace(0.0, 5000.0, 101, dtype=np.float32)


class ThresholdModel(FittedModel):
    """Classifies by a brightness threshold and a second one on the snow index or the elevation."""

    def __init__(self, card: ModelCard, brightness: float, second: float) -> None:
        super().__init__(card)
        self.brightness = brightness
        self.second = second

    @classmethod
    def restore(cls, card: ModelCard, tensors: Tensors) -> Self:
        """See `Model.restore`."""
        thresholds = tensors.get("thresholds")
        if thresholds is None or thresholds.shape != (2,) or "visible" not in card.architecture:
            raise ModelError("holds no thresholds of brightness and of snow index or elevation")
        return cls(card, float(thresholds[0]), float(thresholds[1]))

    def tensors(self) -> Tensors:
        """See `Model.tensors`."""
        return {"thresholds": np.array([self.brightness, self.second])}

    def predict(self, channels: FloatArray, window: Window | None = None) -> FloatArray:
        """See `Model.predict`."""
        brightness, second = features(self.card, crop(channels, window))
        classes = np.where(second > self.second, SurfaceClass.SNOW, SurfaceClass.CLOUD)
        return one_hot(np.where(brightness > self.brightness, classes, SurfaceClass.GROUND))

    @classmethod
    def architecture(cls, sensor: Sensor) -> dict[str, Any]:
        """Which bands the rule uses: ``visible`` (a list), ``green``, and ``swir`` or None.

        See `FittedModel.architecture`.
        """
        ordered = sorted(sensor.bands, key=lambda band: band.centre_nm)
        visible = [band.name for band in ordered if band.centre_nm < VISIBLE_BELOW]
        swir = [b.name for b in ordered if SWIR_RANGE[0] <= b.centre_nm <= SWIR_RANGE[1]]
        if not visible:
            raise ModelError(
                f"sensor {sensor.name}: has no band below {VISIBLE_BELOW:.0f} nm, which the "
                "threshold baseline needs; leave baseline-threshold out of methods"
            )
        green = min(ordered, key=lambda band: abs(band.centre_nm - GREEN)).name
        return {"visible": visible, "green": green, "swir": swir[0] if swir else None}

    @classmethod
    def fit(cls, card: ModelCard, batches: Iterable[PixelBatch]) -> Self:
        """Find the thresholds of the highest kappa by exhaustive search; see `FittedModel.fit`."""
        seconds = INDEX_CANDIDATES if card.architecture["swir"] else ELEVATION_CANDIDATES
        histogram = np.zeros((len(CLASS_NAMES), len(BRIGHTNESS_CANDIDATES) + 1, len(seconds) + 1))
        for channels, labels in batches:
            brightness, second = features(card, channels)
            use = (labels < len(CLASS_NAMES)) & np.isfinite(brightness) & np.isfinite(second)
            cells = (
                labels[use].astype(np.int64),
                np.searchsorted(BRIGHTNESS_CANDIDATES, brightness[use]),
                np.searchsorted(seconds, second[use]),
            )
            np.add.at(histogram, cells, 1)
        if not histogram.sum():
            raise ModelError(
                f"{card.method} for {card.sensor}: no training pixel is labelled; check the labels"
            )
        scores = np.nan_to_num(kappa(confusions(histogram)), nan=-1.0)
        best = np.unravel_index(int(np.argmax(scores)), scores.shape)
        return cls(card, float(BRIGHTNESS_CANDIDATES[best[0]]), float(seconds[best[1]]))


def features(card: ModelCard, channels: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Visible reflectance and the second feature: snow index or, without SWIR, elevation in m."""
    index = {name: i for i, name in enumerate(card.channels)}
    roles = card.architecture
    visible: Sequence[str] = roles["visible"]
    brightness = channels[[index[name] for name in visible]].mean(axis=0, dtype=np.float32)
    if roles["swir"] is None:
        return brightness, channels[index["dem"]]
    green, swir = channels[index[roles["green"]]], channels[index[roles["swir"]]]
    total = green + swir
    # A dark pixel has no index worth the name; it is below any brightness threshold anyway.
    ndsi = np.zeros_like(total)
    np.divide(green - swir, total, out=ndsi, where=~(total <= 0))
    return brightness, ndsi


def confusions(histogram: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Confusion matrices of every pair of thresholds.

    Parameters
    ----------
    histogram : ndarray, (class, brightness bin, second bin)
        Pixels; bin ``i`` holds the values in ]threshold ``i - 1``, threshold ``i``].

    Returns
    -------
    ndarray, (brightness threshold, second threshold, class, predicted class)
    """
    up_to = histogram.cumsum(axis=1)
    bright = up_to[:, -1:, :] - up_to[:, :-1, :]
    low = bright.cumsum(axis=2)
    result = np.empty((*low[0, :, :-1].shape, len(CLASS_NAMES), len(CLASS_NAMES)))
    for c in range(len(CLASS_NAMES)):
        result[..., c, SurfaceClass.GROUND] = up_to[c, :-1, :].sum(axis=1)[:, None]
        result[..., c, SurfaceClass.CLOUD] = low[c, :, :-1]
        result[..., c, SurfaceClass.SNOW] = low[c, :, -1:] - low[c, :, :-1]
    return result
