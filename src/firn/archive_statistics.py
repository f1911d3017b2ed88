"""Statistics of a training archive beside those published for the real one.

They tell whether a virtual archive is honest: a world too easy or too bright shows here first.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from firn import netcdf
from firn.classes import CLASS_NAMES, from_published
from firn.moments import Moments
from firn.products.snow import read_snow
from firn.saturation import Saturations
from firn.sensors import to_reflectance

#: Logged by the authors of the method for SPOT1 over the Pyrenees (run of October 2024): class
#: shares of the training patches before filtering, mean and standard deviation of the inputs.
PUBLISHED_SHARES = {"ground": 50.8, "snow": 11.6, "cloud": 37.6}
PUBLISHED_INPUTS = {
    "XS1": (259.9, 108.4),
    "XS2": (267.1, 145.6),
    "XS3": (421.3, 171.3),
    "hillshade": (155.8, 70.3),
}
#: Ranges between which most scenes of SPOT4 saturate (classes of a figure of the paper).
PUBLISHED_SATURATION = {"XS1": (0.2, 0.5), "XS2": (0.2, 0.5), "XS3": (0.4, 0.7)}


@dataclass(frozen=True)
class TrainingScene:
    """Files of one tile and date.

    Parameters
    ----------
    snow : path
        Snow product, before any filter.
    patches : path
        Patch file.
    pseudo : sequence of path
        Pseudo-SPOT files of all sensors.
    """

    snow: Path
    patches: Path
    pseudo: Sequence[Path]


def _pair(moments: Moments) -> tuple[float, float] | None:
    """Mean and standard deviation, rounded; None without values."""
    if not moments.count:
        return None
    return round(float(moments.mean()), 1), round(float(moments.std()), 1)


def archive_statistics(
    scenes: Sequence[TrainingScene], densities: Sequence[Path]
) -> dict[str, Any]:
    """Class shares, input statistics and saturations of a training archive.

    Parameters
    ----------
    scenes : sequence of TrainingScene
    densities : sequence of path
        Saturation files (``kde/{area}/{sensor}.nc``) of all sensors.

    Returns
    -------
    dict
        ``class_shares`` (per cent, before filtering); ``inputs`` (mean and standard deviation:
        reflectance in thousandths, hillshade 0-255); ``saturation`` (per band the 10, 50 and 90 %
        points and the share within the published range); ``patches``.
    """
    counts = np.zeros(256, np.int64)
    moments: dict[str, Moments] = {}
    patches = 0
    for scene in scenes:
        codes = from_published(np.asarray(read_snow(scene.snow).values))
        with netcdf.read(scene.patches) as stored:
            side = stored.sizes.get("y", 0)
            patches += stored.sizes["patch"]
            for row, col in zip(stored.row.values, stored.col.values, strict=True):
                counts += np.bincount(
                    codes[row : row + side, col : col + side].ravel(), minlength=256
                )
            shade = stored.hillshade.values
            moments.setdefault("hillshade", Moments()).add(shade[shade > 0])
        for path in scene.pseudo:
            _add_inputs(path, moments)
    total = max(1, int(counts[:3].sum()))
    return {
        "patches": patches,
        "class_shares": {
            name: round(100 * int(counts[i]) / total, 1) for i, name in enumerate(CLASS_NAMES)
        },
        "inputs": {name: _pair(moment) for name, moment in moments.items()},
        "saturation": _saturation(densities),
    }


def _add_inputs(path: Path, moments: dict[str, Moments]) -> None:
    with netcdf.read(path) as pseudo:
        valid = pseudo.valid.values.astype(bool)
        for index, band in enumerate(pseudo.band.values):
            reflectance = to_reflectance(
                pseudo.dn.values[:, index],
                pseudo.saturation.values[:, index, None, None],
                pseudo.minimum.values[:, index, None, None],
                int(pseudo.attrs["bits"]),
            )
            moments.setdefault(str(band), Moments()).add(1000 * reflectance[valid])


def _saturation(densities: Sequence[Path]) -> dict[str, Any]:
    values: dict[str, list[float]] = {}
    for path in densities:
        density = Saturations.load(path)
        for index, band in enumerate(density.bands):
            values.setdefault(band, []).extend(density.saturation[:, index].tolist())
    summary = {}
    for band, found in values.items():
        low, high = PUBLISHED_SATURATION.get(band, (None, None))
        inside = None
        if low is not None and high is not None:
            inside = round(100 * float(np.mean([low <= v <= high for v in found])), 1)
        points = [round(float(p), 3) for p in np.quantile(found, (0.1, 0.5, 0.9))]
        summary[band] = {"quantiles": points, "percent_in_published_range": inside}
    return summary


def as_table(statistics: dict[str, Any]) -> str:
    """Lay the statistics beside the published ones, as plain text."""
    lines = [f"{'':26}{'this archive':>20}{'published':>20}"]
    for name, share in PUBLISHED_SHARES.items():
        here = statistics["class_shares"][name]
        lines.append(f"{name + ', % of pixels':26}{here:>20.1f}{share:>20.1f}")
    for name, (mean, std) in PUBLISHED_INPUTS.items():
        pair = statistics["inputs"].get(name)
        here = f"{pair[0]:.0f} ± {pair[1]:.0f}" if pair else "-"
        unit = "1-255" if name == "hillshade" else "x 1000"
        lines.append(f"{name + ', ' + unit:26}{here:>20}{f'{mean:.0f} ± {std:.0f}':>20}")
    for band, (low, high) in PUBLISHED_SATURATION.items():
        found = statistics["saturation"].get(band)
        here = "{:.2f}-{:.2f}".format(*found["quantiles"][::2]) if found else "-"
        label = f"saturation {band}, 10-90 %"
        lines.append(f"{label:26}{here:>20}{f'mostly {low}-{high}':>20}")
        inside = f"{found['percent_in_published_range']:.1f}" if found else "-"
        lines.append(f"{f'  within {low}-{high}, %':26}{inside:>20}{'most':>20}")
    return "\n".join(lines)
