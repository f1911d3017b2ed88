"""Correct a scene's viewing geometry by what its windows say, and tell how well they agree."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from firn.errors import DataError
from firn.orthorectification.mapping import TERMS, Correction, correction_terms
from firn.orthorectification.matching import Offsets

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

#: Windows that must agree, and their share of all.
LEAST_WINDOWS, LEAST_SHARE = 8, 0.1
#: Windows from which on more than a shift is fitted, and what they must span: of the image, from
#: -1 to 1, for a tilt; km of height for a term of height.
MANY_WINDOWS, LEAST_SPAN, LEAST_RELIEF = 20, 1.0, 0.3
#: Pixels within which windows agree at first, and at the closest.
CLOSE, CLOSEST = 2.0, 0.3
#: A window is left out where it lies this many standard deviations off.
OUTLIER = 3.0
#: Root mean square residual, in pixels, above which the agreement means nothing.
LARGEST_RESIDUAL = 1.0

_REMEDY = (
    "give a reference image of the same season with less cloud and snow, or leave the scene out"
)


@dataclass(frozen=True)
class Agreement:
    """How well the windows agree after the correction.

    Attributes
    ----------
    windows, used : int
        Windows with an offset, and those that agree.
    rms : float
        Root mean square distance of the latter from the corrected geometry, m at nadir.
    terms : tuple of str
        What the correction consists of.
    """

    windows: int
    used: int
    rms: float
    terms: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """Plain data for metadata."""
        return asdict(self)


def adjust(
    correction: Correction, offsets: Offsets, shape: tuple[int, int], pixel: float
) -> tuple[Correction, Agreement]:
    """Add to a correction what takes the offsets away.

    The largest group of windows that agree within `CLOSE` pixels is taken, a correction fitted to
    it by least squares, windows that lie far from it left out, and so on until nothing changes.

    Parameters
    ----------
    correction : Correction
        That with which the offsets were found.
    offsets : Offsets
    shape : (int, int)
        Of the image.
    pixel : float
        Size of its pixels at nadir, m.

    Raises
    ------
    DataError
        Too few windows agree, or not closely enough.
    """
    if not len(offsets):
        raise _failure(0, 0)
    used = _largest_group(offsets)
    wanted = np.stack([offsets.down, offsets.right])
    terms = correction_terms(offsets.row, offsets.col, offsets.height, shape)
    chosen = _usable_terms(terms[:, used])
    added = np.zeros((2, len(TERMS)))
    residual = np.zeros(len(offsets))
    for _ in range(10):
        if used.sum() < max(LEAST_WINDOWS, LEAST_SHARE * len(offsets)):
            raise _failure(int(used.sum()), len(offsets))
        fit, *_ = np.linalg.lstsq(terms[chosen][:, used].T, wanted[:, used].T, rcond=None)
        added[:, chosen] = fit.T
        residual = np.hypot(*(wanted - added @ terms))
        # The median of a Rayleigh distribution is 1.1774 standard deviations.
        deviation = np.median(residual[used]) / 1.1774
        kept = residual < max(OUTLIER * deviation, CLOSEST)
        if np.array_equal(kept, used):
            break
        used = kept
    rms = float(np.sqrt(np.mean(residual[used] ** 2)))
    if rms > LARGEST_RESIDUAL:
        raise DataError(
            f"{used.sum()} windows agree on where the scene lies, but only to {rms:.1f} pixels; "
            f"{_REMEDY}"
        )
    names = tuple(TERMS[i] for i in chosen)
    agreement = Agreement(len(offsets), int(used.sum()), rms * pixel, names)
    return Correction(correction.coefficients + added), agreement


def distance(
    before: Correction, after: Correction, offsets: Offsets, shape: tuple[int, int]
) -> float:
    """Root mean square distance between two corrections at the windows, pixels.

    Parameters
    ----------
    before, after : Correction
    offsets : Offsets
        Whose windows are meant.
    shape : (int, int)
        Of the image.
    """
    terms = correction_terms(offsets.row, offsets.col, offsets.height, shape)
    moved = (after.coefficients - before.coefficients) @ terms
    return float(np.sqrt(np.mean(np.sum(moved**2, axis=0))))


def _failure(agreeing: int, windows: int) -> DataError:
    return DataError(
        f"{agreeing} of {windows} windows agree on where the scene lies, too few; {_REMEDY}"
    )


def _largest_group(offsets: Offsets) -> BoolArray:
    """Windows whose offsets are within `CLOSE` of that which has the most such neighbours."""
    down = offsets.down[:, None] - offsets.down
    right = offsets.right[:, None] - offsets.right
    near = np.hypot(down, right) < CLOSE
    group: BoolArray = near[np.argmax(near.sum(axis=1))]
    return group


def _usable_terms(terms: FloatArray) -> list[int]:
    """Terms that the windows are many enough, and spread widely enough, to tell."""
    if terms.shape[1] < MANY_WINDOWS:
        return [0]
    span = np.ptp(terms, axis=1)
    tilt = [1, 2] if min(span[1], span[2]) >= LEAST_SPAN else []
    return [0, *tilt, *([3] if span[3] >= LEAST_RELIEF else [])]
