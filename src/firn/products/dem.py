"""Elevation: Copernicus DEM and SRTM tiles, or any raster of heights, on the grid of an image.

Sources: Copernicus DEM Product Handbook (Airbus), for the names of tiles and that there is none
where there is only sea; SRTM User Guide (NASA LP DAAC), for its voids.
"""

import math
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from enum import IntEnum
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from rasterio.crs import CRS
from rasterio.features import rasterize
from rasterio.fill import fillnodata
from rasterio.warp import transform_geom

from firn import raster
from firn.errors import DataError, GridError
from firn.grid import Grid
from firn.products.resampling import kernel
from firn.products.tiles import Source, overlapping, raster_files

FloatArray = npt.NDArray[np.float32]

#: Heights on Earth's land, m.
LOWEST, HIGHEST = -500.0, 9000.0
#: Codes that stand for a void whether or not the file says so: -9999, and what no height in metres
#: or feet reaches, as the -32768 of SRTM.
VOID_CODE, VOID_MAGNITUDE = -9999.0, 30_000.0
#: A void is filled if no pixel of it is farther than this from a measured one, m. Interpolation is
#: for small voids (Reuter et al. 2007, Int. J. Geogr. Inf. Sci. 21, 983-1008).
FILL_REACH = 300.0
#: Nor is a void filled that extends over more than this from north to south, m: whether a void is
#: filled then shows from the rows around it, and a grid can be read in strips.
LONGEST_VOID = 3000.0
#: Passes of a 3 x 3 mean over what was filled: measured on relief of the Alps, they take a quarter
#: (voids of 500 m) to a half (of 200 m) off its error.
FILL_SMOOTHING = 30
#: Height beside a missing tile above which it cannot be one of sea, m.
COAST_HEIGHT = 100.0
#: Side of the part of a source that is read at once, pixels: a quarter of a GiB.
MAX_READ = 8192
METRES = {"", "1", "m", "metre", "metres", "meter", "meters"}
#: Metres in a degree of latitude, to tell the pixel size of a geographic raster.
_METRES_PER_DEGREE = 111_320.0
_GEOGRAPHIC = CRS.from_epsg(4326)
_COPERNICUS = re.compile(
    r"Copernicus_DSM_(?:COG_)?(?:10|30)_([NS])(\d{2})_00_([EW])(\d{3})_00_DEM\.tif", re.IGNORECASE
)
_SRTM = re.compile(r"([NS])(\d{2})([EW])(\d{3})\b.*\.hgt", re.IGNORECASE)

#: South-west corner of a tile of one degree: latitude, longitude.
Cell = tuple[int, int]


class Origin(IntEnum):
    """Where the elevation of a pixel comes from."""

    NONE = 0
    MEASURED = 1
    FILLED = 2
    SEA = 3


class Dem(NamedTuple):
    """Elevation on a grid.

    Attributes
    ----------
    elevation : ndarray of float32, (y, x), metres
        NaN where there is none.
    origin : ndarray of uint8, (y, x)
        Codes of `Origin`.
    """

    elevation: FloatArray
    origin: npt.NDArray[np.uint8]


class Tile(NamedTuple):
    """A raster of heights and its grid."""

    path: Path
    grid: Grid


def read_dem(source: Source, grid: Grid) -> Dem:
    """Read elevation on a grid from one raster or from tiles, of any CRS.

    Only tiles that touch the grid are opened; the first by name counts where they overlap. Small
    voids are filled from around them (inverse distance), larger ones stay without elevation. Among
    Copernicus tiles, a missing one is sea: 0 m.

    Parameters
    ----------
    source : path or sequence of path
        A raster, a folder of tiles (Copernicus DEM, SRTM ``.hgt``, GeoTIFF), or a list of files.
        Where there are Copernicus tiles, other files are left alone: they come with masks.
    grid : Grid

    Raises
    ------
    GridError
        The source and the grid share no ground.
    DataError
        A file is missing, damaged or not in metres, has heights that are not on Earth or none at
        all on the grid, or a tile is missing that cannot be sea.
    """
    (dem,) = dem_parts(source, grid, [grid])
    return dem


def dem_parts(source: Source, grid: Grid, parts: Iterable[Grid]) -> Iterator[Dem]:
    """Read elevation on strips of a grid, one after the other, as `read_dem` does on the whole.

    Strips have all columns of the grid: GDAL's approximation of a change of CRS is one of rows.
    That there is elevation at all is known after the last part only.
    """
    files = raster_files(source)
    cells = _copernicus_cells(files)
    tiles = _touching(list(cells.values()) or files, _widened(grid))
    if not any(tile.grid.overlaps(grid) for tile in tiles):
        raise GridError(
            f"{source}: covers no part of the grid {tuple(round(b) for b in grid.bounds)} in "
            f"{grid.crs}; give a raster of the same area"
        )
    found = False
    for part in parts:
        dem = _read_part(tiles, {} if _is_file(source) else cells, part)
        found |= bool(np.isfinite(dem.elevation).any())
        yield dem
    if not found:
        raise DataError(
            f"{source}: has no elevation on the grid, only voids; give another elevation model"
        )


def _margins(grid: Grid) -> tuple[int, int]:
    """Rows and columns around a grid: kernels and voids reach beyond it."""
    reach = math.ceil(FILL_REACH / grid.resolution)
    return reach + math.ceil(LONGEST_VOID / grid.resolution), 2 * reach


def _widened(grid: Grid) -> Grid:
    rows, cols = _margins(grid)
    return grid.crop(-rows, -cols, grid.height + 2 * rows, grid.width + 2 * cols)


def _read_part(tiles: Sequence[Tile], cells: dict[Cell, Path], grid: Grid) -> Dem:
    wide = _widened(grid)
    elevation = _mosaic(tiles, wide)
    origin = np.where(np.isnan(elevation), Origin.NONE, Origin.MEASURED).astype(np.uint8)
    if cells:
        _add_sea(elevation, origin, wide, cells)
    _fill_voids(elevation, origin, grid.resolution)
    rows, cols = _margins(grid)
    inner = slice(rows, -rows), slice(cols, -cols)
    return Dem(elevation[inner].copy(), origin[inner].copy())


def _is_file(source: Source) -> bool:
    return isinstance(source, str | os.PathLike) and Path(source).is_file()


def _copernicus_cells(files: Sequence[Path]) -> dict[Cell, Path]:
    """Copernicus tiles by cell."""
    cells: dict[Cell, Path] = {}
    for file in files:
        if match := _COPERNICUS.fullmatch(file.name):
            cells.setdefault(_cell(match), file)
    return cells


def _cell(match: re.Match[str]) -> Cell:
    north_south, latitude, east_west, longitude = match.groups()
    return (
        int(latitude) * (1 if north_south.upper() == "N" else -1),
        int(longitude) * (1 if east_west.upper() == "E" else -1),
    )


def _cells_of(grid: Grid) -> set[Cell]:
    """Cells of one degree that a grid touches, within a thousandth of a degree."""
    left, bottom, right, top = grid.bounds_in(_GEOGRAPHIC)
    return {
        (latitude, longitude)
        for latitude in range(math.floor(bottom - 0.001), math.ceil(top + 0.001))
        for longitude in range(math.floor(left - 0.001), math.ceil(right + 0.001))
    }


def _touching(files: Sequence[Path], grid: Grid) -> list[Tile]:
    """Tiles that share ground with a grid; those whose name tells another place are not opened."""
    cells = _cells_of(grid)
    near = []
    for file in files:
        match = _COPERNICUS.fullmatch(file.name) or _SRTM.fullmatch(file.name)
        if match is None or _cell(match) in cells:
            near.append(file)
    tiles = [Tile(*found) for found in overlapping(near, grid)]
    for tile in tiles:
        _check_vertical_unit(tile)
    return tiles


def _check_vertical_unit(tile: Tile) -> None:
    """Refuse heights whose CRS measures them in another unit than metres."""
    content = tile.grid.crs.to_dict(projjson=True)
    for part in content.get("components", []):
        for axis in part["coordinate_system"]["axis"] if part["type"] == "VerticalCRS" else []:
            unit: Any = axis["unit"]
            _check_unit(tile.path, unit if isinstance(unit, str) else unit["name"])


def _check_unit(path: Path, unit: str) -> None:
    if unit.strip().lower() not in METRES:
        raise DataError(
            f"{path}: has heights in {unit[:40]!r}, expected metres; convert it (gdal_calc, feet x "
            "0.3048) and correct its unit"
        )


def _mosaic(tiles: Sequence[Tile], grid: Grid) -> FloatArray:
    """Elevation of the tiles on a grid; tiles of one lattice are joined before they are warped."""
    lattices: list[list[Tile]] = []
    for tile in tiles:
        for lattice in lattices:
            if _aligned(lattice[0].grid, tile.grid):
                lattice.append(tile)
                break
        else:
            lattices.append([tile])
    elevation = np.full(grid.shape, np.nan, np.float32)
    for lattice in lattices:
        pixel = _pixel_size(lattice[0].grid)
        side = max(64, int(MAX_READ * pixel / grid.resolution))
        for row in range(0, grid.height, side):
            for col in range(0, grid.width, side):
                part = elevation[row : row + side, col : col + side]
                place = grid.crop(row, col, *part.shape)
                layer = _warped(lattice, place, pixel)
                np.copyto(part, layer, where=np.isnan(part))
    return elevation


def _pixel_size(grid: Grid) -> float:
    """Height of a pixel, m: along a meridian a degree is as long everywhere."""
    geographic = grid.crs.is_geographic
    unit = _METRES_PER_DEGREE if geographic else grid.crs.linear_units_factor[1]
    return -float(grid.transform.e * unit)


def _offset(first: Grid, second: Grid) -> tuple[float, float]:
    """Rows and columns from the corner of the first grid to that of the second."""
    rows = (second.transform.f - first.transform.f) / first.transform.e
    return rows, (second.transform.c - first.transform.c) / first.transform.a


def _aligned(first: Grid, second: Grid) -> bool:
    """Whether two grids are parts of one."""
    steps = (first.transform.a, first.transform.e), (second.transform.a, second.transform.e)
    return (
        first.crs == second.crs
        and np.allclose(*steps, rtol=1e-6, atol=0)
        and all(abs(offset - round(offset)) < 0.01 for offset in _offset(first, second))
    )


def _warped(lattice: Sequence[Tile], grid: Grid, pixel: float) -> FloatArray:
    """Elevation of the tiles of one lattice on a grid that is small enough to be read at once."""
    first = lattice[0].grid
    margin = 2 * math.ceil(max(1, grid.resolution / pixel)) + 1
    left, bottom, right, top = grid.bounds_in(first.crs)
    start_row = math.floor((top - first.transform.f) / first.transform.e) - margin
    stop_row = math.ceil((bottom - first.transform.f) / first.transform.e) + margin
    start_col = math.floor((left - first.transform.c) / first.transform.a) - margin
    stop_col = math.ceil((right - first.transform.c) / first.transform.a) + margin
    area = first.crop(start_row, start_col, stop_row - start_row, stop_col - start_col)
    heights = np.full(area.shape, np.nan, np.float32)
    for tile in lattice:
        row, col = (round(offset) for offset in _offset(area, tile.grid))
        rows = slice(max(row, 0), min(row + tile.grid.height, area.height))
        cols = slice(max(col, 0), min(col + tile.grid.width, area.width))
        if rows.start < rows.stop and cols.start < cols.stop:
            part = heights[rows, cols]
            window = (rows.start - row, cols.start - col, *part.shape)
            np.copyto(part, _heights(tile.path, window), where=np.isnan(part))
    if np.isnan(heights).all():
        return np.full(grid.shape, np.nan, np.float32)
    resampling = kernel(pixel, grid.resolution)
    return np.asarray(
        raster.resample(heights, area, grid, resampling, fill=np.nan, nodata=np.nan), np.float32
    )


def _heights(path: Path, window: tuple[int, int, int, int]) -> FloatArray:
    """Part of a raster of heights, NaN in its voids."""
    _check_unit(path, raster.units(path))
    values = raster.read_values(path, indexes=[1], window=window)[0]
    heights: FloatArray = values.astype(np.float32)
    void = ~(np.abs(heights) < VOID_MAGNITUDE) | (heights == VOID_CODE)
    if (nodata := raster.nodata(path)) is not None:
        void |= values == nodata
    heights[void] = np.nan
    if void.all():
        return heights
    lowest, highest = float(np.nanmin(heights)), float(np.nanmax(heights))
    if lowest < LOWEST or highest > HIGHEST:
        raise DataError(
            f"{path}: has heights from {lowest:g} to {highest:g}, expected metres between "
            f"{LOWEST:g} and {HIGHEST:g}; convert it to metres of land, or set its no-data value "
            "(gdal_edit -a_nodata)"
        )
    return heights


def _add_sea(
    elevation: FloatArray, origin: npt.NDArray[np.uint8], grid: Grid, cells: dict[Cell, Path]
) -> None:
    """Set elevation to 0 in the cells that have no tile.

    Raises
    ------
    DataError
        There is high land at the border of such a cell, which therefore lacks its tile.
    """
    from scipy import ndimage

    for latitude, longitude in sorted(_cells_of(grid) - set(cells)):
        outline = {"type": "Polygon", "coordinates": [_outline(latitude, longitude)]}
        inside = rasterize(
            [transform_geom(_GEOGRAPHIC, grid.crs, outline)],
            grid.shape,
            transform=grid.transform,
            dtype=np.uint8,
        )
        sea = (inside == 1) & np.isnan(elevation)
        beside = ndimage.binary_dilation(sea, iterations=2) & (origin == Origin.MEASURED)
        if beside.any() and (height := float(np.nanmax(elevation[beside]))) > COAST_HEIGHT:
            name = (
                f"{'S' if latitude < 0 else 'N'}{abs(latitude):02}_00_"
                f"{'W' if longitude < 0 else 'E'}{abs(longitude):03}_00"
            )
            raise DataError(
                f"{next(iter(cells.values())).parent}: has no Copernicus tile {name}, but beside "
                f"it the land is {height:.0f} m high, so that it is not sea; fetch that tile"
            )
        elevation[sea] = 0
        origin[sea] = Origin.SEA


def _outline(latitude: int, longitude: int) -> list[tuple[float, float]]:
    """Outline of a cell as (x, y), with points between its corners: sides are curved in UTM.

    It is larger than the cell by half a pixel of 3 arc seconds: so far off are tiles at most.
    """
    sides = np.linspace(-0.0005, 1.0005, 20)
    low, high = np.full(20, sides[0]), np.full(20, sides[-1])
    x = np.concatenate([sides, high, sides[::-1], low])
    y = np.concatenate([low, sides, high, sides[::-1]])
    return list(zip((longitude + x).tolist(), (latitude + y).tolist(), strict=True))


def _fill_voids(elevation: FloatArray, origin: npt.NDArray[np.uint8], resolution: float) -> None:
    """Fill the voids that lie within the raster and are neither deep nor tall."""
    reach, longest = (math.ceil(size / resolution) for size in (FILL_REACH, LONGEST_VOID))
    void = np.isnan(elevation)
    if not void.any():
        return
    # Most relief has no void, and scipy takes a quarter of a second to be imported.
    from scipy import ndimage

    labels, count = ndimage.label(void, np.ones((3, 3), int))
    enclosed = np.ones(count + 1, bool)
    for border in (labels[0], labels[-1], labels[:, 0], labels[:, -1]):
        enclosed[border] = False
    for label, (rows, cols) in enumerate(ndimage.find_objects(labels), start=1):
        if not enclosed[label] or rows.stop - rows.start > longest:
            continue
        inside = labels[rows, cols] == label
        if ndimage.distance_transform_edt(np.pad(inside, 1)).max() > reach:
            continue
        top, left = max(rows.start - reach, 0), max(cols.start - reach, 0)
        around = slice(top, rows.stop + reach), slice(left, cols.stop + reach)
        filled = fillnodata(
            np.nan_to_num(elevation[around]),
            ~void[around],
            max_search_distance=reach + 1,
            smoothing_iterations=FILL_SMOOTHING,
        )
        height, width = inside.shape
        inner = filled[rows.start - top :, cols.start - left :][:height, :width]
        elevation[rows, cols][inside] = inner[inside]
        origin[rows, cols][inside] = Origin.FILLED
