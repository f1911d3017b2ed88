"""Virtual instruments: what a camera makes of the reflectance before it.

Their true gains, noise, blur and responses stray from the nominal ones; only ``truth/`` knows them.
"""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from firn.grid import Grid
from firn.raster import resample
from firn.seeds import generator
from firn.simulation_config import Instruments

FloatArray = npt.NDArray[np.float32]

#: Ratio between neighbouring gain steps: SPOT1-3 1.3, SPOT4-5 1.5 (Schroeder et al., ISPRS 2000).
GAIN_STEP = {"SPOT1": 1.3, "SPOT2": 1.3, "SPOT3": 1.3, "SPOT4": 1.5, "SPOT5": 1.5}
#: Largest digital number, at which an instrument saturates.
LARGEST_NUMBER = 255
#: Standard score of the 90 % point of a normal distribution.
_Z90 = 1.2816
#: Modulation transfer of an ideal square pixel at the Nyquist frequency, sinc(1/2).
_PIXEL_MTF = 2 / np.pi


@dataclass(frozen=True)
class Camera:
    """The true state of one instrument, the same in all its scenes.

    Attributes
    ----------
    response_shift : float
        nm.
    snr : float
        At half of full scale.
    mtf_nyquist : float
    striping : float
        Standard deviation between columns, DN.
    gain : dict of band to float
        Factor on the nominal gain.
    """

    response_shift: float
    snr: float
    mtf_nyquist: float
    striping: float
    gain: dict[str, float]

    def as_dict(self) -> dict[str, Any]:
        """Plain data for ``truth/``."""
        return asdict(self)


def draw_camera(settings: Instruments, name: str, bands: tuple[str, ...], seed: int) -> Camera:
    """Draw the true state of the instrument ``name`` (``SPOT2-HRV1``, ``S2A``)."""
    rng = generator(seed, "camera", name)
    t = settings.tolerance
    return Camera(
        response_shift=float(rng.uniform(-settings.response_shift, settings.response_shift)),
        snr=float(settings.snr * rng.uniform(1 - t, 1 + t)),
        mtf_nyquist=float(np.clip(settings.mtf_nyquist * rng.uniform(1 - t, 1 + t), 0.02, 0.6)),
        striping=float(0.4 * rng.uniform(1 - t, 1 + t)),
        gain={band: float(rng.uniform(1 - t / 3, 1 + t / 3)) for band in bands},
    )


@dataclass(frozen=True)
class Exposure:
    """Reflectance of the largest and of the smallest digital number of a scene, by band."""

    saturation: dict[str, float]
    minimum: dict[str, float]


def choose_exposure(
    settings: Instruments,
    camera: Camera,
    platform: str,
    bands: tuple[str, ...],
    sun_zenith: float,
    age: float,
    rng: np.random.Generator,
) -> Exposure:
    """Choose the gain steps of a scene as its operators would.

    Radiance saturates at a value fixed by the gain step, so the saturation reflectance goes with
    1 / cos(sun zenith) and, as the detectors age, slowly up. Operators take the step that comes
    nearest to the saturation that they want. What they want was fitted to the published histograms
    (configuration ``instruments.saturation``).

    Parameters
    ----------
    settings, camera, platform, bands
    sun_zenith : float
        Degrees.
    age : float
        Years since launch.
    rng : Generator
    """
    ratio = GAIN_STEP[platform]
    mu = float(np.cos(np.radians(sun_zenith)))
    common = rng.normal()
    saturation, minimum = {}, {}
    for band in bands:
        low, high = settings.saturation.get(band, (0.3, 0.6))
        score = float(np.clip(0.75 * common + 0.66 * rng.normal(), -2, 2))
        wanted = (low + high) / 2 + score * (high - low) / (2 * _Z90)
        step_zero = 0.5 * camera.gain[band] * (1 + 0.01 * age) / mu
        step = round(np.log(max(wanted, 0.12) / step_zero) / np.log(ratio))
        saturation[band] = float(step_zero * ratio**step)
        minimum[band] = float(np.clip(rng.normal(0.008, 0.004), 0.0005, 0.03) / mu**0.5)
    return Exposure(saturation, minimum)


def blur(
    reflectance: FloatArray, mtf_nyquist: float, resolution: float, pixel: float
) -> FloatArray:
    """Optical blur that, with averaging over the pixel, gives the transfer ``mtf_nyquist``.

    Parameters
    ----------
    reflectance : ndarray, (y, x)
        At ``resolution``, m.
    mtf_nyquist : float
        At 1 / (2 ``pixel``).
    resolution, pixel : float
        m.
    """
    optics = min(mtf_nyquist / _PIXEL_MTF, 0.98)
    sigma = np.sqrt(-np.log(optics) / 2) / np.pi * 2 * pixel / resolution
    return np.asarray(ndimage.gaussian_filter(reflectance, sigma, mode="nearest"), np.float32)


def expose(
    reflectance: FloatArray,
    camera: Camera,
    saturation: float,
    minimum: float,
    rng: np.random.Generator,
) -> npt.NDArray[np.uint8]:
    """Digital numbers of a band: shot noise, stripes of columns, eight bits.

    Parameters
    ----------
    reflectance : ndarray, (y, x)
    camera : Camera
    saturation, minimum : float
        Reflectance of DN 255 and DN 0.
    rng : Generator
    """
    scaled = (reflectance - minimum) * (LARGEST_NUMBER / (saturation - minimum))
    full = np.clip(scaled, 0, LARGEST_NUMBER)
    sigma = 127.5 / camera.snr * np.sqrt(0.3 + 0.7 * full / 127.5)
    stripes = camera.striping * rng.standard_normal(scaled.shape[1])
    noise = sigma * rng.standard_normal(scaled.shape) + stripes
    return np.asarray(np.clip(np.rint(scaled + noise), 0, LARGEST_NUMBER), np.uint8)


def displacement(settings: Instruments, rng: np.random.Generator) -> tuple[float, float]:
    """Error of the orthorectification in metres, east and north."""
    east, north = rng.normal(0, settings.geolocation_error, 2)
    return float(east), float(north)


def resample_image(
    image: FloatArray, source: Grid, target: Grid, shift: tuple[float, float]
) -> FloatArray:
    """Average an image onto another grid of its CRS, misplaced by ``shift`` (m east, m north)."""
    left, bottom, right, top = source.bounds
    east, north = shift
    moved = Grid.from_bounds(
        source.crs, left + east, bottom + north, right + east, top + north, source.resolution
    )
    return np.asarray(resample(image, moved, target, "average", fill=np.nan), np.float32)
