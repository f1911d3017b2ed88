"""Tree cover density and water on the grid of an image.

Source of the codes: product specifications of the Copernicus High Resolution Layers Tree Cover
Density and Water and Wetness.
"""

import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from rasterio.crs import CRS
from rasterio.features import rasterize
from rasterio.warp import transform as transform_points

from firn import raster
from firn.errors import DataError, GridError
from firn.grid import Grid
from firn.products.tiles import Source, overlapping, raster_files
from firn.raster import Array

#: Tree cover of a pixel without data; the layers also have 254, not classifiable.
TREE_COVER_NODATA = 255
TREE_COVER_CODES = (254, 255)
WATER = 1
#: Codes of the Water and Wetness layer: 1 is permanent water; 2 to 4 are flooded or wet at times.
WATER_CODES = (0, 1, 2, 3, 4, 253, 254, 255)
VECTOR_SUFFIXES = (".gpkg", ".shp", ".geojson", ".json")


def read_tree_cover(source: Source, grid: Grid) -> npt.NDArray[np.uint8]:
    """Read tree cover density on a grid, (y, x) in per cent, above 100 where it is not known.

    Values are taken from the nearest pixel, not interpolated: codes stand among them.

    Parameters
    ----------
    source : path or sequence of path
        A raster, a folder of tiles or a list of files; 0 to 100, and 254 and 255 without data.
    grid : Grid

    Raises
    ------
    GridError
        The source and the grid share no ground.
    DataError
        A file is missing or damaged, or its values are no per cent.
    """
    (cover,) = tree_cover_parts(source, grid, [grid])
    return cover


def tree_cover_parts(
    source: Source, grid: Grid, parts: Iterable[Grid]
) -> Iterator[npt.NDArray[np.uint8]]:
    """Read tree cover density on parts of a grid, one after the other; see `read_tree_cover`.

    That the source is no mask is known after the last part only.
    """
    files = _files(source, grid)
    highest = 0.0
    for part in parts:
        cover = _nearest(files, part, TREE_COVER_NODATA)
        known = cover[~np.isin(cover, TREE_COVER_CODES)]
        least, most = float(known.min(initial=0)), float(known.max(initial=0))
        if not (least >= 0 and most <= 100):
            raise _no_per_cent(source, least, most)
        highest = max(highest, most)
        yield np.rint(cover).astype(np.uint8)
    if 0 < highest <= 1:
        raise _no_per_cent(source, 0, highest)


def _no_per_cent(source: Source, least: float, most: float) -> DataError:
    return DataError(
        f"{source}: has tree cover from {least:g} to {most:g}, expected per cent (0 to 100) and "
        "254 or 255 without data; give a tree cover density, not a mask or a fraction"
    )


def read_water(source: Source, grid: Grid) -> npt.NDArray[np.bool_]:
    """Tell which pixels of a grid, (y, x), are water.

    Parameters
    ----------
    source : path or sequence of path
        A raster, a folder of tiles or a list of files, 1 = water; or the polygons of water as
        GeoPackage, Shapefile or GeoJSON, which hold the centres of the pixels that are water.
    grid : Grid

    Raises
    ------
    GridError
        The raster and the grid share no ground, or the polygons have no CRS.
    DataError
        A file is missing or damaged, a raster has other codes, or it is not clear which polygons
        are water.
    """
    (water,) = water_parts(source, grid, [grid])
    return water


def water_parts(
    source: Source, grid: Grid, parts: Iterable[Grid]
) -> Iterator[npt.NDArray[np.bool_]]:
    """Tell which pixels of parts of a grid are water, one after the other; see `read_water`."""
    if isinstance(source, str | os.PathLike) and Path(source).suffix.lower() in VECTOR_SUFFIXES:
        for part in parts:
            yield _rasterised(Path(source), part)
        return
    files = _files(source, grid)
    for part in parts:
        codes = _nearest(files, part, 0)
        if (unknown := np.unique(codes[~np.isin(codes, WATER_CODES)])).size:
            raise DataError(
                f"{source}: has the values {unknown[:5].tolist()}, expected 1 where there is water "
                "and 0 elsewhere; give a mask of water"
            )
        yield np.asarray(codes == WATER)


def _files(source: Source, grid: Grid) -> list[tuple[Path, Grid]]:
    """Files of a source that share ground with a grid."""
    files = list(overlapping(raster_files(source), grid))
    if not files:
        raise GridError(
            f"{source}: covers no part of the grid {tuple(round(b) for b in grid.bounds)} in "
            f"{grid.crs}; give a raster of the same area"
        )
    return files


def _nearest(files: Sequence[tuple[Path, Grid]], grid: Grid, fill: int) -> Array:
    """Values of the nearest pixels, ``fill`` where no tile has data."""
    layers = [
        raster.read_on(file, grid, "nearest", indexes=[1], fill=fill)[0]
        for file, own in files
        if own.overlaps(grid)
    ]
    values: Array = layers[0] if layers else np.full(grid.shape, fill, np.uint8)
    for layer in layers[1:]:
        values = np.where(values == fill, layer, values)
    return values


def _rasterised(path: Path, grid: Grid) -> npt.NDArray[np.bool_]:
    """Pixels whose centre lies in a polygon."""
    # A second GDAL, which only those pay for who have vectors.
    import pyogrio
    import shapely

    try:
        layers = pyogrio.list_layers(path)
        names = [name for name, kind in layers if "Polygon" in str(kind) or len(layers) == 1]
        if len(names) != 1:
            raise DataError(
                f"{path}: has {len(names)} layers of polygons ({', '.join(names[:5])}), expected "
                "one, of water; copy that one (ogr2ogr water.gpkg FILE LAYER)"
            )
        crs = _crs(path, pyogrio.read_info(path, layer=names[0])["crs"])
        around = grid.bounds_in(crs)
        _, _, content, _ = pyogrio.raw.read(path, layer=names[0], columns=[], bbox=around)
    except RuntimeError as error:
        raise DataError(
            f"{path}: cannot be read as polygons ({error}); check that it exists and is complete"
        ) from error
    shapes = shapely.from_wkb(content, on_invalid="ignore")
    kinds = shapely.GeometryType.POLYGON, shapely.GeometryType.MULTIPOLYGON
    polygons = shapes[np.isin(shapely.get_type_id(shapes), kinds)]
    if not polygons.size:
        if shapes.size:
            raise DataError(f"{path}: holds no polygons; give the outlines of water bodies")
        return np.zeros(grid.shape, bool)
    # What lies far off may be huge, or no place on Earth.
    moved = shapely.transform(
        shapely.clip_by_rect(polygons, *around),
        lambda xy: np.column_stack(transform_points(crs, grid.crs, xy[:, 0], xy[:, 1])),
    )
    return np.asarray(
        rasterize(list(moved), grid.shape, transform=grid.transform, dtype=np.uint8) == 1
    )


def _crs(path: Path, text: str | None) -> CRS:
    crs = CRS.from_user_input(text) if text else None
    if crs is None or not (crs.is_projected or crs.is_geographic):
        raise GridError(
            f"{path}: has no coordinate reference system of a place on Earth; assign one (ogr2ogr "
            "-a_srs)"
        )
    return crs
