"""From a SPOT Level-1A scene to a map of its reflectance."""

import json
import math
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
from rasterio.crs import CRS
from rasterio.warp import transform as transform_points
from scipy import ndimage

from firn import raster, terrain
from firn.errors import DataError, GridError
from firn.orthorectification.adjustment import Agreement, adjust
from firn.orthorectification.geometry import ViewingGeometry
from firn.orthorectification.mapping import Correction, ImageMap
from firn.orthorectification.matching import Detail, Offsets, refine, search
from firn.products.dem import read_dem
from firn.products.dimap import BandOrder, SpotL1A, open_l1a
from firn.products.ortho import write_ortho
from firn.products.resampling import kernel
from firn.provenance import provenance
from firn.raster import Grid

PathLike = str | os.PathLike[str]
FloatArray = npt.NDArray[np.float32]
BoolArray = npt.NDArray[np.bool_]

#: Numbers, validity and saturation of all bands, (band, row, column), in sensor geometry.
Image = tuple[npt.NDArray[np.uint8], BoolArray, BoolArray]

#: Pixel size of the comparison with the reference, and of maps of satellites not named here, m.
MATCHING_RESOLUTION = 20.0
RESOLUTION = {"SPOT5": 10.0}
#: The edges of a map are at multiples of this, m.
EDGE = 20.0
#: Metres that the location model may be off, kept around the scene.
MARGIN = 2000.0
#: Offsets in pixels that are looked for in the rounds after the first search.
REACHES = (3, 3)
#: Sentinel-2 bands nearest to those of SPOT.
REFERENCE_BANDS = {"XS1": "B03", "XS2": "B04", "XS3": "B08", "SWIR": "B11"}


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
        first the map takes the CRS. Bands are found by their description (``B08``); an image of
        one band is compared with whichever band saturates least.
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
        A raster is damaged, or the scene cannot be matched to the references.
    """
    scene = open_l1a(product, band_order)
    geometry = ViewingGeometry(scene.location, scene.incidence, str(product))
    crs = raster.grid_of(references[0]).crs
    if not crs.is_projected or crs.linear_units_factor[1] != 1.0:
        raise GridError(f"{references[0]}: its CRS is not in metres; warp it to UTM (gdalwarp)")
    image = scene.read(scene.bands)
    try:
        correction, agreement = match(scene, geometry, image, dem, references, crs)
    except DataError as error:
        raise DataError(f"{product}: {error}") from error
    grid = _footprint(scene, crs, RESOLUTION.get(scene.platform, MATCHING_RESOLUTION))
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


def match(
    scene: SpotL1A,
    geometry: ViewingGeometry,
    image: Image,
    dem: PathLike,
    references: Sequence[PathLike],
    crs: CRS,
) -> tuple[Correction, Agreement]:
    """Correct a scene's geometry by reference images.

    The references are warped into the geometry of the raw image, with the relief that they lie on:
    in that geometry a wrong location model is a shift, whatever the relief.

    Parameters
    ----------
    scene : SpotL1A
    geometry : ViewingGeometry
    image : (numbers, valid, saturated)
        What `SpotL1A.read` gives for all bands.
    dem, references : path
        As in `orthorectify`.
    crs : CRS
        In metres.

    Raises
    ------
    GridError
        A raster shares no ground with the scene.
    DataError
        A raster is damaged, or too few windows agree.
    """
    grid = _footprint(scene, crs, MATCHING_RESOLUTION)
    image_map = ImageMap(geometry, grid, read_dem(dem, grid).elevation)
    step = max(1, round(MATCHING_RESOLUTION / geometry.line_spacing))
    band, raw = _least_saturated(scene, image, step)
    fixed = [_reference(path, REFERENCE_BANDS[band], grid) for path in references]
    correction, agreement = Correction.none(), Agreement(0, 0, math.inf, ())
    for reach in (None, *REACHES):
        ground = image_map.ground(correction, step)
        height = _sampled(np.nan_to_num(image_map.elevation), ground, order=1)
        offsets = []
        for values, valid in fixed:
            seen = Detail.of(_sampled(values, ground, order=1), _nearest(valid, ground))
            found = search(raw, seen, height) if reach is None else refine(raw, seen, height, reach)
            offsets.append(found.scaled(step))
        correction, agreement = adjust(
            correction, Offsets.joined(offsets), scene.location.shape, geometry.line_spacing
        )
    return correction, agreement


def _footprint(scene: SpotL1A, crs: CRS, resolution: float) -> Grid:
    """Grid around the scene, its edges at multiples of 20 m."""
    rows, cols = scene.location.shape
    corners = np.array([0, 0, rows - 1, rows - 1]), np.array([0, cols - 1, 0, cols - 1])
    lon, lat = scene.location.ground(*corners)
    x, y = transform_points("EPSG:4326", crs, lon.tolist(), lat.tolist())
    left, bottom = (math.floor((min(v) - MARGIN) / EDGE) * EDGE for v in (x, y))
    right, top = (math.ceil((max(v) + MARGIN) / EDGE) * EDGE for v in (x, y))
    return Grid.from_bounds(crs, left, bottom, right, top, resolution)


def _least_saturated(scene: SpotL1A, image: Image, step: int) -> tuple[str, Detail]:
    """Band that saturates least, in every ``step``-th pixel."""
    numbers, valid, saturated = image
    best = int(np.argmin(saturated.sum(axis=(1, 2))))
    smooth = ndimage.gaussian_filter(_filled(numbers[best], valid[best]), 0.4 * (step - 1))
    usable = valid[best] & ~saturated[best]
    return scene.bands[best], Detail.of(smooth[::step, ::step], usable[::step, ::step])


def _reference(path: PathLike, band: str, grid: Grid) -> tuple[FloatArray, BoolArray]:
    """Band of a reference on the grid, and where it is neither without data nor saturated."""
    names = raster.read(path, window=(0, 0, 1, 1))["band"].values.tolist()
    if len(names) > 1 and band not in names:
        raise DataError(
            f"{path}: none of its bands {names} is described as {band}; describe them, or give an "
            "image of one band"
        )
    index = names.index(band) + 1 if band in names else 1
    kind = kernel(raster.grid_of(path).resolution, grid.resolution)
    values = raster.read_on(path, grid, kind, indexes=[index], nodata=0)[0]
    valid = values > 0
    if np.issubdtype(values.dtype, np.integer):
        valid &= values < np.iinfo(values.dtype).max
    return values.astype(np.float32), valid


def _warped(
    scene: SpotL1A,
    geometry: ViewingGeometry,
    image: Image,
    image_map: ImageMap,
    correction: Correction,
) -> tuple[FloatArray, BoolArray]:
    """Reflectance, (band, y, x) and NaN without data, and saturation on the map's grid."""
    azimuth = geometry.satellite_azimuth(image_map.grid.crs)
    # The relief hides the ground from the satellite as it would hide the sun.
    hidden = terrain.cast_shadow(
        image_map.elevation, image_map.grid.resolution, abs(geometry.incidence), azimuth
    )
    reflectance = np.empty((len(scene.bands), *image_map.grid.shape), np.float32)
    flags = np.empty(reflectance.shape, bool)
    for index, (band, numbers, valid, saturated) in enumerate(
        zip(scene.bands, *image, strict=True)
    ):
        spline = ndimage.spline_filter(_filled(numbers, valid), 3, np.float32)
        for rows, places in image_map.strips(correction):
            values = np.clip(_sampled(spline, places, order=3), 0, 255)
            seen = _nearest(valid, places) & ~hidden[rows]
            reflectance[index, rows] = np.where(seen, scene.reflectance(band, values), np.nan)
            flags[index, rows] = seen & _nearest(saturated, places)
    return reflectance, flags


def _filled(numbers: npt.NDArray[np.uint8], valid: BoolArray) -> FloatArray:
    """Numbers as floats, those without data replaced by the nearest with data."""
    if valid.all() or not valid.any():
        return numbers.astype(np.float32)
    nearest = ndimage.distance_transform_edt(~valid, return_distances=False, return_indices=True)
    return np.asarray(numbers[tuple(nearest)], np.float32)


def _sampled(image: FloatArray, places: FloatArray, *, order: Literal[1, 3]) -> FloatArray:
    """Interpolation by splines (of which ``image`` holds the coefficients); NaN where unknown."""
    values = ndimage.map_coordinates(
        image, np.nan_to_num(places), np.float32, order=order, mode="nearest", prefilter=False
    )
    return np.where(np.isfinite(places[0]), values, np.float32(np.nan)).astype(np.float32)


def _nearest(flags: BoolArray, places: FloatArray) -> BoolArray:
    """Flag of the nearest pixel; False outside and where the place is unknown."""
    known = np.nan_to_num(places, nan=-10.0)
    found = ndimage.map_coordinates(flags.astype(np.uint8), known, order=0, cval=0)
    return np.asarray(found > 0)


def _extent(known: BoolArray, product: PathLike, dem: PathLike) -> tuple[slice, slice]:
    """Lines and columns of (band, y, x) that hold data, their edges at multiples of 20 m."""
    if not known.any():
        raise GridError(f"{dem}: covers no part of {product}; give an elevation model of the area")
    extent = []
    for others in ((0, 2), (0, 1)):
        filled = np.flatnonzero(np.any(known, axis=others))
        extent.append(slice(int(filled[0]) // 2 * 2, (int(filled[-1]) + 2) // 2 * 2))
    return extent[0], extent[1]
