"""A Level-1C product on the 20 m grid with rasterio and numpy alone."""

import os
import zipfile
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import rasterio

PathLike = str | os.PathLike[str]

NODATA, SATURATED, LARGEST, QUANTIFICATION = 0, 65535, 32767, 10000
#: Weights of GDAL's bilinear kernel where pixels become twice as large.
TENT = (1, 3, 3, 1)


def decode(product: PathLike, bands: Sequence[str]) -> list[npt.NDArray[np.uint16]]:
    """Digital numbers of bands at their own resolution: nothing but GDAL."""
    with zipfile.ZipFile(product) as archive:
        names = archive.namelist()
    images = []
    for band in bands:
        (name,) = (name for name in names if name.endswith(f"_{band}.jp2"))
        with rasterio.open(f"/vsizip/{{{os.path.abspath(product)}}}/{name}") as dataset:
            images.append(dataset.read(1))
    return images


def decode_and_drop(product: PathLike, bands: Sequence[str]) -> None:
    """Decode one band after the other and keep none."""
    for band in bands:
        decode(product, [band])


def read(
    product: PathLike, bands: Sequence[str]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
    """Reflectance (NaN = no data) and saturation of bands, (band, y, x), at 20 m.

    For a product without radiometric offset.
    """
    side = min(image.shape[0] for image in decode(product, bands))
    layers = [
        _to_half(image) if image.shape[0] > side else _as_is(image)
        for image in decode(product, bands)
    ]
    reflectance, saturated = (np.stack(part) for part in zip(*layers, strict=True))
    return np.where(saturated, LARGEST, reflectance) / QUANTIFICATION, saturated


def _as_is(
    numbers: npt.NDArray[np.uint16],
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
    return np.where(numbers == NODATA, np.nan, numbers), numbers == SATURATED


def _to_half(
    numbers: npt.NDArray[np.uint16],
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
    """Mean of 4 x 4 numbers around each corner that four pixels share."""
    height, width = (side // 2 for side in numbers.shape)
    around = np.pad(numbers.astype(float), 1, constant_values=NODATA)
    total, weight = np.zeros((height, width)), np.zeros((height, width))
    inside, saturated = np.zeros((height, width), bool), np.zeros((height, width), bool)
    for row, down in enumerate(TENT):
        for col, right in enumerate(TENT):
            part = around[row : row + 2 * height : 2, col : col + 2 * width : 2]
            used = (part != NODATA) & (part != SATURATED)
            total += down * right * np.where(used, part, 0)
            weight += down * right * used
            if row in (1, 2) and col in (1, 2):
                inside |= used
                saturated |= part == SATURATED
    return np.where(inside, total / np.maximum(weight, 1), np.nan), saturated
