"""Rasters and their grids: all reading, warping and writing of rasters goes through here.

Jobs are short, so most of them read pixels alone: xarray takes half a second to be imported.
"""

import errno
import math
import os
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import rasterio
from rasterio._err import CPLE_BaseError
from rasterio.enums import Resampling
from rasterio.errors import NotGeoreferencedWarning, RasterioError
from rasterio.features import rasterize
from rasterio.vrt import WarpedVRT
from rasterio.warp import reproject
from rasterio.windows import Window

from firn.errors import DataError, GridError
from firn.files import atomic_path
from firn.grid import REFERENCE, Grid

if TYPE_CHECKING:
    import xarray as xr

Array = npt.NDArray[Any]
PathLike = str | os.PathLike[str]


def data_array(
    values: Array,
    grid: Grid,
    *,
    name: str,
    units: str,
    band: Sequence[str] | None = None,
    nodata: float | None = None,
    **attrs: Any,
) -> "xr.DataArray":
    """Wrap an array as a georeferenced DataArray.

    Parameters
    ----------
    values : ndarray, (y, x) or (band, y, x)
    grid : Grid
        Its shape must be that of the last two axes.
    name, units : str
    band : sequence of str, optional
        Names along the band axis.
    nodata : float, optional
    **attrs
        Further attributes.
    """
    import xarray as xr

    if values.shape[-2:] != grid.shape:
        raise GridError(f"{name}: array of {values.shape[-2:]} on a grid of {grid.shape}")
    dims = ("y", "x") if values.ndim == 2 else ("band", "y", "x")
    coords: dict[str, Any] = {REFERENCE: ((), 0, grid.reference())}
    if band is not None:
        coords["band"] = list(band)
    told = {"units": units, **attrs} | ({} if nodata is None else {"nodata": nodata})
    return xr.DataArray(values, dims=dims, coords=coords, name=name, attrs=told)


def _open(path: PathLike) -> rasterio.DatasetReader:
    try:
        return rasterio.open(path)
    except RasterioError as error:
        raise DataError(
            f"{path}: cannot be opened as a raster ({error}); check that it exists and is complete"
        ) from error


def _grid(dataset: rasterio.DatasetReader, path: PathLike) -> Grid:
    if dataset.crs is None:
        raise GridError(f"{path}: has no coordinate reference system; assign one with gdal_edit")
    try:
        return Grid(dataset.crs, dataset.transform, dataset.height, dataset.width)
    except GridError as error:
        raise GridError(f"{path}: {error}") from error


def without_side_cars() -> rasterio.Env:
    """Context in which a raster is what its own file says.

    Otherwise GDAL lets files beside it (``.aux.xml``, ``.ovr``, world files) change its
    georeference, its metadata and the pixels of coarser readings.
    """
    return rasterio.Env(GDAL_DISABLE_READDIR_ON_OPEN="EMPTY_DIR")


def header(path: PathLike) -> tuple[Grid, tuple[str, ...]]:
    """Grid and pixel types of the bands of a raster file, without reading its pixels."""
    with _open(path) as dataset:
        return _grid(dataset, path), tuple(dataset.dtypes)


def grid_of(path: PathLike) -> Grid:
    """Grid of a raster file, without reading its pixels."""
    return header(path)[0]


def _names(dataset: rasterio.DatasetReader) -> tuple[str, ...]:
    """Descriptions of the bands; their numbers, from 1, where they have none."""
    return tuple(text or str(n) for n, text in enumerate(dataset.descriptions, start=1))


def band_names(path: PathLike) -> tuple[str, ...]:
    """Names of the bands of a raster file; their numbers, from 1, where they have none."""
    with _open(path) as dataset:
        return _names(dataset)


def nodata(path: PathLike) -> float | None:
    """No-data value of a raster file; None where it has none."""
    with _open(path) as dataset:
        value: float | None = dataset.nodata
    return value


def units(path: PathLike) -> str:
    """Units of the first band of a raster file; ``1`` where it tells none."""
    with _open(path) as dataset:
        return dataset.units[0] or "1"


def tags(path: PathLike) -> dict[str, str]:
    """Metadata tags of a raster file."""
    with _open(path) as dataset:
        return dict(dataset.tags())


def read(
    path: PathLike,
    *,
    indexes: Sequence[int] | None = None,
    window: tuple[int, int, int, int] | None = None,
) -> "xr.DataArray":
    """Read a raster in its own type and grid.

    Parameters
    ----------
    path : path
        Anything GDAL opens, ``/vsizip/`` paths included.
    indexes : sequence of int, optional
        Bands, from 1; all by default.
    window : (row, col, height, width), optional

    Returns
    -------
    DataArray, (band, y, x)
        ``attrs["nodata"]`` is the file's no-data value, if it has one.

    Raises
    ------
    DataError
        The file is missing, truncated or lacks a band.
    """
    with _open(path) as dataset:
        bands = _bands(dataset, path, indexes)
        grid = _grid(dataset, path)
        return data_array(
            _pixels(dataset, path, bands, window),
            grid if window is None else grid.crop(*window),
            name=os.path.basename(str(path)),
            units=dataset.units[bands[0] - 1] or "1",
            band=[_names(dataset)[band - 1] for band in bands],
            nodata=dataset.nodata,
        )


def read_values(
    path: PathLike,
    *,
    indexes: Sequence[int] | None = None,
    window: tuple[int, int, int, int] | None = None,
) -> Array:
    """Read the pixels of a raster alone, (band, y, x), as `read` does."""
    with _open(path) as dataset:
        return _pixels(dataset, path, _bands(dataset, path, indexes), window)


def read_float32(path: PathLike) -> npt.NDArray[np.float32]:
    """Read the pixels of a raster, (band, y, x), as numbers that are NaN where it has no data."""
    with _open(path) as dataset:
        values = _pixels(dataset, path, list(dataset.indexes), None)
        numbers: npt.NDArray[np.float32] = values.astype(np.float32)
        if dataset.nodata is not None:
            numbers[values == dataset.nodata] = np.nan
    return numbers


def _bands(
    dataset: rasterio.DatasetReader, path: PathLike, indexes: Sequence[int] | None
) -> list[int]:
    """Bands that are asked for, all by default; `DataError` where one is missing."""
    bands = list(dataset.indexes if indexes is None else indexes)
    if missing := set(bands) - set(dataset.indexes):
        raise DataError(f"{path}: has {dataset.count} band(s), band {sorted(missing)} is missing")
    return bands


def _pixels(
    dataset: rasterio.DatasetReader,
    path: PathLike,
    bands: list[int],
    window: tuple[int, int, int, int] | None,
) -> Array:
    if window is None:
        area = None
    else:
        row, col, height, width = window
        area = Window(col, row, width, height)
    try:
        values: Array = dataset.read(bands, window=area)
    except RasterioError as error:
        raise DataError(
            f"{path}: is damaged or truncated ({error}); fetch or make the file again"
        ) from error
    return values


def read_on(
    path: PathLike,
    grid: Grid,
    resampling: str,
    *,
    indexes: Sequence[int] | None = None,
    nodata: float | None = None,
    fill: float | None = None,
) -> Array:
    """Read a raster of any CRS warped to ``grid``; pixels of its own grid are taken as they are.

    Parameters
    ----------
    path : path
    grid : Grid
    resampling : str
        A name of `rasterio.enums.Resampling`.
    indexes : sequence of int, optional
    nodata : float, optional
        No-data value of the source; the file's own by default.
    fill : float, optional
        Value where the source has no data; ``nodata`` by default.

    Returns
    -------
    ndarray, (band, height, width), in the file's type

    Raises
    ------
    GridError
        The raster and the grid share no ground.
    DataError
        The file is missing or damaged.
    """
    with _open(path) as dataset:
        own = _grid(dataset, path)
        if not own.overlaps(grid):
            raise GridError(
                f"{path}: covers no part of the grid {tuple(round(b) for b in grid.bounds)} in "
                f"{grid.crs}; give a raster of the same area"
            )
        if fill is None and own.holds(grid):
            return read_values(path, indexes=indexes, window=own.window_around(grid))
        source_nodata = nodata if nodata is not None else dataset.nodata
        options: dict[str, Any] = {"nodata": fill if fill is not None else source_nodata}
        if source_nodata is not None:
            options["src_nodata"] = source_nodata
        try:
            with WarpedVRT(
                dataset,
                crs=grid.crs,
                transform=grid.transform,
                height=grid.height,
                width=grid.width,
                resampling=Resampling[resampling],
                **options,
                **_scales(own, grid),
            ) as warped:
                values: Array = warped.read(list(indexes) if indexes is not None else None)
        except RasterioError as error:
            raise DataError(
                f"{path}: is damaged or truncated ({error}); fetch or make the file again"
            ) from error
    return values


@contextmanager
def _without_georeference() -> Iterator[None]:
    """Let no warning come of an image in sensor geometry, which has no georeference."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        yield


def image_shape(path: PathLike) -> tuple[int, int, int]:
    """(bands, height, width) of an image without georeference, from its header."""
    with _without_georeference(), _open(path) as dataset:
        return dataset.count, dataset.height, dataset.width


def read_image(path: PathLike) -> Array:
    """Read all bands of an image without georeference, (band, row, column), in its own type.

    Raises
    ------
    DataError
        The file is missing or damaged.
    """
    with _without_georeference(), _open(path) as dataset:
        try:
            values: Array = dataset.read()
        except RasterioError as error:
            raise DataError(
                f"{path}: is damaged or truncated ({error}); fetch or make the file again"
            ) from error
    return values


@contextmanager
def written_whole(path: PathLike) -> Iterator[None]:
    """Make sure that the GeoTIFF which is written here is whole.

    GDAL fills the file as it closes it, and rasterio passes on no error of that: on a full disk a
    truncated file would pass for a good one. Blocks are written one after the other, those of
    overviews first, so the table of the blocks of the full image tells.

    Raises
    ------
    OSError
        A block is not there.
    """
    try:
        yield
    # Of what GDAL says as it closes a file, rasterio makes no public error.
    except CPLE_BaseError as error:
        raise OSError(f"GDAL: {error}") from error
    if not _has_all_blocks(path):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), os.fspath(path))


def _has_all_blocks(path: PathLike) -> bool:
    """Whether a GeoTIFF is as long as its table of blocks says."""
    size = os.path.getsize(path)
    if not size:
        return False
    with rasterio.open(path) as dataset:
        for band in dataset.indexes:
            for (row, col), _ in dataset.block_windows(band):
                begin = dataset.get_tag_item(f"BLOCK_OFFSET_{col}_{row}", "TIFF", bidx=band)
                length = dataset.get_tag_item(f"BLOCK_SIZE_{col}_{row}", "TIFF", bidx=band)
                if not begin or int(begin) + int(length) > size:
                    return False
    return True


def write_image(path: PathLike, values: Array) -> None:
    """Write an image without georeference, (band, row, column), as a deflated TIFF, atomically."""
    count, height, width = values.shape
    profile = {"driver": "GTiff", "count": count, "height": height, "width": width}
    with (
        _without_georeference(),
        atomic_path(path) as temporary,
        written_whole(temporary),
        rasterio.open(
            temporary, "w", dtype=values.dtype.name, compress="deflate", **profile
        ) as dataset,
    ):
        dataset.write(values)


def resample(
    values: Array,
    source: Grid,
    target: Grid,
    resampling: str,
    *,
    fill: float,
    nodata: float | None = None,
) -> Array:
    """Warp an array, (y, x) or (band, y, x), from one grid to another.

    ``fill`` stands where the source has no data (``nodata``) or does not reach.
    """
    output = np.full((*values.shape[:-2], *target.shape), fill, values.dtype)
    missing: dict[str, Any] = {"src_nodata": nodata, "dst_nodata": fill}
    if nodata is not None and math.isnan(nodata) and not np.isnan(values).any():
        # GDAL gives the same, in half the time where it need not look for missing data.
        missing = {"init_dest_nodata": False}
    reproject(
        values,
        output,
        src_transform=source.transform,
        src_crs=source.crs,
        dst_transform=target.transform,
        dst_crs=target.crs,
        resampling=Resampling[resampling],
        **missing,
        **_scales(source, target),
    )
    return output


def _scales(source: Grid, target: Grid) -> dict[str, float]:
    """Pixels of the target per pixel of the source.

    GDAL widens its kernels by an estimate of that, which differs from one part of a raster to the
    next unless it is told.
    """
    if source.crs != target.crs:
        return {}
    return {
        "XSCALE": source.transform.a / target.transform.a,
        "YSCALE": source.transform.e / target.transform.e,
    }


def burn(polygons: Sequence[Mapping[str, Any]], grid: Grid) -> npt.NDArray[np.bool_]:
    """Pixels, (y, x), whose centre lies in one of the polygons (GeoJSON, in the grid's CRS)."""
    if not polygons:
        return np.zeros(grid.shape, bool)
    return np.asarray(
        rasterize(polygons, out_shape=grid.shape, transform=grid.transform, dtype=np.uint8) > 0
    )


def _profile(values: Array, grid: Grid, nodata: float | None) -> dict[str, Any]:
    return {
        "driver": "GTiff",
        "dtype": values.dtype.name,
        "count": values.shape[0],
        "height": grid.height,
        "width": grid.width,
        "crs": grid.crs,
        "transform": grid.transform,
        "nodata": nodata,
        "tiled": True,
        "blockxsize": 256,
        "blockysize": 256,
        "compress": "deflate",
        "predictor": 3 if values.dtype.kind == "f" else 2,
        "zlevel": 6,
        "bigtiff": "if_safer",
    }


def _fill_dataset(
    dataset: rasterio.io.DatasetWriter,
    values: Array,
    band_names: Sequence[str],
    metadata: Mapping[str, str] | None,
    units: str | None,
) -> None:
    dataset.write(values)
    for index, band_name in enumerate(band_names, start=1):
        dataset.set_band_description(index, band_name)
    if units is not None:
        dataset.units = (units,) * dataset.count
    if metadata:
        dataset.update_tags(**metadata)


def write(
    path: PathLike,
    values: Array,
    grid: Grid,
    *,
    nodata: float | None = None,
    band_names: Sequence[str] = (),
    tags: Mapping[str, str] | None = None,
    units: str | None = None,
) -> None:
    """Write a tiled, deflated GeoTIFF atomically; ``values`` is (y, x) or (band, y, x)."""
    stack = values[np.newaxis] if values.ndim == 2 else values
    with (
        atomic_path(path) as temporary,
        written_whole(temporary),
        rasterio.open(temporary, "w", **_profile(stack, grid, nodata)) as dataset,
    ):
        _fill_dataset(dataset, stack, band_names, tags, units)
