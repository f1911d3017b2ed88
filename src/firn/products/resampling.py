"""Change of resolution within a tile: the kernels of the method and the fate of invalid pixels."""

from typing import Any

import numpy as np
import numpy.typing as npt

from firn import raster
from firn.errors import GridError
from firn.grid import Grid

#: Rows averaged at a time: few enough for their sums to stay in the processor's cache.
_STRIP = 32


def kernel(source_resolution: float, target_resolution: float) -> str:
    """Kernel of the reference method: bilinear towards coarser or equal pixels, else cubic.

    Bilinear widens with the step, so that going to coarser pixels averages (Barrou Dumont et al.
    2024).
    """
    return "bilinear" if target_resolution >= source_resolution else "cubic"


def to_grid(
    values: npt.NDArray[np.floating[Any]], source: Grid, target: Grid
) -> npt.NDArray[np.float32]:
    """Resample (y, x) values whose NaN take no part; NaN where nothing valid is near.

    Raises
    ------
    GridError
        The grids are not of one CRS, as those of one tile are.
    """
    if source == target:
        return values.astype(np.float32)
    if source.crs != target.crs:
        raise GridError(
            f"a raster in {source.crs.to_string()[:80]} does not fit a tile in "
            f"{target.crs.to_string()[:80]}; fetch the product again"
        )
    return np.asarray(
        raster.resample(
            values.astype(np.float32),
            source,
            target,
            kernel(source.resolution, target.resolution),
            nodata=np.nan,
            fill=np.nan,
        ),
        np.float32,
    )


def to_half(
    numbers: npt.NDArray[np.uint16], nodata: int, saturated: int
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.bool_]]:
    """Average digital numbers to pixels twice as large, as `to_grid` and `any_to_grid` do.

    At this step the widened bilinear kernel has the weights 1, 3, 3, 1 along each side for every
    pixel, so that the sums take little time beside the decoding of the numbers.

    Parameters
    ----------
    numbers : ndarray of uint16, (y, x)
        Of even height and width.
    nodata, saturated : int
        Numbers that take no part in an average.

    Returns
    -------
    mean : ndarray of float32, (y / 2, x / 2)
        NaN where none of the four numbers of a pixel takes part.
    flags : ndarray of bool, (y / 2, x / 2)
        Where one of the four numbers is ``saturated``.
    """
    height, width = (side // 2 for side in numbers.shape)
    mean = np.empty((height, width), np.float32)
    flags = np.zeros((height, width), bool)
    for start in range(0, height, _STRIP):
        stop = min(start + _STRIP, height)
        # The weights reach into one more row of pixels on either side.
        above, below = min(start, 1), min(height - stop, 1)
        strip = numbers[2 * (start - above) : 2 * (stop + below)]
        rows = slice(above, above + stop - start)
        mean[start:stop], flags[start:stop] = (
            part[rows] for part in _strip_to_half(strip, nodata, saturated)
        )
    return mean, flags


def _strip_to_half(
    numbers: npt.NDArray[np.uint16], nodata: int, saturated: int
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.bool_]]:
    values = numbers.astype(np.float32)
    if numbers.min() > nodata and numbers.max() < saturated:
        weight = np.outer(*(_tent_sum(np.ones(side, np.float32)) for side in numbers.shape))
        return _tent_sums(values) / weight, np.zeros(weight.shape, bool)
    full = numbers == saturated
    used = ~full & (numbers != nodata)
    weight = _tent_sums(used.astype(np.float32))
    weight[~_any_of_four(used)] = np.nan
    return _tent_sums(np.where(used, values, 0)) / weight, _any_of_four(full)


def _tent_sums(values: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    return _tent_sum(_tent_sum(values).T).T


def _tent_sum(values: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Sum with the weights 1, 3, 3, 1 along the first axis; none for what lies outside."""
    first, second = values[0::2], values[1::2]
    total = 3 * (first + second)
    total[1:] += second[:-1]
    total[:-1] += first[1:]
    return total


def _any_of_four(flags: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    pairs = flags[0::2] | flags[1::2]
    return np.asarray(pairs[:, 0::2] | pairs[:, 1::2])


def any_to_grid(flags: npt.NDArray[np.bool_], source: Grid, target: Grid) -> npt.NDArray[np.bool_]:
    """Flag each (y, x) target pixel that holds, or lies in, a flagged source pixel."""
    if source == target or not flags.any():
        return np.resize(flags, target.shape) if source == target else np.zeros(target.shape, bool)
    resampled = raster.resample(flags.astype(np.uint8), source, target, "max", fill=0)
    return np.asarray(resampled > 0)
