"""Reference snow maps: the two-pass algorithm of Let-it-snow (LIS), on arrays.

Gascoin et al. (2019), Theia Snow collection, Earth Syst. Sci. Data 11, 493-514; steps
and counts follow LIS 1.5 (orfeotoolbox/let-it-snow), the defaults its Sentinel-2 configuration.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from firn.classes import NO_DATA, PUBLISHED, SurfaceClass
from firn.config import SnowMapSettings

FloatArray = npt.NDArray[np.floating[Any]]
BoolArray = npt.NDArray[np.bool_]

#: CLM bits of MAJA that LIS reads: cloud shadows (inside 32, from outside 64) and high clouds.
CLM_SHADOW = 32 | 64
CLM_HIGH_CLOUD = 128


def ndsi(green: FloatArray, swir: FloatArray) -> FloatArray:
    """Normalised difference snow index, (green - swir) / (green + swir); NaN where the sum is 0."""
    total = green + swir
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.where(total == 0, np.nan, (green - swir) / total))


def _tent_weights(size: int, coarse_size: int) -> npt.NDArray[np.float32]:
    """Weights, (coarse, fine), of linear interpolation widened to the coarse pixel size."""
    factor = size / coarse_size
    centres = (np.arange(coarse_size) + 0.5) * factor
    distance = np.abs(np.arange(size) + 0.5 - centres[:, np.newaxis])
    return np.maximum(0, 1 - distance / factor).astype(np.float32)


def coarse_mean(values: FloatArray, valid: BoolArray, block: int) -> npt.NDArray[np.float32]:
    """Average ``values`` to pixels ``block`` times larger (bilinear) and repeat them (nearest).

    Parameters
    ----------
    values : ndarray, (y, x)
    valid : ndarray of bool, (y, x)
        Pixels that count.
    block : int
        Fine pixels in the side of a coarse one; the image holds whole coarse pixels, so they are
        slightly larger where ``block`` does not divide its side.

    Returns
    -------
    ndarray of float32, (y, x)
        NaN where no valid pixel is near.
    """
    height, width = values.shape
    coarse_height, coarse_width = max(1, height // block), max(1, width // block)
    rows = _tent_weights(height, coarse_height)
    columns = _tent_weights(width, coarse_width).T
    total = rows @ np.where(valid, values, 0).astype(np.float32) @ columns
    weight = rows @ valid.astype(np.float32) @ columns
    with np.errstate(divide="ignore", invalid="ignore"):
        coarse = np.where(weight > 0, total / weight, np.nan)
    return np.asarray(
        coarse[np.ix_(_nearest(height, coarse_height), _nearest(width, coarse_width))], np.float32
    )


def _nearest(size: int, coarse_size: int) -> npt.NDArray[np.intp]:
    """Coarse pixel in which the centre of each fine pixel lies."""
    return (2 * np.arange(size) + 1) * coarse_size // (2 * size)


def snow_line(
    dem: FloatArray,
    snow: BoolArray,
    clear: BoolArray,
    settings: SnowMapSettings | None = None,
) -> float | None:
    """Elevation above which the second pass looks for snow.

    The relief is cut into as many bands of equal height as ``dz`` fits into it. The lowest band
    that is clear enough and snowy enough, among its clear pixels, sets the snow line: half of
    ``dz`` below the centre of the band two below it, or of the lowest band.

    Like LIS, this counts every pixel of the image: one without data is clear and free of snow.

    Parameters
    ----------
    dem : ndarray, (y, x), metres
        NaN where there is no elevation; those pixels are in no band.
    snow, clear : ndarray of bool, (y, x)
        Snow of the first pass, pixels outside the cloud mask.
    settings : SnowMapSettings, optional

    Returns
    -------
    float or None
        Metres; None when too little of the image, or no band, is snowy, or the relief is less than
        ``dz`` high.
    """
    limits = settings or SnowMapSettings()
    known = np.isfinite(dem)
    if not known.any() or snow.mean() <= limits.fsnow_total_lim:
        return None
    heights = dem[known]
    lowest, relief = float(heights.min()), float(np.ptp(heights))
    n_bands = int(relief / limits.dz)
    if n_bands < 1:
        return None
    step = relief / n_bands
    band = np.minimum((heights - lowest) / step, n_bands - 1).astype(int)
    n_total = np.bincount(band, minlength=n_bands)
    n_clear = np.bincount(band, clear[known], minlength=n_bands)
    n_snow = np.bincount(band, (snow & clear)[known], minlength=n_bands)
    snowy = (n_clear > limits.fclear_lim * n_total) & (n_snow > limits.fsnow_lim * n_clear)
    if not snowy.any():
        return None
    centre = lowest + (max(int(np.argmax(snowy)) - 2, 0) + 0.5) * step
    return float(np.floor(centre - limits.dz / 2))


def snow_map(
    green: FloatArray,
    red: FloatArray,
    swir: FloatArray,
    dem: FloatArray,
    clm: npt.NDArray[np.uint8],
    valid: BoolArray,
    settings: SnowMapSettings | None = None,
) -> npt.NDArray[np.uint8]:
    """Snow map of one scene as the Theia snow collection publishes it.

    Pass 1 takes bright snow anywhere outside the cloud mask. Where it sets a snow line, pass 2
    takes fainter snow above that line, also in those parts of the cloud mask that are too dark to
    be cloud. What remains of the cloud mask is cloud if it is a shadow, a high cloud, in bright
    surroundings or itself bright.

    Parameters
    ----------
    green, red, swir : ndarray, (y, x)
        Slope-corrected surface reflectance of Sentinel-2 B03, B04, B11 on the 20 m grid.
    dem : ndarray, (y, x), metres
    clm : ndarray of uint8, (y, x)
        MAJA cloud mask CLM.
    valid : ndarray of bool, (y, x)
        Pixels with data.
    settings : SnowMapSettings, optional

    Returns
    -------
    ndarray of uint8, (y, x)
        0 no snow, 100 snow, 205 cloud or shadow, 254 no data.
    """
    limits = settings or SnowMapSettings()
    index = ndsi(green, swir)
    all_cloud = clm > 0
    red_around = coarse_mean(red, valid, limits.red_block)
    cloud = (
        (all_cloud & (red_around > limits.red_darkcloud))
        | ((clm & CLM_SHADOW) > 0)
        | ((clm & CLM_HIGH_CLOUD) > 0)
    )
    snow = valid & ~all_cloud & (index > limits.ndsi_pass1) & (red > limits.red_pass1)
    line = snow_line(dem, snow, ~all_cloud, limits)
    if line is not None:
        snow |= ~cloud & (dem > line) & (index > limits.ndsi_pass2) & (red > limits.red_pass2)
    cloud |= all_cloud & (red > limits.red_backtocloud)

    codes = np.full(clm.shape, PUBLISHED[SurfaceClass.GROUND], np.uint8)
    codes[cloud] = PUBLISHED[SurfaceClass.CLOUD]
    codes[snow] = PUBLISHED[SurfaceClass.SNOW]
    codes[~valid] = NO_DATA
    return codes
