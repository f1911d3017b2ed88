"""Emulated patches of Sentinel-2 scenes (method A.5)."""

import json
import os
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from firn import netcdf
from firn.config import EmulationSettings
from firn.emulation import arrays
from firn.emulation.acquisition import (
    BRIGHTEST,
    DECISIVE,
    NOISE_MARGIN,
    RESOLUTION,
    Acquisition,
    SourceScene,
    draw_acquisitions,
    noise_variance,
    source_scene,
    stripe_deviation,
)
from firn.emulation.labels import mixed
from firn.emulation.spectral import spectral_errors
from firn.provenance import provenance
from firn.samples import DATA, MIXED_LABEL
from firn.saturation import Saturations
from firn.seeds import generator
from firn.sensors import STACK_NODATA, STACK_SATURATED, STACK_SCALE, Sensor, load_sensor

if TYPE_CHECKING:
    import xarray as xr

PathLike = str | os.PathLike[str]
Numbers = npt.NDArray[np.uint8] | npt.NDArray[np.uint16]
Float32Array = npt.NDArray[np.float32]

#: Pixels that are worked on at once, so that they stay in the processor's cache.
BLOCK = 1 << 15


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


class BandNoise(NamedTuple):
    """Noise of a band of one patch, as `firn.emulation.arrays.add_noise` takes it."""

    window: Float32Array
    still: np.float32
    growth: np.float32
    stripes: Float32Array


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
    resolution : float
        Pixel size of the patches, m.
    """

    def __init__(
        self,
        sensor: Sensor,
        size: int,
        rng: np.random.Generator,
        resolution: float = RESOLUTION,
    ) -> None:
        self._rng, self._size = rng, size
        side = size + NOISE_MARGIN
        self._field = rng.standard_normal((side, side), dtype=np.float32)
        self._variance = np.array(noise_variance(sensor, resolution), np.float32)
        self._stripes = [
            np.float32(deviation) for deviation in stripe_deviation(sensor, resolution)
        ]

    def draw(self) -> list[BandNoise]:
        """Noise of every band of one patch."""
        return [self._draw_band(band) for band in range(len(self._stripes))]

    def _draw_band(self, band: int) -> BandNoise:
        row, col = self._rng.integers(NOISE_MARGIN + 1, size=2)
        window = self._field[row : row + self._size, col : col + self._size]
        stripes = self._rng.standard_normal((1, self._size), dtype=np.float32)
        still, growth = self._variance[band]
        return BandNoise(window, still, growth, self._stripes[band] * stripes)


def emulate(
    toa: npt.NDArray[np.uint16],
    acquisition: Acquisition,
    bits: int = 8,
    noise: Noise | None = None,
) -> tuple[Numbers, npt.NDArray[np.bool_]]:
    """Emulate one image.

    A Sentinel-2 band decides about a band that a good part of is mixed from it (`DECISIVE`): where
    it saturated, so does that. A pixel is valid where every Sentinel-2 band that decides about some
    band has data, there and as far as the filters reach; elsewhere its DN are 0.

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
    height, width = toa.shape[1:]
    drawn = None if noise is None else noise.draw()
    dn = np.empty((len(weights), height, width), np.uint8 if bits <= 8 else np.uint16)
    valid = np.empty((height, width), bool)
    step = max(1, BLOCK // width)
    for start in range(0, height, step):
        rows = slice(start, min(start + step, height))
        block = dn[:, rows], valid[rows]
        _emulate_rows(source, rows, weights, acquisition, drawn, 2**bits - 1, block)
    return dn, valid


def _emulate_rows(
    source: npt.NDArray[np.uint16],
    rows: slice,
    weights: Float32Array,
    acquisition: Acquisition,
    noise: Sequence[BandNoise] | None,
    full: int,
    block: tuple[Numbers, npt.NDArray[np.bool_]],
) -> None:
    """Emulate some rows of an image into a block of what `emulate` gives."""
    dn, valid = block
    reach = max(acquisition.rows.shape[1], acquisition.columns.shape[1]) // 2
    # With the rows around that the filters reach, as far as there are any.
    first = max(0, rows.start - reach)
    wide = source[:, first : rows.stop + reach]
    inner = slice(rows.start - first, rows.stop - first)
    deciding = weights >= DECISIVE
    valid[...] = _valid(wide, deciding, reach)[inner]
    # Most images have none of it, which the extremes tell at a fraction of the cost.
    any_saturated = wide.max() == STACK_SATURATED
    reflectance = wide * np.float32(1 / STACK_SCALE)
    np.minimum(reflectance, np.float32(BRIGHTEST), out=reflectance)
    for band, row in enumerate(weights):
        mixing = np.flatnonzero(row)
        image = arrays.mix([reflectance[j] for j in mixing], row[mixing])
        if acquisition.haze[band]:
            image = arrays.add_haze(image, acquisition.haze[band])
        if reach:
            filters = acquisition.rows[band], acquisition.columns[band]
            image = arrays.filtered(image, *filters)[inner]
        gains = acquisition.saturation[band], acquisition.minimum[band]
        numbers = arrays.scaled(image, *gains, full)
        if noise is not None:
            own = noise[band]
            numbers = arrays.add_noise(
                numbers, own.window[rows], own.still, own.growth, own.stripes
            )
        dn[band] = arrays.rounded(numbers, full)
        if any_saturated:
            dn[band][(wide[deciding[band], inner] == STACK_SATURATED).any(axis=0)] = full
    if not valid.all():
        dn[:, ~valid] = 0


def _valid(
    source: npt.NDArray[np.uint16], deciding: npt.NDArray[np.bool_], reach: int
) -> npt.NDArray[np.bool_]:
    """Where all bands that decide have data, and so have the pixels around within ``reach``."""
    if source.min() != STACK_NODATA:
        return np.ones(source.shape[1:], bool)
    valid: npt.NDArray[np.bool_] = (source[deciding.any(axis=0)] != STACK_NODATA).all(axis=0)
    if reach:
        ones = np.ones(2 * reach + 1, np.float32)
        valid = arrays.filtered((~valid).astype(np.float32), ones, ones) == 0
    return valid


def write_pseudo(
    path: PathLike, targets: Sequence[Target], settings: EmulationSettings, *, seed: int
) -> None:
    """Emulate every patch of a scene ``settings.draws`` times, as several sensors.

    The random numbers depend on the area, sensor, tile and date, not on the order of jobs. Patches
    are read and samples written one by one, so that memory does not grow with their number.

    The files hold ``dn`` (sample, band, y, x) uint8; ``valid`` (sample, y, x) uint8, 0 no data, 1
    data, 2 data whose label does not count; ``patch`` (sample) int32, the index in ``path``;
    ``draw`` (sample) int32. What was drawn: ``saturation`` and ``minimum`` (sample, band) float32;
    ``saturation_scene`` and ``minimum_scene`` (sample), the SPOT scenes whose metadata they come
    from; ``gain_steps`` (sample, band) int8, the steps by which a band saturates later than in that
    scene; ``instrument`` (sample); ``shift`` (sample, 2) float32, m down and to the right; ``haze``
    (sample, band) float32.

    Parameters
    ----------
    path : path
        As `firn.patches.write_patches` writes it.
    targets : sequence of Target
    settings : EmulationSettings
    seed : int

    Raises
    ------
    ConfigError
        A band of a sensor is far from all the patches' bands, or the saturations are those of
        other bands.
    DataError
        The file of patches is missing or damaged, or the disk has no space for what is made of it.
    """
    scene, shape = source_scene(path), netcdf.shape(path, "label")
    product_id = str(netcdf.attributes(path, "product_id")["product_id"])
    all_series = [_Series(target, scene, settings, seed, shape) for target in targets]
    with ExitStack() as stack:
        # All before the first, for they grow side by side.
        netcdf.require_space(path, sum(series.nbytes for series in all_series))
        files = [
            stack.enter_context(
                netcdf.filled(series.target.path, series.described(product_id), series.layouts)
            )
            for series in all_series
        ]
        for index, (toa, label) in enumerate(netcdf.row_by_row(path, "toa", "label")):
            for series, file in zip(all_series, files, strict=True):
                series.write(index, toa, label, file)


class _Series:
    """The samples that a target makes of a scene's patches."""

    def __init__(
        self,
        target: Target,
        scene: SourceScene,
        settings: EmulationSettings,
        seed: int,
        shape: Sequence[int],
    ) -> None:
        self.target, self._scene, self._settings, self._seed = target, scene, settings, seed
        sensor, (self._count, *size) = target.sensor, shape
        self._acquisitions = draw_acquisitions(
            sensor, target.saturations, scene, settings, self._count, seed
        )
        samples = len(self._acquisitions)
        kind = np.uint8 if sensor.bits <= 8 else np.uint16
        bands = len(sensor.bands)
        self.layouts = {
            "dn": netcdf.Layout(("sample", "band", "y", "x"), (samples, bands, *size), kind),
            "valid": netcdf.Layout(("sample", "y", "x"), (samples, *size), np.uint8),
        }
        self.nbytes = sum(layout.nbytes for layout in self.layouts.values())
        where = ("emulation", target.area, sensor.name, scene.tile, scene.date, "noise")
        self._noises = [
            Noise(sensor, size[-1], generator(seed, *where, str(draw)))
            if settings.noise and samples
            else None
            for draw in range(settings.draws)
        ]

    def write(
        self,
        index: int,
        toa: npt.NDArray[np.uint16],
        label: npt.NDArray[np.uint8],
        file: Mapping[str, Any],
    ) -> None:
        """Emulate the patch of an index and write its samples."""
        sensor, least_share = self.target.sensor, self._settings.mixed
        unclear = None if least_share is None else mixed(label, sensor, least_share)
        for sample, noise in enumerate(self._noises, start=index * len(self._noises)):
            dn, known = emulate(toa, self._acquisitions[sample], sensor.bits, noise)
            valid = known * np.uint8(DATA)
            if unclear is not None:
                valid[known & unclear] = MIXED_LABEL
            file["dn"][sample] = dn
            file["valid"][sample] = valid

    def described(self, product_id: str) -> "xr.Dataset":
        """All but the images."""
        import xarray as xr

        target, settings = self.target, self._settings
        sensor, scene, acquisitions = target.sensor, self._scene, self._acquisitions
        patch = np.arange(self._count, dtype=np.int32)
        draw = np.arange(settings.draws, dtype=np.int32)
        made_with = {"sensor": sensor, "emulation": settings, "seed": self._seed}
        return xr.Dataset(
            {
                **_drawn(acquisitions, len(sensor.bands)),
                "patch": (("sample",), np.repeat(patch, settings.draws)),
                "draw": (("sample",), np.tile(draw, self._count)),
            },
            coords={"band": list(sensor.band_names)},
            attrs={
                "area": target.area,
                "sensor": sensor.name,
                "bits": sensor.bits,
                "tile": scene.tile,
                "date": scene.date,
                "spectral": json.dumps(
                    spectral_record(sensor, scene, acquisitions), sort_keys=True
                ),
                "provenance": json.dumps(provenance([product_id], made_with), sort_keys=True),
            },
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
