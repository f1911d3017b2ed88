"""Experiments side by side, and by how much one is ahead of another."""

import csv
import io
import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from firn.classes import CLASS_NAMES
from firn.confusion import kappa
from firn.errors import DataError
from firn.evaluation.method_comparison import scores_of
from firn.evaluation.scores import HEADLINES, LEVEL, interval, number, resamples
from firn.files import write_text
from firn.seeds import generator

Metrics = Mapping[str, Any]

#: What two experiments must have in common to be compared.
_SETTING = ("sensor", "area", "judged_on")
#: Methods that the others have to beat.
BASELINE_PREFIX = "baseline-"
_LEAD_COLUMNS = ("best_baseline", "lead", "lead_low", "lead_high", "same_pixels")


def compare(a: Metrics, b: Metrics, *, count: int = 1000, seed: int = 0) -> dict[str, Any]:
    """Kappa of ``a`` minus that of ``b``, with a paired bootstrap interval over scenes.

    Each resample draws the same scenes for both, so what makes a scene hard for both cancels.

    Parameters
    ----------
    a, b : mapping
        Metrics files of two experiments over the same scenes.
    count : int
        Resamples.
    seed : int

    Returns
    -------
    dict
        ``difference``, ``interval`` [low, high] (both null where undefined, the interval also for
        a single scene), ``level``, ``n_scenes``, and ``same_pixels``: whether both were judged on
        the same pixels, as far as the reference counts of each scene tell.

    Raises
    ------
    DataError
        The two were judged on different scenes.
    """
    scenes_a, scenes_b = a["by_stratum"]["scene"], b["by_stratum"]["scene"]
    names = a["experiment"]["name"], b["experiment"]["name"]
    if scenes_a.keys() != scenes_b.keys():
        raise DataError(
            f"{names[0]} and {names[1]}: were judged on different scenes "
            f"({sorted(scenes_a.keys() ^ scenes_b.keys())}); evaluate both again"
        )
    scenes = sorted(scenes_a)
    pair = np.array(
        [[side[scene]["confusion_matrix"] for scene in scenes] for side in (scenes_a, scenes_b)]
    )
    totals = kappa(pair.sum(axis=1))
    bounds = None
    if len(scenes) > 1:
        drawn = resamples(len(scenes), count, generator(seed, "bootstrap", *scenes))
        both = kappa(np.einsum("rs,msij->mrij", drawn, pair))
        bounds = interval(both[0] - both[1])
    return {
        "difference": number(totals[0] - totals[1]),
        "interval": bounds,
        "level": LEVEL,
        "n_scenes": len(scenes),
        "same_pixels": bool((pair[0].sum(axis=-1) == pair[1].sum(axis=-1)).all()),
    }


def _rivals(metrics: Metrics, others: Sequence[Metrics]) -> list[Metrics]:
    """Baselines in the same setting."""
    mine = metrics["experiment"]
    return [
        other
        for other in others
        if other["experiment"]["method"].startswith(BASELINE_PREFIX)
        and all(other["experiment"][key] == mine[key] for key in _SETTING)
    ]


def _headline(metrics: Metrics, name: str) -> float | None:
    values = {
        **{key: metrics[key] for key in ("overall_accuracy", "kappa")},
        **{f"f1_{surface}": scores["f1"] for surface, scores in metrics["per_class"].items()},
        "f2_cloud": metrics["binary_cloud"]["f2"],
        "snow_cloud_free_f1": metrics["snow_cloud_free"]["f1"],
        "snow_cloud_free_kappa": metrics["snow_cloud_free"]["kappa"],
    }
    value: float | None = values[name]
    return value


def _tells(metrics: Metrics, tells: Mapping[str, str]) -> str:
    """Give what a method tells apart: all classes, unless something else is said of it."""
    return tells.get(metrics["experiment"]["method"], "classes")


def _row(metrics: Metrics, tells: str) -> dict[str, Any]:
    bounds = metrics["confidence_interval"]
    whole = tells == "classes"
    row = {key: metrics["experiment"][key] for key in ("name", "method", *_SETTING)}
    row |= {"n_scenes": bounds["n_scenes"], "n_pixels": metrics["n_pixels"]}
    for name in HEADLINES:
        means = whole or name in scores_of(tells)
        low, high = (means and bounds[name]) or (None, None)
        value = _headline(metrics, name) if means else None
        row |= {name: value, f"{name}_low": low, f"{name}_high": high}
    row["expected_calibration_error"] = metrics["expected_calibration_error"] if whole else None
    return row


def comparison_table(
    experiments: Sequence[Metrics],
    tells: Mapping[str, str],
    *,
    count: int = 1000,
    seed: int = 0,
) -> list[dict[str, Any]]:
    """One row per experiment: its headline scores with intervals and its lead.

    The lead is the kappa difference to the best baseline for the same sensor and area on the same
    scenes, with its paired interval, and ``same_pixels`` tells whether both were judged on the same
    pixels; null for baselines, and for methods that do not tell all classes apart, which have the
    scores of what they do tell.

    Parameters
    ----------
    experiments : sequence of mapping
        Metrics files.
    tells : mapping of method to str
        What methods tell apart, see `firn.registry`; all classes where nothing is said.
    count, seed : int
        Bootstrap resamples, and their seed.

    Returns
    -------
    list of dict
        Columns ``name``, ``method``, ``sensor``, ``area``, ``judged_on``, ``n_scenes``,
        ``n_pixels``, each score of `HEADLINES` with ``_low`` and ``_high``,
        ``expected_calibration_error``, ``best_baseline``, ``lead``, ``lead_low``, ``lead_high``,
        ``same_pixels``.
    """
    rows = []
    for metrics in sorted(experiments, key=lambda m: [m["experiment"][key] for key in _SETTING]):
        told = _tells(metrics, tells)
        row = _row(metrics, told) | dict.fromkeys(_LEAD_COLUMNS)
        rivals = _rivals(metrics, experiments)
        baseline = metrics["experiment"]["method"].startswith(BASELINE_PREFIX)
        if rivals and not baseline and told == "classes":
            best = max(rivals, key=lambda m: -np.inf if m["kappa"] is None else m["kappa"])
            lead = compare(metrics, best, count=count, seed=seed)
            low, high = lead["interval"] or (None, None)
            row |= {"best_baseline": best["experiment"]["name"], "lead": lead["difference"]}
            row |= {"lead_low": low, "lead_high": high, "same_pixels": lead["same_pixels"]}
        rows.append(row)
    return rows


def situation_table(
    experiments: Sequence[Metrics], tells: Mapping[str, str]
) -> list[dict[str, Any]]:
    """One row per experiment and situation (see `firn.evaluation.situations`).

    Parameters
    ----------
    experiments : sequence of mapping
    tells : mapping of method to str
        As in `comparison_table`.

    Returns
    -------
    list of dict
        Columns ``name``, ``method``, ``sensor``, ``area``, ``judged_on``, ``situation``,
        ``n_pixels``; ``n_ground``, ``n_snow``, ``n_cloud``, pixels by their reference; ``right``,
        the share of pixels that are right, and ``right_ground``, ``right_snow``, ``right_cloud``,
        that of each class; null where there are none, and for methods that do not tell all classes
        apart.
    """
    rows = []
    for metrics in experiments:
        of = {key: metrics["experiment"][key] for key in ("name", "method", *_SETTING)}
        for situation, part in metrics["by_stratum"].get("situation", {}).items():
            counts = (sum(row) for row in part["confusion_matrix"])
            right = {"right": part["overall_accuracy"]} | {
                f"right_{name}": part["per_class"][name]["recall"] for name in CLASS_NAMES
            }
            rows.append(
                of
                | {"situation": situation, "n_pixels": part["n_pixels"]}
                | {f"n_{name}": n for name, n in zip(CLASS_NAMES, counts, strict=True)}
                | (right if _tells(metrics, tells) == "classes" else dict.fromkeys(right))
            )
    return rows


def write_table(path: str | os.PathLike[str], rows: Sequence[Mapping[str, Any]]) -> None:
    """Write rows as CSV, atomically; null is an empty cell."""
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_text(path, text.getvalue())
