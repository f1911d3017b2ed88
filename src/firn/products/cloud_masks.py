"""Masks of cloud that other programs or people made, in firn's classes.

Fmask: codes of python-fmask's rasters. ALCD: the reference masks of Baetens, Desjardins & Hagolle
(2019, Remote Sens. 11, 433), Zenodo record 1460961. Polygons: GeoJSON that a person drew.
"""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt
from rasterio.crs import CRS
from rasterio.warp import transform_geom

from firn import raster
from firn.classes import IGNORE, PUBLISHED, SurfaceClass
from firn.errors import DataError
from firn.grid import Grid

PathLike = str | os.PathLike[str]
Classes = npt.NDArray[np.uint8]

_GROUND, _SNOW, _CLOUD = map(int, SurfaceClass)

#: Classes of python-fmask's codes: null, clear, cloud, shadow, snow, water. A shadow is no cloud.
FMASK: Mapping[int, int] = MappingProxyType(
    {0: IGNORE, 1: _GROUND, 2: _CLOUD, 3: _GROUND, 4: _SNOW, 5: _GROUND}
)
#: Classes of ALCD's codes: no data, not used, low and high cloud, shadow, land, water, snow.
ALCD: Mapping[int, int] = MappingProxyType(
    {0: IGNORE, 1: IGNORE, 2: _CLOUD, 3: _CLOUD, 4: _GROUND, 5: _GROUND, 6: _GROUND, 7: _SNOW}
)
#: Files of a scene of the ALCD data set, below its folder.
ALCD_CLASSES = "Classification/classification_map.tif"
ALCD_CONFIDENCE = "Classification/confidence_enhanced.tif"
#: Property of a polygon that names its class.
CLASS_PROPERTY = "class"


def _recoded(codes: Classes, table: Mapping[int, int], path: PathLike, kind: str) -> Classes:
    found = set(np.unique(codes).tolist())
    if unknown := sorted(found - set(table)):
        raise DataError(
            f"{path}: holds the codes {unknown[:8]}, which {kind} does not have (it has "
            f"{', '.join(map(str, table))}); give the mask itself"
        )
    lookup = np.full(256, IGNORE, np.uint8)
    for code, surface in table.items():
        lookup[code] = surface
    return np.asarray(lookup[codes], np.uint8)


def _codes(path: PathLike, grid: Grid) -> Classes:
    values = raster.read_on(path, grid, "nearest", indexes=[1], fill=0)[0]
    if values.dtype != np.uint8:
        raise DataError(f"{path}: holds {values.dtype}, expected codes of uint8; give the mask")
    return np.asarray(values, np.uint8)


def read_fmask(path: PathLike, grid: Grid) -> Classes:
    """Read a raster of python-fmask, (y, x) in classes; 255 where it has none.

    Raises
    ------
    DataError
        The raster is missing, damaged, or holds other codes.
    GridError
        It covers nothing of the grid.
    """
    return _recoded(_codes(path, grid), FMASK, path, "Fmask")


def read_alcd(folder: PathLike, grid: Grid, confidence: int = 0) -> Classes:
    """Read a reference mask of ALCD, (y, x) in classes; 255 where it does not judge.

    Parameters
    ----------
    folder : path
        Folder of the scene, named after its Level-1C product.
    grid : Grid
    confidence : int
        Pixels with a lower confidence, 0 to 255, are not judged. The masks are those of a random
        forest that people taught, so that a low one says that trees disagreed.

    Raises
    ------
    DataError
        A raster is missing, damaged, or holds other codes.
    """
    classes = alcd_classes(read_alcd_codes(folder, grid))
    if confidence:
        sure = _codes(Path(folder) / ALCD_CONFIDENCE, grid)
        classes[sure < confidence] = IGNORE
    return classes


def read_alcd_codes(folder: PathLike, grid: Grid) -> Classes:
    """Read the codes of a reference mask of ALCD, (y, x), see `ALCD`; errors as of `read_alcd`."""
    path = Path(folder) / ALCD_CLASSES
    codes = _codes(path, grid)
    _recoded(codes, ALCD, path, "ALCD")
    return codes


def alcd_classes(codes: Classes) -> Classes:
    """Classes of ALCD's codes; 255 where it does not judge."""
    return _recoded(codes, ALCD, ALCD_CLASSES, "ALCD")


def read_polygons(path: PathLike, grid: Grid) -> Classes:
    """Read polygons that a person labelled, (y, x) in classes; 255 outside of all.

    Parameters
    ----------
    path : path
        GeoJSON: a collection of polygons with a property ``class``: ``ground``, ``snow`` or
        ``cloud``. Where two overlap, the later one counts. Longitude and latitude, unless a member
        ``crs`` names another system.
    grid : Grid

    Raises
    ------
    DataError
        The file is missing, is no such collection, or names another class.
    """
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8"))
        features = content["features"]
        named = content.get("crs", {}).get("properties", {}).get("name", "OGC:CRS84")
        crs = CRS.from_user_input(named)
        shapes = [(_class_of(f, path), f["geometry"]) for f in features]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(
            f"{path}: is not a GeoJSON collection of labelled polygons ({error}); export the layer "
            f"again, with the property {CLASS_PROPERTY}"
        ) from error
    classes = np.full(grid.shape, IGNORE, np.uint8)
    for surface, geometry in shapes:
        moved = transform_geom(crs, grid.crs, geometry)
        classes[raster.burn([moved], grid)] = surface
    return classes


def _class_of(feature: Mapping[str, Any], path: PathLike) -> SurfaceClass:
    name = str((feature.get("properties") or {}).get(CLASS_PROPERTY))
    kind = (feature.get("geometry") or {}).get("type")
    if name.upper() not in SurfaceClass.__members__ or kind not in ("Polygon", "MultiPolygon"):
        raise DataError(
            f"{path}: has a {kind} of class {name!r}, expected polygons whose property "
            f"{CLASS_PROPERTY} is ground, snow or cloud; correct it"
        )
    return SurfaceClass[name.upper()]


def read_mask(path: PathLike, grid: Grid, confidence: int = 0) -> Classes:
    """Read a supplied mask of any kind, (y, x) in classes, by what its path is.

    A folder is a scene of ALCD, ``.geojson`` or ``.json`` are polygons, ``fmask*.tif`` is one of
    python-fmask; other rasters hold firn's classes or the codes of published maps.

    Parameters
    ----------
    path : path
    grid : Grid
    confidence : int
        As in `read_alcd`.

    Raises
    ------
    DataError
        The mask is missing, damaged, or holds other codes.
    """
    place = Path(path)
    if place.is_dir():
        return read_alcd(place, grid, confidence)
    if place.suffix.lower() in (".geojson", ".json"):
        return read_polygons(place, grid)
    if place.name.lower().startswith("fmask"):
        return read_fmask(place, grid)
    own = {int(c): int(c) for c in SurfaceClass} | {IGNORE: IGNORE}
    published = {code: int(surface) for surface, code in PUBLISHED.items()}
    codes = raster.read_on(place, grid, "nearest", indexes=[1], fill=IGNORE)[0]
    if set(np.unique(codes).tolist()) <= set(own):
        return _recoded(codes, own, place, "firn")
    return _recoded(codes, published | {254: IGNORE, IGNORE: IGNORE}, place, "a published map")
