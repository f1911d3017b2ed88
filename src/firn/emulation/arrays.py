"""Steps of the emulation on arrays: the same code on numpy arrays and on torch tensors.

Stored patches are emulated with numpy, training emulates on its device; because both run these
functions, single precision and in the same order of operations, both get the same numbers. Images
are (..., y, x); factors are numbers or arrays (..., 1, 1).
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from torch import Tensor

Array = TypeVar("Array", npt.NDArray[np.float32], "Tensor")
#: Numbers or arrays (..., 1, 1), one for each image or neighbour.
Factors = Sequence[Any] | npt.NDArray[np.float32]


def mix(images: Sequence[Array], weights: Factors) -> Array:
    """Sum of images, each times its weight."""
    total: Array = images[0] * weights[0]
    for image, weight in zip(images[1:], weights[1:], strict=True):
        total += image * weight
    return total


def add_haze(reflectance: Array, haze: Any) -> Array:
    """TOA reflectance through a layer that reflects ``haze`` and absorbs nothing.

    ``h + (1 - h)**2 r / (1 - h r)``: the series of reflections between the layer and what is below.
    """
    below: Array = reflectance * (1 - haze) ** 2 / (1 - reflectance * haze)
    seen: Array = below + haze
    return seen


def filtered(image: Array, rows: Factors, columns: Factors) -> Array:
    """Weighted sums over neighbours, along y and then along x; edges are repeated outwards.

    Parameters
    ----------
    image : array, (..., y, x)
    rows, columns : sequence of factors
        Odd in number; the middle one is the weight of the pixel itself, the first that of the
        neighbour above or to the left.
    """
    height, width = image.shape[-2:]
    wide = _widened(image, len(rows) // 2, 0)
    along = mix([wide[..., k : k + height, :] for k in range(len(rows))], rows)
    wide = _widened(along, 0, len(columns) // 2)
    return mix([wide[..., k : k + width] for k in range(len(columns))], columns)


def _widened(image: Array, rows: int, columns: int) -> Array:
    """Image with its outermost rows and columns repeated so many times."""
    if isinstance(image, np.ndarray):
        margins = [(0, 0)] * (image.ndim - 2) + [(rows, rows), (columns, columns)]
        return np.pad(image, margins, mode="edge")
    from torch.nn.functional import pad

    return pad(image, (columns, columns, rows, rows), mode="replicate")


def scaled(reflectance: Array, saturation: Any, minimum: Any, full: int) -> Array:
    """Digital numbers before rounding; radiance is proportional to reflectance in a scene."""
    numbers: Array = (reflectance - minimum) * (full / (saturation - minimum))
    return numbers


def add_noise(numbers: Array, noise: Array, still: Any, growth: Any, stripes: Array) -> Array:
    """Add noise, whose variance grows with the signal, and an offset to each column.

    Parameters
    ----------
    numbers : array, (..., y, x)
        Digital numbers before rounding.
    noise : array, same shape
        Independent normal numbers of variance 1.
    still, growth : float
        Variance of the noise of digital number 0, and its growth per digital number.
    stripes : array, (..., 1, x)
        Digital numbers.
    """
    variance_here = still + numbers.clip(0) * growth
    noisy: Array = numbers + noise * variance_here**0.5 + stripes
    return noisy


def rounded(numbers: Array, full: int) -> Array:
    """Digital numbers, the nearest that there are."""
    return numbers.round().clip(0, full)
