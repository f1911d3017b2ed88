"""The table of F2: the published scores beside ours, and whether the elevation's gain is real."""

import html
import os
from collections.abc import Mapping, Sequence
from typing import Any

from firn.clouddl.plan import SENTINEL2
from firn.clouddl.scores import (
    PUBLISHED,
    Matrix,
    Scenes,
    added,
    cloud_scores,
    counts_of,
    gain,
    scenes_of,
)
from firn.files import write_text
from firn.plots.score_page import INTERVALS, PAGE

PathLike = str | os.PathLike[str]
#: Pairs of variants whose difference is given, and what it tells.
GAINS = {
    "elevation": ("dem", "no-dem"),
    "control": ("shuffled-dem", "no-dem"),
    "elevation over control": ("dem", "shuffled-dem"),
}
#: How the rows of the table are called.
NAMES = {
    "dem": "CloudDL with DEM",
    "no-dem": "CloudDL",
    "shuffled-dem": "CloudDL with shuffled DEM (control)",
    "labels-maja": "CloudDL with DEM, labels of MAJA",
    "labels-fmask": "CloudDL with DEM, labels of Fmask",
    "labels-agree": "CloudDL with DEM, labels where both agree",
}
#: How the scenes of a sensor are called, where its name does not do.
TITLES = {SENTINEL2: "Virtual Sentinel-2, ground and dates that no training saw"}


def f2_table(
    rows: Sequence[Mapping[str, Any]],
    masks: Mapping[str, Scenes],
    *,
    count: int,
    seed: int,
) -> dict[str, Any]:
    """Scores of every variant and sensor beside the published ones.

    Parameters
    ----------
    rows : sequence of mapping
        Scored trainings, as `firn.ablation.row.run_row` gives them; seeds of a variant are added.
        Those of `firn.clouddl.sentinel2.run_sentinel2` bring the masks of the same pixels along,
        which become variants beside theirs.
    masks : mapping of processor to scenes
        Confusion matrices of the masks that taught, on Sentinel-2; empty without a truth.
    count : int
        Bootstrap resamples.
    seed : int

    Returns
    -------
    dict
        ``published`` (per cent), ``sentinel2`` by processor, ``variants`` by sensor and variant and
        ``gains`` by sensor: see `cloud_scores` and `gain`.
    """
    scenes: dict[str, dict[str, list[dict[str, Matrix]]]] = {}
    for row in rows:
        here = scenes.setdefault(row["sensor"], {})
        for name, counts in row.get("masks", {}).items():
            # Every training of an area sees the same masks.
            here.setdefault(name, [{}])[0].update(counts_of(counts))
        here.setdefault(row["recipe"], []).append(scenes_of(row["metrics"]))
    joined = {
        sensor: {name: added(parts) for name, parts in variants.items()}
        for sensor, variants in scenes.items()
    }
    return {
        "published": PUBLISHED,
        "sentinel2": {name: cloud_scores(part) for name, part in masks.items()},
        "variants": {
            sensor: {name: cloud_scores(part) for name, part in variants.items()}
            for sensor, variants in joined.items()
        },
        "gains": {
            sensor: {
                name: gain(variants[first], variants[second], count, seed)
                for name, (first, second) in GAINS.items()
            }
            for sensor, variants in joined.items()
        },
    }


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{100 * value:.1f}"


def _table(title: str, head: Sequence[str], body: Sequence[Sequence[str]]) -> str:
    def line(tag: str, cells: Sequence[str]) -> str:
        return "<tr>" + "".join(f"<{tag}>{html.escape(c)}</{tag}>" for c in cells) + "</tr>"

    lines = [line("th", head), *(line("td", cells) for cells in body)]
    return f"<h2>{html.escape(title)}</h2>\n<table>" + "\n".join(lines) + "\n</table>"


def _score_cells(name: str, scores: Mapping[str, Any]) -> list[str]:
    pooled = scores["pooled"]
    counts = f"{scores['n_scenes']} ({scores['n_cloud_free']})"
    values = (pooled["f2"], scores["mean_f2"], pooled["precision"], pooled["recall"])
    false = _percent(scores["cloud_free_false_alarms"])
    return [NAMES.get(name, name), counts, *map(_percent, values), false]


def _gain_cells(name: str, difference: Mapping[str, Any]) -> list[str]:
    limits = difference["interval"]
    span = "-" if limits is None else f"{_percent(limits[0])} to {_percent(limits[1])}"
    return [name, _percent(difference["f2"]), span, "yes" if difference["real"] else "not shown"]


def _verdict(gate: Mapping[str, Any]) -> str:
    """Scores that a gate asks for, and whether they are reached."""
    asked = [check for check in gate["checks"] if check["at_least"]]
    texts = [
        f"{c['score']} {_percent(c['value'])} ({_percent(c['at_least'])} asked)" for c in asked
    ]
    return ("passed: " if gate["released"] else "missed: ") + ", ".join(texts)


def write_history_html(path: PathLike, cards: Sequence[Mapping[str, Any]]) -> None:
    """Write the releases of a sensor as an HTML page that needs nothing else, atomically.

    Parameters
    ----------
    path : path
    cards : sequence of mapping
        Content of each ``release.json``, in their order; see `firn.clouddl.life_cycle.release`.
    """
    head = (
        *("Release", "Model before it, on the new scenes", "Trained", "Taught by"),
        *("On scenes held out", "F2, mean of scenes", "Released"),
    )
    body = [
        [
            f"{card['number']}: {card['stage']}",
            _verdict(card["check"]["gate"]) if "check" in card else "-",
            "yes" if card["retrained"] else "no, kept",
            f"{len(card['data'])} scenes" if card["data"] else "-",
            _verdict(card["gate"]),
            _percent(card["scores"]["mean_f2"]),
            "yes" if card["gate"]["released"] else "no",
        ]
        for card in cards
    ]
    note = (
        "<p>Scores of cloud, %. The first release is judged on emulated patches that did not train "
        "it, each later one on those of the new scenes that it was not taught. A model that passes "
        "on all new scenes is kept.</p>"
    )
    title = f"Releases for {cards[0]['sensor']}"
    write_text(path, PAGE.format(tables=_table(title, head, body) + note))


def write_f2_html(path: PathLike, table: Mapping[str, Any]) -> None:
    """Write the table of F2 as an HTML page that needs nothing else, atomically.

    Parameters
    ----------
    path : path
    table : mapping
        As `f2_table` gives it.
    """
    published = [
        [data, name, str(value)]
        for data, scores in table["published"].items()
        for name, value in scores.items()
    ]
    head = (
        "Mask",
        "Scenes (cloud-free)",
        "F2, pooled",
        "F2, mean of scenes",
        "Precision",
        "Recall",
        "False alarms where cloud-free",
    )
    parts = [
        _table("Published (Kettig et al. 2020), real scenes, %", ("Data", "Mask", "F2"), published)
    ]
    judged = {"Virtual Sentinel-2, all scenes: masks that teach": table["sentinel2"]}
    judged |= {
        TITLES.get(sensor, f"Virtual {sensor}"): variants
        for sensor, variants in table["variants"].items()
    }
    for title, scores in judged.items():
        if scores:
            body = [_score_cells(name, part) for name, part in scores.items()]
            parts.append(_table(f"{title}, %", head, body))
    for sensor, gains in table["gains"].items():
        title = (
            f"{TITLES.get(sensor, sensor)}: differences in pooled F2, % (95 % interval over scenes)"
        )
        body = [_gain_cells(name, difference) for name, difference in gains.items()]
        parts.append(_table(title, ("Gain of", "F2", "Interval", "Above 0"), body))
    parts.append(
        "<p>Virtual scenes are no real ones: the two kinds of scores are not to be compared in "
        "size, only in what follows what. The mean of scenes leaves out those without cloud, "
        "for which F2 is not defined; their false alarms stand in the last column.</p>"
    )
    write_text(path, PAGE.format(tables="\n".join([*parts, INTERVALS])))
