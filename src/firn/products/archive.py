"""Safe access to the files of a product, in a zip or in a folder, without extracting anything."""

import os
import stat
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from firn import raster
from firn.errors import DataError, FirnError, ProductError
from firn.grid import Grid
from firn.products.xml import Metadata
from firn.raster import Array

if TYPE_CHECKING:
    import xarray as xr

#: A product's metadata file is a few MB; a larger one is not metadata. As a tree of elements it
#: takes some 50 times its size in memory.
MAX_METADATA_BYTES = 16 * 2**20
#: Files in a product: a Sentinel-2 tile has about 100.
MAX_ENTRIES = 20_000
#: A zip may unpack to this much whatever its own size, and beyond it to `MAX_RATIO` times its size.
FREE_BYTES = 256 * 2**20
MAX_RATIO = 200
#: Bytes of one band in memory, whatever the size of its file: a Sentinel-2 tile has 0.24 GB, an
#: image of 12000 pixels a side 0.29 GB.
MAX_RASTER_BYTES = 3 * 2**27
#: Rows of a band that are read at a time where all of it is looked at.
_STRIP_ROWS = 1024

#: What a raster begins with. GDAL chooses the driver by content, and some (VRT) read other files.
_RASTER_MAGIC = (
    b"II*\x00",
    b"MM\x00*",
    b"II+\x00",
    b"MM\x00+",
    b"\x00\x00\x00\x0cjP  ",
    b"\xff\x4f\xff\x51",
)
#: What `zipfile` raises on a damaged, encrypted or unknown archive.
_ZIP_ERRORS = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    OSError,
    RuntimeError,
    ValueError,
    OverflowError,
)
#: Pixel types of products, and their size.
_PIXEL_BYTES = {"uint8": 1, "uint16": 2, "int16": 2, "float32": 4}
_GZIP_MAGIC = b"\x1f\x8b"
_AGAIN = "fetch the product again"


class Product:
    """The files of one product.

    Parameters
    ----------
    path : path
        A zip with the product's folder inside, or that folder.

    Raises
    ------
    ProductError
        The path is missing or is not a readable zip; a file is a link; an entry of the zip leads
        outside the product, is encrypted, stands twice, or the zip would unpack to an absurd size.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self._verified: set[str] = set()
        if self.path.is_dir():
            self._zipped = False
            self._sizes = _folder_entries(self.path)
        elif self.path.is_file():
            self._zipped = True
            self._sizes = _zip_entries(self.path)
        else:
            raise ProductError(
                f"{self.path}: does not exist; expected a zip or folder of a product"
            )

    @property
    def names(self) -> list[str]:
        """Files of the product, relative to the zip or folder, with forward slashes."""
        return sorted(self._sizes)

    def matches(self, pattern: str, *, beside: str | None = None) -> list[str]:
        """Names of the files that match a pattern.

        Parameters
        ----------
        pattern : str
            Glob over the last path components (``IMG_DATA/*_B02.jp2``), upper and lower case alike.
        beside : str, optional
            A file in whose folder the pattern begins.
        """
        parts = pattern.lower().split("/")
        folder = None if beside is None else PurePosixPath(beside).parent.parts
        return [
            name
            for name in self.names
            if _matches(name.lower().split("/"), parts)
            and (folder is None or PurePosixPath(name).parts[: -len(parts)] == folder)
        ]

    def find(self, pattern: str, *, beside: str | None = None) -> str:
        """Name of the only file that matches a pattern, as in `matches`.

        Raises
        ------
        ProductError
            No file matches, or several do.
        """
        matches = self.matches(pattern, beside=beside)
        if not matches:
            raise ProductError(
                f"{self.path}: has no file {pattern}; the product is incomplete or of another "
                f"kind, {_AGAIN}"
            )
        if len(matches) > 1:
            raise ProductError(
                f"{self.path}: has {len(matches)} files {pattern} ({matches[0]}, {matches[1]}), "
                "expected one; keep one product in a zip or folder"
            )
        return matches[0]

    def metadata(self, pattern: str, *, beside: str | None = None) -> tuple[str, Metadata]:
        """Name and content of the only XML file that matches ``pattern``, as in `find`."""
        name = self.find(pattern, beside=beside)
        if self._sizes[name] > MAX_METADATA_BYTES:
            raise ProductError(
                f"{self.path}: {name} has {self._sizes[name]} bytes, too many for metadata; "
                f"{_AGAIN}"
            )
        return name, Metadata(self._start_of(name, MAX_METADATA_BYTES), f"{self.path}: {name}")

    def grid(self, name: str) -> Grid:
        """Grid of a raster of the product, from its header."""
        path = self._raster_path(name)
        try:
            with raster.without_side_cars():
                grid, dtypes = raster.header(path)
        except FirnError as error:
            raise self._damaged(name, error) from error
        if not (grid.crs.is_projected or grid.crs.is_geographic):
            raise ProductError(
                f"{self.path}: {name} has the CRS {grid.crs.to_string()[:80]!r}, which is no place "
                f"on Earth; {_AGAIN}"
            )
        if unknown := set(dtypes) - set(_PIXEL_BYTES):
            raise ProductError(
                f"{self.path}: {name} has pixels of type {', '.join(sorted(unknown))}, expected "
                f"one of {', '.join(_PIXEL_BYTES)}; {_AGAIN}"
            )
        if grid.height * grid.width * max(_PIXEL_BYTES[d] for d in dtypes) > MAX_RASTER_BYTES:
            raise ProductError(
                f"{self.path}: {name} claims {grid.height} x {grid.width} pixels, more than any "
                f"product has; {_AGAIN}"
            )
        return grid

    def check_grid(self, name: str, expected: Grid) -> None:
        """Refuse a raster that is not on the grid that the product's metadata tell."""
        found = self.grid(name)
        same_crs = found.crs.to_epsg() == expected.crs.to_epsg()
        same_place = found.transform.almost_equals(expected.transform)
        if not (found.shape == expected.shape and same_crs and same_place):
            raise ProductError(
                f"{self.path}: {name} has {found.shape} pixels from {found.bounds[:2]} in EPSG:"
                f"{found.crs.to_epsg()}, expected {expected.shape} from {expected.bounds[:2]} in "
                f"EPSG:{expected.crs.to_epsg()} as in the metadata; {_AGAIN}"
            )

    def read(self, name: str, window: tuple[int, int, int, int] | None = None) -> "xr.DataArray":
        """First band of a raster of the product, (y, x), in its own type and grid.

        Parameters
        ----------
        name : str
        window : (row, col, height, width), optional
            Part to decode.

        Raises
        ------
        ProductError
            The file is damaged or truncated.
        """
        return self.read_bands(name, [1], window)[0]

    def read_bands(
        self,
        name: str,
        indexes: Sequence[int],
        window: tuple[int, int, int, int] | None = None,
    ) -> "xr.DataArray":
        """Bands of a raster of the product by their numbers, from 1, (band, y, x); see `read`."""
        self.grid(name)
        try:
            with raster.without_side_cars():
                return raster.read(self._raster_path(name), indexes=indexes, window=window)
        except DataError as error:
            raise self._damaged(name, error) from error

    def strips(self, name: str) -> Iterator[Array]:
        """First band of a raster of the product, (y, x), in strips of some rows; see `read`."""
        grid = self.grid(name)
        for row in range(0, grid.height, _STRIP_ROWS):
            height = min(_STRIP_ROWS, grid.height - row)
            yield self.read(name, (row, 0, height, grid.width)).values

    def read_on(self, name: str, grid: Grid, resampling: str, nodata: float) -> Array:
        """First band of a raster of the product on ``grid``, (y, x), in its own type.

        It is warped, unless the pixels of ``grid`` are its own.

        Raises
        ------
        ProductError
            The file is damaged or truncated.
        GridError
            The raster and the grid share no ground.
        """
        self.grid(name)
        try:
            with raster.without_side_cars():
                values: Array = raster.read_on(
                    self._raster_path(name), grid, resampling, indexes=[1], nodata=nodata
                )[0]
        except DataError as error:
            raise self._damaged(name, error) from error
        return values

    def read_image(self, name: str) -> Array:
        """All bands of a raster in sensor geometry, (band, row, column), in its own type.

        Raises
        ------
        ProductError
            The file is damaged or truncated, or absurdly large.
        """
        path = self._raster_path(name)
        try:
            self._check_size(name, *raster.image_shape(path))
            return raster.read_image(path)
        except DataError as error:
            raise self._damaged(name, error) from error

    def _check_size(self, name: str, bands: int, height: int, width: int) -> None:
        if bands * height * width > MAX_RASTER_BYTES:
            raise ProductError(
                f"{self.path}: {name} claims {height} x {width} pixels, more than any product has; "
                f"{_AGAIN}"
            )

    def _damaged(self, name: str, error: Exception) -> ProductError:
        return ProductError(f"{self.path}: {name} is damaged or truncated; {_AGAIN} ({error})")

    def _raster_path(self, name: str) -> str:
        """Path of a raster for GDAL, once its first bytes and its checksum (zip) are right."""
        if name not in self._verified:
            if not self._start_of(name, 8).startswith(_RASTER_MAGIC):
                raise ProductError(
                    f"{self.path}: {name} is neither GeoTIFF nor JPEG 2000; the file is damaged, "
                    f"{_AGAIN}"
                )
            self._verified.add(name)
        if self._zipped:
            return f"/vsizip/{{{self.path.resolve()}}}/{name}"
        return str(self.path / name)

    def _start_of(self, name: str, n_bytes: int) -> bytes:
        """First bytes of a file, which in a zip is read to its end to verify its checksum."""
        try:
            if not self._zipped:
                with open(self.path / name, "rb") as stream:
                    return stream.read(n_bytes)
            with zipfile.ZipFile(self.path) as archive, archive.open(name) as entry:
                start = entry.read(n_bytes)
                while entry.read(2**20):
                    pass
                return start
        except _ZIP_ERRORS as error:
            raise self._damaged(name, error) from error


def _matches(parts: list[str], pattern: list[str]) -> bool:
    tail = parts[-len(pattern) :]
    return len(tail) == len(pattern) and all(map(fnmatchcase, tail, pattern))


def _folder_entries(folder: Path) -> dict[str, int]:
    """Size of each file below a folder, links refused."""
    sizes: dict[str, int] = {}
    for parent, folders, files in os.walk(folder):
        for name in [*folders, *files]:
            path = Path(parent, name)
            if path.is_symlink():
                raise ProductError(f"{path}: is a symbolic link; put the file itself in its place")
        for name in files:
            path = Path(parent, name)
            if path.is_file():
                sizes[path.relative_to(folder).as_posix()] = path.stat().st_size
        if len(sizes) > MAX_ENTRIES:
            raise ProductError(
                f"{folder}: has more than {MAX_ENTRIES} files; give the folder of one product"
            )
    return sizes


def _zip_entries(path: Path) -> dict[str, int]:
    """Size of each file in a zip whose directory is safe to follow."""
    try:
        with open(path, "rb") as stream:
            gzipped = stream.read(2) == _GZIP_MAGIC
            entries = [] if gzipped else zipfile.ZipFile(stream).infolist()
    except _ZIP_ERRORS as error:
        raise ProductError(
            f"{path}: is not a readable zip ({error}); it is damaged or incomplete, {_AGAIN}"
        ) from error
    if gzipped:
        raise ProductError(
            f"{path}: is a gzipped archive; unpack it (tar -xzf) and give the folder"
        )
    unpacked = sum(entry.file_size for entry in entries)
    if len(entries) > MAX_ENTRIES or unpacked > max(FREE_BYTES, MAX_RATIO * path.stat().st_size):
        raise ProductError(
            f"{path}: would unpack to {len(entries)} files of {unpacked} bytes, more than any "
            f"product; {_AGAIN}"
        )
    sizes: dict[str, int] = {}
    for entry in entries:
        if problem := _entry_problem(entry, sizes):
            raise ProductError(f"{path}: entry {entry.filename!r} {problem}; {_AGAIN}")
        if not entry.is_dir():
            sizes[entry.filename] = entry.file_size
    return sizes


def _entry_problem(entry: zipfile.ZipInfo, seen: dict[str, int]) -> str | None:
    name = entry.orig_filename
    parts = PurePosixPath(name).parts
    if not name or not entry.filename:
        return "has no name"
    if name.startswith("/") or ".." in parts or "\\" in name or ":" in name or "\0" in name:
        return "leads outside the product"
    if stat.S_ISLNK(entry.external_attr >> 16):
        return "is a symbolic link"
    if entry.flag_bits & 1:
        return "is encrypted"
    if name in seen:
        return "stands twice in it"
    return None
