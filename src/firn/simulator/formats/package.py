"""Zip packaging of a product, the same to the byte each time."""

import os
import shutil
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from firn.errors import GridError
from firn.files import atomic_path, scratch_folder
from firn.grid import Grid
from firn.raster import Array


@contextmanager
def zipped_folder(path: str | os.PathLike[str], name: str, time: datetime) -> Iterator[Path]:
    """Give an empty folder to fill; on success it appears at ``path`` as a zip.

    Parameters
    ----------
    path : path
        The zip file, written atomically.
    name : str
        Name of the folder at the root of the zip.
    time : datetime
        Modification time of every entry: the wall clock would make each run differ.
    """
    with scratch_folder() as scratch:
        folder = scratch / name
        folder.mkdir()
        yield folder
        with atomic_path(path) as target:
            _pack(folder, target, time)


def _pack(folder: Path, target: Path, time: datetime) -> None:
    """Store the files in the order of their names; images are compressed already."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
        for file in sorted(p for p in folder.rglob("*") if p.is_file()):
            entry = zipfile.ZipInfo(
                file.relative_to(folder.parent).as_posix(), time.timetuple()[:6]
            )
            entry.create_system = 3  # Unix on every platform, so that the bytes agree
            entry.external_attr = 0o644 << 16
            with file.open("rb") as source, archive.open(entry, "w") as sink:
                shutil.copyfileobj(source, sink)


def check_shape(name: str, values: Array, grid: Grid) -> None:
    """Refuse an array that does not fill its grid.

    Raises
    ------
    GridError
    """
    if values.shape != grid.shape:
        raise GridError(
            f"{name}: array of shape {values.shape}, but its grid at {grid.resolution:g} m has "
            f"{grid.shape}; give each band at its own resolution"
        )
