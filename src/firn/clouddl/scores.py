"""Scores of cloud masks: F2 pooled over pixels and as mean of scenes, with and without elevation.

A scene without cloud has no F2: whatever is called cloud there is wrong, and nothing right can be
found. It counts in the pooled score, where its false alarms lower the precision, and by its share
of false alarms, but not in the mean of scenes.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from firn.classes import CLASS_NAMES, SurfaceClass
from firn.confusion import confusion_matrix
from firn.errors import DataError
from firn.evaluation.pseudo import Predictor
from firn.evaluation.scores import f_score, interval, number, precision, recall, resamples
from firn.samples import Samples
from firn.seeds import generator

Matrix = npt.NDArray[np.int64]
Scenes = Mapping[str, Matrix]

#: Weight of recall: beta of the F-score.
BETA = 2.0

#: Scores of Kettig et al. (EGU 2020), per cent: F2 on Sentinel-2, "Fscore" on SPOT-4/5.
PUBLISHED: Mapping[str, Mapping[str, int]] = {
    "Sentinel-2": {"MAJA": 91, "FMask": 90, "CloudDL": 88, "CloudDL with DEM": 90},
    "SPOT-4/5": {"MAJA": 91, "CloudDL": 85, "CloudDL with DEM": 89},
}


def binary(matrix: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Matrices (..., 2, 2) of clear and cloud, of those of three classes (..., 3, 3)."""
    cloud = int(SurfaceClass.CLOUD)
    clear = [c for c in range(len(CLASS_NAMES)) if c != cloud]
    rows = np.stack([matrix[..., clear, :].sum(axis=-2), matrix[..., cloud, :]], axis=-2)
    return np.stack([rows[..., clear].sum(axis=-1), rows[..., cloud]], axis=-1)


def f2(matrix: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """F2 = 5 P R / (4 P + R) of cloud, (...); NaN where there is no cloud and none is found."""
    return f_score(binary(matrix), BETA)[..., 1]


def cloud_scores(scenes: Scenes) -> dict[str, Any]:
    """Scores of cloud over scenes.

    Parameters
    ----------
    scenes : mapping of scene to ndarray, (reference, predicted) in three classes

    Returns
    -------
    dict
        ``pooled`` (precision, recall, f2), ``mean_f2`` over the scenes with cloud, how many scenes
        there are (``n_scenes``, ``n_cloud_free``), the share of the pixels of cloud-free scenes
        that is called cloud (``cloud_free_false_alarms``), and F2 by scene; None where a score has
        no value.

    Raises
    ------
    DataError
        There is no scene.
    """
    if not scenes:
        raise DataError("there is no scene to judge cloud on; give one with a mask")
    names = sorted(scenes)
    two = binary(np.stack([scenes[name] for name in names]))
    free = two[:, 1].sum(axis=1) == 0
    whole, of_scene = two.sum(axis=0), f_score(two, BETA)[:, 1]
    cloudy = of_scene[~free]
    clear = two[free, 0].sum(axis=0)
    return {
        "pooled": {
            "precision": number(precision(whole)[1]),
            "recall": number(recall(whole)[1]),
            "f2": number(f_score(whole, BETA)[1]),
        },
        "mean_f2": float(cloudy.mean()) if cloudy.size else None,
        "n_scenes": len(names),
        "n_cloud_free": int(free.sum()),
        "cloud_free_false_alarms": float(clear[1] / clear.sum()) if clear.sum() else None,
        "scenes": {name: None if free[i] else number(of_scene[i]) for i, name in enumerate(names)},
    }


def scenes_of(metrics: Mapping[str, Any]) -> dict[str, Matrix]:
    """Confusion matrix of each scene of a metrics file, as evaluations write it."""
    try:
        parts = metrics["by_stratum"]["scene"]
        return counts_of({name: part["confusion_matrix"] for name, part in parts.items()})
    except KeyError as error:
        raise DataError(f"metrics lack {error}; run the evaluation again") from error


def counts_of(scenes: Mapping[str, Sequence[Sequence[int]]]) -> dict[str, Matrix]:
    """Confusion matrix of each scene, from lists as JSON has them."""
    return {name: np.array(counts, np.int64) for name, counts in scenes.items()}


def judge_samples(model: Predictor, samples: Samples) -> dict[str, Matrix]:
    """Confusion matrix of each scene of some samples."""
    scenes: dict[str, Matrix] = {}
    for index, row in enumerate(samples.rows):
        sample = samples[index]
        predicted = model.predict(sample.channels).argmax(axis=0)
        counts = confusion_matrix(sample.labels, predicted)
        name = f"{row.tile}/{row.date}"
        scenes[name] = scenes.get(name, 0) + counts
    return scenes


def added(parts: Sequence[Scenes]) -> dict[str, Matrix]:
    """Sum of the matrices of each scene, as over seeds."""
    names = sorted({name for part in parts for name in part})
    empty = np.zeros((len(CLASS_NAMES),) * 2, np.int64)
    return {name: sum((part.get(name, empty) for part in parts), empty) for name in names}


def gain(better: Scenes, other: Scenes, count: int, seed: int) -> dict[str, Any]:
    """Difference of the pooled F2 of two models on the same scenes, with its interval.

    Whole scenes are resampled, the same for both, so that the interval is that of the difference.

    Returns
    -------
    dict
        ``f2`` (None where a score has no value), ``interval`` (None with fewer than two scenes) and
        ``real``: whether the whole interval lies above 0.

    Raises
    ------
    DataError
        The two were judged on other scenes.
    """
    names = sorted(better)
    if names != sorted(other):
        raise DataError("two variants were judged on different scenes; score both again")
    first, second = (np.stack([part[name] for name in names]) for part in (better, other))
    difference = float(f2(first.sum(axis=0)) - f2(second.sum(axis=0)))
    limits = None
    if len(names) > 1:
        drawn = resamples(len(names), count, generator(seed, "gain", *names))
        limits = interval(
            f2(np.tensordot(drawn, first, axes=1)) - f2(np.tensordot(drawn, second, axes=1))
        )
    return {
        "f2": number(difference),
        "interval": limits,
        "real": limits is not None and limits[0] > 0,
    }
