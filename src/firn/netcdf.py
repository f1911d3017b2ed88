"""NetCDF files with one chunk per patch, so that reading one patch reads one chunk."""

import os
from collections.abc import Hashable
from pathlib import Path
from typing import Any

import h5py
import xarray as xr

from firn.errors import DataError
from firn.files import atomic_path


def _encoding(data: xr.Variable) -> dict[str, Any]:
    encoding: dict[str, Any] = {"_FillValue": None}
    if data.ndim > 1 and data.size:
        encoding |= {"zlib": True, "complevel": 1, "chunksizes": (1, *data.shape[1:])}
    return encoding


def write(path: str | os.PathLike[str], dataset: xr.Dataset) -> None:
    """Write a data set atomically; arrays are deflated in chunks of one along the first axis."""
    encoding: dict[Hashable, Any] = {
        name: _encoding(data)
        for name, data in dataset.variables.items()
        if data.dtype.kind in "iuf"
    }
    with atomic_path(path) as temporary:
        dataset.to_netcdf(temporary, engine="h5netcdf", encoding=encoding)


def read(path: str | os.PathLike[str]) -> xr.Dataset:
    """Open a data set lazily, values as stored.

    Raises
    ------
    DataError
        The file is missing or damaged.
    """
    try:
        return xr.open_dataset(
            Path(path), engine="h5netcdf", mask_and_scale=False, decode_times=False
        )
    except (OSError, ValueError, KeyError) as error:
        raise _unreadable(path, error) from error


def attributes(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Read the global attributes alone, some fifty times faster than `read`.

    Raises
    ------
    DataError
        The file is missing or damaged.
    """
    try:
        with h5py.File(path, "r") as file:
            return {
                name: value.item() if getattr(value, "size", 0) == 1 else value
                for name, value in file.attrs.items()
            }
    except OSError as error:
        raise _unreadable(path, error) from error


def variable(path: str | os.PathLike[str], name: str) -> list[Any]:
    """Read a small variable alone, as fast as `attributes`; text comes as str.

    Raises
    ------
    DataError
        The file is missing or damaged, or has no such variable.
    """
    try:
        with h5py.File(path, "r") as file:
            data = file[name]
            values: list[Any] = (data.asstr() if data.dtype.kind == "O" else data)[:].tolist()
            return values
    except (OSError, KeyError) as error:
        raise _unreadable(path, error) from error


def _unreadable(path: str | os.PathLike[str], error: Exception) -> DataError:
    return DataError(
        f"{path}: cannot be read as NetCDF ({error}); delete it and run its rule again"
    )
