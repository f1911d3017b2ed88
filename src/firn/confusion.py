"""Confusion matrices and the agreement that they express."""

from typing import Any

import numpy as np
import numpy.typing as npt

from firn.classes import CLASS_NAMES


def confusion_matrix(
    reference: npt.NDArray[np.integer[Any]],
    predicted: npt.NDArray[np.integer[Any]],
    n: int = len(CLASS_NAMES),
) -> npt.NDArray[np.int64]:
    """Count pixels by class, (reference, predicted), where both are one of ``n`` classes."""
    use = (reference < n) & (predicted < n)
    cells = reference[use].astype(np.int64) * n + predicted[use]
    return np.bincount(cells, minlength=n * n).reshape(n, n)


def kappa(matrix: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """Cohen's kappa of confusion matrices (Cohen 1960, Educ. Psychol. Meas. 20, 37-46).

    Parameters
    ----------
    matrix : ndarray, (..., reference, predicted)

    Returns
    -------
    ndarray, (...)
        NaN where chance agreement is complete, as when only one class occurs.
    """
    counts = np.asarray(matrix, np.float64)
    total = counts.sum(axis=(-2, -1))
    observed = np.trace(counts, axis1=-2, axis2=-1)
    by_chance = (counts.sum(axis=-1) * counts.sum(axis=-2)).sum(axis=-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        agreement = observed / total
        chance = by_chance / total**2
        return np.asarray((agreement - chance) / (1 - chance))
