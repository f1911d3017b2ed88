"""Reference snow maps: the two-pass algorithm of Let-it-snow (LIS), on arrays.

Gascoin et al. (2019), Theia Snow collection, Earth Syst. Sci. Data 11, 493-514; the default
parameters are those of the Sentinel-2 configuration of LIS 1.5.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from firn.classes import NO_DATA, PUBLISHED, SurfaceClass

FloatArray = npt.NDArray[np.floating[Any]]
BoolArray = npt.NDArray[np.bool_]

#: CLM bits of MAJA that LIS reads: cloud shadows (inside 32, from outside 64) and high clouds.
CLM_SHADOW = 32 | 64
CLM_HIGH_CLOUD = 128


@dataclass(frozen=True)
class LisParameters:
    """Thresholds of LIS; reflectances are dimensionless, elevations in metres."""

    #: NDSI and red reflectance of snow anywhere (first pass).
    ndsi_pass1: float = 0.40
    red_pass1: float = 0.200
    #: The same above the snow line (second pass).
    ndsi_pass2: float = 0.15
    red_pass2: float = 0.040
    #: Height of an elevation band.
    dz: float = 100.0
    #: Share of snow among the clear pixels of a band, and of clear pixels in a band, that count.
    fsnow_lim: float = 0.1
    fclear_lim: float = 0.1
    #: Share of first-pass snow in the image below which there is no second pass.
    fsnow_total_lim: float = 0.001
    #: Side of the block of pixels over which the red band is averaged to find dark clouds.
    red_block: int = 12
    #: Coarse red reflectance above which a cloud pixel is certainly cloud.
    red_darkcloud: float = 0.300
    #: Red reflectance above which a released cloud pixel without snow becomes cloud again.
    red_backtocloud: float = 0.100


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
    row_of = np.arange(height) * coarse_height // height
    column_of = np.arange(width) * coarse_width // width
    return np.asarray(coarse[np.ix_(row_of, column_of)], np.float32)


def snow_line(
    dem: FloatArray,
    snow: BoolArray,
    clear: BoolArray,
    valid: BoolArray,
    parameters: LisParameters | None = None,
) -> float | None:
    """Elevation above which the second pass looks for snow.

    The scene is cut into bands of ``dz`` from its lowest point up. The lowest band that is clear
    enough and snowy enough sets the snow line two bands below its own foot, but not below the
    lowest band.

    Parameters
    ----------
    dem : ndarray, (y, x), metres
    snow, clear, valid : ndarray of bool, (y, x)
        Snow of the first pass, cloud-free pixels, pixels with data.
    parameters : LisParameters, optional

    Returns
    -------
    float or None
        Metres; None when too little of the scene, or no band, is snowy.
    """
    limits = parameters or LisParameters()
    judged = valid & np.isfinite(dem)
    if not judged.any() or snow[judged].mean() <= limits.fsnow_total_lim:
        return None
    lowest = float(dem[judged].min())
    highest = float(dem[judged].max())
    # The remainder above the last whole band belongs to it.
    n_bands = max(1, int((highest - lowest) / limits.dz))
    band = np.minimum((dem[judged] - lowest) / limits.dz, n_bands - 1).astype(int)
    n_total = np.bincount(band, minlength=n_bands)
    n_clear = np.bincount(band, clear[judged], minlength=n_bands)
    n_snow = np.bincount(band, (snow & clear)[judged], minlength=n_bands)
    snowy = (n_clear > limits.fclear_lim * n_total) & (n_snow > limits.fsnow_lim * n_clear)
    if not snowy.any():
        return None
    foot = max(int(np.argmax(snowy)) - 2, 0)
    return float(np.floor(lowest + foot * limits.dz))


def snow_map(
    green: FloatArray,
    red: FloatArray,
    swir: FloatArray,
    dem: FloatArray,
    clm: npt.NDArray[np.uint8],
    valid: BoolArray,
    parameters: LisParameters | None = None,
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
    parameters : LisParameters, optional

    Returns
    -------
    ndarray of uint8, (y, x)
        0 no snow, 100 snow, 205 cloud or shadow, 254 no data.
    """
    limits = parameters or LisParameters()
    index = ndsi(green, swir)
    all_cloud = clm > 0
    red_around = coarse_mean(red, valid, limits.red_block)
    cloud = (
        (all_cloud & (red_around > limits.red_darkcloud))
        | ((clm & CLM_SHADOW) > 0)
        | ((clm & CLM_HIGH_CLOUD) > 0)
    )
    snow = valid & ~all_cloud & (index > limits.ndsi_pass1) & (red > limits.red_pass1)
    line = snow_line(dem, snow, ~all_cloud, valid, limits)
    if line is not None:
        snow |= ~cloud & (dem > line) & (index > limits.ndsi_pass2) & (red > limits.red_pass2)
    cloud |= all_cloud & (red > limits.red_backtocloud)

    codes = np.full(clm.shape, PUBLISHED[SurfaceClass.GROUND], np.uint8)
    codes[cloud] = PUBLISHED[SurfaceClass.CLOUD]
    codes[snow] = PUBLISHED[SurfaceClass.SNOW]
    codes[~valid] = NO_DATA
    return codes
