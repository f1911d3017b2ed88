"""Change of resolution within a tile: the kernels of the method and the fate of invalid pixels."""

from typing import Any

import numpy as np
import numpy.typing as npt

from firn import raster
from firn.errors import GridError
from firn.raster import Grid


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


def any_to_grid(flags: npt.NDArray[np.bool_], source: Grid, target: Grid) -> npt.NDArray[np.bool_]:
    """Flag each (y, x) target pixel that holds, or lies in, a flagged source pixel."""
    if source == target or not flags.any():
        return np.resize(flags, target.shape) if source == target else np.zeros(target.shape, bool)
    resampled = raster.resample(flags.astype(np.uint8), source, target, "max", fill=0)
    return np.asarray(resampled > 0)
