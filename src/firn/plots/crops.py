"""Figure of real images, and what each model takes them for."""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

from firn.classes import CLASS_NAMES
from firn.evaluation.crops import REQUIRED, View, class_shares
from firn.plots.style import (
    class_handles,
    class_image,
    false_colour,
    new_figure,
    show_image,
    styled,
)

#: Reflectance that is drawn white.
_WHITE = 0.6


@styled
def crops_figure(
    views: Sequence[View], classes: Mapping[str, Sequence[npt.NDArray[np.uint8]]]
) -> Figure:
    """Draw each crop as the sensor saw it and, below, the classes that each method gives it.

    The first draw of the gains is shown; the share is that over all draws of the expected class,
    with a tick where it is as large as required, or of the commonest class.

    Parameters
    ----------
    views : sequence of View
    classes : mapping of method to sequence of ndarray, (draw, y, x)
    """
    figure = new_figure(2.6 * len(views) + 0.8, 2.75 * (1 + len(classes)) + 1.4)
    panels = figure.subplots(1 + len(classes), len(views), squeeze=False)
    for column, view in enumerate(views):
        row, col, height, width = view.window
        seen = view.channels[0, 2::-1, row : row + height, col : col + width]
        title = view.crop.name.replace("-", "\n")
        show_image(panels[0, column], false_colour(seen, 0, _WHITE), title)
        for axes, of_method in zip(panels[1:, column], classes.values(), strict=True):
            show_image(axes, class_image(of_method[column][0]))
            axes.set_xlabel(_share(view, of_method[column]), fontsize=7)
    for axes, name in zip(panels[:, 0], ("as seen", *classes), strict=True):
        axes.set_ylabel(name.replace("-", "\n"))
    figure.legend(handles=class_handles(), loc="outside lower center", ncols=len(CLASS_NAMES))
    return figure


def _share(view: View, classes: npt.NDArray[np.uint8]) -> str:
    shares = class_shares(classes)
    expected = view.crop.expected
    if expected is None:
        commonest = max(shares, key=lambda name: shares[name])
        return f"{commonest} {100 * shares[commonest]:.0f} %"
    mark = "\N{CHECK MARK}" if shares[expected] >= REQUIRED else "\N{BALLOT X}"
    return f"{expected} {100 * shares[expected]:.0f} % {mark}"
