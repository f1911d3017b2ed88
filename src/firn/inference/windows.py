"""A model applied to a strip of a scene, window by window."""

import sys
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
from tqdm import tqdm

from firn.classes import (
    CLASS_NAMES,
    PROBABILITY_NODATA,
    PROBABILITY_STEPS,
    Quality,
    to_published,
)
from firn.config import InferenceSettings
from firn.inference.image import SceneImage, shifted
from firn.inference.maps import SceneMap
from firn.methods import Model

#: Rows whose classes are told at a time.
_ROWS = 32


def probabilities(
    image: SceneImage, model: Model, window: tuple[int, int], *, progress: bool = False
) -> Iterator[tuple[slice, slice, npt.NDArray[np.float32]]]:
    """Probabilities of a strip of a scene, window by window.

    Each window is read with the model's margin around it, as far as the scene reaches, so that the
    result does not depend on the windows (but for rounding in the last bits). Windows without any
    valid pixel are left out.

    Parameters
    ----------
    image : SceneImage
        With the model's margin and alignment as context.
    model : Model
    window : (int, int)
        Rows and columns of a window, multiples of the model's alignment.
    progress : bool
        Show a progress bar where someone looks on.

    Yields
    ------
    rows, cols : slice
        Of the scene.
    probabilities : ndarray of float32, (class, y, x)
    """
    there = slice(0, image.valid.shape[1])
    rows, cols = (
        _windows(image.rows, image.context, window[0], model),
        _windows(there, there, window[1], model),
    )
    pairs = [(row, col) for row in rows for col in cols]
    label = f"{model.card.method}, rows {image.rows.start}-{image.rows.stop}"
    hidden = not (progress and sys.stderr.isatty())
    for (rows_in, row, rows_out), (cols_in, col, cols_out) in tqdm(
        pairs, desc=label, unit="window", leave=False, disable=hidden
    ):
        valid = image.has_data(rows_out, cols_out)
        if not valid.any():
            continue
        channels = image.channels(model.card.bands, rows_in, cols_in)
        yield rows_out, cols_out, model.predict(channels, (row, col, *valid.shape))


def _windows(
    wanted: slice, there: slice, step: int, model: Model
) -> list[tuple[slice, int, slice]]:
    """Windows along one axis: what is read, where in it the window starts, and the window."""
    windows = []
    for start in range(wanted.start, wanted.stop, step):
        first = max(there.start, (start - model.margin) // model.alignment * model.alignment)
        stop = min(start + step, wanted.stop)
        read = slice(first, min(stop + model.margin, there.stop))
        windows.append((read, start - first, slice(start, stop)))
    return windows


def classify(
    image: SceneImage,
    model: Model,
    window: tuple[int, int],
    settings: InferenceSettings,
    *,
    progress: bool = False,
) -> SceneMap:
    """Classify a strip of a scene.

    Parameters
    ----------
    image : SceneImage
    model : Model
    window : (int, int)
        See `probabilities`.
    settings : InferenceSettings
    progress : bool
        Show a progress bar where someone looks on.
    """
    shape = image.quality.shape
    classes = np.zeros(shape, np.uint8)
    probability = np.full((len(CLASS_NAMES), *shape), PROBABILITY_NODATA, np.uint8)
    quality = image.quality.copy()
    for rows, cols, window_values in probabilities(image, model, window, progress=progress):
        # A few rows at a time, which stay in the processor's cache.
        for start in range(rows.start, rows.stop, _ROWS):
            some = slice(start, min(start + _ROWS, rows.stop))
            valid, here = image.has_data(some, cols), shifted(some, image.rows)
            values = window_values[:, shifted(some, rows)]
            classes[here, cols] = values.argmax(axis=0)
            steps = np.rint(values * PROBABILITY_STEPS).astype(np.uint8)
            probability[:, here, cols] = np.where(valid, steps, PROBABILITY_NODATA)
            unsure = valid & (values.max(axis=0) < settings.low_confidence)
            quality[here, cols] |= unsure * np.uint8(Quality.LOW_CONFIDENCE)
    return SceneMap(to_published(classes, image.has_data(image.rows)), probability, quality)
