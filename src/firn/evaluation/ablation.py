"""Recipes of the ablation side by side: scores over seeds, and how much of the gap each closes."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from firn.ablation_config import FULL, REFERENCE
from firn.errors import DataError
from firn.evaluation.scores import HEADLINES, LEVEL, interval, number, resamples
from firn.seeds import generator

Rows = Sequence[Mapping[str, Any]]
FloatArray = npt.NDArray[np.float64]

#: Scores of the table, of those of `firn.evaluation.scores.HEADLINES`.
SCORES = ("kappa", "f1_ground", "f1_snow", "f1_cloud", "snow_cloud_free_f1")


def gap_closed(kappa: FloatArray, reference: FloatArray, upper_bound: FloatArray) -> FloatArray:
    """Share of the way from the reference to the upper bound; NaN where there is no gap.

    Parameters
    ----------
    kappa, reference, upper_bound : ndarray, (...)
    """
    gained, gap = np.broadcast_arrays(kappa - reference, upper_bound - reference)
    share: FloatArray = np.full(gap.shape, np.nan)
    np.divide(gained, gap, out=share, where=gap > 0)
    return share


def _matrices(rows: Rows) -> dict[str, npt.NDArray[np.int64]]:
    """Confusion matrices of each recipe, (seed, scene, reference, predicted)."""
    recipes: dict[str, dict[int, Any]] = {}
    for row in rows:
        scenes = row["metrics"]["by_stratum"]["scene"]
        found = [scenes[name]["confusion_matrix"] for name in sorted(scenes)]
        recipes.setdefault(row["recipe"], {})[row["seed"]] = found
    return {
        recipe: np.array([seeds[seed] for seed in sorted(seeds)])
        for recipe, seeds in recipes.items()
    }


def _shared_scenes(rows: Rows) -> list[str]:
    scenes = {tuple(sorted(row["metrics"]["by_stratum"]["scene"])) for row in rows}
    if len(scenes) != 1:
        raise DataError(
            "the rows of the ablation were scored on different scenes; run their rule again"
        )
    return list(scenes.pop())


def summarise(rows: Rows, upper_bound: str, *, count: int, seed: int) -> list[dict[str, Any]]:
    """Scores of each sensor and recipe, as means over the seeds.

    Intervals are those of a bootstrap over scenes. Each resample draws the same scenes for all
    recipes and seeds, so that what makes a scene hard for all cancels in differences.

    Parameters
    ----------
    rows : sequence of mapping
        As `firn.ablation.row.run_row` gives them.
    upper_bound : str
        Recipe that is trained on truth.
    count : int
        Resamples.
    seed : int

    Returns
    -------
    list of dict
        ``sensor``, ``recipe``, ``n_seeds``, ``n_scenes``, ``steps`` [fewest, most]; ``scores`` by
        name, ``gap_closed`` and ``change_from_full`` (of kappa), each with ``value`` and
        ``interval``, scores also with ``seeds``.

    Raises
    ------
    DataError
        Rows of a sensor were scored on different scenes.
    """
    sensors = dict.fromkeys(row["sensor"] for row in rows)
    return [
        summary
        for sensor in sensors
        for summary in _of_sensor(
            [row for row in rows if row["sensor"] == sensor], sensor, upper_bound, count, seed
        )
    ]


def _of_sensor(
    rows: Rows, sensor: str, upper_bound: str, count: int, seed: int
) -> list[dict[str, Any]]:
    scenes = _shared_scenes(rows)
    drawn = resamples(len(scenes), count, generator(seed, "bootstrap", *scenes))
    # The first resample is the scenes as they are.
    weights = np.concatenate([np.ones((1, len(scenes)), np.int64), drawn])
    counts = {
        recipe: np.einsum("rs,ksij->krij", weights, matrices)
        for recipe, matrices in _matrices(rows).items()
    }
    kappa = {recipe: HEADLINES["kappa"](matrix).mean(axis=0) for recipe, matrix in counts.items()}
    return [
        {
            "sensor": sensor,
            "recipe": recipe,
            "n_seeds": len(matrix),
            "n_scenes": len(scenes),
            "steps": _range([row["steps"] for row in rows if row["recipe"] == recipe]),
            "scores": {name: _score(HEADLINES[name](matrix)) for name in SCORES},
            "gap_closed": _value(gap_closed(kappa[recipe], kappa[REFERENCE], kappa[upper_bound])),
            "change_from_full": _value(kappa[recipe] - kappa[FULL]),
        }
        for recipe, matrix in counts.items()
    ]


def _range(values: Sequence[int]) -> list[int]:
    return [min(values), max(values)]


def _value(values: FloatArray) -> dict[str, Any]:
    """Value over all scenes, which comes first, with the interval of the resamples."""
    return {"value": number(values[0]), "interval": interval(values[1:]), "level": LEVEL}


def _score(values: FloatArray) -> dict[str, Any]:
    """Mean over the seeds, (seed, resample), with the value of each."""
    return _value(values.mean(axis=0)) | {"seeds": [number(value) for value in values[:, 0]]}
