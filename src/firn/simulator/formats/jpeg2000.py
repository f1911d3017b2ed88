"""Lossless JPEG 2000, as the images and masks of Sentinel-2 L1C are."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import rasterio

from firn.grid import Grid


def write_jp2(path: Path, values: npt.NDArray[np.integer], grid: Grid) -> None:
    """Write lossless JPEG 2000, (band, y, x).

    Entropy coding takes nearly all the time; tile size and number of resolutions, left at the
    driver's defaults (as in ESA's files), change it by less than a tenth.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with rasterio.open(
        path,
        "w",
        driver="JP2OpenJPEG",
        count=values.shape[0],
        height=grid.height,
        width=grid.width,
        dtype=values.dtype.name,
        crs=grid.crs,
        transform=grid.transform,
        QUALITY="100",
        REVERSIBLE="YES",
        YCBCR420="NO",
    ) as dataset:
        dataset.write(values)
