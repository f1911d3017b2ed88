"""Reliability diagrams: how often a map is right where it says how sure it is."""

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from firn.classes import CLASS_NAMES
from firn.plots.evaluation import JUDGED_ON
from firn.plots.style import PALETTE, new_figure, styled

Metrics = Mapping[str, Any]

#: Area of the marker of a bin that holds all pixels, points squared.
_LARGEST = 160.0


@styled
def reliability_figure(experiments: Sequence[Metrics]) -> Figure:
    """Draw accuracy against confidence, a panel per sensor and kind of scenes (Guo et al. 2017).

    Markers are as large as the share of the pixels in their bin of confidence.

    Parameters
    ----------
    experiments : sequence of mapping
        Metrics files.
    """
    by_setting: dict[tuple[str, str, str], list[Metrics]] = {}
    for metrics in experiments:
        of = metrics["experiment"]
        by_setting.setdefault((of["sensor"], of["area"], of["judged_on"]), []).append(metrics)
    methods = list(dict.fromkeys(metrics["experiment"]["method"] for metrics in experiments))
    n_cols = min(2, len(by_setting))
    n_rows = -(-len(by_setting) // n_cols)
    figure = new_figure(17, 8 * n_rows)
    panels = figure.subplots(n_rows, n_cols, sharex=True, sharey=True, squeeze=False)
    for axes, (setting, here) in zip(panels.flat, by_setting.items(), strict=False):
        for metrics in here:
            _curve(axes, metrics, PALETTE[methods.index(metrics["experiment"]["method"])])
        _decorate(axes, setting)
    for axes in list(panels.flat)[len(by_setting) :]:
        axes.set_visible(False)
    for axes in panels[-1]:
        axes.set_xlabel("Confidence")
    for axes in panels[:, 0]:
        axes.set_ylabel("Share of pixels that are right")
    return figure


def _curve(axes: Axes, metrics: Metrics, colour: str) -> None:
    bins = metrics["reliability"]
    confidence, accuracy = ([row[key] for row in bins] for key in ("confidence", "accuracy"))
    sizes = [_LARGEST * row["n_pixels"] / max(metrics["n_pixels"], 1) for row in bins]
    error = metrics["expected_calibration_error"]
    text = "-" if error is None else f"{error:.3f}"
    axes.plot(confidence, accuracy, color=colour, linewidth=1)
    axes.scatter(
        confidence,
        accuracy,
        sizes,
        color=colour,
        alpha=0.8,
        label=f"{metrics['experiment']['method']} ({text})",
        clip_on=False,
        zorder=3,
    )


def _decorate(axes: Axes, setting: tuple[str, str, str]) -> None:
    sensor, area, judged_on = setting
    least = 1 / len(CLASS_NAMES)
    axes.plot((least, 1), (least, 1), color="black", linewidth=0.6, linestyle=":")
    axes.set_xlim(least, 1)
    axes.set_ylim(0, 1)
    axes.grid()
    axes.set_title(f"{sensor}, {area}: {JUDGED_ON[judged_on]}", fontsize=8)
    legend = axes.legend(loc="lower right", title="calibration error", title_fontsize=7)
    for handle in legend.legend_handles:
        handle.set_sizes([20])  # type: ignore[union-attr]
