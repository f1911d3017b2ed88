"""From a SPOT Level-1A scene to a map of its reflectance."""

import json
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from firn import raster, terrain
from firn.config import BandOrder
from firn.errors import DataError, GridError
from firn.orthorectification.adjustment import Agreement
from firn.orthorectification.geometry import ViewingGeometry
from firn.orthorectification.mapping import Correction, ImageMap, footprint
from firn.orthorectification.registration import register
from firn.orthorectification.sampling import filled, nearest, sampled
from firn.products.dem import read_dem
from firn.products.dimap import RawImage, SpotL1A, open_l1a
from firn.products.ortho import write_ortho
from firn.provenance import provenance

PathLike = str | os.PathLike[str]
FloatArray = npt.NDArray[np.float32]
BoolArray = npt.NDArray[np.bool_]

#: Pixel size of maps by satellite, m; that of the multispectral bands at nadir.
RESOLUTION = {"SPOT1": 20.0, "SPOT2": 20.0, "SPOT3": 20.0, "SPOT4": 20.0, "SPOT5": 10.0}


def orthorectify(
    product: PathLike,
    dem: PathLike,
    references: Sequence[PathLike],
    output: PathLike,
    *,
    band_order: BandOrder = "reversed",
) -> Agreement:
    """Put a Level-1A scene on the map and write it as a cloud-optimised GeoTIFF.

    Parameters
    ----------
    product : path
        A SWH Level-1A zip or folder.
    dem : path
        Elevation, m; any CRS.
    references : sequence of path
        Sentinel-2 images of the same ground, whose position the scene takes over, and of whose
        first the map takes the CRS. Bands are found by their description (``B08``); a single band
        without one is taken to be near infrared.
    output : path
        As `firn.products.ortho` reads it; 10 m for SPOT5, 20 m for the others.
    band_order : {"reversed", "listed"}
        Order of the bands in the product's image.

    Returns
    -------
    Agreement
        How well the scene lies beside the references; also in the tags of the map.

    Raises
    ------
    ProductError
        The product is damaged, or its units or its geometry are in doubt.
    GridError
        A raster shares no ground with the scene, or a reference is not in a CRS of metres.
    DataError
        A raster is damaged, there is no reference, or the scene cannot be matched to the
        references.
    """
    scene = open_l1a(product, band_order)
    if not references:
        raise DataError(
            f"{product}: no Sentinel-2 scene of its tile is there to match it to; correct its tile "
            "in the table of scenes, or add Sentinel-2 scenes of that tile"
        )
    geometry = ViewingGeometry(scene.location, scene.incidence, str(product))
    crs = raster.grid_of(references[0]).crs
    if not crs.is_projected or crs.linear_units_factor[1] != 1.0:
        raise GridError(f"{references[0]}: its CRS is not in metres; warp it to UTM (gdalwarp)")
    image = scene.read(scene.bands)
    try:
        correction, agreement = register(scene, geometry, image, dem, references, crs)
    except DataError as error:
        raise DataError(f"{product}: {error}") from error
    grid = footprint(scene.location, crs, RESOLUTION[scene.platform])
    image_map = ImageMap(geometry, grid, read_dem(dem, grid).elevation)
    reflectance, saturated = _warped(scene, geometry, image, image_map, correction)
    rows, cols = _extent(np.isfinite(reflectance), product, dem)
    names = [scene.scene_id, *(Path(path).name for path in (dem, *references))]
    write_ortho(
        output,
        scene,
        reflectance[:, rows, cols],
        saturated[:, rows, cols],
        grid.crop(rows.start, cols.start, rows.stop - rows.start, cols.stop - cols.start),
        {
            "FIRN_GEOLOCATION": json.dumps(agreement.as_dict(), sort_keys=True),
            "FIRN_PROVENANCE": json.dumps(provenance(names), sort_keys=True),
        },
    )
    return agreement


def hidden_ground(geometry: ViewingGeometry, image_map: ImageMap) -> BoolArray:
    """Where the relief hides the ground from the satellite, as it would hide it from the sun."""
    grid = image_map.grid
    zenith, azimuth = abs(geometry.incidence), geometry.satellite_azimuth(grid.crs)
    return terrain.cast_shadow(image_map.elevation, grid.resolution, zenith, azimuth)


def _warped(
    scene: SpotL1A,
    geometry: ViewingGeometry,
    image: RawImage,
    image_map: ImageMap,
    correction: Correction,
) -> tuple[FloatArray, BoolArray]:
    """Reflectance, (band, y, x) and NaN without data, and saturation on the map's grid."""
    hidden = hidden_ground(geometry, image_map)
    reflectance = np.empty((len(scene.bands), *image_map.grid.shape), np.float32)
    flags = np.empty(reflectance.shape, bool)
    numbers, valid, saturated = image
    splines = [
        ndimage.spline_filter(filled(*band), 3, np.float32)
        for band in zip(numbers, valid, strict=True)
    ]
    for rows, places in image_map.strips(correction):
        for index, band in enumerate(scene.bands):
            values = np.clip(sampled(splines[index], places, order=3), 0, 255)
            seen = nearest(valid[index], places) & ~hidden[rows]
            reflectance[index, rows] = np.where(seen, scene.reflectance(band, values), np.nan)
            flags[index, rows] = seen & nearest(saturated[index], places)
    return reflectance, flags


def _extent(known: BoolArray, product: PathLike, dem: PathLike) -> tuple[slice, slice]:
    """Lines and columns of (band, y, x) that hold data, their edges at multiples of 20 m."""
    if not known.any():
        raise GridError(f"{dem}: covers no part of {product}; give an elevation model of the area")
    extent = []
    for axis, others in ((1, (0, 2)), (2, (0, 1))):
        held = np.flatnonzero(np.any(known, axis=others))
        stop = min((int(held[-1]) + 2) // 2 * 2, known.shape[axis])
        extent.append(slice(int(held[0]) // 2 * 2, stop))
    return extent[0], extent[1]
