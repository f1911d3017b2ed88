"""Rasters that come as one file, as a folder of tiles or as a list of files."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from firn import raster
from firn.errors import DataError, GridError
from firn.grid import Grid

PathLike = str | os.PathLike[str]
#: One raster (or VRT), a folder of tiles, or a list of such files.
Source = PathLike | Sequence[PathLike]

#: Suffixes of the rasters that are looked for in a folder and in the folders below it.
TILE_SUFFIXES = (".tif", ".tiff", ".hgt")


def raster_files(source: Source) -> list[Path]:
    """Files of a source, in the order of their names, which decides where tiles overlap.

    Raises
    ------
    DataError
        A file is missing, or a folder holds no raster.
    """
    paths = [source] if isinstance(source, str | os.PathLike) else source
    files = [file for path in paths for file in _files(Path(path))]
    return sorted(files, key=lambda file: (file.name, file))


def _files(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise DataError(f"{path}: does not exist; give a raster or a folder of raster tiles")
    files = [file for file in path.rglob("*") if file.suffix.lower() in TILE_SUFFIXES]
    if not files:
        raise DataError(
            f"{path}: holds no raster ({', '.join(TILE_SUFFIXES)}); put the tiles there or give "
            "another folder"
        )
    return files


def overlapping(files: Sequence[Path], grid: Grid) -> Iterator[tuple[Path, Grid]]:
    """Those files that share ground with a grid, and their own grids.

    Raises
    ------
    GridError
        A file has no CRS, or one that is no place on Earth.
    DataError
        A file is not a raster.
    """
    for file in files:
        own = raster.grid_of(file)
        if not (own.crs.is_projected or own.crs.is_geographic):
            raise GridError(
                f"{file}: has the CRS {own.crs.to_string()[:80]!r}, which is no place on Earth; "
                "assign the right one (gdal_edit -a_srs)"
            )
        if own.overlaps(grid):
            yield file, own
