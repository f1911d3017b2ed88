"""A second cloud mask of virtual Sentinel-2 scenes, wrong in other ways than MAJA's.

It looks at one image alone, as Fmask does (Zhu & Woodcock 2012, Remote Sens. Environ. 118, 83-94;
Zhu, Wang & Woodcock 2015, 159, 269-277): bright, white pixels are cloud, so bright rock and
half-melted snow become cloud, and thin cloud over dark ground is missed. It knows no date before.
"""

import json
import os

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from firn import raster
from firn.grid import Grid
from firn.products.sentinel2 import open_l1c
from firn.provenance import provenance

FloatArray = npt.NDArray[np.float32]
Byte = npt.NDArray[np.uint8]

NULL, CLEAR, CLOUD, SHADOW, SNOW, WATER = range(6)
BANDS = ("B02", "B03", "B04", "B08", "B10", "B11", "B12")

#: Thresholds of the publication. That of the NDSI is 0.8 there, where a thermal band tells snow;
#: without one it is that of snow (assumed).
SWIR_FROM, NDSI_BELOW, NDVI_BELOW, WHITENESS_BELOW = 0.03, 0.4, 0.8, 0.7
HAZE_SLOPE, HAZE_OFFSET, ROCK_RATIO, CIRRUS_FROM = 0.5, 0.08, 0.75, 0.01
SNOW_NDSI, SNOW_NIR, SNOW_GREEN = 0.15, 0.11, 0.1
#: Clouds grow by so many pixels of 20 m (assumed), and stand so high above the ground, m (assumed).
BUFFER, HEIGHT = 4, 1500.0
RESOLUTION = 20


def fmask(toa: dict[str, FloatArray], sun_zenith: float, sun_azimuth: float) -> Byte:
    """Codes of python-fmask, (y, x).

    Parameters
    ----------
    toa : dict of band to ndarray, (y, x) at 20 m
        TOA reflectance of `BANDS`, NaN where there is no data.
    sun_zenith, sun_azimuth : float
        Degrees.
    """
    seen = np.all([np.isfinite(toa[band]) for band in BANDS], axis=0)
    blue, green, red, nir, cirrus, swir1, swir2 = (np.nan_to_num(toa[band]) for band in BANDS)
    small = np.float32(1e-3)
    ndsi = (green - swir1) / np.maximum(green + swir1, small)
    ndvi = (nir - red) / np.maximum(nir + red, small)
    mean = (blue + green + red) / 3
    white = sum(np.abs(band - mean) for band in (blue, green, red)) / np.maximum(mean, small)
    bright = (swir2 > SWIR_FROM) & (ndsi < NDSI_BELOW) & (ndvi < NDVI_BELOW)
    haze = blue - HAZE_SLOPE * red - HAZE_OFFSET > 0
    no_rock = nir / np.maximum(swir1, small) > ROCK_RATIO
    cloud = (bright & (white < WHITENESS_BELOW) & haze & no_rock) | (cirrus > CIRRUS_FROM)
    cloud = ndimage.binary_dilation(ndimage.binary_opening(cloud & seen), iterations=BUFFER)
    reach = HEIGHT * np.tan(np.radians(min(sun_zenith, 80.0))) / RESOLUTION
    azimuth = np.radians(sun_azimuth)
    shift = np.cos(azimuth) * reach, -np.sin(azimuth) * reach
    shadow = ndimage.shift(cloud.astype(np.uint8), shift, order=0).astype(bool)
    snow = (ndsi > SNOW_NDSI) & (nir > SNOW_NIR) & (green > SNOW_GREEN)
    water = ((ndvi < 0.01) & (nir < 0.11)) | ((ndvi < 0.1) & (nir < 0.05))
    codes = np.select([cloud, shadow, snow, water], [CLOUD, SHADOW, SNOW, WATER], CLEAR)
    return np.where(seen, codes, NULL).astype(np.uint8)


def write_fmask(l1c: str | os.PathLike[str], output: str | os.PathLike[str]) -> None:
    """Write the mask of a Level-1C product on its grid of 20 m.

    Raises
    ------
    ProductError
        The product is damaged or incomplete.
    """
    product = open_l1c(l1c)
    image, _ = product.read(BANDS, RESOLUTION)
    toa = dict(zip(BANDS, image.values, strict=True))
    tags = {"FIRN_PROVENANCE": json.dumps(provenance([product.product_id]), sort_keys=True)}
    codes = fmask(toa, product.sun_zenith, product.sun_azimuth)
    raster.write(output, codes, Grid.of(image), nodata=NULL, band_names=["fmask"], tags=tags)
