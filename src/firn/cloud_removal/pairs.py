"""Images of a pair of dates: the files that every pair has, and how real products become them.

All lie on one grid of 10 m. Sentinel-2 has values of 10000 x reflectance, 0 = no data; Sentinel-1
has gamma0, linear. Real clouds have no data in Sentinel-2, of either date.
"""

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
import numpy.typing as npt
from rasterio.crs import CRS
from rasterio.warp import transform_geom

from firn import raster
from firn.cloud_removal_config import RealPair
from firn.errors import DataError, GridError, ProductError
from firn.grid import Grid
from firn.products.maja import open_l2a
from firn.provenance import provenance
from firn.sensors import STACK_NODATA, STACK_SCALE

FloatArray = npt.NDArray[np.float32]
PathLike = str | os.PathLike[str]

#: Pixel size of the pairs, m.
RESOLUTION = 10.0
_LARGEST = 65534


@dataclass(frozen=True)
class PairFiles:
    """Files of a pair; see the head of the module.

    Attributes
    ----------
    sentinel1_t0, sentinel1_t1 : path
        VV and VH, float32.
    sentinel2_t0, sentinel2_t1 : path
        The bands, uint16.
    cloud_t1 : path
        uint8, 1 = cloud over the later Sentinel-2 image.
    severity : path
        Fire severity between the dates, uint8, 255 = unknown.
    year_low, year_high : path
        Lowest and highest reflectance of a year before t1, as Sentinel-2; 0 = unknown.
    """

    sentinel1_t0: PathLike
    sentinel1_t1: PathLike
    sentinel2_t0: PathLike
    sentinel2_t1: PathLike
    cloud_t1: PathLike
    severity: PathLike
    year_low: PathLike
    year_high: PathLike


def pair_files(folder: PathLike) -> PairFiles:
    """Files of a pair in the folder that they lie in: ``{folder}/sentinel2_t0.tif`` and so on."""
    return PairFiles(*(Path(folder) / f"{field.name}.tif" for field in fields(PairFiles)))


def write_reflectance(
    path: PathLike, image: FloatArray, grid: Grid, bands: Sequence[str], sources: Sequence[str]
) -> None:
    """Write reflectance, (band, y, x), NaN without data."""
    numbers = np.clip(np.rint(np.nan_to_num(image) * STACK_SCALE), 1, _LARGEST)
    stored = np.where(np.isfinite(image), numbers, STACK_NODATA).astype(np.uint16)
    tags = {"FIRN_PROVENANCE": json.dumps(provenance(sources), sort_keys=True)}
    raster.write(path, stored, grid, nodata=STACK_NODATA, band_names=bands, tags=tags)


def read_sentinel2(
    path: PathLike, bands: Sequence[str]
) -> tuple[FloatArray, npt.NDArray[np.bool_] | None, Grid]:
    """Read surface reflectance at 10 m; bands of 20 m are interpolated.

    Parameters
    ----------
    path : path
        A MAJA product; or a raster whose bands have names, or a folder of a raster per band
        (``B04.tif``), of 10000 x reflectance, 0 = no data.
    bands : sequence of str

    Returns
    -------
    image : ndarray of float32, (band, y, x)
        NaN without data.
    cloud : ndarray of bool, (y, x), or None
        Clouds and their shadows, where the product has a mask of them.
    grid : Grid
        10 m.

    Raises
    ------
    ProductError
        A band is missing.
    GridError
        The bands do not cover one piece of ground.
    DataError
        A file cannot be read.
    """
    folder = Path(path)
    if folder.is_dir() and any(folder.glob("B*.tif")):
        sources = [(folder / f"{band}.tif", 1) for band in bands]
        if missing := [str(source) for source, _ in sources if not source.exists()]:
            raise ProductError(f"{missing[0]}: is not there; give a folder with all of {bands}")
    elif folder.suffix.lower() in (".tif", ".tiff"):
        names = raster.band_names(path)
        if lacking := [band for band in bands if band not in names]:
            raise ProductError(
                f"{path}: has bands {', '.join(names)} and lacks {', '.join(lacking)}; name them "
                "by their descriptions, or leave them out of cloud_removal.bands"
            )
        sources = [(folder, 1 + names.index(band)) for band in bands]
    else:
        product = open_l2a(path)
        image = product.read_reflectance(bands, RESOLUTION, "SRE")
        grid = Grid.of(image)
        mask = raster.resample(product.cloud_mask().values, product.grid(), grid, "nearest", fill=0)
        return image.values, mask > 0, grid
    grid = raster.grid_of(sources[0][0]).with_resolution(RESOLUTION)
    layers = []
    for source, index in sources:
        if not np.allclose(raster.grid_of(source).bounds, grid.bounds):
            raise GridError(f"{source}: does not cover the ground of {sources[0][0]}")
        numbers = raster.read(source, indexes=[index]).values[0].astype(np.float32)
        numbers[numbers == STACK_NODATA] = np.nan
        own = raster.grid_of(source)
        if own != grid:
            # The edges of the coarser pixels have no neighbours beyond: the nearest stand in.
            finer = round(own.resolution / RESOLUTION)
            near = np.repeat(np.repeat(numbers, finer, 0), finer, 1)
            smooth = raster.resample(numbers, own, grid, "bilinear", fill=np.nan, nodata=np.nan)
            numbers = np.where(np.isfinite(smooth), smooth, near)
        layers.append(numbers / np.float32(STACK_SCALE))
    return np.asarray(layers, np.float32), None, grid


def read_area(path: PathLike) -> tuple[dict[str, object], ...]:
    """Polygons of a GeoJSON file, in longitude and latitude; there may be many.

    Raises
    ------
    DataError
        It cannot be read, or holds no polygon.
    """
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8"))
        features = content.get("features", [content])
        shapes = [feature.get("geometry", feature) for feature in features]
        pieces = [piece for shape in shapes for piece in shape.get("geometries", [shape])]
        polygons = tuple(p for p in pieces if p.get("type") in ("Polygon", "MultiPolygon"))
    except (OSError, ValueError, AttributeError) as error:
        raise DataError(f"{path}: cannot be read as GeoJSON ({error})") from error
    if not polygons:
        raise DataError(f"{path}: holds no polygon; draw the area as one or more polygons")
    return polygons


def area_mask(path: PathLike, grid: Grid) -> npt.NDArray[np.bool_]:
    """Pixels of a grid in the polygons of a GeoJSON file.

    Raises
    ------
    GridError
        There are none.
    """
    degrees = CRS.from_epsg(4326)
    polygons = [transform_geom(degrees, grid.crs, polygon) for polygon in read_area(path)]
    inside = raster.burn(polygons, grid)
    if not inside.any():
        raise GridError(f"{path}: its polygons lie outside of the Sentinel-2 images; correct them")
    return inside


def prepare_sentinel2(pair: RealPair, bands: Sequence[str], files: PairFiles) -> None:
    """Write the Sentinel-2 images of a real pair, and what goes with them.

    The images are cut to the box of the area, ground beyond its polygons has no data, and clouds
    have none either. Of the later image's clouds a mask is kept.

    Parameters
    ----------
    pair : RealPair
    bands : sequence of str
    files : PairFiles
        Its images of Sentinel-1 are left to `firn.cloud_removal.sentinel1`.

    Raises
    ------
    GridError
        The images of both dates are not on one grid, or the area lies beyond them.
    """
    image, cloud, grid = read_sentinel2(pair.sentinel2_t1, bands)
    kept = np.ones(grid.shape, bool)
    if pair.area is not None:
        kept = area_mask(pair.area, grid)
        rows, cols = np.flatnonzero(kept.any(axis=1)), np.flatnonzero(kept.any(axis=0))
        part = np.s_[rows[0] : rows[-1] + 1, cols[0] : cols[-1] + 1]
    else:
        part = np.s_[0 : grid.height, 0 : grid.width]
    shape = kept[part].shape
    cut = grid.crop(part[0].start, part[1].start, *shape)
    hidden = np.zeros(grid.shape, bool) if cloud is None else cloud
    raster.write(files.cloud_t1, hidden[part].astype(np.uint8), cut)
    image[:, hidden | ~kept] = np.nan
    write_reflectance(files.sentinel2_t1, image[:, *part], cut, bands, [str(pair.sentinel2_t1)])
    image, cloud, own = read_sentinel2(pair.sentinel2_t0, bands)
    if own != grid:
        raise GridError(
            f"{pair.sentinel2_t0}: is not on the grid of {pair.sentinel2_t1}; give images of one "
            "tile"
        )
    image[:, ~kept if cloud is None else cloud | ~kept] = np.nan
    write_reflectance(files.sentinel2_t0, image[:, *part], cut, bands, [str(pair.sentinel2_t0)])
    unknown = np.full(shape, 255, np.uint8)
    raster.write(files.severity, unknown, cut, nodata=255)
    nothing = np.full((len(bands), *shape), np.nan, np.float32)
    for path in (files.year_low, files.year_high):
        write_reflectance(path, nothing, cut, bands, [])
