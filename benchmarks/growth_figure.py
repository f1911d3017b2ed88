"""Draws the rows ``growth``: ``python -m benchmarks.growth_figure BENCH.json FIGURE.png``."""

import json
import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.ticker import NullFormatter

from firn.plots.style import PALETTE, new_figure, panel_letters, save, styled

#: By name and growth of a linear cost: a scene has pixels, which are the square of its side.
POWER = defaultdict(lambda: 1, {"pixels a side": 2})
Curves = dict[str, dict[str, list[tuple[int, float]]]]


def curves(rows: Sequence[Mapping[str, Any]]) -> Curves:
    """Find what grew, its figures, and their values by count."""
    found: Curves = {}
    for row in rows:
        kind, *parts = row["name"].split(", ")
        if kind == "growth":
            what, count, figure = parts
            series = found.setdefault(what, {}).setdefault(figure, [])
            series.append((int(count), row["ours"]))
    return found


@styled
def draw(rows: Sequence[Mapping[str, Any]], path: Path) -> None:
    """Draw time and memory beside straight lines, on logarithmic axes."""
    found = curves(rows)
    figure = new_figure(18, 6)
    panels = list(figure.subplots(1, len(found), squeeze=False)[0])
    for axes, (what, series) in zip(panels, found.items(), strict=True):
        _panel(axes, what, series)
    panels[0].set_ylabel("times as much as of the smallest")
    panels[0].legend()
    panel_letters(panels)
    save(figure, path)


def _panel(axes: Axes, what: str, series: Mapping[str, Sequence[tuple[int, float]]]) -> None:
    counts: list[int] = []
    for (name, values), colour in zip(series.items(), PALETTE, strict=False):
        counts = [count for count, _ in values]
        axes.plot(counts, [v / values[0][1] for _, v in values], "o-", color=colour, label=name)
    line = [(count / counts[0]) ** POWER[what] for count in counts]
    axes.plot(counts, line, ":", color="black", label="linear")
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xticks(counts, [f"{count:,}" for count in counts], rotation=30)
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_xlabel(what)


if __name__ == "__main__":
    source, target = map(Path, sys.argv[1:])
    draw(json.loads(source.read_text(encoding="utf-8")), target)
