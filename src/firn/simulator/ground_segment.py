"""Ground segment of the virtual archive: what is derived from a Sentinel-2 image at each level."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from firn.classes import PUBLISHED, SurfaceClass
from firn.seeds import generator
from firn.simulator import processors
from firn.simulator.fields import enlarge, shrink
from firn.simulator.formats.maja import L2AMasks
from firn.simulator.formats.metadata import RESOLUTIONS, short_band
from firn.simulator.formats.quality_masks import L1CMasks
from firn.simulator.render import Scene, surface_reflectance
from firn.simulator.spectra import BandOptics
from firn.simulator.truth import CLOUD_FROM, SNOW_FROM
from firn.simulator.world import COARSE
from firn.snow_reference import ndsi, snow_map

FloatArray = npt.NDArray[np.float32]
Byte = npt.NDArray[np.uint8]

#: Snow fraction at the top of the canopy by the NDSI: 0.5 tanh(2.65 NDSI - 1.42) + 0.5 (Gascoin et
#: al. 2020, Remote Sens. 12, 2904).
FRACTION_SLOPE, FRACTION_OFFSET = 2.65, -1.42


@dataclass(frozen=True)
class Level2:
    """What Level-2 processors make of one image.

    Attributes
    ----------
    reflectance : dict of band (``B3``) to ndarray, (y, x) at its native pixel size
        Corrected for the slope; NaN without data.
    masks : L2AMasks
    snow : ndarray of uint8, (y, x) at 20 m
        0, 100, 205, 254.
    fraction : ndarray of uint8, (y, x) at 20 m
        Per cent of snow at the top of the canopy; where ``snow`` is not 100, the same code.
    """

    reflectance: dict[str, FloatArray]
    masks: L2AMasks
    snow: Byte
    fraction: Byte


def level1_masks(
    scene: Scene, toa: dict[str, FloatArray], saturated: dict[str, npt.NDArray[np.bool_]]
) -> L1CMasks:
    """Masks of a Level-1C product: those of its pixels, and clouds and snow as they are.

    Parameters
    ----------
    scene : Scene
    toa, saturated : dict of band to ndarray, (y, x) at its native pixel size
    """
    thickness = shrink(scene.optical_thickness, 6)
    high = toa["B10"] > processors.CIRRUS
    opaque = thickness >= CLOUD_FROM
    return L1CMasks(
        no_data={band: ~np.isfinite(image) for band, image in toa.items()},
        saturated=saturated,
        opaque=opaque,
        cirrus=high & ~opaque,
        snow=(shrink(scene.snow_fraction, 6) >= SNOW_FROM) & ~opaque,
    )


def snow_fraction(snow: Byte, index: FloatArray) -> Byte:
    """Per cent of snow at the top of the canopy where ``snow`` is 100, else its code.

    Parameters
    ----------
    snow : ndarray of uint8, (y, x)
        0, 100, 205, 254.
    index : ndarray, (y, x)
        NDSI of the surface reflectance.
    """
    share = 0.5 * np.tanh(FRACTION_SLOPE * np.nan_to_num(index) + FRACTION_OFFSET) + 0.5
    found = snow == PUBLISHED[SurfaceClass.SNOW]
    return np.where(found, np.rint(100 * share), snow).astype(np.uint8)


def _clear_blue(scene: Scene, optics: BandOptics, rng: np.random.Generator) -> FloatArray:
    """Blue surface reflectance at the latest clear view: some weeks old, so the snow has moved."""
    blue = shrink(surface_reflectance(scene, optics, optics.names.index("B02")), 2)
    edge = 4 * shrink(scene.snow_fraction * (1 - scene.snow_fraction), 2)
    change = rng.uniform(-0.35, 0.35) * edge
    incidence = shrink(np.maximum(scene.incidence, 0) * ~scene.cast_shadow, 2)
    light = 0.8 * incidence / np.cos(np.radians(scene.sun_zenith)) + 0.2
    noise = 0.012 * rng.standard_normal(blue.shape)
    return np.asarray(np.clip(blue + change, 0.01, 1) * light + noise, np.float32)


def level2(
    scene: Scene, optics: BandOptics, toa: dict[str, FloatArray], seed: int, name: str
) -> Level2:
    """Run the virtual processors.

    Parameters
    ----------
    scene : Scene
    optics : BandOptics
    toa : dict of band to ndarray, (y, x) at its native pixel size
        NaN without data.
    seed : int
    name : str
        Of the acquisition, for what is drawn.
    """
    rng = generator(seed, "ground segment", name)
    coarse = scene.grid.with_resolution(COARSE)
    elevation = shrink(scene.world.elevation, 2)
    ground = processors.Ground(
        elevation=np.asarray(ndimage.gaussian_filter(elevation, 1.2), np.float32),
        resolution=COARSE,
        sun_zenith=scene.sun_zenith,
        sun_azimuth=scene.sun_azimuth,
        water=shrink(scene.world.water.astype(np.float32), 2) > 0.5,
        aerosol=float(max(0.02, scene.aerosol + rng.normal(0, 0.04))),
    )
    at_20 = {
        band: shrink(toa[band], 2) if RESOLUTIONS[band] == 10 else toa[band]
        for band in ("B02", "B03", "B04", "B11")
    }
    wavelength = dict(zip(optics.names, optics.wavelength.tolist(), strict=True))
    seen = np.isfinite(at_20["B02"])
    filled = {band: np.nan_to_num(image) for band, image in at_20.items()}
    cirrus = enlarge(np.nan_to_num(toa["B10"]), 3, coarse.shape)
    sre, fre = processors.surface_reflectance(filled, wavelength, ground)
    clear_blue = _clear_blue(scene, optics, rng)
    clm = processors.cloud_mask(sre, fre, cirrus, clear_blue, scene.clouds, ground)
    clm[~seen] = 0
    mg2 = processors.geophysical_mask(sre, clm, ground)
    snow = snow_map(fre["B03"], fre["B04"], fre["B11"], ground.elevation, clm, seen)
    reflectance = {}
    for band in ("B03", "B04", "B11"):
        fine = RESOLUTIONS[band] == 10
        image = np.where(seen, fre[band], np.nan).astype(np.float32)
        reflectance[short_band(band)] = enlarge(image, 2, scene.grid.shape) if fine else image
    masks = L2AMasks(clm=clm, mg2=mg2, edg=(~seen).astype(np.uint8))
    index = np.asarray(ndsi(fre["B03"], fre["B11"]), np.float32)
    return Level2(reflectance, masks, snow, snow_fraction(snow, index))
