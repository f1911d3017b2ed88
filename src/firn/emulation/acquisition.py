"""Acquisitions: everything that is drawn of a sensor before it takes an emulated image."""

import os
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from firn import netcdf
from firn.config import EmulationSettings
from firn.emulation.gains import draw_joint
from firn.emulation.geometry import blur_ratio, filter_weights
from firn.emulation.spectral import Spectral, mixing_weights
from firn.errors import ConfigError
from firn.saturation import Saturations
from firn.seeds import generator
from firn.sensors import Sensor, load_sensor

Float32Array = npt.NDArray[np.float32]

#: Pixel size of the stacks that are emulated, m.
RESOLUTION = 20.0
#: Reflectance above which nothing is told apart: a saturated pixel would else throw a ring around
#: it, and be seen in bands that it hardly tells of.
BRIGHTEST = 2.0
#: Weight from which on a Sentinel-2 band that saturated, or has no data, decides about a band that
#: is mixed from it: what weighs less changes its value by less than its noise.
DECISIVE = 0.1
#: By how much a field of noise is larger than the patches that take their windows from it, pixels.
NOISE_MARGIN = 256
#: Share of the noise variance at half of full scale that does not depend on the signal (assumed).
STILL_NOISE = 0.5
#: Growth of the reflectance of haze towards short waves: Ångström's exponent of usual aerosol.
HAZE_EXPONENT = 1.3


@dataclass(frozen=True)
class SourceScene:
    """The Sentinel-2 scene that is emulated.

    Parameters
    ----------
    tile, date : str
        ``date`` is YYYYMMDD.
    platform : str
        Names the source's sensor (``sentinel2a``).
    sun_elevation : float
        Degrees.
    bands : tuple of str
    resolution : float
        Pixel size, m; that of the stacks by default.
    """

    tile: str
    date: str
    platform: str
    sun_elevation: float
    bands: tuple[str, ...]
    resolution: float = RESOLUTION

    @property
    def when(self) -> datetime:
        """Day of sensing, UTC."""
        return datetime.strptime(self.date, "%Y%m%d")


def source_scene(path: str | os.PathLike[str]) -> SourceScene:
    """Scene that the patches of a file were cut from.

    Raises
    ------
    DataError
        The file is missing or damaged.
    """
    attributes = netcdf.attributes(path, "tile", "date", "platform", "sun_zenith")
    (bands,) = netcdf.arrays(path, "band")
    return SourceScene(
        tile=str(attributes["tile"]),
        date=str(attributes["date"]),
        platform=str(attributes["platform"]),
        sun_elevation=90 - float(attributes["sun_zenith"]),
        bands=tuple(bands.tolist()),
    )


@dataclass(frozen=True)
class Acquisition:
    """How a sensor takes one image.

    Parameters
    ----------
    weights : ndarray of float32, (band, source band)
    saturation, minimum : ndarray of float32, (band,)
        TOA reflectance of the largest digital number and of 0.
    instrument : str
    saturation_scene, minimum_scene : str
        Identifiers of the scenes whose metadata the gains come from.
    gain_steps : ndarray of int8, (band,)
        Gain steps by which a band saturates later than it did in that scene.
    rows, columns : ndarray of float32, (band, weight)
        Filters along y and x, which blur and move the image.
    shift : (float, float)
        By which the image is misplaced, m down and to the right.
    haze : ndarray of float32, (band,)
        Reflectance of additional haze.
    """

    weights: Float32Array
    saturation: Float32Array
    minimum: Float32Array
    instrument: str
    saturation_scene: str
    minimum_scene: str
    gain_steps: npt.NDArray[np.int8]
    rows: Float32Array
    columns: Float32Array
    shift: tuple[float, float]
    haze: Float32Array


class _Gains(NamedTuple):
    """Gains of one acquisition; the fields are those of `Acquisition`."""

    saturation: Float32Array
    minimum: Float32Array
    instrument: str
    saturation_scene: str
    minimum_scene: str
    gain_steps: npt.NDArray[np.int8]


def draw_acquisitions(
    sensor: Sensor,
    saturations: Saturations | None,
    scene: SourceScene,
    settings: EmulationSettings,
    patches: int,
    seed: int,
    *names: str,
) -> list[Acquisition]:
    """Draw the acquisitions of a scene: ``settings.draws`` for each of its patches.

    Joint gains, position and haze are drawn once for the scene and draw, independent gains for
    each patch. The parts have random streams of their own, so that one can be switched off and the
    others stay as they are. The instrument is that of the scene whose saturation is drawn.

    Parameters
    ----------
    sensor : Sensor
    saturations : Saturations or None
        Of the sensor's bands; None = the sensor's own, as its description tells them.
    scene : SourceScene
    settings : EmulationSettings
    patches : int
    seed : int
    *names : str
        Further names of the random streams.

    Returns
    -------
    list of Acquisition
        The draws of the first patch, then those of the second, ...

    Raises
    ------
    ConfigError
        A band of the sensor is far from all source bands, or the saturations are those of others.
    """
    if saturations is not None and saturations.bands != sensor.band_names:
        raise ConfigError(
            f"sensor {sensor.name}: has the bands {list(sensor.band_names)}, the saturations of "
            f"{saturations.sensor} are of {list(saturations.bands)}; make the saturation file again"
        )
    area = saturations.area if saturations else ""
    where = ("emulation", area, sensor.name, scene.tile, scene.date, *names)
    gains = _draw_gains(sensor, saturations, scene, settings, patches, generator(seed, *where))
    pixels = settings.misregistration / scene.resolution
    shifts = generator(seed, *where, "shift").normal(0, pixels, (settings.draws, 2))
    thickness = generator(seed, *where, "haze").uniform(0, settings.haze, settings.draws)
    colour = np.array([(b.centre_nm / 550) ** -HAZE_EXPONENT for b in sensor.bands])
    optics: dict[tuple[str, int], tuple[Float32Array, Float32Array]] = {}
    acquisitions = []
    for index, gain in enumerate(gains):
        draw = index % settings.draws
        weights, ratios = _spectral(
            settings.spectral,
            settings.blur,
            sensor,
            gain.instrument,
            scene.platform,
            scene.bands,
            scene.resolution,
        )
        view = gain.instrument, draw
        if view not in optics:
            down, right = shifts[draw]
            optics[view] = filter_weights(ratios, down), filter_weights(ratios, right)
        rows, columns = optics[view]
        acquisitions.append(
            Acquisition(
                weights=weights,
                saturation=gain.saturation,
                minimum=gain.minimum,
                instrument=gain.instrument,
                saturation_scene=gain.saturation_scene,
                minimum_scene=gain.minimum_scene,
                gain_steps=gain.gain_steps,
                rows=rows,
                columns=columns,
                shift=(
                    float(shifts[draw, 0] * scene.resolution),
                    float(shifts[draw, 1] * scene.resolution),
                ),
                haze=(thickness[draw] * colour).astype(np.float32),
            )
        )
    return acquisitions


def _draw_gains(
    sensor: Sensor,
    saturations: Saturations | None,
    scene: SourceScene,
    settings: EmulationSettings,
    patches: int,
    rng: np.random.Generator,
) -> list[_Gains]:
    """Gains of each patch and draw."""
    if saturations is None:
        high = np.array([band.saturation for band in sensor.bands], np.float32)
        none = np.zeros(len(high), np.int8)
        nominal = _Gains(high, np.zeros_like(high), sensor.instruments[0], "", "", none)
        return [nominal] * (patches * settings.draws)
    if settings.gains == "joint":
        joint = draw_joint(
            saturations, sensor.gain_step, scene.when, scene.sun_elevation, settings.draws, rng
        )
        highs, lows, steps = joint.saturation, joint.minimum, joint.steps
        high_scenes = low_scenes = joint.scene
        times = patches
    else:
        drawn = saturations.draw(patches * settings.draws, rng)
        highs, lows, high_scenes, low_scenes = drawn
        steps, times = np.zeros(highs.shape, np.int8), 1
    gains = [
        _Gains(
            # As float32, so that the values in the file are those that made the digital numbers.
            saturation=high.astype(np.float32),
            minimum=low.astype(np.float32),
            instrument=saturations.instruments[one],
            saturation_scene=saturations.scenes[one],
            minimum_scene=saturations.scenes[other],
            gain_steps=moved,
        )
        for high, low, one, other, moved in zip(
            highs, lows, high_scenes, low_scenes, steps, strict=True
        )
    ]
    return gains * times


@lru_cache(maxsize=64)
def _spectral(
    kind: Spectral,
    blur: bool,
    sensor: Sensor,
    instrument: str,
    platform: str,
    bands: tuple[str, ...],
    resolution: float,
) -> tuple[Float32Array, npt.NDArray[np.float64]]:
    """Weights of an instrument, and the transfer of its blur, (band,)."""
    source = load_sensor(platform)
    weights = mixing_weights(kind, sensor, instrument, source, bands)
    ratios = np.ones(len(sensor.bands))
    if blur:
        ratios = blur_ratio(sensor, source, bands, weights, resolution)
    return weights.astype(np.float32), ratios


def noise_variance(sensor: Sensor, resolution: float = RESOLUTION) -> list[tuple[float, float]]:
    """Variance of digital number 0, and its growth per digital number, of each band.

    At half of full scale, H, the standard deviation is ``H / snr``; a part of the variance
    (`STILL_NOISE`) is the same everywhere, the rest grows with the signal as that of photons does.
    Where pixels are smaller than ``resolution``, as many as make one are averaged.
    """
    if sensor.snr is None:
        return [(0.0, 0.0)] * len(sensor.bands)
    half = (2**sensor.bits - 1) / 2
    shares = _pixel_shares(sensor, resolution)
    totals = [(half / sensor.snr * share) ** 2 for share in shares]
    return [(STILL_NOISE * total, (1 - STILL_NOISE) * total / half) for total in totals]


def stripe_deviation(sensor: Sensor, resolution: float = RESOLUTION) -> list[float]:
    """Give the standard deviation between columns of each band, digital numbers."""
    shares = _pixel_shares(sensor, resolution)
    return [sensor.striping * share**0.5 for share in shares]


def _pixel_shares(sensor: Sensor, resolution: float) -> list[float]:
    """Side of a pixel of each band relative to one of ``resolution`` m, at most 1."""
    return [min((band.pixel_size or sensor.pixel_size) / resolution, 1) for band in sensor.bands]
