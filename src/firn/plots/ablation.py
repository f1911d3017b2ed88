"""Figures and table of the ablation."""

import html
import os
from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from firn.classes import CLASS_NAMES
from firn.evaluation.ablation import SCORES
from firn.files import write_text
from firn.plots.evaluation import number_with_interval
from firn.plots.score_page import INTERVALS, PAGE
from firn.plots.style import PALETTE, new_figure, styled
from firn.plots.training import read_history

PathLike = str | os.PathLike[str]
Summary = Sequence[Mapping[str, Any]]

_COLUMNS = 4
_TITLES = {
    "kappa": "Kappa",
    "f1_ground": "F1 ground",
    "f1_snow": "F1 snow",
    "f1_cloud": "F1 cloud",
    "snow_cloud_free_f1": "F1 snow, cloud-free",
}


def _by_sensor(summary: Summary) -> dict[str, list[Mapping[str, Any]]]:
    sensors: dict[str, list[Mapping[str, Any]]] = {}
    for entry in summary:
        sensors.setdefault(entry["sensor"], []).append(entry)
    return sensors


@styled
def ablation_figure(summary: Summary) -> Figure:
    """Draw kappa of each recipe with its interval over scenes, and that of each seed.

    Parameters
    ----------
    summary : sequence of mapping
        As `firn.evaluation.ablation.summarise` gives it.
    """
    sensors = _by_sensor(summary)
    longest = max(map(len, sensors.values()))
    figure = new_figure(17, 0.6 * longest + 2)
    panels = figure.subplots(1, len(sensors), sharey=True, squeeze=False)[0]
    for axes, (sensor, entries) in zip(panels, sensors.items(), strict=True):
        for height, entry in enumerate(entries):
            _kappa(axes, entry["scores"]["kappa"], height)
        axes.set_title(f"{sensor} ({entries[0]['n_scenes']} scenes)")
        axes.set_xlabel("Kappa with 95 % interval over scenes")
        axes.grid(axis="x")
    recipes = [entry["recipe"] for entry in next(iter(sensors.values()))]
    panels[0].set_yticks(range(len(recipes)), recipes)
    panels[0].set_ylim(len(recipes) - 0.5, -0.5)
    return figure


def _kappa(axes: Axes, score: Mapping[str, Any], height: int) -> None:
    if score["interval"]:
        axes.plot(score["interval"], (height, height), color=PALETTE[0], linewidth=1)
    seeds = [value for value in score["seeds"] if value is not None]
    axes.plot(seeds, [height] * len(seeds), "|", color=PALETTE[1], markersize=6)
    if score["value"] is not None:
        axes.plot(score["value"], height, "o", color=PALETTE[0], markersize=4)


@styled
def losses_figure(histories: Mapping[str, Sequence[PathLike]]) -> Figure:
    """Draw training and validation loss of every training, a panel per recipe.

    The losses of two recipes cannot be compared, for each has images and labels of its own.

    Parameters
    ----------
    histories : mapping of recipe to sequence of path
        ``history.csv`` of each seed.
    """
    rows = -(-len(histories) // _COLUMNS)
    figure = new_figure(17, 4 * rows + 0.5)
    panels = figure.subplots(rows, _COLUMNS, sharex=True, squeeze=False).flatten()
    for axes, (recipe, paths) in zip(panels, histories.items(), strict=False):
        for path in paths:
            history = read_history(path)
            for name, colour in (("train_loss", PALETTE[0]), ("validation_loss", PALETTE[1])):
                axes.plot(history["epoch"], history[name], color=colour, linewidth=0.9)
        axes.set_title(recipe, fontsize=7)
        axes.set_ylim(bottom=0)
        axes.grid(axis="y")
    for axes in panels[len(histories) :]:
        axes.set_visible(False)
    handles = panels[0].get_lines()[:2]
    figure.legend(handles, ("training", "validation"), loc="outside upper center", ncols=2)
    figure.supxlabel("Epoch", fontsize=8)
    figure.supylabel("Loss", fontsize=8)
    return figure


def write_ablation_html(
    path: PathLike,
    summary: Summary,
    distances: Mapping[str, Mapping[str, Any]],
    crops: Mapping[str, Mapping[str, Any]],
) -> None:
    """Write the tables of scores, of distances and of real crops as an HTML page, atomically.

    Parameters
    ----------
    path : path
    summary : sequence of mapping
        As `firn.evaluation.ablation.summarise` gives it.
    distances : mapping of sensor to mapping
        As `firn.ablation.fidelity.distances` gives them.
    crops : mapping of sensor to mapping
        As `firn.evaluation.crops.compare_crops` gives them.
    """
    tables = []
    head = ("Recipe", *_TITLES.values(), "Gap closed", "Kappa less that of full", "Steps")
    for sensor, entries in _by_sensor(summary).items():
        body = [_scores(entry) for entry in entries]
        scenes, seeds = entries[0]["n_scenes"], entries[0]["n_seeds"]
        title = f"{sensor}: {scenes} virtual historical scenes, mean of {seeds} seeds"
        tables.append(_table(title, head, body))
        measured = distances[sensor]
        body = [[name, f"{measured[name]['auc']:.3f}"] for name in measured]
        tables.append(_table(f"{sensor}: distance from a SPOT camera", ("Images", "AUC"), body))
        title = f"{sensor}: real images, per cent of the pixels called {' / '.join(CLASS_NAMES)}"
        body = [[entry["recipe"], *_shares(crops[sensor], entry["recipe"])] for entry in entries]
        tables.append(_table(title, ("Recipe", *map(_crop_title, crops[sensor].items())), body))
    write_text(path, PAGE.format(tables="\n".join([*tables, INTERVALS])))


def _crop_title(item: tuple[str, Mapping[str, Any]]) -> str:
    name, crop = item
    return f"{name} ({crop['expected']} expected)" if crop["expected"] else name


def _shares(crops: Mapping[str, Any], recipe: str) -> list[str]:
    shares = [crop["shares"][recipe] for crop in crops.values()]
    return [" / ".join(f"{100 * of_crop[c]:.0f}" for c in CLASS_NAMES) for of_crop in shares]


def _scores(entry: Mapping[str, Any]) -> list[str]:
    values = [entry["scores"][name] for name in SCORES]
    values += [entry["gap_closed"], entry["change_from_full"]]
    cells = [number_with_interval(value["value"], value["interval"]) for value in values]
    low, high = entry["steps"]
    return [entry["recipe"], *cells, str(low) if low == high else f"{low} to {high}"]


def _table(title: str, head: Sequence[str], body: Sequence[Sequence[str]]) -> str:
    def row(tag: str, cells: Sequence[str]) -> str:
        inner = "".join(f"<{tag}>{html.escape(cell)}</{tag}>" for cell in cells)
        return f"<tr>{inner}</tr>"

    lines = [row("th", head), *(row("td", cells) for cells in body)]
    return f"<h2>{html.escape(title)}</h2>\n<table>" + "\n".join(lines) + "</table>"
