"""Figure of the losses of a training."""

import csv
import os
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from firn.errors import DataError
from firn.plots.style import PALETTE, new_figure, panel_letters, styled

PathLike = str | os.PathLike[str]
_TRAIN, _VALIDATION = PALETTE[0], PALETTE[1]


def read_history(path: PathLike) -> dict[str, npt.NDArray[np.float64]]:
    """Read the columns of ``history.csv``; an empty cell is NaN.

    Raises
    ------
    DataError
        The file is missing or is not a history.
    """
    try:
        with open(path, encoding="utf-8", newline="") as stream:
            rows = list(csv.DictReader(stream))
        names = ("epoch", "train_loss", "validation_loss", "validation_kappa")
        return {name: np.array([float(row[name] or "nan") for row in rows]) for name in names}
    except (OSError, KeyError, ValueError) as error:
        raise DataError(
            f"{path}: is not the history of a training ({error}); train the model again"
        ) from error


@styled
def loss_figure(preliminary: Mapping[int, PathLike], selected: int, intensive: PathLike) -> Figure:
    """Draw the losses of the preliminary trainings and of the intensive one.

    Parameters
    ----------
    preliminary : mapping of seed to path
        Histories.
    selected : int
        Seed of the preliminary training that was continued.
    intensive : path
        History of its continuation.
    """
    figure = new_figure(17, 7)
    left, middle, right = figure.subplots(1, 3)
    for seed, path in sorted(preliminary.items()):
        history = read_history(path)
        chosen = seed == selected
        left.plot(
            history["epoch"],
            history["validation_loss"],
            color=_VALIDATION if chosen else "#b0b0b0",
            linewidth=1.6 if chosen else 0.9,
            marker="o",
            markersize=2.5,
            zorder=3 if chosen else 2,
            label=f"seed {seed} (selected)" if chosen else "other seeds",
        )
    left.set_title("Preliminary, validation")
    history = read_history(intensive)
    for name, colour in (("train_loss", _TRAIN), ("validation_loss", _VALIDATION)):
        middle.plot(
            history["epoch"],
            history[name],
            color=colour,
            marker="o",
            markersize=2.5,
            label=name.split("_")[0],
        )
    middle.set_title("Intensive")
    if history["epoch"].size:
        best = int(np.nanargmin(history["validation_loss"]))
        middle.axvline(
            history["epoch"][best], color="black", linestyle=":", linewidth=0.8, label="lowest"
        )
    right.plot(
        history["epoch"], history["validation_kappa"], color=_VALIDATION, marker="o", markersize=2.5
    )
    right.set_title("Intensive, validation")
    for axes, label in ((left, "Loss"), (middle, "Loss"), (right, "Kappa")):
        _finish(axes, label)
    panel_letters((left, middle, right))
    return figure


def _finish(axes: Axes, label: str) -> None:
    axes.set_xlabel("Epoch")
    axes.set_ylabel(label)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(axis="y")
    unique = dict(zip(*reversed(axes.get_legend_handles_labels()), strict=True))
    if unique:
        axes.legend(unique.values(), unique.keys())
