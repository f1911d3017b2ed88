"""Figure of example patches: Sentinel-2, pseudo-SPOT, label and prediction."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

from firn import netcdf
from firn.evaluation.pseudo import Predictor
from firn.plots.style import (
    class_handles,
    class_image,
    false_colour,
    new_figure,
    show_image,
    styled,
)
from firn.samples import SampleRow, Samples
from firn.sensors import STACK_NODATA, STACK_SCALE

#: Near infrared, red and green of Sentinel-2.
_FALSE_COLOUR = ("B08", "B04", "B03")
#: Reflectance that is drawn white.
_WHITE = 0.9


class Example(NamedTuple):
    """A patch to show.

    ``gains`` names the SPOT scene whose saturation the pseudo image has. ``sentinel2`` (3, y, x)
    is reflectance in NIR, red, green; ``pseudo`` (3, y, x) the digital number over its largest
    value, XS3, XS2, XS1; both NaN without data. ``label`` and ``predicted`` (y, x) are classes.
    """

    title: str
    gains: str
    sentinel2: npt.NDArray[np.float64]
    pseudo: npt.NDArray[np.float64]
    label: npt.NDArray[np.uint8]
    predicted: npt.NDArray[np.uint8]


def choose_rows(rows: Sequence[SampleRow], count: int) -> list[int]:
    """Choose samples that show much: of as many scenes as possible, with an even mix of classes.

    Returns
    -------
    list of int
        Indices in ``rows``.
    """

    def rarest(index: int) -> tuple[int, int]:
        row = rows[index]
        return -sorted((row.n_ground, row.n_snow, row.n_cloud))[0], index

    chosen: list[int] = []
    seen: set[tuple[str, str]] = set()
    ranked = sorted(range(len(rows)), key=rarest)
    for index in ranked:
        scene = rows[index].tile, rows[index].date
        if scene not in seen:
            seen.add(scene)
            chosen.append(index)
    chosen += [index for index in ranked if index not in chosen]
    return chosen[:count]


def read_examples(samples: Samples, indices: Sequence[int], model: Predictor) -> list[Example]:
    """Read patches and predict their classes.

    Raises
    ------
    DataError
        A file is damaged.
    """
    examples = []
    for index in indices:
        row = samples.rows[index]
        scene = samples.scenes[row.tile, row.date]
        (bands,) = netcdf.arrays(scene.patches, "band")
        (toa,) = netcdf.arrays(scene.patches, "toa", rows=[row.patch])
        shown = toa[0, [bands.tolist().index(band) for band in _FALSE_COLOUR]]
        dn, valid = netcdf.arrays(scene.pseudo, "dn", "valid", rows=[row.sample])
        (origins,) = netcdf.arrays(scene.pseudo, "saturation_scene")
        full = 2 ** int(netcdf.attributes(scene.pseudo, "bits")["bits"]) - 1
        channels, labels, _ = samples[index]
        examples.append(
            Example(
                f"{row.tile}\n{row.date[:4]}-{row.date[4:6]}-{row.date[6:]}",
                str(origins[row.sample]),
                np.where(shown == STACK_NODATA, np.nan, shown / STACK_SCALE),
                np.where(valid[0] > 0, dn[0, 2::-1] / full, np.nan),
                labels,
                model.predict(channels).argmax(axis=0).astype(np.uint8),
            )
        )
    return examples


@styled
def patches_figure(examples: Sequence[Example], sensor: str) -> Figure:
    """Draw one row per patch.

    Parameters
    ----------
    examples : sequence of Example
    sensor : str
        Name of the emulated sensor.
    """
    titles = (
        f"Sentinel-2\nNIR, red, green (0-{_WHITE:g})",
        f"pseudo-{sensor.upper()}\nXS3, XS2, XS1 (DN)",
        "label\n",
        "prediction\n",
    )
    figure = new_figure(17, 4.1 * len(examples) + 2)
    panels = figure.subplots(len(examples), len(titles), squeeze=False)
    for row, example in zip(panels, examples, strict=True):
        images = (
            false_colour(example.sentinel2, 0, _WHITE),
            false_colour(example.pseudo, 0, 1),
            class_image(example.label),
            class_image(example.predicted),
        )
        for axes, image in zip(row, images, strict=True):
            show_image(axes, image)
        row[0].set_ylabel(example.title)
        row[1].set_xlabel(example.gains, fontsize=4.5)
    for axes, title in zip(panels[0], titles, strict=True):
        axes.set_title(title)
    figure.legend(handles=class_handles("ignored or no data"), loc="outside lower center", ncols=4)
    return figure
