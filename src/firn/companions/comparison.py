"""The companions on Sentinel-2 as rows of the comparison of methods."""

from collections.abc import Mapping, Sequence
from typing import Any

from firn.companions.plan import SENSOR, WHOLE
from firn.evaluation.method_comparison import compare_methods

#: What stands for the area in a comparison, and how the strata are called there.
GROUND, CASE = "13 bands, 60 m", "case"


def metrics_of(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Rows of counts in the form of metrics files, as far as `compare_methods` reads them."""
    found: dict[str, dict[str, Any]] = {}
    for row in rows:
        method, scene, counts = row["method"], row["scene"], row["confusion_matrix"]
        experiment = {"name": f"{method}-{SENSOR}", "method": method, "sensor": SENSOR}
        metrics = found.setdefault(
            method,
            {
                "experiment": experiment | {"area": GROUND, "judged_on": SENSOR},
                "by_stratum": {"scene": {}},
                "by_stratum_and_scene": {CASE: {}},
            },
        )
        if row["stratum"] == WHOLE:
            metrics["by_stratum"]["scene"][scene] = {"confusion_matrix": counts}
        else:
            parts = metrics["by_stratum_and_scene"][CASE]
            parts.setdefault(row["stratum"], {})[scene] = counts
    return list(found.values())


def compared_with(
    content: Mapping[str, Any],
    companions: Mapping[str, Any],
    costs: Mapping[str, Mapping[str, Any]],
    tells: Mapping[str, str],
    *,
    count: int,
    seed: int,
) -> dict[str, Any]:
    """Add the companions on Sentinel-2 to a comparison of methods.

    Parameters
    ----------
    content : mapping
        As `firn.evaluation.method_comparison.compare_methods` gives it.
    companions : mapping
        Content of ``scores.json``; see `firn.companions.scoring.write_scores`.
    costs : mapping of experiment to mapping
    tells : mapping of method to str
        As in `compare_methods`.
    count, seed : int

    Returns
    -------
    dict
        ``content`` with further rows, and ``turned``: which neurons of the map were turned and why.
    """
    own = compare_methods(metrics_of(companions["rows"]), costs, tells, count=count, seed=seed)
    lists = {key: [*content[key], *own[key]] for key in ("methods", "strata", "pairs")}
    told = ("bright_share", "recall_loss", "tuning", "flipped")
    return {**content, **lists, "turned": {key: companions["som"][key] for key in told}}
