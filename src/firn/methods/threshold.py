"""Baseline: thresholds on brightness, on a snow index where there is SWIR, and on elevation.

A pixel is ground unless its visible reflectance exceeds a threshold. A bright pixel is snow where
the normalised difference snow index, (green - SWIR) / (green + SWIR), exceeds a second threshold
(Dozier 1989, Remote Sens. Environ. 28, 9-22) and the elevation a third, cloud elsewhere. A sensor
without SWIR cannot tell snow from cloud by colour: there the elevation alone decides. All
thresholds are those of the highest kappa over the training pixels.
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

METHOD = "baseline-threshold"
MADE_BY = "fit"

#: Wavelengths that tell the bands of the rule, nm.
VISIBLE_BELOW = 700.0
SWIR_RANGE = (1500.0, 1800.0)
GREEN = 550.0

#: Candidate thresholds of visible reflectance, of the snow index and of elevation in m.
BRIGHTNESS_CANDIDATES = np.linspace(0.02, 1.0, 99, dtype=np.float32)
INDEX_CANDIDATES = np.linspace(-0.98, 0.98, 99, dtype=np.float32)
#: Without SWIR the index of every pixel is 0, above the only candidate.
NO_INDEX_CANDIDATES = np.array([-1.0], np.float32)
ELEVATION_CANDIDATES = np.linspace(0.0, 5000.0, 101, dtype=np.float32)


class ThresholdModel(FittedModel):
    """Classifies by thresholds on brightness, snow index and elevation (m)."""

    def __init__(self, card: ModelCard, brightness: float, index: float, elevation: float) -> None:
        super().__init__(card)
        self.thresholds = np.array([brightness, index, elevation])

    @classmethod
    def restore(cls, card: ModelCard, tensors: Tensors) -> Self:
        """See `Model.restore`."""
        thresholds = tensors.get("thresholds")
        if thresholds is None or thresholds.shape != (3,) or "visible" not in card.architecture:
            raise ModelError("holds no thresholds of brightness, snow index and elevation")
        return cls(card, *map(float, thresholds))

    def tensors(self) -> Tensors:
        """See `Model.tensors`."""
        return {"thresholds": self.thresholds}

    def predict(self, channels: FloatArray, window: Window | None = None) -> FloatArray:
        """See `Model.predict`."""
        bright, icy, high = (
            values > threshold
            for values, threshold in zip(
                features(self.card, crop(channels, window)), self.thresholds, strict=True
            )
        )
        classes = np.where(icy & high, SurfaceClass.SNOW, SurfaceClass.CLOUD)
        return one_hot(np.where(bright, classes, SurfaceClass.GROUND))

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
        index = INDEX_CANDIDATES if card.architecture["swir"] else NO_INDEX_CANDIDATES
        candidates = (BRIGHTNESS_CANDIDATES, index, ELEVATION_CANDIDATES)
        counts = histogram(card, candidates, batches)
        if not counts.any():
            raise ModelError(
                f"{card.method} for {card.sensor}: no training pixel is labelled; check the labels"
            )
        scores = np.nan_to_num(kappa(confusions(counts)), nan=-1.0)
        best = np.unravel_index(int(np.argmax(scores)), scores.shape)
        return cls(card, *(float(c[i]) for c, i in zip(candidates, best, strict=True)))


def histogram(
    card: ModelCard, candidates: Sequence[FloatArray], batches: Iterable[PixelBatch]
) -> npt.NDArray[np.float64]:
    """Count labelled pixels, (class, brightness bin, index bin, elevation bin).

    Bin ``i`` of a feature holds the values in ]candidate ``i - 1``, candidate ``i``].
    """
    counts = np.zeros((len(CLASS_NAMES), *(len(c) + 1 for c in candidates)))
    for channels, labels in batches:
        values = features(card, channels)
        use = (labels < len(CLASS_NAMES)) & np.isfinite(values).all(axis=0)
        bins = (np.searchsorted(c, v[use]) for c, v in zip(candidates, values, strict=True))
        cells = np.ravel_multi_index((labels[use].astype(np.intp), *bins), counts.shape)
        np.add.at(counts.reshape(-1), cells, 1)
    return counts


def features(card: ModelCard, channels: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Visible reflectance, snow index (0 without SWIR) and elevation in m."""
    index = {name: i for i, name in enumerate(card.channels)}
    roles = card.architecture
    visible: Sequence[str] = roles["visible"]
    brightness = channels[[index[name] for name in visible]].mean(axis=0, dtype=np.float32)
    # A dark pixel has no index worth the name; it is below any brightness threshold anyway.
    ndsi = np.zeros_like(brightness)
    if roles["swir"] is not None:
        green, swir = channels[index[roles["green"]]], channels[index[roles["swir"]]]
        total = green + swir
        np.divide(green - swir, total, out=ndsi, where=~(total <= 0))
    return brightness, ndsi, channels[index["dem"]]


def confusions(counts: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Confusion matrices of every triple of thresholds.

    Parameters
    ----------
    counts : ndarray, (class, brightness bin, index bin, elevation bin)
        As `histogram` gives them.

    Returns
    -------
    ndarray, (brightness, index, elevation threshold, class, predicted class)
    """
    above = counts
    for axis in (1, 2, 3):
        above = np.flip(np.flip(above, axis).cumsum(axis), axis)
    snow = above[:, 1:, 1:, 1:]
    bright = above[:, 1:, :1, :1]
    result = np.empty((*snow.shape, len(CLASS_NAMES)))
    result[..., SurfaceClass.GROUND] = above[:, :1, :1, :1] - bright
    result[..., SurfaceClass.SNOW] = snow
    result[..., SurfaceClass.CLOUD] = bright - snow
    return np.moveaxis(result, 0, -2)
