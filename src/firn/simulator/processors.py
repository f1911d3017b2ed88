"""Ground segment of the virtual archive: MAJA's cloud mask and surface reflectance.

Labels come from these products, so they err as real ones do: thin cloud is missed, bright ground is
taken for cloud, ice cloud for snow.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from firn import terrain
from firn.simulator.atmosphere import clear_air
from firn.simulator.clouds import Layer

FloatArray = npt.NDArray[np.float32]
BoolArray = npt.NDArray[np.bool_]
Byte = npt.NDArray[np.uint8]

#: MAJA's thresholds (public parameter files): blue surface reflectance of a cloud in one image.
MONO_TEMPORAL_BLUE = 0.24
#: Increase of the blue surface reflectance since the last clear view (range 0.016-0.060).
MULTI_TEMPORAL_BLUE = 0.04
#: A bright pixel that differs less than this from its last clear view is ground: MAJA takes back
#: clouds that correlate with earlier images (Hagolle et al. 2010, Remote Sens. Environ. 114, 1747).
UNCHANGED_BLUE = 0.06
#: B10 reflectance of a high cloud at sea level and its growth with the square of elevation, km-2.
CIRRUS = 0.007
CIRRUS_GROWTH = 0.0012
#: Bright pixels with this NDSI and SWIR reflectance are snow to MAJA, not cloud (assumed).
SNOW_NDSI = 0.4
SNOW_SWIR = 0.22

#: Bits of CLM and MG2.
ALL, CLOUDS, MONO, MULTI, THIN, SHADOW, HIGH = 1, 2, 4, 8, 16, 32, 128
WATER, MG2_CLOUD, MG2_SNOW, MG2_SHADOW, TOPOGRAPHIC, HIDDEN, LOW_SUN, TANGENT = (
    2**bit for bit in range(8)
)


@dataclass(frozen=True)
class Ground:
    """What the processor knows of the tile; fields are (y, x) at 20 m.

    Attributes
    ----------
    elevation : ndarray, m
        Of the DEM product, not of the true relief.
    resolution : float
    sun_zenith, sun_azimuth : float
        Degrees.
    water : ndarray of bool
    aerosol : float
        Optical thickness as the processor estimates it.
    """

    elevation: FloatArray
    resolution: float
    sun_zenith: float
    sun_azimuth: float
    water: BoolArray
    aerosol: float


def surface_reflectance(
    toa: dict[str, FloatArray], wavelength: dict[str, float], ground: Ground
) -> tuple[dict[str, FloatArray], dict[str, FloatArray]]:
    """Surface reflectance without (SRE) and with (FRE) slope correction.

    Parameters
    ----------
    toa : dict of band to ndarray, (y, x) at 20 m
    wavelength : dict of band to float, micrometres
    ground : Ground
    """
    kilometres = ground.elevation / 1000
    mu = np.cos(np.radians(ground.sun_zenith))
    incidence = terrain.illumination(
        ground.elevation, ground.resolution, ground.sun_zenith, ground.sun_azimuth
    )
    sre, fre = {}, {}
    for band, reflectance in toa.items():
        air = clear_air(band, wavelength[band], kilometres, ground.aerosol, ground.sun_zenith)
        above = np.maximum(reflectance - air.path, 0.0) / air.transmittance
        sre[band] = np.asarray(above / (1 + air.albedo * above), np.float32)
        light = (1 - air.diffuse) * np.maximum(incidence, 0) / mu + air.diffuse
        # MAJA limits the correction: beyond a factor of three it would only amplify noise.
        fre[band] = np.asarray(sre[band] / np.clip(light, 0.33, 3.0), np.float32)
    return sre, fre


def _shadows(clouds: BoolArray, layers: list[Layer], ground: Ground) -> BoolArray:
    """Shadow search at the altitude that the processor guesses for the clouds."""
    if not clouds.any():
        return clouds
    top = np.average(
        [la.top for la in layers], weights=[la.thickness.mean() + 1e-3 for la in layers]
    )
    height = 0.9 * max(float(top) - float(ground.elevation.mean()), 100.0)
    reach = height * np.tan(np.radians(min(ground.sun_zenith, 80.0))) / ground.resolution
    azimuth = np.radians(ground.sun_azimuth)
    moved = ndimage.shift(
        clouds.astype(np.uint8), (np.cos(azimuth) * reach, -np.sin(azimuth) * reach), order=0
    )
    return np.asarray(moved.astype(bool) & ~clouds)


def cloud_mask(
    sre: dict[str, FloatArray],
    fre: dict[str, FloatArray],
    cirrus: FloatArray,
    clear_blue: FloatArray,
    layers: list[Layer],
    ground: Ground,
) -> Byte:
    """CLM as MAJA's tests make it.

    Parameters
    ----------
    sre : dict of band to ndarray, (y, x) at 20 m
        Surface reflectance of B02, B03 and B11.
    fre : dict of band to ndarray
        The same with slope correction, of B11 at least.
    cirrus : ndarray
        TOA reflectance of B10 at 20 m.
    clear_blue : ndarray
        Blue surface reflectance of the latest clear view.
    layers : list of Layer
        Only their mean altitude is used, as a stand-in for MAJA's stereoscopic estimate.
    ground : Ground
    """
    blue, green, swir = sre["B02"], sre["B03"], sre["B11"]
    ndsi = (green - swir) / np.maximum(green + swir, 1e-3)
    snow = (ndsi > SNOW_NDSI) & (fre["B11"] < SNOW_SWIR)
    unchanged = np.abs(blue - clear_blue) < UNCHANGED_BLUE
    mono = (blue > MONO_TEMPORAL_BLUE) & ~snow & ~unchanged
    multi = (blue - clear_blue > MULTI_TEMPORAL_BLUE) & ~snow
    high = cirrus > CIRRUS + CIRRUS_GROWTH * (ground.elevation / 1000) ** 2
    mono, multi = (ndimage.binary_opening(test, iterations=1) for test in (mono, multi))
    seen = mono | multi | high
    grown = ndimage.binary_dilation(seen, iterations=3)
    shadow = _shadows(mono | multi, layers, ground)
    mask = (grown | shadow) * ALL + grown * CLOUDS + mono * MONO + multi * MULTI
    mask += (grown & ~seen) * THIN + shadow * SHADOW + high * HIGH
    return np.asarray(mask, np.uint8)


def geophysical_mask(sre: dict[str, FloatArray], clm: Byte, ground: Ground) -> Byte:
    """MG2: water, cloud, snow, shadows and badly lit slopes."""
    ndsi = (sre["B03"] - sre["B11"]) / np.maximum(sre["B03"] + sre["B11"], 1e-3)
    snow = (ndsi > SNOW_NDSI) & (sre["B04"] > 0.2) & ((clm & CLOUDS) == 0)
    incidence = terrain.illumination(
        ground.elevation, ground.resolution, ground.sun_zenith, ground.sun_azimuth
    )
    cast = terrain.cast_shadow(
        ground.elevation, ground.resolution, ground.sun_zenith, ground.sun_azimuth
    )
    mask = ground.water * WATER + ((clm & CLOUDS) > 0) * MG2_CLOUD + snow * MG2_SNOW
    mask = mask + ((clm & SHADOW) > 0) * MG2_SHADOW + cast * TOPOGRAPHIC
    mask = mask + (incidence < 0) * LOW_SUN + ((incidence >= 0) & (incidence < 0.1)) * TANGENT
    return np.asarray(mask, np.uint8)
