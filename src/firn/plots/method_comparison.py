"""Figures and page of the comparison of methods."""

import base64
import html
import os
import re
from collections.abc import Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from firn.evaluation.method_comparison import SCORES, Setting
from firn.files import write_text
from firn.plots.evaluation import JUDGED_ON, STRATA, count_text, number_text, number_with_interval
from firn.plots.score_page import INTERVALS, PAGE
from firn.plots.style import new_figure, styled, symbols

PathLike = str | os.PathLike[str]
Row = Mapping[str, Any]
Content = Mapping[str, Any]

_TITLES = {
    "kappa": "Kappa",
    "overall_accuracy": "Overall accuracy",
    "f1_snow": "F1 snow",
    "precision_cloud": "Cloud precision",
    "recall_cloud": "Cloud recall",
    "f1_cloud": "Cloud F1",
    "f2_cloud": "Cloud F2",
    "snow_cloud_free_f1": "F1 snow, cloud-free",
    "snow_cloud_free_kappa": "Kappa snow, cloud-free",
}
_GROUPS = {
    "classes": "Snow, cloud and ground",
    "cloud": "Cloud or not",
    "snow": "Snow where there is no cloud",
}
_COSTS = {
    "training_seconds": "Training time (s)",
    "core_seconds_per_megapixel": "Application (core s / megapixel)",
    "bytes": "Model file (bytes)",
}
#: Sensors whose names are not written as in the configuration.
_SENSORS = {"sentinel2": "Sentinel-2"}
#: Scores of the figures: one for methods that tell all classes, one for those that tell cloud.
_DRAWN = ("kappa", "f2_cloud")
#: A third for methods that tell snow alone, where there are any.
_DRAWN_OF_SNOW = "snow_cloud_free_f1"
#: Those of strata, some of which hold one class only, where kappa is not defined.
_DRAWN_OF_STRATA = ("overall_accuracy", "f2_cloud")
#: Scores of strata that the page gives with their intervals.
_TABULATED = (*_DRAWN_OF_STRATA, _DRAWN_OF_SNOW)
#: Scores whose pairwise differences the page shows.
_PAIRED = (*_DRAWN, _DRAWN_OF_SNOW)


def _by_setting(rows: Sequence[Row]) -> dict[Setting, list[Row]]:
    found: dict[Setting, list[Row]] = {}
    for row in rows:
        found.setdefault(Setting(*(row[key] for key in Setting._fields)), []).append(row)
    return found


def _parts(strata: Sequence[Row]) -> list[tuple[str, str]]:
    """Partition and part of strata in the order of the figures; bins by their lower edge."""
    order = [*STRATA, *(row["partition"] for row in strata)]

    def key(stratum: tuple[str, str]) -> tuple[int, float, str]:
        partition, part = stratum
        edge = re.match(r"[\d.]+", part)
        return order.index(partition), float(edge[0]) if edge else 0.0, part

    return sorted({(row["partition"], row["part"]) for row in strata}, key=key)


def _title(setting: Setting) -> str:
    return f"{_SENSORS.get(setting.sensor, setting.sensor)}, {setting.area}"


@styled
def cost_figure(content: Content) -> Figure:
    """Draw accuracy against cost: a point per method, a row per sensor and score.

    Parameters
    ----------
    content : mapping
        As `firn.evaluation.method_comparison.compare_methods` gives it.
    """
    lines = [
        (setting, rows, score)
        for setting, rows in _by_setting(content["methods"]).items()
        for score in (*_DRAWN, *([_DRAWN_OF_SNOW] if _has_snow_alone(rows) else []))
    ]
    looks = symbols(dict.fromkeys(row["method"] for row in content["methods"]))
    figure = new_figure(17, 4 * len(lines) + 2)
    panels = figure.subplots(len(lines), len(_COSTS), sharex="col", sharey="row", squeeze=False)
    for of_line, (setting, rows, score) in zip(panels, lines, strict=True):
        for axes, cost in zip(of_line, _COSTS, strict=True):
            _scatter(axes, rows, score, cost, looks)
        sensor = _SENSORS.get(setting.sensor, setting.sensor)
        of_line[0].set_ylabel(f"{sensor}: {_TITLES[score]}")
    for axes, label in zip(panels[-1], _COSTS.values(), strict=True):
        axes.set_xlabel(label)
    handles = {
        label: handle
        for axes in panels.flat
        for handle, label in zip(*axes.get_legend_handles_labels(), strict=True)
    }
    figure.legend(handles.values(), handles.keys(), loc="outside lower center", ncols=4)
    return figure


def _has_snow_alone(rows: Sequence[Row]) -> bool:
    """Whether a method that can be drawn tells nothing but snow."""
    return any(row["tells"] == "snow" and row["costs"] for row in rows)


def _scatter(
    axes: Axes, rows: Sequence[Row], score: str, cost: str, looks: Mapping[str, Any]
) -> None:
    for row in rows:
        entry, costs = row["scores"].get(score), row["costs"] or {}
        if not entry or entry["value"] is None or not costs.get(cost):
            continue
        colour = looks[row["method"]]["color"]
        if entry["interval"]:
            axes.plot((costs[cost],) * 2, entry["interval"], color=colour, linewidth=0.8)
        axes.plot(
            costs[cost],
            entry["value"],
            linestyle="",
            markersize=5,
            label=row["method"],
            **looks[row["method"]],
        )
    axes.set_xscale("log")
    axes.margins(x=0.15)
    axes.grid()


@styled
def strata_heat_map(strata: Sequence[Row]) -> Figure:
    """Draw scores by method and stratum of one sensor.

    What is bold is the best of its stratum, or not told from it by the paired test; nothing is
    where a single scene shows the stratum.

    Parameters
    ----------
    strata : sequence of mapping
        Entries ``strata`` of `firn.evaluation.method_comparison.compare_methods` of one sensor.
    """
    parts = _parts(strata)
    methods = list(dict.fromkeys(row["method"] for row in strata))
    found = {(row["partition"], row["part"], row["method"]): row for row in strata}
    figure = new_figure(17, 0.42 * len(parts) + 4)
    panels = figure.subplots(1, len(_DRAWN_OF_STRATA), sharey=True)
    for axes, score in zip(panels, _DRAWN_OF_STRATA, strict=True):
        shown = [
            name for name in methods if any(score in found[*part, name]["scores"] for part in parts)
        ]
        entries = [
            [found[*part, name]["scores"].get(score) or {} for name in shown] for part in parts
        ]
        values = np.array(
            [
                [np.nan if e.get("value") is None else e["value"] for e in of_part]
                for of_part in entries
            ]
        )
        image = axes.imshow(values, cmap="viridis", vmin=0, vmax=1, aspect="auto")
        for (y, of_part), (x, _) in product(enumerate(entries), enumerate(shown)):
            if np.isnan(values[y, x]):
                continue
            axes.text(
                x,
                y,
                f"{values[y, x]:.2f}",
                ha="center",
                va="center",
                fontsize=6,
                fontweight="bold" if _is_best(of_part[x]) else "normal",
                color="black" if values[y, x] > 0.55 else "white",
            )
        axes.set_xticks(range(len(shown)), shown, rotation=60, ha="right", rotation_mode="anchor")
        axes.set_title(_TITLES[score])
        axes.tick_params(length=0)
        axes.spines[:].set_visible(False)
    labels = []
    for partition, part in parts:
        pixels = max(found[partition, part, name]["n_pixels"] for name in methods)
        scenes = max(found[partition, part, name]["n_scenes"] for name in methods)
        group = STRATA.get(partition, partition.capitalize())
        labels.append(f"{group}: {part} ({count_text(pixels)}, {scenes})")
    panels[0].set_yticks(range(len(parts)), labels, fontsize=6)
    figure.colorbar(image, ax=panels, shrink=0.6, label="Score")
    return figure


def _is_best(entry: Row) -> bool:
    """Whether a method is the best of its stratum, or cannot be told from it.

    A single scene tells neither.
    """
    if entry["interval"] is None:
        return False
    behind = entry["behind"]
    return behind is None or behind["interval"][1] >= 0


def write_method_page(
    path: PathLike, content: Content, figures: Mapping[str, Sequence[PathLike]]
) -> None:
    """Write the comparison as an HTML page that needs nothing else, atomically.

    Parameters
    ----------
    path : path
    content : mapping
        As `firn.evaluation.method_comparison.compare_methods` gives it; ``turned`` is added by
        `firn.companions.comparison.compared_with`.
    figures : mapping of heading to sequence of path
        PNG files, which become part of the page.
    """
    parts = []
    strata = _by_setting(content["strata"])
    pairs = _by_setting(content["pairs"])
    for setting, rows in _by_setting(content["methods"]).items():
        scenes = f"{rows[0]['n_scenes']} {JUDGED_ON[setting.judged_on]}"
        parts.append(f"<h2>{html.escape(_title(setting))}: {scenes}</h2>")
        parts += [_score_table(rows, group) for group in SCORES]
        parts += [_pair_table(pairs.get(setting, []), score) for score in _PAIRED]
        parts.append(_strata_table(strata.get(setting, [])))
    if "turned" in content:
        parts.append(_turned_table(content["turned"]))
    for heading, files in figures.items():
        parts.append(f"<h2>{html.escape(heading)}</h2>")
        parts += [_image(file, heading) for file in files]
    parts.append(
        "<p>Training time is that of the clock, as the jobs ran, beside others; the data set "
        "is not counted. Application is the time of processors on an image of noise. Both tests "
        "and intervals resample whole scenes, the same ones for both methods of a pair: pixels of "
        "a scene are not independent of each other. The tests are not corrected for their number: "
        "one in twenty is expected to find a difference where there is none. With few scenes the "
        "intervals are too narrow rather than too wide. Let-it-snow, which needs a cloud mask, is "
        "given the clouds of the reference.</p>"
    )
    write_text(path, PAGE.format(tables="\n".join([*parts, INTERVALS])))


def _table(caption: str, head: Sequence[str], body: Sequence[Sequence[str]]) -> str:
    """HTML table; what is in the cells is escaped already."""
    lines = ["".join(f"<th>{html.escape(name)}</th>" for name in head)]
    lines += ["".join(f"<td>{cell}</td>" for cell in cells) for cells in body]
    rows = "\n".join(f"<tr>{line}</tr>" for line in lines)
    return f"<h3>{html.escape(caption)}</h3>\n<table>{rows}\n</table>"


def _score_text(entry: Row | None) -> str:
    if not entry:
        return "-"
    bounds = entry["interval"]
    span = f"<small>[{number_text(bounds[0])}, {number_text(bounds[1])}]</small>" if bounds else ""
    return number_text(entry["value"]) + span


def _score_table(rows: Sequence[Row], group: str) -> str:
    """Scores and costs of the methods that tell the classes of a group apart."""
    judged = [row for row in rows if all(name in row["scores"] for name in SCORES[group])]
    if not judged:
        return ""
    head = ["Method", *(_TITLES[name] for name in SCORES[group]), *_COSTS.values(), "Parameters"]
    body = []
    for row in judged:
        costs = row["costs"] or {}
        name = html.escape(row["method"])
        if not row["same_pixels"]:
            name += "<small>on other pixels than the first method</small>"
        body.append(
            [
                name,
                *(_score_text(row["scores"][score]) for score in SCORES[group]),
                number_text(costs.get("training_seconds"), 1),
                _short(costs.get("core_seconds_per_megapixel")),
                *(
                    "-" if costs.get(key) is None else f"{costs[key]:,}"
                    for key in ("bytes", "parameters")
                ),
            ]
        )
    return _table(_GROUPS[group], head, body)


def _short(value: float | None) -> str:
    """Write a number that may be of any size in two digits."""
    return "-" if value is None else f"{value:.2g}"


def _pair_table(pairs: Sequence[Row], score: str) -> str:
    """Differences of all pairs of methods, row minus column."""
    here = [pair for pair in pairs if pair["score"] == score]
    if not here:
        return ""
    methods = list(dict.fromkeys(name for pair in here for name in (pair["a"], pair["b"])))
    cells = {(pair["a"], pair["b"]): _pair_text(pair) for pair in here}
    rows = [
        [html.escape(one), *(cells.get((one, other), "") for other in methods[1:])]
        for one in methods[:-1]
    ]
    caption = f"{_TITLES[score]}: row minus column (bold: p < 0.05)"
    return _table(caption, ["", *methods[1:]], rows)


def _pair_text(pair: Row) -> str:
    if pair["difference"] is None:
        return "-"
    text = f"{pair['difference']:+.3f}"
    if pair["p"] is None:
        return text
    if pair["p"] < 0.05:
        text = f"<b>{text}</b>"
    low, high = pair["interval"]
    return f"{text}<small>[{low:+.3f}, {high:+.3f}] p = {pair['p']:.3f}</small>"


def _strata_table(strata: Sequence[Row]) -> str:
    """Scores with intervals by stratum, folded away: the figure shows the values."""
    if not strata:
        return ""
    methods = list(dict.fromkeys(row["method"] for row in strata))
    found = {(row["partition"], row["part"], row["method"]): row for row in strata}
    body = []
    for partition, part in _parts(strata):
        rows = [found[partition, part, name] for name in methods]
        for score in _TABULATED:
            entries = [row["scores"].get(score) or {} for row in rows]
            if all(entry.get("value") is None for entry in entries):
                continue
            values = [
                number_with_interval(entry.get("value"), entry.get("interval")) for entry in entries
            ]
            name = f"{STRATA.get(partition, partition.capitalize())}: {part}"
            body.append(
                [html.escape(name), str(rows[0]["n_scenes"]), html.escape(_TITLES[score]), *values]
            )
    table = _table("By stratum", ["Stratum", "Scenes", "Score", *methods], body)
    return f"<details><summary>Strata with intervals</summary>{table}</details>"


def _turned_table(turned: Mapping[str, Any]) -> str:
    """Which neurons of the self-organising map were turned from cloud to clear, and why."""
    head = (
        *("Row", "Column", "Bright surface that met it", "Cloud that met it"),
        *("Share of bright surface", "Share of all cloud that it costs"),
    )
    body = [
        [
            *(str(neuron[key]) for key in ("row", "column")),
            *(f"{neuron[key]:,}" for key in ("bright", "cloud")),
            *(f"{100 * neuron[key]:.1f} %" for key in ("bright_share", "cloud_share")),
        ]
        for neuron in turned["flipped"]
    ]
    seen = turned["tuning"]
    reason = (
        f"<p>The map is fine-tuned on {seen['bright']:,} pixels of bright rock, soil and snow and "
        f"{seen['cloud']:,} of cloud, of scenes that neither train nor score. A neuron that is "
        "cloud by its spectra turns clear where bright surface makes more than "
        f"{100 * turned['bright_share']:g} % of what meets it, counted as if there were as much of "
        "it as of cloud; the brightest first, as long as all of them together cost no more than "
        f"{100 * turned['recall_loss']:g} % of the cloud.</p>"
    )
    return _table("Sentinel-2: neurons that were turned, and why", head, body) + reason


def _image(path: PathLike, title: str) -> str:
    content = base64.b64encode(Path(path).read_bytes()).decode()
    name = html.escape(f"{title} {Path(path).stem}")
    return f'<img alt="{name}" style="max-width: 100%" src="data:image/png;base64,{content}">'
