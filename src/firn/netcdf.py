"""NetCDF files whose patches lie one after the other, so that one is read without the others.

They are not compressed: to inflate and deflate them would take several times as long as all that is
done with them in between.

Jobs are short, so most of them read with h5py alone: xarray takes most of a second to be imported
and a tenth of one to open a file.
"""

import math
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import h5py
import numpy as np
import numpy.typing as npt

from firn.errors import DataError
from firn.files import atomic_path

if TYPE_CHECKING:
    import xarray as xr


class Layout(NamedTuple):
    """What `filled` reserves for a variable."""

    dims: tuple[str, ...]
    shape: tuple[int, ...]
    dtype: npt.DTypeLike

    @property
    def nbytes(self) -> int:
        """Bytes on the disk."""
        return math.prod(self.shape) * np.dtype(self.dtype).itemsize


def write(path: str | os.PathLike[str], dataset: "xr.Dataset") -> None:
    """Write a data set atomically.

    Raises
    ------
    DataError
        The disk lets nothing be written, or has less space than the data take.
    """
    with atomic_path(path) as temporary:
        require_space(path, dataset.nbytes)
        _write(temporary, dataset)


@contextmanager
def filled(
    path: str | os.PathLike[str], dataset: "xr.Dataset", layouts: Mapping[str, Layout]
) -> Iterator[Mapping[str, h5py.Dataset]]:
    """Write a data set atomically, and give further variables to be filled row by row.

    So they never are in memory as a whole, which for fresh memory takes longer than to compute
    them.

    Parameters
    ----------
    path : path
    dataset : Dataset
    layouts : mapping of name to Layout
        Further variables.

    Yields
    ------
    mapping of name to Dataset of h5py
        Of ``layouts``; ``variable[row] = values`` writes a row.

    Raises
    ------
    DataError
        The disk lets nothing be written, or has less space than the data take.
    """
    import h5netcdf

    with atomic_path(path) as temporary:
        require_space(path, dataset.nbytes + sum(layout.nbytes for layout in layouts.values()))
        _write(temporary, dataset)
        with h5netcdf.File(temporary, "a") as file:
            for name, layout in layouts.items():
                for dim, size in zip(layout.dims, layout.shape, strict=True):
                    if dim not in file.dimensions:
                        file.dimensions[dim] = size
                file.create_variable(name, layout.dims, np.dtype(layout.dtype))
        with h5py.File(temporary, "r+") as file:
            yield {name: file[name] for name in layouts}


def require_space(path: str | os.PathLike[str], nbytes: int) -> None:
    """Refuse a file that its disk has no space for: HDF5 crashes Python where a disk runs full.

    Raises
    ------
    DataError
        It has not.
    """
    folder = next(folder for folder in Path(path).absolute().parents if folder.exists())
    if (free := shutil.disk_usage(folder).free) < nbytes:
        raise DataError(
            f"{path}: cannot be written (it needs {nbytes / 1e6:.1f} MB, and {free / 1e6:.1f} MB "
            "are left on its disk); free some space and call again"
        )


def _write(path: Path, dataset: "xr.Dataset") -> None:
    # Every number is a number, none stands for a missing one.
    numbers = [name for name, data in dataset.variables.items() if data.dtype.kind in "iuf"]
    encoding = {name: {"_FillValue": None} for name in numbers}
    dataset.to_netcdf(path, engine="h5netcdf", encoding=encoding)


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


@contextmanager
def _opened(path: str | os.PathLike[str]) -> Iterator[h5py.File]:
    """Open a file to read; what is missing or damaged in it is a `DataError`."""
    try:
        with h5py.File(path, "r") as file:
            yield file
    except (OSError, KeyError, IndexError) as error:
        raise _unreadable(path, error) from error


def attributes(path: str | os.PathLike[str], *required: str) -> dict[str, Any]:
    """Read the global attributes alone, some fifty times faster than `read`.

    Raises
    ------
    DataError
        The file is missing or damaged, or lacks one of the ``required`` attributes.
    """
    with _opened(path) as file:
        values = {
            name: value.item() if getattr(value, "size", 0) == 1 else value
            for name, value in file.attrs.items()
        }
    if missing := [name for name in required if name not in values]:
        raise DataError(f"{path}: lacks the attribute {', '.join(missing)}; run its rule again")
    return values


def shape(path: str | os.PathLike[str], name: str) -> tuple[int, ...]:
    """Shape of a variable.

    Raises
    ------
    DataError
        The file is missing or damaged, or has no such variable.
    """
    with _opened(path) as file:
        return tuple(file[name].shape)


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
    with _opened(path) as file:
        return [_values(file[name], rows) for name in names]


def row_by_row(path: str | os.PathLike[str], *names: str) -> Iterator[list[npt.NDArray[Any]]]:
    """Read variables row by row along the first axis, so that one row at a time is in memory.

    Raises
    ------
    DataError
        The file is missing or damaged, or has no such variable.
    """
    with _opened(path) as file:
        sources = [file[name] for name in names]
        for row in range(len(sources[0])):
            yield [source[row] for source in sources]


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
