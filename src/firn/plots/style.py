"""The look that all figures share, and how they are written."""

import itertools
import os
from collections.abc import Iterable, Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from firn.classes import CLASS_NAMES, COLOURS, IGNORE, SurfaceClass
from firn.files import atomic_path

#: Settings of matplotlib while a figure is drawn; use as a decorator, ``@styled``.
styled = mpl.rc_context(
    {
        "font.family": "DejaVu Sans",
        "font.size": 8,
        "axes.titlesize": 9,
        "axes.labelsize": 8,
        "axes.linewidth": 0.6,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.grid": False,
        "grid.linewidth": 0.4,
        "grid.color": "#d9d9d9",
        "legend.fontsize": 7,
        "legend.frameon": False,
        "lines.linewidth": 1.3,
        "xtick.major.width": 0.6,
        "ytick.major.width": 0.6,
        "figure.dpi": 150,
        "svg.hashsalt": "firn",
    }
)

#: Colours of lines and markers, distinct under colour blindness (Okabe & Ito 2008).
PALETTE = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000")
#: Bands in the order of SPOT: green, red, near infrared, short-wave infrared.
BAND_COLOURS = ("#009e73", "#d55e00", "#882255", "#332288")
#: Classes as lines and markers: the cloud of maps is too pale on white paper.
LINE_COLOURS = {
    SurfaceClass.GROUND: COLOURS[SurfaceClass.GROUND],
    SurfaceClass.SNOW: COLOURS[SurfaceClass.SNOW],
    SurfaceClass.CLOUD: "#7a7a7a",
}


def symbols(names: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Colour and marker of each name, all different up to 14 names."""
    looks = [(colour, marker) for marker in "os" for colour in PALETTE]
    return {
        name: {"color": colour, "marker": marker}
        for name, (colour, marker) in zip(names, itertools.cycle(looks), strict=False)
    }


def new_figure(width: float, height: float) -> Figure:
    """Make an empty figure of a size in centimetres, with a layout that keeps labels apart."""
    return Figure(figsize=(width / 2.54, height / 2.54), layout="constrained")


def save(figure: Figure, path: str | os.PathLike[str]) -> None:
    """Write a figure as PNG, atomically; the same figure gives the same bytes."""
    with atomic_path(path) as temporary:
        # `figure.savefig` would draw twice: once for the layout, which every drawing solves anyway.
        canvas = FigureCanvasAgg(figure)
        canvas.print_png(temporary, metadata={"Software": None})  # type: ignore[no-untyped-call]


def class_image(classes: npt.NDArray[np.integer[Any]]) -> npt.NDArray[np.float64]:
    """Colour classes 0/1/2, and everything else as ignored: (y, x) to (y, x, 3)."""
    table = np.tile(to_rgb(COLOURS[IGNORE]), (256, 1))
    for surface in SurfaceClass:
        table[surface] = to_rgb(COLOURS[surface])
    return np.asarray(table[classes])


def class_handles(ignored: str | None = None) -> list[Patch]:
    """Legend entries of the classes, and of what is ignored under the name given."""
    entries = [(CLASS_NAMES[surface], COLOURS[surface]) for surface in SurfaceClass]
    if ignored is not None:
        entries.append((ignored, COLOURS[IGNORE]))
    return [
        Patch(facecolor=colour, edgecolor="#555555", linewidth=0.5, label=name)
        for name, colour in entries
    ]


def false_colour(
    bands: npt.NDArray[np.floating[Any]],
    low: float | Sequence[float],
    high: float | Sequence[float],
) -> npt.NDArray[np.float64]:
    """Stretch (3, y, x) linearly between ``low`` and ``high`` to (y, x, 3); no data is mid-grey."""
    lower, upper = (np.broadcast_to(bound, 3)[:, None, None] for bound in (low, high))
    stretched = np.clip((bands - lower) / (upper - lower), 0, 1)
    missing = np.isnan(stretched).any(axis=0)
    stretched[:, missing] = 0.5
    return np.moveaxis(stretched, 0, -1)


def show_image(axes: Axes, image: npt.NDArray[Any], title: str = "", **kwargs: Any) -> Any:
    """Draw an image without ticks, pixel by pixel."""
    artist = axes.imshow(image, interpolation="nearest", **kwargs)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[:].set_visible(True)
    axes.set_title(title)
    return artist


def panel_letters(panels: Iterable[Axes]) -> None:
    """Put (a), (b), ... before the panels' titles, which move to the left."""
    for letter, axes in zip("abcdefghijklmnopqrstuvwxyz", panels, strict=False):
        title = axes.get_title()
        axes.set_title("")
        axes.set_title(f"({letter}) {title}".rstrip(), loc="left")


def scale_bar(axes: Axes, pixel_size: float, width: int) -> None:
    """Draw a scale bar of a round length, about a quarter of the image's width.

    Parameters
    ----------
    axes : Axes
        Holds an image in pixel coordinates.
    pixel_size : float
        Metres.
    width : int
        Image width in pixels.
    """
    target = width * pixel_size / 4
    magnitude = 10 ** np.floor(np.log10(target))
    length = max(step * magnitude for step in (1, 2, 5) if step * magnitude <= target)
    label = f"{length / 1000:g} km" if length >= 1000 else f"{length:g} m"
    inset = axes.inset_axes((0.04, 0.04, length / pixel_size / width, 0.025))
    inset.set_facecolor("white")
    inset.set_xticks([])
    inset.set_yticks([])
    inset.spines[:].set_visible(True)
    inset.set_title(
        label, fontsize=7, pad=2, color="white", bbox={"facecolor": "#000000a0", "pad": 1, "lw": 0}
    )
