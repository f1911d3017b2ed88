"""Figures of the self-organising map, and of the cloud masks and scores of companion methods."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm, to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from firn.classes import CLASS_NAMES, COLOURS, IGNORE, SurfaceClass
from firn.companions.plan import MAPPED
from firn.companions.scenes import SURFACE_NAMES
from firn.companions.spectra import Spectra
from firn.methods.neurons import mean_distances
from firn.methods.som import SomModel, bright_shares
from firn.plots.style import PALETTE, false_colour, new_figure, scale_bar, show_image, styled

Classes = npt.NDArray[np.uint8]

#: Colours of the six classes.
SURFACE_COLOURS = dict(
    zip(
        SURFACE_NAMES,
        ("#b38b5d", "#0072b2", "#333333", "#cc79a7", "#8f8f8f", "#56b4e9"),
        strict=True,
    )
)
#: Colours of a mask's outcomes, those of the publication: name, cloud in truth, cloud in the mask.
OUTCOMES = {
    "cloud found": ("#006666", True, True),
    "clear found": ("#0066cc", False, False),
    "cloud missed": ("#ff6666", True, False),
    "false cloud": ("#990000", False, True),
}
#: Bands of the scatter plot: near infrared and short-wave infrared.
SCATTER_BANDS = ("B08", "B11")
#: Training spectra of each class in the scatter plot.
SCATTERED = 400
#: Strata of the scores in the order of the panels.
PANELS = ("all", "bright rock and soil", "thin cirrus", "snow")


@styled
def hits_figure(model: SomModel) -> Figure:
    """Draw how many training spectra of each class, and of all, each neuron is nearest to."""
    names = model.card.architecture["classes"]
    grids = model.hits.reshape(model.shape.rows, model.shape.columns, -1)
    panels = [("all", grids.sum(axis=-1)), *zip(names, np.moveaxis(grids, -1, 0), strict=True)]
    figure, axes = _panels(model, len(panels))
    for panel, (name, counts) in zip(axes, panels, strict=False):
        image = show_image(
            panel,
            np.where(counts > 0, counts, np.nan),
            f"{name}\n{counts.sum():,}",
            cmap="viridis",
            vmin=0,
            vmax=max(counts.max(), 1),
        )
        figure.colorbar(image, ax=panel, shrink=0.8)
    return figure


@styled
def planes_figure(model: SomModel) -> Figure:
    """Draw the reflectance that each neuron stands for, a panel for each band."""
    span = np.where(model.high > model.low, model.high - model.low, 0)
    planes = (model.low + model.weights * span).T.reshape(-1, model.shape.rows, model.shape.columns)
    figure, axes = _panels(model, len(planes))
    for panel, name, plane in zip(axes, model.card.bands, planes, strict=False):
        figure.colorbar(show_image(panel, plane, name, cmap="viridis"), ax=panel, shrink=0.8)
    return figure


@styled
def distances_figure(model: SomModel) -> Figure:
    """Draw the U-matrix beside the classes of the neurons, turned ones hatched."""
    figure = new_figure(14, 9)
    left, right = figure.subplots(1, 2)
    distances = mean_distances(model.weights, model.shape)
    norm = LogNorm(max(float(distances[distances > 0].min(initial=1.0)), 1e-6))
    image = show_image(left, distances, "Distance from neighbours", cmap="magma", norm=norm)
    figure.colorbar(image, ax=left, shrink=0.8, label="scaled reflectance")
    _draw_classes(right, model)
    return figure


@styled
def scatter_figure(model: SomModel, spectra: Spectra) -> Figure:
    """Draw training spectra by class in two bands, the net of the map, and its turned neurons.

    Parameters
    ----------
    model : SomModel
    spectra : Spectra
        That the map was trained on.
    """
    figure = new_figure(14, 11)
    axes = figure.subplots()
    columns = [list(model.card.bands).index(band) for band in SCATTER_BANDS]
    for index, (name, colour) in enumerate(SURFACE_COLOURS.items()):
        values = spectra.reflectance[spectra.classes == index]
        shown = values[:: max(1, len(values) // SCATTERED), columns]
        axes.plot(*shown.T, ".", color=colour, markersize=2, alpha=0.5, label=name)
    span = model.high - model.low
    net = (model.low + model.weights * span)[:, columns]
    at = net.reshape(model.shape.rows, model.shape.columns, 2)
    for line in (*at, *at.swapaxes(0, 1)):
        axes.plot(*line.T, "-", color="black", linewidth=0.3, alpha=0.6)
    axes.plot(*net[~model.flipped].T, "o", color="black", markersize=1.5, label="neuron")
    axes.plot(*net[model.flipped].T, "o", color="red", markersize=4, label="turned clear")
    axes.set_xlabel(f"Reflectance, {SCATTER_BANDS[0]}")
    axes.set_ylabel(f"Reflectance, {SCATTER_BANDS[1]}")
    axes.grid()
    figure.legend(*axes.get_legend_handles_labels(), loc="outside right upper", markerscale=1.5)
    return figure


@styled
def turned_figure(model: SomModel) -> Figure:
    """Draw why neurons were turned: what met each cloud neuron on the tuning scenes.

    Each point is a neuron that was voted cloud: the share of all cloud that it holds, and how much
    of what meets it is bright surface. The line is the share above which it may turn.
    """
    figure = new_figure(12, 9)
    axes = figure.subplots()
    voted = model.voted(prior_correction=model.prior_correction)
    cloudy = voted.neuron_class == SurfaceClass.CLOUD
    share = 100 * model.met[:, 1] / max(model.met[:, 1].sum(), 1)
    bright = 100 * bright_shares(model.met)
    met = model.met.sum(axis=1) > 0
    kept = cloudy & met & ~model.flipped
    axes.plot(share[kept], bright[kept], "o", color=PALETTE[0], label="stays cloud", markersize=4)
    axes.plot(
        share[model.flipped],
        bright[model.flipped],
        "o",
        color="red",
        label=f"turned clear ({model.flipped.sum()})",
        markersize=5,
    )
    axes.axhline(100 * model.card.training["bright_share"], color="#7f7f7f", linewidth=0.8)
    axes.set_xscale("symlog", linthresh=0.01)
    axes.set_xlim(-0.002, 100)
    axes.set_ylim(-4, 104)
    axes.set_xlabel("Share of all cloud that is nearest to the neuron, %")
    axes.set_ylabel("Bright surface in what is nearest to it, %")
    axes.grid()
    figure.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=2)
    return figure


@styled
def masks_figure(
    reflectance: npt.NDArray[np.float32],
    truth: Classes,
    maps: Mapping[str, Classes],
    pixel_size: float,
) -> Figure:
    """Draw a scene, and each method's cloud mask coloured by whether it is right.

    Parameters
    ----------
    reflectance : ndarray of float32, (band, y, x)
        Of the 13 bands.
    truth : ndarray of uint8, (y, x)
        Classes, 255 where a pixel is not judged.
    maps : mapping of method to ndarray of uint8, (y, x)
        Classes, 255 where there is no data.
    pixel_size : float
        Metres.
    """
    figure = new_figure(16, 12)
    panels = figure.subplots(2, -(-(len(maps) + 1) // 2)).ravel()
    for panel in panels[len(maps) + 1 :]:
        panel.set_visible(False)
    # Short-wave infrared, near infrared and red: snow is blue, cloud white.
    show_image(panels[0], false_colour(reflectance[[11, 7, 3]], 0.0, 0.8), "B11, B08, B04")
    scale_bar(panels[0], pixel_size, truth.shape[1])
    for panel, (method, classes) in zip(panels[1:], maps.items(), strict=False):
        show_image(panel, outcome_image(truth, classes), method)
    handles = [Patch(color=colour, label=name) for name, (colour, *_) in OUTCOMES.items()]
    handles.append(Patch(color=COLOURS[IGNORE], label="not judged"))
    figure.legend(handles=handles, loc="outside lower center", ncols=len(handles))
    return figure


def outcome_image(truth: Classes, classes: Classes) -> npt.NDArray[np.float64]:
    """Colours, (y, x, 3), that tell whether a cloud mask is right, as `OUTCOMES`."""
    image = np.empty((*truth.shape, 3))
    image[:] = to_rgb(COLOURS[IGNORE])
    judged = (truth != IGNORE) & (classes != IGNORE)
    real, told = truth == SurfaceClass.CLOUD, classes == SurfaceClass.CLOUD
    for colour, cloud, mask in OUTCOMES.values():
        image[judged & (real == cloud) & (told == mask)] = to_rgb(colour)
    return image


@styled
def scores_figure(summary: Sequence[Mapping[str, Any]]) -> Figure:
    """Draw the share of pixels whose mask (cloud or not) is right, by method and stratum.

    Parameters
    ----------
    summary : sequence of mapping
        As `firn.companions.scoring.summary` gives it.
    """
    by_stratum: dict[str, dict[str, float]] = {}
    for row in summary:
        matrix = np.array(row["confusion_matrix"])
        cloud = SurfaceClass.CLOUD
        right = matrix[:cloud, :cloud].sum() + matrix[cloud, cloud]
        by_stratum.setdefault(row["stratum"], {})[row["method"]] = float(right / matrix.sum())
    shown = [name for name in PANELS if name in by_stratum]
    figure = new_figure(15, 2 + 1.5 * len(shown))
    axes = figure.subplots()
    for index, (method, colour) in enumerate(zip(MAPPED, PALETTE, strict=False)):
        values = [by_stratum[name].get(method, np.nan) for name in shown]
        beside = np.arange(len(shown)) + 0.12 * (index - (len(MAPPED) - 1) / 2)
        axes.plot(values, beside, "o", color=colour, label=method, clip_on=False)
    axes.set_yticks(range(len(shown)), shown)
    axes.set_ylim(len(shown) - 0.5, -0.5)
    axes.set_xlim(right=1)
    axes.set_xlabel("Share of pixels that the mask, cloud or not, is right about")
    axes.grid()
    figure.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=len(MAPPED))
    return figure


def _panels(model: SomModel, count: int) -> tuple[Figure, list[Axes]]:
    """Figure with a panel for each of some maps."""
    columns = min(count, 5)
    rows = -(-count // columns)
    tall = 2.6 * model.shape.rows / model.shape.columns + 0.8
    figure = new_figure(3.9 * columns, tall * rows)
    axes = list(figure.subplots(rows, columns, squeeze=False).ravel())
    for panel in axes[count:]:
        panel.set_visible(False)
    return figure, axes


def _draw_classes(axes: Axes, model: SomModel) -> None:
    """Class of each neuron; turned ones have a red frame."""
    colours = np.array([to_rgb(COLOURS[c]) for c in SurfaceClass])
    image = colours[model.neuron_class].reshape(model.shape.rows, model.shape.columns, 3)
    show_image(axes, image, "Class of the neurons")
    rows, cols = np.divmod(np.flatnonzero(model.flipped), model.shape.columns)
    axes.plot(cols, rows, "s", color="red", markerfacecolor="none", markersize=8)
    handles = [
        Patch(facecolor=COLOURS[c], edgecolor="#7f7f7f", label=name)
        for c, name in zip(SurfaceClass, CLASS_NAMES, strict=True)
    ]
    handles.append(Patch(facecolor="none", edgecolor="red", label="turned clear"))
    axes.legend(handles=handles, loc="upper center", bbox_to_anchor=(0.5, -0.02), ncols=2)
