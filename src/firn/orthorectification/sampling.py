"""Values of an image at places between its pixels."""

from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy import ndimage

FloatArray = npt.NDArray[np.float32]
BoolArray = npt.NDArray[np.bool_]


def filled(numbers: npt.NDArray[np.uint8], valid: BoolArray) -> FloatArray:
    """Give (row, column) numbers as floats, those without data as the nearest with data."""
    if valid.all() or not valid.any():
        return numbers.astype(np.float32)
    indices = ndimage.distance_transform_edt(~valid, return_distances=False, return_indices=True)
    return np.asarray(numbers[tuple(indices)], np.float32)


def sampled(image: FloatArray, places: FloatArray, *, order: Literal[1, 3]) -> FloatArray:
    """Interpolate an image by splines.

    Parameters
    ----------
    image : ndarray, (row, column)
        Of order 3, the coefficients of the spline.
    places : ndarray, (2, ...)
        Rows and columns, NaN where they are unknown.
    order : {1, 3}

    Returns
    -------
    ndarray, (...)
        NaN where the place is unknown; outside the image, the value of its edge.
    """
    values = ndimage.map_coordinates(
        image, np.nan_to_num(places), np.float32, order=order, mode="nearest", prefilter=False
    )
    return np.where(np.isfinite(places[0]), values, np.float32(np.nan)).astype(np.float32)


def nearest(flags: BoolArray, places: FloatArray) -> BoolArray:
    """Flag, of (row, column), of the pixel nearest to each place; False outside and if unknown."""
    known = np.nan_to_num(places, nan=-10.0)
    found = ndimage.map_coordinates(flags.astype(np.uint8), known, order=0, cval=0)
    return np.asarray(found > 0)
