"""Emulated patches of Sentinel-2 scenes (method A.5)."""

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from firn import netcdf
from firn.config import EmulationSettings
from firn.emulation import arrays
from firn.emulation.acquisition import (
    BRIGHTEST,
    NOISE_MARGIN,
    Acquisition,
    SourceScene,
    draw_acquisitions,
    noise_variance,
    stripe_deviation,
)
from firn.emulation.labels import mixed
from firn.emulation.spectral import spectral_errors
from firn.provenance import provenance
from firn.samples import DATA, MIXED_LABEL
from firn.saturation import Saturations
from firn.seeds import generator
from firn.sensors import STACK_NODATA, STACK_SATURATED, STACK_SCALE, Sensor, load_sensor

Numbers = npt.NDArray[np.uint8] | npt.NDArray[np.uint16]
Float32Array = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Target:
    """A sensor to emulate.

    Parameters
    ----------
    area : str
        Area whose SPOT scenes gave ``saturations``.
    sensor : Sensor
    saturations : Saturations
        Gains of the sensor's scenes in the area.
    path : path
        File to write.
    """

    area: str
    sensor: Sensor
    saturations: Saturations
    path: Path


class Noise:
    """Noise of a sensor in one image.

    A field of normal numbers is drawn once, and each patch and band takes a window of it at a
    place of its own: to draw anew would take longer than all the rest.

    Parameters
    ----------
    sensor : Sensor
    size : int
        Side of the patches, pixels.
    rng : Generator
    """

    def __init__(self, sensor: Sensor, size: int, rng: np.random.Generator) -> None:
        self._rng, self._size = rng, size
        side = size + NOISE_MARGIN
        self._field = rng.standard_normal((side, side), dtype=np.float32)
        self.variance = np.array(noise_variance(sensor), np.float32)
        self._stripes = [np.float32(deviation) for deviation in stripe_deviation(sensor)]

    def window(self) -> Float32Array:
        """Independent normal numbers, (y, x)."""
        row, col = self._rng.integers(NOISE_MARGIN + 1, size=2)
        return self._field[row : row + self._size, col : col + self._size]

    def stripes(self, band: int) -> Float32Array:
        """Offset of each column, digital numbers, (1, x)."""
        return self._stripes[band] * self._rng.standard_normal((1, self._size), dtype=np.float32)


def emulate(
    toa: npt.NDArray[np.uint16],
    acquisition: Acquisition,
    bits: int = 8,
    noise: Noise | None = None,
) -> tuple[Numbers, npt.NDArray[np.bool_]]:
    """Emulate one image.

    A pixel is valid where every Sentinel-2 band that some weight uses has data, there and as far as
    the filters reach; elsewhere its DN are 0. A Sentinel-2 band that saturated saturates the bands
    mixed from it.

    Parameters
    ----------
    toa : ndarray, (source band, y, x)
        Sentinel-2 TOA reflectance x 10000; 0 = no data, 65535 = saturated.
    acquisition : Acquisition
    bits : int
    noise : Noise, optional
        None = no noise.

    Returns
    -------
    dn : ndarray, (band, y, x), uint8 (uint16 above 8 bits)
    valid : ndarray, (y, x), bool
    """
    used = acquisition.weights.any(axis=0)
    source, weights = toa[used], acquisition.weights[:, used]
    full = 2**bits - 1
    reach = max(acquisition.rows.shape[1], acquisition.columns.shape[1]) // 2
    reflectance = source.astype(np.float32) * np.float32(1 / STACK_SCALE)
    if reach:
        reflectance = np.minimum(reflectance, np.float32(BRIGHTEST))
    valid = _valid(source, reach)
    saturated = source == STACK_SATURATED
    dn = np.empty((len(weights), *valid.shape), np.uint8 if bits <= 8 else np.uint16)
    # Band by band, so that what is worked on stays in the processor's cache.
    for band, row in enumerate(weights):
        mixing = np.flatnonzero(row)
        image = arrays.mix([reflectance[j] for j in mixing], row[mixing])
        if acquisition.haze[band]:
            image = arrays.add_haze(image, acquisition.haze[band])
        if reach:
            image = arrays.filtered(image, acquisition.rows[band], acquisition.columns[band])
        gains = acquisition.saturation[band], acquisition.minimum[band]
        numbers = arrays.scaled(image, *gains, full)
        if noise is not None:
            still, growth = noise.variance[band]
            numbers = arrays.add_noise(numbers, noise.window(), still, growth, noise.stripes(band))
        dn[band] = arrays.rounded(numbers, full)
        if saturated.any():
            dn[band][saturated[mixing].any(axis=0)] = full
    if not valid.all():
        dn[:, ~valid] = 0
    return dn, valid


def _valid(source: npt.NDArray[np.uint16], reach: int) -> npt.NDArray[np.bool_]:
    """Where all bands have data, and so have the pixels around within ``reach``."""
    valid: npt.NDArray[np.bool_] = (source != STACK_NODATA).all(axis=0)
    if reach and not valid.all():
        ones = np.ones(2 * reach + 1, np.float32)
        valid = arrays.filtered((~valid).astype(np.float32), ones, ones) == 0
    return valid


def emulate_patches(
    patches: xr.Dataset, target: Target, settings: EmulationSettings, *, seed: int
) -> xr.Dataset:
    """Emulate every patch of a scene ``settings.draws`` times.

    The random numbers depend on the area, sensor, tile and date, not on the order of jobs.

    Parameters
    ----------
    patches : Dataset
        As `firn.patches.cut_patches` gives it.
    target : Target
    settings : EmulationSettings
    seed : int

    Returns
    -------
    Dataset
        ``dn`` (sample, band, y, x) uint8; ``valid`` (sample, y, x) uint8, 0 no data, 1 data, 2 data
        whose label does not count; ``patch`` (sample) int32, the index in ``patches``; ``draw``
        (sample) int32. What was drawn: ``saturation`` and ``minimum`` (sample, band) float32;
        ``saturation_scene`` and ``minimum_scene`` (sample), the SPOT scenes whose metadata they
        come from; ``gain_steps`` (sample, band) int8, the steps by which a band saturates later
        than in that scene; ``instrument`` (sample); ``shift`` (sample, 2) float32, m down and to
        the right; ``haze`` (sample, band) float32.

    Raises
    ------
    ConfigError
        A band of the sensor is far from all the patches' bands, or the saturations are those of
        other bands.
    """
    sensor, scene = target.sensor, source_scene(patches)
    count, draws = patches.sizes["patch"], settings.draws
    acquisitions = draw_acquisitions(sensor, target.saturations, scene, settings, count, seed)
    shape = patches.label.shape[1:]
    dn = np.empty(
        (len(acquisitions), len(sensor.bands), *shape), np.uint8 if sensor.bits <= 8 else np.uint16
    )
    valid = np.empty((len(acquisitions), *shape), np.uint8)
    where = (target.area, sensor.name, scene.tile, scene.date, "noise")
    noises: list[Noise | None] = [
        Noise(sensor, shape[-1], generator(seed, "emulation", *where, str(draw)))
        if settings.noise and count
        else None
        for draw in range(draws)
    ]
    for index in range(count):
        toa, label = patches.toa.values[index], patches.label.values[index]
        unclear = None if settings.mixed is None else mixed(label, sensor, settings.mixed)
        for draw in range(draws):
            sample = index * draws + draw
            dn[sample], known = emulate(toa, acquisitions[sample], sensor.bits, noises[draw])
            valid[sample] = known * DATA
            if unclear is not None:
                valid[sample][known & unclear] = MIXED_LABEL
    return xr.Dataset(
        {
            "dn": (("sample", "band", "y", "x"), dn),
            "valid": (("sample", "y", "x"), valid),
            **_drawn(acquisitions, len(sensor.bands)),
            "patch": (("sample",), np.repeat(np.arange(count, dtype=np.int32), draws)),
            "draw": (("sample",), np.tile(np.arange(draws, dtype=np.int32), count)),
        },
        coords={"band": list(sensor.band_names)},
        attrs={
            "area": target.area,
            "sensor": sensor.name,
            "bits": sensor.bits,
            "tile": scene.tile,
            "date": scene.date,
            "spectral": json.dumps(spectral_record(sensor, scene, acquisitions), sort_keys=True),
            "provenance": json.dumps(
                provenance(
                    [patches.attrs["product_id"]],
                    {"sensor": sensor, "emulation": settings, "seed": seed},
                ),
                sort_keys=True,
            ),
        },
    )


def source_scene(patches: xr.Dataset) -> SourceScene:
    """Scene that patches were cut from."""
    attributes = patches.attrs
    return SourceScene(
        tile=attributes["tile"],
        date=attributes["date"],
        platform=attributes["platform"],
        sun_elevation=90 - float(attributes["sun_zenith"]),
        bands=tuple(str(band) for band in patches.band.values),
    )


def _drawn(acquisitions: Sequence[Acquisition], bands: int) -> dict[str, Any]:
    """Variables that tell how each sample was made."""

    def table(name: str, columns: int, kind: type[Any]) -> npt.NDArray[Any]:
        rows = [getattr(acquisition, name) for acquisition in acquisitions]
        return np.array(rows, kind).reshape(-1, columns)

    def text(name: str) -> npt.NDArray[Any]:
        return np.array([getattr(acquisition, name) for acquisition in acquisitions], object)

    by_band, reflectance = ("sample", "band"), {"units": "1"}
    return {
        "saturation": (by_band, table("saturation", bands, np.float32), reflectance),
        "minimum": (by_band, table("minimum", bands, np.float32), reflectance),
        "instrument": (("sample",), text("instrument")),
        "saturation_scene": (("sample",), text("saturation_scene")),
        "minimum_scene": (("sample",), text("minimum_scene")),
        "gain_steps": (by_band, table("gain_steps", bands, np.int8)),
        "shift": (("sample", "direction"), table("shift", 2, np.float32), {"units": "m"}),
        "haze": (by_band, table("haze", bands, np.float32), reflectance),
    }


def spectral_record(
    sensor: Sensor, scene: SourceScene, acquisitions: Sequence[Acquisition]
) -> dict[str, Any]:
    """Weights of each instrument, and their error over each material of the library."""
    used = {acquisition.instrument: acquisition.weights for acquisition in acquisitions}
    source = load_sensor(scene.platform)
    return {
        instrument: {
            "weights": np.round(weights, 4).astype(float).tolist(),
            "rms_error": {
                material: np.round(error, 5).tolist()
                for material, error in spectral_errors(
                    sensor, instrument, source, scene.bands, weights
                ).items()
            },
        }
        for instrument, weights in sorted(used.items())
    }


def write_pseudo(
    path: str | os.PathLike[str],
    targets: Sequence[Target],
    settings: EmulationSettings,
    *,
    seed: int,
) -> None:
    """Emulate several sensors from one patch file, which is read once; see `emulate_patches`."""
    with netcdf.read(path) as patches:
        patches.load()
    for target in targets:
        netcdf.write(target.path, emulate_patches(patches, target, settings, seed=seed))
