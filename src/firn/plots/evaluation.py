"""Figures of scores."""

from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from firn.classes import CLASS_NAMES, SurfaceClass
from firn.plots.style import LINE_COLOURS, PALETTE, new_figure, styled

Metrics = Mapping[str, Any]
Row = Mapping[str, Any]

#: Partitions that the figure of strata shows; scenes are in the metrics file.
STRATA = {
    "hillshade": "Hillshade (0-255)",
    "elevation": "Elevation",
    "sun_elevation": "Sun elevation",
    "forest": "Forest",
    "saturation": "Saturation",
}
#: What experiments are judged on, in words.
JUDGED_ON = {
    "pseudo": "held-out pseudo-SPOT",
    "historical": "historical scenes",
    "sentinel2": "held-out scenes of Sentinel-2",
}
_MARKERS = {SurfaceClass.GROUND: "s", SurfaceClass.SNOW: "o", SurfaceClass.CLOUD: "^"}


def number_text(value: float | None, digits: int = 3) -> str:
    """Write a number, or a dash where there is none."""
    return "-" if value is None else f"{value:.{digits}f}"


def number_with_interval(
    value: float | None, bounds: Sequence[float | None] | None, digits: int = 3
) -> str:
    """Text of a score with its interval; a dash where it is not defined."""
    text = number_text(value, digits)
    if value is None or not bounds or bounds[0] is None:
        return text
    return f"{text} [{number_text(bounds[0], digits)}, {number_text(bounds[1], digits)}]"


def count_text(pixels: float) -> str:
    """Write a number of pixels in three digits."""
    for limit, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if pixels >= limit:
            return f"{pixels / limit:.3g} {unit}"
    return f"{pixels:.0f}"


@styled
def confusion_figure(metrics: Metrics) -> Figure:
    """Draw a confusion matrix: share of each reference class, with pixel counts."""
    counts = np.array(metrics["confusion_matrix"])
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    figure = new_figure(9.5, 9)
    axes = figure.subplots()
    image = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for row, col in product(range(len(counts)), repeat=2):
        axes.text(
            col,
            row,
            f"{100 * shares[row, col]:.1f} %\n{count_text(counts[row, col])}",
            ha="center",
            va="center",
            color="white" if shares[row, col] > 0.55 else "black",
        )
    axes.set_xticks(range(len(counts)), CLASS_NAMES)
    axes.set_yticks(range(len(counts)), CLASS_NAMES, rotation=90, va="center")
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    axes.set_xlabel("Predicted")
    axes.set_ylabel("Reference")
    bounds = metrics["confidence_interval"]
    experiment = metrics["experiment"]
    axes.set_title(
        f"{experiment['name']}, {JUDGED_ON[experiment['judged_on']]}\n"
        f"kappa {number_with_interval(metrics['kappa'], bounds['kappa'])}\n"
        f"accuracy {number_with_interval(metrics['overall_accuracy'], bounds['overall_accuracy'])}",
        fontsize=8,
    )
    figure.colorbar(image, ax=axes, label="Share of the reference class", shrink=0.8)
    return figure


@styled
def strata_figure(metrics: Metrics) -> Figure:
    """Draw F1 of each class, kappa and the share of pixels by stratum."""
    groups = [
        (title, metrics["by_stratum"][name])
        for name, title in STRATA.items()
        if metrics["by_stratum"].get(name)
    ]
    sizes = [len(parts) for _, parts in groups]
    figure = new_figure(17, 0.55 * sum(sizes) + 0.9 * len(groups) + 2.5)
    panels = figure.subplots(
        len(groups), 2, sharex="col", squeeze=False, height_ratios=sizes, width_ratios=(4, 1)
    )
    for (scores, share), (title, parts) in zip(panels, groups, strict=True):
        _stratum(scores, share, parts, metrics["n_pixels"])
        scores.set_title(title, loc="left", fontsize=8)
    panels[-1, 0].set_xlabel("Score")
    panels[-1, 1].set_xlabel("Pixels (%)")
    handles, labels = panels[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=4)
    experiment = metrics["experiment"]
    figure.suptitle(f"{experiment['name']}, {JUDGED_ON[experiment['judged_on']]}", fontsize=9)
    return figure


def _stratum(scores: Axes, share: Axes, parts: Mapping[str, Metrics], n_pixels: int) -> None:
    height = np.arange(len(parts))[::-1]

    def column(values: Sequence[float | None]) -> list[float]:
        return [np.nan if value is None else value for value in values]

    for surface in SurfaceClass:
        name = CLASS_NAMES[surface]
        f1 = column([part["per_class"][name]["f1"] for part in parts.values()])
        scores.plot(
            f1,
            height,
            _MARKERS[surface],
            color=LINE_COLOURS[surface],
            markeredgecolor="#404040",
            markeredgewidth=0.4,
            markersize=5,
            label=f"F1 {name}",
            clip_on=False,
        )
    kappa = column([part["kappa"] for part in parts.values()])
    scores.plot(
        kappa, height, "|", color="black", markersize=10, markeredgewidth=1.5, label="kappa"
    )
    scores.set_yticks(height, list(parts))
    scores.set_ylim(-0.6, len(parts) - 0.4)
    scores.set_xlim(0, 1)
    scores.grid()
    pixels = [100 * part["n_pixels"] / max(n_pixels, 1) for part in parts.values()]
    share.barh(height, pixels, color="#b0b0b0", height=0.6)
    share.set_yticks(height, [])
    share.set_ylim(scores.get_ylim())


@styled
def comparison_figure(rows: Sequence[Row]) -> Figure:
    """Draw kappa with its interval for every experiment, a panel per sensor and kind of scenes.

    Parameters
    ----------
    rows : sequence of mapping
        As `firn.evaluation.comparison_table` gives them.
    """
    settings = list(dict.fromkeys((r["sensor"], r["area"], r["judged_on"]) for r in rows))
    methods = list(dict.fromkeys(row["method"] for row in rows))
    n_cols = min(2, len(settings))
    n_rows = -(-len(settings) // n_cols)
    figure = new_figure(17, n_rows * (0.7 * len(methods) + 2) + 0.5)
    panels = figure.subplots(n_rows, n_cols, sharex=True, sharey=True, squeeze=False)
    for axes, setting in zip(panels.flat, settings, strict=False):
        here = [row for row in rows if (row["sensor"], row["area"], row["judged_on"]) == setting]
        for row in here:
            _kappa(axes, row, methods.index(row["method"]))
        sensor, area, judged_on = setting
        axes.set_title(
            f"{sensor}, {area}: {JUDGED_ON[judged_on]} ({here[0]['n_scenes']})", fontsize=8
        )
        axes.grid(axis="x")
    for axes in list(panels.flat)[len(settings) :]:
        axes.set_visible(False)
    panels[0, 0].set_xlim(right=1.1)
    for axes in panels[-1]:
        axes.set_xlabel("Kappa with 95 % interval")
    panels[0, 0].set_yticks(range(len(methods)), methods)
    panels[0, 0].set_ylim(len(methods) - 0.4, -0.7)
    return figure


def _kappa(axes: Axes, row: Row, height: int) -> None:
    if row["kappa"] is None:
        return
    colour = "#707070" if row["method"].startswith("baseline-") else PALETTE[0]
    if row["kappa_low"] is not None:
        axes.plot((row["kappa_low"], row["kappa_high"]), (height, height), color=colour)
    axes.plot(row["kappa"], height, "o", color=colour, markersize=5)
    text = f"{row['kappa']:.2f}"
    if row["lead"] is not None:
        text += f" (lead {row['lead']:+.2f})"
    axes.annotate(
        text, (row["kappa"], height), (0, 5), textcoords="offset points", ha="center", fontsize=6.5
    )
