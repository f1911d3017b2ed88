"""Every method beside every other on the same scenes: scores by stratum, costs, paired tests.

Intervals and tests resample whole scenes, the same ones for both methods of a pair. McNemar's test
is not used: it takes pixels for independent of each other, which those of a scene are not, and so
calls almost any difference significant.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from firn.classes import SurfaceClass
from firn.errors import DataError
from firn.evaluation.scores import (
    HEADLINES,
    LEVEL,
    FloatArray,
    Matrix,
    interval,
    number,
    precision,
    recall,
    resamples,
)
from firn.seeds import generator

Metrics = Mapping[str, Any]

#: Scores by what a method must tell apart for them to mean something, see `firn.registry`.
SCORES = {
    "classes": ("kappa", "overall_accuracy", "f1_snow"),
    "cloud": ("precision_cloud", "recall_cloud", "f1_cloud", "f2_cloud"),
    "snow": ("snow_cloud_free_f1", "snow_cloud_free_kappa"),
}
_FUNCTIONS: dict[str, Callable[[Matrix], FloatArray]] = {
    **HEADLINES,
    "precision_cloud": lambda matrix: precision(matrix)[..., SurfaceClass.CLOUD],
    "recall_cloud": lambda matrix: recall(matrix)[..., SurfaceClass.CLOUD],
}
#: Class that the reference must show for a score to mean something: where there is no cloud, any
#: false cloud would make F2 zero, and none would leave it undefined.
_NEEDED = {
    **dict.fromkeys(SCORES["cloud"], SurfaceClass.CLOUD),
    **dict.fromkeys(("f1_snow", *SCORES["snow"]), SurfaceClass.SNOW),
}
#: Partitions that are not strata of a sensor's scenes.
_NO_STRATA = ("sensor",)


class Setting(NamedTuple):
    """What methods must have in common to be compared."""

    sensor: str
    area: str
    judged_on: str


def scores_of(tells: str) -> tuple[str, ...]:
    """Names of the scores that mean something for a method that tells ``tells`` apart."""
    groups = SCORES if tells == "classes" else {tells: SCORES[tells]}
    return tuple(name for group in groups.values() for name in group)


def compare_methods(
    experiments: Sequence[Metrics],
    costs: Mapping[str, Mapping[str, Any]],
    tells: Mapping[str, str],
    *,
    count: int,
    seed: int,
) -> dict[str, Any]:
    """Set all methods side by side.

    Parameters
    ----------
    experiments : sequence of mapping
        Metrics files. Those of one sensor, area and kind of scenes are compared.
    costs : mapping of experiment to mapping
        ``training_seconds`` and what `firn.evaluation.costs.model_costs` gives; may lack some.
    tells : mapping of method to str
        What each method tells apart, see `firn.registry`.
    count : int
        Bootstrap resamples of scenes.
    seed : int

    Returns
    -------
    dict
        ``level`` of the intervals, ``resamples``, and the lists

        ``methods``: per experiment ``name``, ``method``, ``sensor``, ``area``, ``judged_on``,
        ``tells``, ``n_scenes``, ``n_pixels``, ``same_pixels`` (as the first
        method of its sensor), ``scores`` and ``costs``, null where unknown.

        ``strata``: per experiment, partition and part, with ``n_scenes`` that show it, ``n_pixels``
        and ``scores``.

        ``pairs``: per score and two methods ``a`` and ``b`` of a sensor ``difference`` (a - b),
        ``interval`` and ``p``.

        Each entry of ``scores`` has ``value``, ``interval`` and ``behind``, the difference to the
        best method with its ``interval`` and ``p``, null for the best itself. What is undefined is
        null, and so are intervals and p where fewer than two scenes show the stratum.

    Raises
    ------
    DataError
        Methods of a sensor were judged on different scenes.
    """
    settings: dict[Setting, list[Metrics]] = {}
    for metrics in experiments:
        setting = Setting(*(metrics["experiment"][key] for key in Setting._fields))
        settings.setdefault(setting, []).append(metrics)
    content: dict[str, Any] = {"level": LEVEL, "resamples": count}
    content |= {"methods": [], "strata": [], "pairs": []}
    for here in settings.values():
        scenes = _scenes(here)
        draws = resamples(len(scenes), count, generator(seed, "bootstrap", *scenes))
        matrices = np.array(
            [
                [metrics["by_stratum"]["scene"][scene]["confusion_matrix"] for scene in scenes]
                for metrics in here
            ]
        )
        content["methods"] += [
            row | {"costs": costs.get(row["name"])} for row in _rows(here, tells, matrices, draws)
        ]
        content["pairs"] += _pairs(here, tells, matrices, draws)
        for partition, part in _strata(here):
            of_part = [
                metrics["by_stratum_and_scene"].get(partition, {}).get(part, {}) for metrics in here
            ]
            zeros = np.zeros(matrices.shape[-2:], int).tolist()
            counts = np.array([[one.get(scene, zeros) for scene in scenes] for one in of_part])
            content["strata"] += [
                row | {"partition": partition, "part": part}
                for row in _rows(here, tells, counts, draws)
            ]
    return content


def _score(name: str, matrices: Matrix) -> FloatArray:
    """Score of matrices (..., reference, predicted); NaN where it means nothing."""
    values = _FUNCTIONS[name](matrices)
    if name in _NEEDED:
        shown = matrices[..., _NEEDED[name], :].sum(axis=-1) > 0
        values = np.where(shown, values, np.nan)
    return values


def _scenes(experiments: Sequence[Metrics]) -> list[str]:
    """Scenes that all experiments were judged on."""
    first, *others = experiments
    scenes = first["by_stratum"]["scene"].keys()
    for other in others:
        if different := scenes ^ other["by_stratum"]["scene"].keys():
            raise DataError(
                f"{first['experiment']['name']} and {other['experiment']['name']}: were judged on "
                f"different scenes ({sorted(different)}); evaluate both again"
            )
    return sorted(scenes)


def _strata(experiments: Sequence[Metrics]) -> list[tuple[str, str]]:
    """Every partition and part that an experiment has, in the order of the files."""
    found = {
        (partition, part): None
        for metrics in experiments
        for partition, parts in metrics["by_stratum_and_scene"].items()
        if partition not in _NO_STRATA
        for part, scenes in parts.items()
        if np.any([*scenes.values()])
    }
    return list(found)


def _judged(experiments: Sequence[Metrics], tells: Mapping[str, str], score: str) -> list[int]:
    """Which of the experiments a score means something for."""
    methods = (metrics["experiment"]["method"] for metrics in experiments)
    return [i for i, method in enumerate(methods) if score in scores_of(tells[method])]


def _rows(
    experiments: Sequence[Metrics],
    tells: Mapping[str, str],
    matrices: Matrix,
    draws: npt.NDArray[np.int64],
) -> list[dict[str, Any]]:
    """Scores of all methods of a setting on some of its pixels.

    Parameters
    ----------
    experiments : sequence of mapping
    tells : mapping of method to str
    matrices : ndarray, (experiment, scene, reference, predicted)
    draws : ndarray of int, (resample, scene)
    """
    references = matrices.sum(axis=-1)
    shown = references.any(axis=(0, 2))
    rows = []
    for index, metrics in enumerate(experiments):
        of = {key: metrics["experiment"][key] for key in ("name", "method", *Setting._fields)}
        rows.append(
            of
            | {
                "tells": tells[metrics["experiment"]["method"]],
                "n_scenes": int(shown.sum()),
                "n_pixels": int(matrices[index].sum()),
                "same_pixels": bool((references[index] == references[0]).all()),
                "scores": {},
            }
        )
    drawn = np.einsum("rs,msij->mrij", draws, matrices)
    for name in scores_of("classes"):
        of_score = _judged(experiments, tells, name)
        values = _score(name, matrices[of_score].sum(axis=1))
        resampled = _score(name, drawn[of_score])
        known = ~np.isnan(values)
        best = int(np.nanargmax(values)) if known.any() else None
        for position, index in enumerate(of_score):
            entry: dict[str, Any] = {"value": number(values[position])}
            sampled = shown.sum() > 1 and known[position]
            entry["interval"] = interval(resampled[position]) if sampled else None
            entry["behind"] = (
                _difference(values, resampled, position, best, sampled)
                if best not in (None, position) and known[position]
                else None
            )
            rows[index]["scores"][name] = entry
    return rows


def _pairs(
    experiments: Sequence[Metrics],
    tells: Mapping[str, str],
    matrices: Matrix,
    draws: npt.NDArray[np.int64],
) -> Iterator[dict[str, Any]]:
    """Differences of all pairs of methods; parameters as of `_rows`."""
    drawn = np.einsum("rs,msij->mrij", draws, matrices)
    for name in scores_of("classes"):
        values, resampled = _score(name, matrices.sum(axis=1)), _score(name, drawn)
        for a, b in combinations(_judged(experiments, tells, name), 2):
            one, other = experiments[a]["experiment"], experiments[b]["experiment"]
            yield {
                **{key: one[key] for key in Setting._fields},
                "score": name,
                "a": one["method"],
                "b": other["method"],
                **_difference(values, resampled, a, b, matrices.shape[1] > 1),
            }


def _difference(
    values: FloatArray, resampled: FloatArray, a: int, b: int, sampled: bool
) -> dict[str, Any]:
    """Score of ``a`` minus that of ``b``, (method,) and (method, resample), interval and p.

    p is two-sided: twice the share of resamples on the rarer side of zero, this one counted among
    them (Davison & Hinkley 1997, Bootstrap Methods and their Application, ch. 4).
    """
    differences = resampled[a] - resampled[b]
    defined = differences[~np.isnan(differences)]
    beyond = min((defined <= 0).sum(), (defined >= 0).sum())
    tested = sampled and defined.size > 0
    return {
        "difference": number(values[a] - values[b]),
        "interval": interval(differences) if tested else None,
        "p": min(1.0, 2 * (1 + int(beyond)) / (1 + defined.size)) if tested else None,
    }
