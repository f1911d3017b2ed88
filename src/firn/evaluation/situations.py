"""Situations that matter in practice, in which snow maps are known to fail.

They overlap, and some hold one class only, so that the share of pixels that are right is what they
all have. Most follow from the map's own quality bits; those that need knowledge of the ground come
as a raster beside the reference, ``{reference}_strata.tif``: each band is a situation, named by the
band's description, and holds 1 where it is met. The virtual archive writes one with its truth;
someone who knows the ground can draw another.
"""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from firn import raster
from firn.classes import Quality, SurfaceClass
from firn.files import strata_path
from firn.grid import Grid

Flags = npt.NDArray[np.bool_]

SATURATED_SNOW = "saturated snow"
SHADED_SNOW = "shaded snow"
FOREST_EDGE = "forest edge"
LOW_SUN = "low sun"

#: Distance from forest within which open ground is its edge, m: three pixels of SPOT.
EDGE_WIDTH = 60.0
#: Sun elevation below which the sun is low, degrees.
LOW_SUN_BELOW = 25.0


def of_snow(
    reference: npt.NDArray[np.uint8], saturated: Flags, shaded: Flags, sun_elevation: float
) -> dict[str, Flags]:
    """Situations that can be told of maps and of patches.

    Parameters
    ----------
    reference : ndarray of uint8, (y, x)
        Classes.
    saturated, shaded : ndarray of bool, (y, x)
    sun_elevation : float
        Degrees.

    Returns
    -------
    dict of name to ndarray of bool, (y, x)
    """
    snow = reference == SurfaceClass.SNOW
    return {
        SATURATED_SNOW: snow & saturated,
        SHADED_SNOW: snow & shaded,
        LOW_SUN: np.full(reference.shape, sun_elevation < LOW_SUN_BELOW),
    }


def of_map(
    reference: npt.NDArray[np.uint8],
    quality: npt.NDArray[np.uint8],
    sun_elevation: float,
    resolution: float,
) -> dict[str, Flags]:
    """Situations that the quality bits of a map tell; ``resolution`` is in metres."""
    saturated, shaded, forest = (
        (quality & bit) > 0 for bit in (Quality.SATURATED, Quality.SHADED, Quality.FOREST)
    )
    edge = np.zeros(forest.shape, bool)
    if forest.any():
        # Many jobs import this module, few meet a forest, and scipy takes a quarter of a second.
        from scipy import ndimage

        distance: npt.NDArray[Any] = ndimage.distance_transform_edt(~forest, sampling=resolution)
        edge = ~forest & (distance <= EDGE_WIDTH)
    return of_snow(reference, saturated, shaded, sun_elevation) | {FOREST_EDGE: edge}


def of_ground(reference: Path, grid: Grid) -> dict[str, Flags]:
    """Situations of the raster beside a reference, on ``grid``; none where there is no raster.

    Raises
    ------
    DataError
        The raster is damaged.
    GridError
        It covers no part of the grid.
    """
    path = strata_path(reference)
    if not path.exists():
        return {}
    flags = raster.read_on(path, grid, "nearest", fill=0) == 1
    return dict(zip(raster.band_names(path), flags, strict=True))
