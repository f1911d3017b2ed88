"""Cloud-optimised GeoTIFFs, written at once or piece by piece."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import numpy as np
import numpy.typing as npt
import rasterio
from rasterio.shutil import copy as gdal_copy
from rasterio.windows import Window

from firn.files import atomic_path
from firn.raster import Array, Grid, PathLike


class Pieces:
    """A plain GeoTIFF that is filled piece by piece before `publish` makes it cloud-optimised."""

    def __init__(self, dataset: rasterio.io.DatasetWriter) -> None:
        self._dataset = dataset

    def write(self, values: Array, row: int = 0, col: int = 0) -> None:
        """Write a piece, (y, x) or (band, y, x), whose first pixel is at (row, col)."""
        stack = values[np.newaxis] if values.ndim == 2 else values
        self._dataset.write(stack, window=Window(col, row, *stack.shape[:0:-1]))


@contextmanager
def pieces(
    path: PathLike,
    grid: Grid,
    dtype: npt.DTypeLike,
    *,
    nodata: float | None,
    count: int = 1,
    band_names: Sequence[str] = (),
    tags: Mapping[str, str] | None = None,
    colours: Mapping[int, str] | None = None,
    categories: Mapping[int, str] | None = None,
) -> Iterator[Pieces]:
    """Begin a plain GeoTIFF, not compressed: it is only there to be copied by `publish`.

    Parameters
    ----------
    path : path
    grid : Grid
    dtype : dtype
    nodata : float or None
    count : int
        Number of bands.
    band_names : sequence of str
    tags : mapping, optional
    colours : mapping of value to ``#rrggbb``, optional
        Colour table of the first band (uint8 only).
    categories : mapping of value to name, optional
        Names of classes, as the plain tags ``CATEGORY_{value}``. GDAL keeps category names proper,
        which a GIS shows as a legend, in a side-car file only (``.aux.xml``), which would not
        travel with a cloud-optimised file: for QGIS there is ``firn/data/styles/snow.qml``.
    """
    metadata = {f"CATEGORY_{value}": name for value, name in (categories or {}).items()}
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        dtype=np.dtype(dtype).name,
        count=count,
        height=grid.height,
        width=grid.width,
        crs=grid.crs,
        transform=grid.transform,
        nodata=nodata,
        tiled=True,
        bigtiff="if_safer",
    ) as dataset:
        for index, band_name in enumerate(band_names, start=1):
            dataset.set_band_description(index, band_name)
        dataset.update_tags(**(tags or {}), **metadata)
        if colours:
            dataset.write_colormap(1, {value: _rgb(c) for value, c in colours.items()})
        yield Pieces(dataset)


def publish(plain: PathLike, path: PathLike, overview_resampling: str = "mode") -> None:
    """Copy a plain GeoTIFF to a cloud-optimised one (DEFLATE, overviews) atomically.

    ``mode`` keeps class codes in overviews.
    """
    with atomic_path(path) as temporary:
        gdal_copy(
            plain,
            temporary,
            driver="COG",
            compress="DEFLATE",
            overview_resampling=overview_resampling,
            blocksize=512,
        )


def write(
    path: PathLike,
    values: Array,
    grid: Grid,
    *,
    nodata: float | None,
    band_names: Sequence[str] = (),
    tags: Mapping[str, str] | None = None,
    overview_resampling: str = "mode",
) -> None:
    """Write ``values``, (y, x) or (band, y, x), as a cloud-optimised GeoTIFF atomically."""
    stack = values[np.newaxis] if values.ndim == 2 else values
    with atomic_path(path) as temporary:
        plain = temporary.with_name("plain.tif")
        with pieces(
            plain,
            grid,
            stack.dtype,
            count=len(stack),
            nodata=nodata,
            band_names=band_names,
            tags=tags,
        ) as target:
            target.write(stack)
        publish(plain, temporary, overview_resampling)


def _rgb(colour: str) -> tuple[int, int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16), 255
