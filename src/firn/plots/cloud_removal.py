"""Figures and page of the cloud removal."""

import csv
import html
import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from firn.cloud_removal.evaluation import COPY, REGIONS
from firn.cloud_removal.metrics import METRICS
from firn.cloud_removal.mosaic import SEVERITY_COLOURS
from firn.cloud_removal.severity import (
    SEVERITIES,
    burn_severity,
    severity_index,
)
from firn.cloud_removal.tiles import OTHER_DATES, Tiles
from firn.errors import DataError
from firn.files import write_text
from firn.plots.evaluation import count_text, number_text, number_with_interval
from firn.plots.style import PALETTE, false_colour, new_figure, scale_bar, show_image, styled

PathLike = str | os.PathLike[str]
FloatArray = npt.NDArray[np.float32]

#: Bands shown as red, green and blue: burned ground is red and forest green, or natural colours.
_COMPOSITES = (("B12", "B8A", "B04"), ("B08", "B04", "B03"), ("B04", "B03", "B02"))
#: Absolute error of reflectance that is drawn darkest.
_WORST = 0.2
#: Backscatter, dB, drawn black and white: VV, VH, VV / VH.
_RADAR = (-18.0, -26.0, 2.0), (-2.0, -8.0, 14.0)
_RADAR_KEYS = ("snow_t0", "snow_t1", "auc_ground", "auc_snow")
#: Metres per pixel of a tile.
_PIXEL = 10.0

_REGION_TITLES = {
    "all": "everywhere",
    "changed": "changed",
    "unchanged": "unchanged",
    "burned": "burned",
    "under_cloud": "under cloud",
}
_METRIC_TITLES = {
    "mae": "MAE",
    "rmse": "RMSE",
    "psnr": "PSNR, dB",
    "ssim": "SSIM",
    "sam": "SAM, degrees",
}
_DIGITS = {"mae": 4, "rmse": 4, "psnr": 2, "ssim": 3, "sam": 2}


@styled
def panels_figure(
    tiles: Tiles, bands: Sequence[str], simulations: Mapping[str, FloatArray]
) -> Figure:
    """Draw tiles: both images of the earlier date, the true one and what simulates it, with errors.

    Parameters
    ----------
    tiles : Tiles
        A row of panels for each.
    bands : sequence of str
    simulations : mapping of name to ndarray, (tile, band, y, x)
    """
    shown = next((c for c in _COMPOSITES if set(c) <= set(bands)), None) or (bands[0],) * 3
    order = [list(bands).index(name) for name in shown]
    columns = ["Sentinel-2, t0", "Sentinel-1, t0", "Sentinel-1, t1", "Sentinel-2, t1: truth"]
    for name in simulations:
        columns += [name, "absolute error"]
    figure = new_figure(2.9 * len(columns) + 1, 2.9 * len(tiles) + 1.4)
    panels = figure.subplots(len(tiles), len(columns), squeeze=False)
    for row, axes in enumerate(panels):
        before, truth = tiles.sentinel2_t0[row], tiles.sentinel2_t1[row]
        both = np.stack([before[order], truth[order]])
        high = np.maximum(np.nanpercentile(both, 99, axis=(0, 2, 3)), 0.05).tolist()

        def optical(image: FloatArray, high: Sequence[float] = high) -> npt.NDArray[np.float64]:
            return false_colour(image[order], 0, high)

        images = [optical(before), _radar(tiles.sentinel1_t0[row])]
        images += [_radar(tiles.sentinel1_t1[row]), optical(truth)]
        for axis, image in zip(axes, images, strict=False):
            show_image(axis, image)
        axes[3].contour(tiles.cloud_t1[row], levels=(0.5,), colors="white", linewidths=0.5)
        for number, simulated in enumerate(simulations.values()):
            show_image(axes[4 + 2 * number], optical(simulated[row]))
            error = np.abs(simulated[row] - truth).mean(axis=0)
            drawn = show_image(axes[5 + 2 * number], error, cmap="magma_r", vmin=0, vmax=_WORST)
        axes[0].set_ylabel(f"{tiles.area[row]}\n{tiles.tile_row[row]}, {tiles.tile_col[row]}")
    for axis, title in zip(panels[0], columns, strict=True):
        axis.set_title(title, fontsize=7)
    scale_bar(panels[0, 0], _PIXEL, tiles.cloud_t1.shape[-1])
    bar = figure.colorbar(drawn, ax=panels[:, -1], shrink=0.8)
    bar.set_label("mean over bands, reflectance")
    figure.supxlabel(
        f"Sentinel-2: {', '.join(shown)} as red, green, blue; Sentinel-1: VV, VH, VV / VH; the "
        "outline in the truth is cloud",
        fontsize=7,
    )
    return figure


def _radar(power: FloatArray) -> npt.NDArray[np.float64]:
    """Colour composite of VV, VH and their ratio, all in dB."""
    with np.errstate(invalid="ignore", divide="ignore"):
        vv, vh = 10 * np.log10(np.where(power > 0, power, np.nan))
    return false_colour(np.stack([vv, vh, vv - vh]), *_RADAR)


@styled
def severity_figure(
    tiles: Tiles, bands: Sequence[str], simulations: Mapping[str, FloatArray]
) -> Figure:
    """Draw the known burn severity of tiles, and that of the true and of simulated images.

    Parameters
    ----------
    tiles : Tiles
        A row of panels for each.
    bands : sequence of str
    simulations : mapping of name to ndarray, (tile, band, y, x)

    Raises
    ------
    DataError
        The bands give no index of severity.
    """
    index = severity_index(bands)
    name = {"dnbr": "dNBR", "dndvi": "dNDVI"}[index]
    columns = ["known", f"{name} of the truth", *(f"{name} of {name_}" for name_ in simulations)]
    figure = new_figure(3.4 * len(columns) + 0.8, 3.2 * len(tiles) + 1.4)
    panels = figure.subplots(len(tiles), len(columns), squeeze=False)
    # Codes from 0 to 3, and 4 for what is not known.
    colours = ListedColormap([*SEVERITY_COLOURS.values(), "#b0b0b0"])
    for row, axes in enumerate(panels):
        before = tiles.sentinel2_t0[row]
        images = [tiles.sentinel2_t1[row], *(simulated[row] for simulated in simulations.values())]
        classes = [tiles.severity[row]]
        classes += [burn_severity(before, image, bands, index) for image in images]
        for axis, codes in zip(axes, classes, strict=True):
            show_image(axis, np.minimum(codes, len(SEVERITIES)), cmap=colours, vmin=0, vmax=4)
        axes[0].set_ylabel(f"{tiles.area[row]}\n{tiles.tile_row[row]}, {tiles.tile_col[row]}")
    for axis, title in zip(panels[0], columns, strict=True):
        axis.set_title(title, fontsize=7)
    handles = [
        Patch(facecolor=SEVERITY_COLOURS[code], edgecolor="#555555", linewidth=0.5, label=label)
        for code, label in enumerate(SEVERITIES)
    ]
    handles.append(
        Patch(facecolor="#b0b0b0", edgecolor="#555555", linewidth=0.5, label="unknown or snow")
    )
    figure.legend(handles=handles, loc="outside lower center", ncols=3)
    return figure


@styled
def errors_figure(evaluation: Mapping[str, Any]) -> Figure:
    """Draw the absolute error of each test tile by region and method.

    Parameters
    ----------
    evaluation : mapping
        Content of ``evaluation.json``.
    """
    methods = evaluation["methods"]
    regions = [r for r in REGIONS if methods[COPY]["regions"][r]["n_images"]]
    figure = new_figure(17, 1.1 * len(methods) + 2.8)
    panels = figure.subplots(1, len(regions), sharey=True, squeeze=False)[0]
    for axes, region in zip(panels, regions, strict=True):
        for height, name in enumerate(methods):
            values = [
                tile[region]["mae"]
                for tile in evaluation["tiles"][name]
                if (tile[region]["n_pixels"] or 0) >= evaluation["minimum_pixels"]
            ]
            colour = PALETTE[0] if "training" in methods[name] else "#7a7a7a"
            axes.plot(values, [height] * len(values), "|", color=colour, markersize=7)
            axes.plot(np.mean(values), height, "D", color=colour, mec="white", markersize=5.5)
        copied = methods[COPY]["regions"][region]["mae"]
        axes.axvline(copied, color="black", linestyle=":", linewidth=0.8)
        axes.set_title(_REGION_TITLES[region])
        axes.set_xlim(left=0)
        axes.grid(axis="x")
    panels[0].set_yticks(range(len(methods)), list(methods))
    panels[0].set_ylim(len(methods) - 0.5, -0.5)
    figure.supxlabel(
        "Mean absolute error, reflectance: each tile, and their mean; dotted = copy of t0",
        fontsize=8,
    )
    return figure


@styled
def losses_figure(histories: Mapping[str, PathLike]) -> Figure:
    """Draw the losses of each generator's training.

    Parameters
    ----------
    histories : mapping of generator to path
        ``history.csv``.
    """
    figure = new_figure(17, 6.5)
    errors, verdicts = figure.subplots(1, 2)
    for (name, path), colour in zip(histories.items(), PALETTE, strict=False):
        history = read_losses(path)
        epoch = history["epoch"]
        errors.plot(epoch, history["train_l1"], color=colour, label=f"{name}, training")
        errors.plot(
            epoch, history["validation_loss"], "--", color=colour, label=f"{name}, validation"
        )
        if np.isfinite(history["discriminator_loss"]).any():
            verdicts.plot(
                epoch, history["train_adversarial"], color=colour, label=f"{name}, generator"
            )
            verdicts.plot(
                epoch,
                history["discriminator_loss"],
                "--",
                color=colour,
                label=f"{name}, discriminator",
            )
    errors.set_title("Absolute error (normalised)")
    verdicts.set_title("Loss by the discriminator's verdicts")
    for axes in (errors, verdicts):
        axes.set_xlabel("Epoch")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.set_ylim(bottom=0)
        axes.grid(axis="y")
        if axes.get_lines():
            axes.legend()
    return figure


def read_losses(path: PathLike) -> dict[str, npt.NDArray[np.float64]]:
    """Read the columns of a generator's ``history.csv``; an empty cell is NaN.

    Raises
    ------
    DataError
        The file is missing or is not such a history.
    """
    names = ("epoch", "train_l1", "train_adversarial", "discriminator_loss", "validation_loss")
    try:
        with open(path, encoding="utf-8", newline="") as stream:
            rows = list(csv.DictReader(stream))
        return {name: np.array([float(row[name] or "nan") for row in rows]) for name in names}
    except (OSError, KeyError, ValueError) as error:
        raise DataError(
            f"{path}: is not the history of a generator ({error}); train it again"
        ) from error


_PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>Cloud removal</title><style>
body {{ font: 14px sans-serif; margin: 1.5em; }}
table {{ border-collapse: collapse; }}
th, td {{ padding: .3em .8em; text-align: right; border-bottom: 1px solid #ddd; }}
th:first-child, td:first-child {{ text-align: left; }}
th {{ border-bottom: 2px solid #555; vertical-align: bottom; }}
p {{ max-width: 60em; }}
</style></head><body>
<h1>Cloud removal</h1>
{content}
</body></html>
"""


def write_page(
    path: PathLike, evaluation: Mapping[str, Any], snow: Mapping[str, Any] | None = None
) -> None:
    """Write the tables of the evaluation as an HTML page, atomically.

    Parameters
    ----------
    path : path
    evaluation : mapping
        Content of ``evaluation.json``.
    snow : mapping, optional
        Content of ``snow.json``: what `firn.cloud_removal.snow.score_fillings` gives, by split.
    """
    parts = [
        f"<p>{evaluation['n_tiles']} test tiles, bands {', '.join(evaluation['bands'])}. Metrics "
        "are those of each image, and their mean over the images that have at least "
        f"{evaluation['minimum_pixels']} pixels of a region. Errors are reflectances; PSNR and "
        f"SSIM take {evaluation['data_range']:g} as the data range. In brackets: 95 % interval, "
        "paired bootstrap over tiles.</p>"
    ]
    methods = evaluation["methods"]
    parts += _error_tables(methods, "Errors")
    parts += _severity_tables(evaluation)
    head = ["Method", "Precision", "Recall", "F1"]
    body = [[n, *_scores(m["change"], ("precision", "recall", "f1"))] for n, m in methods.items()]
    parts.append(_table("Changed ground, found by PCA and k-means as in the truth", head, body))
    if elsewhen := evaluation.get("other_dates"):
        parts.append(
            f"<h1>Other dates</h1><p>{elsewhen['n_tiles']} tiles of pairs of dates that neither "
            "train nor validate, on ground that does neither.</p>"
        )
        parts += _error_tables(elsewhen["methods"], "Errors on other dates")
        parts += _severity_tables(elsewhen)
    if snow is not None:
        parts.append("<h1>Snow below clouds</h1><p>last-clear = temporal gap filling.</p>")
        for split, title in (("test", "the test tiles"), (OTHER_DATES, "other dates")):
            if split in snow:
                parts += _snow_tables(snow[split], title)
    networks = {name: method for name, method in methods.items() if "training" in method}
    head = ["Generator", "Parameters", "Operations for a tile, GMAC", "Epochs", "Best epoch"]
    body = [
        [
            name,
            f"{method['training']['parameters']:,}",
            f"{method['multiply_accumulates'] / 1e9:.1f}",
            str(method["training"]["epochs"]),
            str(method["training"]["best_epoch"]),
        ]
        for name, method in networks.items()
    ]
    parts.append(_table("Networks", head, body))
    published = evaluation["published"]
    head = ["Method", "MAE", "PSNR, dB", "SSIM", "SAM, degrees"]
    body = [
        [m["name"], *(number_text(m[key], _DIGITS[key]) for key in ("mae", "psnr", "ssim", "sam"))]
        for m in published["methods"]
    ]
    parts.append(_table("For context: published numbers on another data set", head, body))
    parts.append(f"<p>{html.escape(published['note'])}</p>")
    write_text(path, _PAGE.format(content="\n".join(parts)))


def _error_tables(methods: Mapping[str, Any], title: str) -> list[str]:
    """Errors of each method by region, but for regions that no tile has."""
    head = ["Method", *_METRIC_TITLES.values(), "MAE of the copy less this", "Tiles", "Pixels"]
    return [
        _table(
            f"{title}: {_REGION_TITLES[region]}",
            head,
            [_region_row(name, method, region) for name, method in methods.items()],
        )
        for region in REGIONS
        if methods[COPY]["regions"][region]["n_images"]
    ]


def _region_row(name: str, method: Mapping[str, Any], region: str) -> list[str]:
    values = method["regions"][region]
    cells = [number_text(values[metric], _DIGITS[metric]) for metric in METRICS]
    lead = method.get("lead_over_copy", {}).get(region, {"mae": None, "interval": None})
    cells.append(number_with_interval(lead["mae"], lead["interval"], 4))
    return [name, *cells, str(values["n_images"]), count_text(values["n_pixels"])]


def _severity_tables(evaluation: Mapping[str, Any]) -> list[str]:
    """Agreement of severities with the known ones and with those of the true image."""
    keys = ("overall_accuracy", "kappa", "burned_precision", "burned_recall", "burned_f1")
    head = ["Image", "Accuracy", "Kappa", "Burned: precision", "recall", "F1"]
    rows = {"true image": evaluation["observed"], **evaluation["methods"]}
    tables = []
    for index, title in (("dnbr", "dNBR"), ("dndvi", "dNDVI")):
        if index not in evaluation["observed"]["severity"]:
            continue
        for reference, what in (("known", "known one"), ("true_image", "one of the true image")):
            body = [
                [name, *_scores(block["severity"][index][reference], keys)]
                for name, block in rows.items()
                if (name, reference) != ("true image", "true_image")
            ]
            tables.append(_table(f"Burn severity by {title} against the {what}", head, body))
    return tables


def _snow_tables(snow: Mapping[str, Any], title: str) -> list[str]:
    """Snow below clouds, by what fills them: over kinds of pixels, and by pair of dates."""
    keys = ("accuracy", "precision", "recall", "f1", "kappa", "snow_bias")
    scores = ["Accuracy", "Precision", "Recall", "F1", "Kappa", "Bias"]
    titles = {
        "all": "all pixels",
        "changed": "where snow came or went",
        "unchanged": "where it stayed as it was",
    }
    by_subset = [
        [
            f"{row['filling']}, {titles[row['subset']]}",
            count_text(snow["pixels"][row["subset"]]),
            *_scores(row, (*keys, "mae")),
        ]
        for row in sorted(snow["rows"], key=lambda row: list(titles).index(row["subset"]))
    ]
    by_pair = [
        [
            f"{row['pair']}, {row['filling']}",
            count_text(row["pixels"]),
            number_text(row["snow"]),
            *_scores(row, keys),
        ]
        for row in sorted(snow["pairs"], key=lambda row: row["pair"])
    ]
    return [
        _table(f"Snow below clouds, {title}", ["Filled by", "Pixels", *scores, "MAE"], by_subset),
        _table(
            f"Snow that the radar sees, {title}: how often snow at t1 lost more backscatter than "
            "ground (0.5 = by chance)",
            ["Pair", "Snow at t0", "Snow at t1", "On former ground", "On former snow"],
            [[row["pair"], *_scores(row, _RADAR_KEYS)] for row in snow["radar"]],
        ),
        _table(
            f"Snow below clouds by pair, {title}",
            ["Pair, filled by", "Pixels", "Snow (share)", *scores],
            by_pair,
        ),
    ]


def _scores(block: Mapping[str, Any], keys: Sequence[str]) -> list[str]:
    return [number_text(block[key]) for key in keys]


def _table(title: str, head: Sequence[str], body: Sequence[Sequence[str]]) -> str:
    def row(tag: str, cells: Sequence[str]) -> str:
        inner = "".join(f"<{tag}>{html.escape(cell)}</{tag}>" for cell in cells)
        return f"<tr>{inner}</tr>"

    lines = [row("th", head), *(row("td", cells) for cells in body)]
    return f"<h2>{html.escape(title)}</h2>\n<table>" + "\n".join(lines) + "</table>"
