"""Figure of the situations in which maps are known to fail."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from firn.plots.evaluation import JUDGED_ON, count_text
from firn.plots.style import new_figure, styled, symbols

Row = Mapping[str, Any]


@styled
def situations_figure(rows: Sequence[Row]) -> Figure:
    """Draw the share of pixels that are right by situation, a panel per sensor and kind of scenes.

    Parameters
    ----------
    rows : sequence of mapping
        As `firn.evaluation.situation_table` gives them.
    """
    by_setting: dict[tuple[str, str, str], list[Row]] = {}
    for row in rows:
        by_setting.setdefault((row["sensor"], row["area"], row["judged_on"]), []).append(row)
    methods = list(dict.fromkeys(row["method"] for row in rows))
    sizes = [len({row["situation"] for row in here}) for here in by_setting.values()]
    figure = new_figure(15, 0.65 * sum(sizes) + 1.3 * len(sizes) + 1.5)
    panels = figure.subplots(
        max(1, len(sizes)), 1, sharex=True, squeeze=False, height_ratios=sizes or [1]
    )[:, 0]
    for axes, ((sensor, area, judged_on), here) in zip(panels, by_setting.items(), strict=False):
        _draw(axes, here, methods)
        axes.set_title(f"{sensor}, {area}: {JUDGED_ON[judged_on]}", loc="left", fontsize=8)
    panels[-1].set_xlim(0, 1)
    panels[-1].set_xlabel("Share of pixels that are right")
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=max(1, len(methods)))
    return figure


def _draw(axes: Axes, rows: Sequence[Row], methods: Sequence[str]) -> None:
    situations = list(dict.fromkeys(row["situation"] for row in rows))
    pixels = {s: max(row["n_pixels"] for row in rows if row["situation"] == s) for s in situations}
    for method, look in symbols(methods).items():
        right = {row["situation"]: row["right"] for row in rows if row["method"] == method}
        shares = [np.nan if right.get(s) is None else right[s] for s in situations]
        axes.plot(
            shares,
            range(len(situations)),
            linestyle="",
            alpha=0.85,
            markersize=5,
            label=method,
            clip_on=False,
            **look,
        )
    labels = [f"{s} ({count_text(pixels[s])})" for s in situations]
    axes.set_yticks(range(len(situations)), labels)
    axes.set_ylim(len(situations) - 0.5, -0.5)
    axes.grid()
