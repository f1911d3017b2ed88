"""Quick-look of a classified scene beside its reference."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

from firn import raster
from firn.classes import IGNORE, PROBABILITY_STEPS, from_published
from firn.evaluation.maps import JudgedMap, reference_classes
from firn.plots.style import (
    class_handles,
    class_image,
    false_colour,
    new_figure,
    panel_letters,
    scale_bar,
    show_image,
    styled,
)
from firn.products import Scene

#: Pixels along the longer side of a panel beyond which a scene is thinned.
_LONGEST = 800


class Quicklook(NamedTuple):
    """What the figure shows of a scene, all on one grid.

    ``image`` (3, y, x) is reflectance in XS3, XS2, XS1, NaN without data; ``reference`` and
    ``predicted`` (y, x) are classes with 255 for none; ``confidence`` (y, x) is the probability of
    the class, NaN without data; ``resolution`` is in metres.
    """

    title: str
    image: npt.NDArray[np.float32]
    reference: npt.NDArray[np.uint8]
    predicted: npt.NDArray[np.uint8]
    confidence: npt.NDArray[np.float64]
    resolution: float


def read_quicklook(scene: Scene, judged_map: JudgedMap) -> Quicklook:
    """Read a scene, its map and its reference on the grid of the map, thinned to screen size.

    Raises
    ------
    DataError, GridError, ProductError
        A file is damaged or of another place.
    """
    grid = raster.grid_of(judged_map.snow)
    bands = scene.bands[2::-1]
    reflectance, _ = scene.read(bands, grid)
    predicted = from_published(raster.read_values(judged_map.snow)[0])
    reference = reference_classes(
        raster.read_on(judged_map.reference, grid, "nearest", indexes=[1], fill=IGNORE)[0],
        judged_map.reference,
    )
    probability = raster.read_values(judged_map.probability).max(axis=0)
    confidence = np.where(predicted == IGNORE, np.nan, probability / PROBABILITY_STEPS)
    step = max(1, max(grid.shape) // _LONGEST)
    thin = np.s_[..., ::step, ::step]
    return Quicklook(
        f"{scene.platform} {scene.instrument}, {scene.acquisition_time:%Y-%m-%d %H:%M} UTC, "
        f"sun elevation {90 - scene.sun_zenith:.0f}°",
        reflectance.values[thin],
        reference[thin],
        predicted[thin],
        confidence[thin],
        grid.resolution * step,
    )


@styled
def quicklook_figure(look: Quicklook) -> Figure:
    """Draw the scene in false colour, its reference, its map and the map's confidence."""
    height, width = look.predicted.shape
    figure = new_figure(17, 17 * height / width + 2.6)
    (scene, reference), (predicted, confidence) = figure.subplots(2, 2)
    show_image(scene, _stretched(look.image), "XS3, XS2, XS1")
    scale_bar(scene, look.resolution, width)
    show_image(reference, class_image(look.reference), "reference")
    show_image(predicted, class_image(look.predicted), "map")
    title = "probability of the class"
    shown = show_image(confidence, look.confidence, title, cmap="cividis", vmin=1 / 3, vmax=1)
    bar = confidence.inset_axes((0.05, -0.09, 0.9, 0.035))
    figure.colorbar(shown, cax=bar, orientation="horizontal")
    predicted.legend(
        handles=class_handles("no data or not judged"),
        loc="upper center",
        bbox_to_anchor=(0.5, -0.04),
        ncols=2,
    )
    panel_letters((scene, reference, predicted, confidence))
    figure.suptitle(look.title, fontsize=9)
    return figure


def _stretched(image: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    """Stretch each band between its 1 and 99 % points: gains differ from scene to scene."""
    if np.isnan(image).all():
        return false_colour(image, 0, 1)
    low, high = np.nanpercentile(image, (1, 99), axis=(1, 2))
    return false_colour(image, low, np.maximum(high, low + 1e-3))
