"""Snow below clouds: maps of an image whose clouds are filled, judged where the truth is known.

The snow map is the first pass of Let-it-snow, which judges each pixel by itself: tiles are too
small for the snow line that the second pass needs.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from firn.classes import PUBLISHED, SurfaceClass
from firn.cloud_removal.tiles import Tiles, read_tiles, tile_bands, tile_count
from firn.config import SnowMapSettings
from firn.confusion import confusion_matrix, kappa
from firn.errors import DataError
from firn.snow_reference import snow_map

FloatArray = npt.NDArray[np.float32]
Byte = npt.NDArray[np.uint8]
PathLike = str | os.PathLike[str]
#: Gives the later Sentinel-2 image of tiles, (tile, band, y, x), without a look at it.
Filling = Callable[[Tiles], FloatArray]

#: Temporal gap filling: the last clear image, which is the earlier one.
LAST_CLEAR = "last-clear"
#: Pixels that are judged: all under cloud, those of them whose snow came or went, and the others.
SUBSETS = ("all", "changed", "unchanged")
#: Standard deviation of the blur that takes speckle away, pixels.
_SMOOTH = 1.5
#: Losses of backscatter that are told apart, dB.
_LOSSES = np.linspace(-30, 30, 601)
_SNOW, _GROUND = PUBLISHED[SurfaceClass.SNOW], PUBLISHED[SurfaceClass.GROUND]


def last_clear(tiles: Tiles) -> FloatArray:
    """Earlier image of tiles: the `Filling` that needs no model."""
    return tiles.sentinel2_t0


def fill_clouds(image: FloatArray, cloud: Byte, filling: FloatArray) -> FloatArray:
    """Replace what is under cloud.

    Parameters
    ----------
    image, filling : ndarray, (..., band, y, x)
    cloud : ndarray, (..., y, x)
        1 = cloud.
    """
    return np.asarray(np.where(cloud[..., None, :, :] > 0, filling, image), np.float32)


def tile_snow(image: FloatArray, bands: Sequence[str], settings: SnowMapSettings) -> Byte:
    """Snow maps of tiles.

    Parameters
    ----------
    image : ndarray, (tile, band, y, x)
        Surface reflectance.
    bands : sequence of str
    settings : SnowMapSettings

    Returns
    -------
    ndarray of uint8, (tile, y, x)
        0 no snow, 100 snow, 254 no data.

    Raises
    ------
    DataError
        A band that tells snow is missing.
    """
    if missing := [band for band in ("B03", "B04", "B11") if band not in bands]:
        raise DataError(
            f"a snow map needs {', '.join(missing)}, which the tiles do not have; add it to "
            "cloud_removal.bands"
        )
    green, red, swir = (image[:, bands.index(band)] for band in ("B03", "B04", "B11"))
    maps = np.empty(green.shape, np.uint8)
    nowhere = np.full(green.shape[1:], np.nan, np.float32)
    clear = np.zeros(green.shape[1:], np.uint8)
    for tile, (g, r, s) in enumerate(zip(green, red, swir, strict=True)):
        valid = np.isfinite(g) & np.isfinite(r) & np.isfinite(s)
        maps[tile] = snow_map(
            np.nan_to_num(g), np.nan_to_num(r), np.nan_to_num(s), nowhere, clear, valid, settings
        )
    return maps


def _codes(maps: Byte) -> Byte:
    """Give 0 for ground, 1 for snow, 255 for no data."""
    table = np.full(256, 255, np.uint8)
    table[_GROUND], table[_SNOW] = 0, 1
    return table[maps]


def score_fillings(
    path: PathLike, fillings: Mapping[str, Filling], settings: SnowMapSettings, piece: int = 16
) -> dict[str, Any]:
    """Compare the snow below clouds that fillings show with the true one.

    Parameters
    ----------
    path : path
        File of tiles whose later image shows the ground below its clouds.
    fillings : mapping of name to Filling
        Temporal gap filling (`LAST_CLEAR`) is added to them.
    settings : SnowMapSettings
    piece : int
        Tiles in memory at a time.

    Returns
    -------
    dict
        ``tiles``; ``pixels`` and ``snow`` (share) by subset; ``rows``, one by filling and subset:
        ``filling``, ``subset``, ``accuracy``, ``precision``, ``recall``, ``f1``, ``kappa`` of snow,
        ``snow_bias`` (snow found beyond the true snow, as share of the pixels) and ``mae`` (of the
        reflectance, over all bands); ``pairs``, one by filling and pair of dates: ``filling``,
        ``pair``, ``pixels``, ``snow`` (share), and the scores of snow over all its pixels; and
        ``radar``, one by pair: what `RadarContrast.summary` gives, over clear pixels too. A number
        that is not defined is None.

    Raises
    ------
    DataError
        No pixel under cloud has a known truth.
    """
    bands = tile_bands(path)
    methods = {LAST_CLEAR: last_clear} | dict(fillings)
    counts = {(name, subset): np.zeros((2, 2), np.int64) for name in methods for subset in SUBSETS}
    error = {key: np.zeros(2) for key in counts}
    of_pairs: dict[tuple[str, str], npt.NDArray[np.int64]] = {}
    contrasts: dict[str, RadarContrast] = {}
    count = tile_count(path)
    for start in range(0, count, piece):
        tiles = read_tiles(path, rows=range(start, min(start + piece, count)))
        cloudy = tiles.cloud_t1 > 0
        truth = _codes(tile_snow(tiles.sentinel2_t1, bands, settings))
        before = _codes(tile_snow(tiles.sentinel2_t0, bands, settings))
        told = (before < 2) & (truth < 2)
        loss = backscatter_loss(tiles)
        for pair in sorted(set(tiles.area)):
            of_pair = told & (tiles.area == pair)[:, None, None]
            contrast = contrasts.setdefault(pair, RadarContrast())
            contrast.add(loss[of_pair], before[of_pair], truth[of_pair])
        known = cloudy & told
        changed = before != truth
        subsets = {"all": known, "changed": known & changed, "unchanged": known & ~changed}
        for name, method in methods.items():
            filled = fill_clouds(tiles.sentinel2_t1, tiles.cloud_t1, method(tiles))
            found = _codes(tile_snow(filled, bands, settings))
            wrong = np.abs(filled - tiles.sentinel2_t1).mean(axis=1)
            for subset, where in subsets.items():
                key = name, subset
                counts[key] += confusion_matrix(truth[where], found[where], n=2)
                judged = where & np.isfinite(wrong)
                error[key] += wrong[judged].sum(dtype=np.float64), judged.sum()
            for pair in sorted(set(tiles.area)):
                where = known & (tiles.area == pair)[:, None, None]
                matrix = confusion_matrix(truth[where], found[where], n=2)
                of_pairs[name, pair] = of_pairs.get((name, pair), 0) + matrix
    totals = {subset: counts[LAST_CLEAR, subset] for subset in SUBSETS}
    if not totals["all"].sum():
        raise DataError(
            f"{path}: no pixel under cloud has a known truth; clouds are drawn by "
            "simulation.climate.cloud_cover"
        )
    return {
        "tiles": count,
        "pixels": {subset: int(total.sum()) for subset, total in totals.items()},
        "snow": {subset: _ratio(total[1].sum(), total.sum()) for subset, total in totals.items()},
        "rows": [
            {"filling": name, "subset": subset}
            | _scores(counts[name, subset])
            | {"mae": _ratio(*error[name, subset])}
            for name, subset in counts
        ],
        "pairs": [
            {
                "filling": name,
                "pair": pair,
                "pixels": int(matrix.sum()),
                "snow": _ratio(matrix[1].sum(), matrix.sum()),
            }
            | _scores(matrix)
            for (name, pair), matrix in of_pairs.items()
        ],
        "radar": [{"pair": pair} | contrasts[pair].summary() for pair in sorted(contrasts)],
    }


def backscatter_loss(tiles: Tiles) -> FloatArray:
    """Loss of backscatter from t0 to t1, dB: mean of VV and VH, each smoothed.

    Returns
    -------
    ndarray of float32, (tile, y, x)
        NaN where a smoothed power is not positive or has no data.
    """
    decibel = []
    for power in (tiles.sentinel1_t0, tiles.sentinel1_t1):
        mean = ndimage.gaussian_filter(power, (0, 0, _SMOOTH, _SMOOTH), mode="nearest")
        decibel.append(10 * np.log10(np.where(mean > 0, mean, np.nan)).mean(axis=1))
    return np.asarray(decibel[0] - decibel[1], np.float32)


@dataclass
class RadarContrast:
    """Whether the radar sees the later snow: by the loss of backscatter between the dates.

    Attributes
    ----------
    counts : ndarray of int64, (ground or snow before, ground or snow after, loss)
        Pixels by loss, in tenths of a dB.
    """

    counts: npt.NDArray[np.int64] = field(
        default_factory=lambda: np.zeros((2, 2, len(_LOSSES) - 1), np.int64)
    )

    def add(self, loss: FloatArray, before: Byte, after: Byte) -> None:
        """Add pixels: their loss (dB), and whether they are snow (1) at t0 and at t1."""
        for was in (0, 1):
            for now in (0, 1):
                values = loss[(before == was) & (after == now) & np.isfinite(loss)]
                clipped = np.clip(values, _LOSSES[0], _LOSSES[-1])
                self.counts[was, now] += np.histogram(clipped, _LOSSES)[0]

    def summary(self) -> dict[str, float | None]:
        """Shares of snow, and whether snow at t1 lost more backscatter than ground at t1.

        Returns
        -------
        dict
            ``snow_t0`` and ``snow_t1`` (share of the pixels); ``auc_ground`` and ``auc_snow``: over
            former ground and over former snow, how often a pixel of snow lost more than one of
            ground (area under the ROC curve: 0.5 = the radar tells nothing). None where either is
            missing.
        """
        pixels = self.counts.sum(axis=2)
        return {
            "snow_t0": _ratio(pixels[1].sum(), pixels.sum()),
            "snow_t1": _ratio(pixels[:, 1].sum(), pixels.sum()),
            "auc_ground": _area_under_curve(*self.counts[0]),
            "auc_snow": _area_under_curve(*self.counts[1]),
        }


def _area_under_curve(ground: npt.NDArray[np.int64], snow: npt.NDArray[np.int64]) -> float | None:
    """How often a value of snow is above one of ground, from histograms; a tie counts half."""
    below = np.cumsum(ground) - ground / 2
    return _ratio(float(snow @ below), float(snow.sum()) * float(ground.sum()))


def _ratio(part: float, whole: float) -> float | None:
    return float(part / whole) if whole else None


def _scores(matrix: npt.NDArray[np.int64]) -> dict[str, float | None]:
    """Scores of snow from counts of (truth, found)."""
    (true_ground, false_snow), (missed, true_snow) = matrix.tolist()
    agreement = float(kappa(matrix))
    return {
        "accuracy": _ratio(true_ground + true_snow, matrix.sum()),
        "precision": _ratio(true_snow, true_snow + false_snow),
        "recall": _ratio(true_snow, true_snow + missed),
        "f1": _ratio(2 * true_snow, 2 * true_snow + false_snow + missed),
        "kappa": agreement if np.isfinite(agreement) else None,
        "snow_bias": _ratio(false_snow - missed, matrix.sum()),
    }
