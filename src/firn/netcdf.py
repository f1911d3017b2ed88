"""NetCDF files with one chunk per patch, so that reading one patch reads one chunk.

Jobs are short, so most of them read with h5py alone: xarray takes most of a second to be imported
and a tenth of one to open a file.
"""

import os
import shutil
from collections.abc import Hashable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np
import numpy.typing as npt

from firn.errors import DataError
from firn.files import atomic_path

if TYPE_CHECKING:
    import xarray as xr


def _encoding(data: "xr.Variable") -> dict[str, Any]:
    encoding: dict[str, Any] = {"_FillValue": None}
    if data.ndim > 1 and data.size:
        # Bytes of equal weight together, numbers deflate to less, and in less time.
        encoding |= {"zlib": True, "complevel": 1, "shuffle": True}
        encoding |= {"chunksizes": (1, *data.shape[1:])}
    return encoding


def write(path: str | os.PathLike[str], dataset: "xr.Dataset") -> None:
    """Write a data set atomically; arrays are deflated in chunks of one along the first axis.

    Raises
    ------
    DataError
        The disk lets nothing be written, or has less space than the data take before they are
        deflated.
    """
    encoding: dict[Hashable, Any] = {
        name: _encoding(data)
        for name, data in dataset.variables.items()
        if data.dtype.kind in "iuf"
    }
    with atomic_path(path) as temporary:
        # HDF5 crashes Python where the disk runs full while it writes.
        if (free := shutil.disk_usage(temporary.parent).free) < dataset.nbytes:
            raise DataError(
                f"{path}: cannot be written (it may need {dataset.nbytes / 1e6:.1f} MB, and "
                f"{free / 1e6:.1f} MB are left on its disk); free some space and call again"
            )
        dataset.to_netcdf(temporary, engine="h5netcdf", encoding=encoding)


def read(path: str | os.PathLike[str]) -> "xr.Dataset":
    """Open a data set lazily, values as stored.

    Raises
    ------
    DataError
        The file is missing or damaged.
    """
    import xarray as xr

    try:
        return xr.open_dataset(
            Path(path), engine="h5netcdf", mask_and_scale=False, decode_times=False
        )
    except (OSError, ValueError, KeyError) as error:
        raise _unreadable(path, error) from error


def attributes(path: str | os.PathLike[str], *required: str) -> dict[str, Any]:
    """Read the global attributes alone, some fifty times faster than `read`.

    Raises
    ------
    DataError
        The file is missing or damaged, or lacks one of the ``required`` attributes.
    """
    try:
        with h5py.File(path, "r") as file:
            values = {
                name: value.item() if getattr(value, "size", 0) == 1 else value
                for name, value in file.attrs.items()
            }
    except OSError as error:
        raise _unreadable(path, error) from error
    if missing := [name for name in required if name not in values]:
        raise DataError(f"{path}: lacks the attribute {', '.join(missing)}; run its rule again")
    return values


def arrays(
    path: str | os.PathLike[str], *names: str, rows: Sequence[int] | None = None
) -> list[npt.NDArray[Any]]:
    """Read variables, as stored and as fast as `attributes`; text comes as str.

    Parameters
    ----------
    path : path
    *names : str
    rows : sequence of int, optional
        Indices along the first axis, in any order; everything by default.

    Raises
    ------
    DataError
        The file is missing or damaged, or has no such variable or row.
    """
    try:
        with h5py.File(path, "r") as file:
            return [_values(file[name], rows) for name in names]
    except (OSError, KeyError, IndexError) as error:
        raise _unreadable(path, error) from error


def _values(data: h5py.Dataset, rows: Sequence[int] | None) -> npt.NDArray[Any]:
    source = data.asstr() if data.dtype.kind == "O" else data
    if rows is None:
        return np.asarray(source[()])
    # Row by row, for a list as the index takes h5py ten times as long.
    values = np.empty((len(rows), *data.shape[1:]), data.dtype)
    for position, row in enumerate(rows):
        values[position] = source[row]
    return values


def _unreadable(path: str | os.PathLike[str], error: Exception) -> DataError:
    return DataError(
        f"{path}: cannot be read as NetCDF ({error}); delete it and run its rule again"
    )
