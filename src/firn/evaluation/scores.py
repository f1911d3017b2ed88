"""Scores of confusion matrices, and their intervals over scenes.

Every function takes matrices (..., reference, predicted) in the order ground, snow, cloud, so that
one formula serves a scene, a stratum and a thousand bootstrap resamples. A ratio without cases is
NaN here and null in the metrics file.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from firn.classes import CLASS_NAMES, SurfaceClass
from firn.confusion import kappa

Matrix = npt.NDArray[Any]
FloatArray = npt.NDArray[np.float64]

#: Coverage of every interval.
LEVEL = 0.95


def _ratio(part: Matrix, whole: Matrix) -> FloatArray:
    ratio: FloatArray = np.full(np.shape(whole), np.nan)
    np.divide(part, whole, out=ratio, where=np.asarray(whole) > 0)
    return ratio


def _hits(matrix: Matrix) -> Matrix:
    return np.diagonal(matrix, axis1=-2, axis2=-1)


def overall_accuracy(matrix: Matrix) -> FloatArray:
    """Share of pixels on the diagonal, (...)."""
    return _ratio(_hits(matrix).sum(axis=-1), matrix.sum(axis=(-2, -1)))


def recall(matrix: Matrix) -> FloatArray:
    """Share of a class's reference pixels that were found, (..., class): producer's accuracy."""
    return _ratio(_hits(matrix), matrix.sum(axis=-1))


def precision(matrix: Matrix) -> FloatArray:
    """Share of the pixels given a class that belong to it, (..., class): user's accuracy."""
    return _ratio(_hits(matrix), matrix.sum(axis=-2))


def f_score(matrix: Matrix, beta: float = 1.0) -> FloatArray:
    """F-score, (..., class), that weighs recall ``beta`` times as much as precision.

    From counts, (1 + b²) TP / ((1 + b²) TP + b² FN + FP), so that a class that was never predicted
    scores 0 (van Rijsbergen 1979, Information Retrieval, ch. 7).
    """
    hits = _hits(matrix)
    misses, false_alarms = matrix.sum(axis=-1) - hits, matrix.sum(axis=-2) - hits
    weighted = (1 + beta**2) * hits
    return _ratio(weighted, weighted + beta**2 * misses + false_alarms)


def iou(matrix: Matrix) -> FloatArray:
    """Intersection over union, (..., class)."""
    hits = _hits(matrix)
    return _ratio(hits, matrix.sum(axis=-1) + matrix.sum(axis=-2) - hits)


def cloud_free(matrix: Matrix) -> Matrix:
    """Matrices (..., 2, 2) of ground and snow, over pixels that are cloud-free in both maps."""
    return matrix[..., : SurfaceClass.CLOUD, : SurfaceClass.CLOUD]


def _class_f1(surface: SurfaceClass) -> Callable[[Matrix], FloatArray]:
    return lambda matrix: f_score(matrix)[..., surface]


#: The scores that intervals and comparisons are given for.
HEADLINES: dict[str, Callable[[Matrix], FloatArray]] = {
    "overall_accuracy": overall_accuracy,
    "kappa": kappa,
    **{f"f1_{surface.name.lower()}": _class_f1(surface) for surface in SurfaceClass},
    "f2_cloud": lambda matrix: f_score(matrix, 2)[..., SurfaceClass.CLOUD],
    "snow_cloud_free_f1": lambda matrix: f_score(cloud_free(matrix))[..., SurfaceClass.SNOW],
    "snow_cloud_free_kappa": lambda matrix: kappa(cloud_free(matrix)),
}


def number(value: Any) -> float | None:
    """Plain number for JSON; None for NaN."""
    return None if np.isnan(value) else float(value)


def scores(matrix: Matrix) -> dict[str, Any]:
    """All scores of one matrix, as they stand in the metrics file."""
    per_class = {
        "precision": precision(matrix),
        "recall": recall(matrix),
        "f1": f_score(matrix),
        "iou": iou(matrix),
    }
    cloud, snow = SurfaceClass.CLOUD, SurfaceClass.SNOW
    clear = cloud_free(matrix)
    return {
        "n_pixels": int(matrix.sum()),
        "confusion_matrix": matrix.tolist(),
        "overall_accuracy": number(overall_accuracy(matrix)),
        "kappa": number(kappa(matrix)),
        "per_class": {
            name: {score: number(values[c]) for score, values in per_class.items()}
            for c, name in enumerate(CLASS_NAMES)
        },
        "binary_cloud": {
            "precision": number(precision(matrix)[cloud]),
            "recall": number(recall(matrix)[cloud]),
            "f1": number(f_score(matrix)[cloud]),
            "f2": number(f_score(matrix, 2)[cloud]),
        },
        "snow_cloud_free": {
            "n_pixels": int(clear.sum()),
            "overall_accuracy": number(overall_accuracy(clear)),
            "precision": number(precision(clear)[snow]),
            "recall": number(recall(clear)[snow]),
            "f1": number(f_score(clear)[snow]),
            "kappa": number(kappa(clear)),
        },
    }


def resamples(n_scenes: int, count: int, rng: np.random.Generator) -> npt.NDArray[np.int64]:
    """How often each scene occurs in each bootstrap resample, (count, n_scenes)."""
    return rng.multinomial(n_scenes, np.full(n_scenes, 1 / n_scenes), size=count)


def interval(values: FloatArray) -> list[float] | None:
    """Percentile interval over bootstrap values; None where none of them is defined."""
    defined = values[~np.isnan(values)]
    if not defined.size:
        return None
    tail = 50 * (1 - LEVEL)
    return [float(bound) for bound in np.percentile(defined, (tail, 100 - tail))]


def intervals(matrices: Matrix, count: int, rng: np.random.Generator) -> dict[str, Any]:
    """Bootstrap intervals of the headline scores over scenes (Efron 1979, Ann. Stat. 7, 1-26).

    Pixels of a scene are not independent of each other, scenes are: so whole scenes are resampled.

    Parameters
    ----------
    matrices : ndarray, (scene, reference, predicted)
    count : int
        Resamples.
    rng : Generator

    Returns
    -------
    dict
        ``level``, ``resamples``, ``n_scenes`` and [low, high] by score; null where there are fewer
        than two scenes.
    """
    n_scenes = len(matrices)
    result: dict[str, Any] = {"level": LEVEL, "resamples": count, "n_scenes": n_scenes}
    if n_scenes < 2:
        return result | dict.fromkeys(HEADLINES)
    drawn = np.tensordot(resamples(n_scenes, count, rng), matrices, axes=1)
    return result | {name: interval(score(drawn)) for name, score in HEADLINES.items()}
