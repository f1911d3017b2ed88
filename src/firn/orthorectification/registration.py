"""Register a raw scene to reference images: correct its viewing geometry until they coincide."""

import os
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
from rasterio.crs import CRS
from scipy import ndimage

from firn import raster
from firn.errors import DataError
from firn.grid import Grid
from firn.orthorectification.adjustment import Agreement, adjust, distance
from firn.orthorectification.geometry import ViewingGeometry
from firn.orthorectification.mapping import Correction, ImageMap, footprint
from firn.orthorectification.matching import Detail, Offsets, refine, search
from firn.orthorectification.sampling import filled, nearest, sampled
from firn.products.dem import read_dem
from firn.products.dimap import RawImage, SpotL1A
from firn.products.resampling import kernel

PathLike = str | os.PathLike[str]
FloatArray = npt.NDArray[np.float32]
BoolArray = npt.NDArray[np.bool_]
#: Finds offsets between the raw image and a reference over ground of a height.
Finder = Callable[[Detail, Detail, FloatArray], Offsets]

#: Pixel size at which the images are compared, m.
RESOLUTION = 20.0
#: Refinement ends when it moves the scene by less than this (pixels, root mean square), or after so
#: many rounds. Below a pixel a round tells 40 to 80 % of what is left, because parabolas lean to
#: whole pixels; what the rounds settle at has no such lean.
SETTLED, MOST_REFINEMENTS = 0.02, 10
#: Sentinel-2 bands nearest to those of SPOT.
REFERENCE_BANDS = {"XS1": "B03", "XS2": "B04", "XS3": "B08", "SWIR": "B11"}


def register(
    scene: SpotL1A,
    geometry: ViewingGeometry,
    image: RawImage,
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
    grid = footprint(scene.location, crs, RESOLUTION)
    image_map = ImageMap(geometry, grid, read_dem(dem, grid).elevation)
    step = max(1, round(RESOLUTION / geometry.line_spacing))
    band = _matching_band(scene, image, references)
    raw = _raw_detail(image, scene.bands.index(band), step)
    fixed = [_reference(path, REFERENCE_BANDS[band], grid) for path in references]

    def corrected(correction: Correction, find: Finder) -> tuple[Correction, Agreement, float]:
        """Correction that takes the offsets away, and by how many pixels it moves the windows."""
        ground = image_map.ground(correction, step)
        height = sampled(np.nan_to_num(image_map.elevation), ground, order=1)
        found = [
            find(raw, Detail.of(sampled(v, ground, order=1), nearest(valid, ground)), height)
            for v, valid in fixed
        ]
        offsets = Offsets.joined(found).scaled(step)
        shape = scene.location.shape
        better, agreement = adjust(correction, offsets, shape, geometry.line_spacing)
        return better, agreement, distance(correction, better, offsets, shape)

    correction, agreement, moved = corrected(Correction.none(), search)
    for _ in range(MOST_REFINEMENTS):
        correction, agreement, moved = corrected(correction, refine)
        if moved < SETTLED:
            break
    return correction, agreement


def _matching_band(scene: SpotL1A, image: RawImage, references: Sequence[PathLike]) -> str:
    """Band that saturates least, of those that all references have."""
    _, _, saturated = image
    shared = [
        index
        for index, band in enumerate(scene.bands)
        if all(REFERENCE_BANDS[band] in _band_names(path) for path in references)
    ]
    if not shared:
        names = [_band_names(path) for path in references]
        raise DataError(
            f"{references[0]}: the references have the bands {names}, and none of "
            f"{[REFERENCE_BANDS[band] for band in scene.bands]} is in all of them; describe the "
            "bands, or give images of one band, near infrared"
        )
    return scene.bands[min(shared, key=lambda index: saturated[index].sum())]


def _band_names(path: PathLike) -> list[str]:
    """Descriptions of a reference's bands; an unknown single one is near infrared."""
    names = list(raster.band_names(path))
    if len(names) == 1 and names[0] not in REFERENCE_BANDS.values():
        return [REFERENCE_BANDS["XS3"]]
    return names


def _raw_detail(image: RawImage, index: int, step: int) -> Detail:
    """Fine structure of every ``step``-th pixel of a band."""
    numbers, valid, saturated = (part[index] for part in image)
    smooth = ndimage.gaussian_filter(filled(numbers, valid), 0.4 * (step - 1))
    usable = valid & ~saturated
    return Detail.of(smooth[::step, ::step], usable[::step, ::step])


def _reference(path: PathLike, band: str, grid: Grid) -> tuple[FloatArray, BoolArray]:
    """Band of a reference on the grid, and where it is neither without data nor saturated."""
    index = _band_names(path).index(band) + 1
    kind = kernel(raster.grid_of(path).resolution, grid.resolution)
    values = raster.read_on(path, grid, kind, indexes=[index], nodata=0)[0]
    valid = values > 0
    if np.issubdtype(values.dtype, np.integer):
        valid &= values < np.iinfo(values.dtype).max
    # Interpolation will mix pixels with their neighbours.
    inner = ndimage.binary_erosion(valid, np.ones((3, 3), bool))
    return values.astype(np.float32), np.asarray(inner)
