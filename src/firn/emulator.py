"""Pseudo-SPOT patches from Sentinel-2 patches (method A.5; Barrou Dumont et al. 2024).

Three things make a Sentinel-2 image look like SPOT: its bands are mixed into SPOT's, each band
saturates at a drawn reflectance, and what remains is quantised to 8 bits. Noise, blur and haze are
left alone, as in the method.
"""

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
from firn.errors import ConfigError
from firn.provenance import provenance
from firn.saturation import Saturations
from firn.seeds import generator
from firn.sensors import (
    STACK_NODATA,
    STACK_SATURATED,
    STACK_SCALE,
    Sensor,
    boxcar_weights,
    load_sensor,
    to_dn,
)

Numbers = npt.NDArray[np.uint8] | npt.NDArray[np.uint16]


@dataclass(frozen=True)
class Target:
    """A sensor to emulate.

    Parameters
    ----------
    area : str
        Area whose SPOT scenes gave ``saturations``.
    sensor : Sensor
    saturations : Saturations
        Saturation and minimum reflectance of the sensor's scenes in the area.
    path : path
        File to write.
    """

    area: str
    sensor: Sensor
    saturations: Saturations
    path: Path


def emulate(
    toa: npt.NDArray[np.uint16],
    weights: npt.NDArray[np.float64],
    saturation: npt.NDArray[np.floating[Any]],
    minimum: npt.NDArray[np.floating[Any]],
    bits: int = 8,
) -> tuple[Numbers, npt.NDArray[np.bool_]]:
    """Emulate one image.

    Digital numbers are rounded to the nearest (see `firn.sensors.to_dn`). A pixel is valid where
    every Sentinel-2 band that some weight uses has data; elsewhere its DN are 0. A Sentinel-2 band
    that saturated saturates the bands mixed from it.

    Parameters
    ----------
    toa : ndarray, (source band, y, x)
        Sentinel-2 TOA reflectance x 10000; 0 = no data, 65535 = saturated.
    weights : ndarray, (band, source band)
        Rows sum to 1.
    saturation, minimum : ndarray, (band,)
        Reflectance of the largest DN and of DN 0.
    bits : int

    Returns
    -------
    dn : ndarray, (band, y, x), uint8 (uint16 above 8 bits)
    valid : ndarray, (y, x), bool
    """
    used = weights.any(axis=0)
    source, mixing = toa[used], weights[:, used]
    valid = (source != STACK_NODATA).all(axis=0)
    reflectance = np.einsum("ts,syx->tyx", mixing, source / STACK_SCALE)
    dn = to_dn(reflectance, saturation[:, None, None], minimum[:, None, None], bits)
    saturated = source == STACK_SATURATED
    for band, row in enumerate(mixing):
        dn[band][saturated[row > 0].any(axis=0)] = 2**bits - 1
    dn[:, ~valid] = 0
    return dn, valid


def emulate_patches(patches: xr.Dataset, target: Target, *, draws: int, seed: int) -> xr.Dataset:
    """Emulate every patch of a scene ``draws`` times.

    Each sample draws a saturation vector and, independently, a minimum vector. The random numbers
    depend on the area, sensor, tile and date, not on the order of jobs.

    Parameters
    ----------
    patches : Dataset
        As `firn.patches.cut_patches` gives it.
    target : Target
    draws : int
        Samples per patch.
    seed : int

    Returns
    -------
    Dataset
        ``dn`` (sample, band, y, x) uint8; ``valid`` (sample, y, x) uint8; ``saturation`` and
        ``minimum`` (sample, band) float32; ``patch`` (sample) int32, the index in ``patches``;
        ``draw`` (sample) int32.

    Raises
    ------
    ConfigError
        A band of the sensor overlaps none of the patches' bands, or the saturations are those of
        other bands.
    """
    sensor = target.sensor
    if tuple(target.saturations.bands) != sensor.band_names:
        raise ConfigError(
            f"{target.path}: the saturations are of bands {list(target.saturations.bands)}, sensor "
            f"{sensor.name} has {list(sensor.band_names)}; make the saturation file again"
        )
    bands = [str(band) for band in patches.band.values]
    weights = boxcar_weights(sensor, load_sensor(patches.attrs["platform"]), bands)
    patch = np.repeat(np.arange(patches.sizes["patch"], dtype=np.int32), draws)
    rng = generator(
        seed, "emulation", target.area, sensor.name, patches.attrs["tile"], patches.attrs["date"]
    )
    # Kept as float32 so that the file's values are those that made the digital numbers.
    saturation, minimum = (
        np.asarray(drawn, np.float32) for drawn in target.saturations.draw(len(patch), rng)
    )
    shape = patches.label.shape[1:]
    dn = np.empty(
        (len(patch), len(sensor.bands), *shape), np.uint8 if sensor.bits <= 8 else np.uint16
    )
    valid = np.empty((len(patch), *shape), np.uint8)
    for sample, index in enumerate(patch):
        dn[sample], valid[sample] = emulate(
            patches.toa.values[index], weights, saturation[sample], minimum[sample], sensor.bits
        )
    reflectance = {"units": "1"}
    return xr.Dataset(
        {
            "dn": (("sample", "band", "y", "x"), dn),
            "valid": (("sample", "y", "x"), valid),
            "saturation": (("sample", "band"), saturation, reflectance),
            "minimum": (("sample", "band"), minimum, reflectance),
            "patch": (("sample",), patch),
            "draw": (
                ("sample",),
                np.tile(np.arange(draws, dtype=np.int32), patches.sizes["patch"]),
            ),
        },
        coords={"band": list(sensor.band_names)},
        attrs={
            "area": target.area,
            "sensor": sensor.name,
            "bits": sensor.bits,
            "tile": patches.attrs["tile"],
            "date": patches.attrs["date"],
            "provenance": json.dumps(
                provenance(
                    [patches.attrs["product_id"]],
                    {"sensor": sensor, "draws": draws, "seed": seed, "weights": weights.tolist()},
                ),
                sort_keys=True,
            ),
        },
    )


def write_pseudo(
    path: str | os.PathLike[str], targets: Sequence[Target], *, draws: int, seed: int
) -> None:
    """Emulate several sensors from one patch file, which is read once; see `emulate_patches`."""
    with netcdf.read(path) as patches:
        patches.load()
    for target in targets:
        netcdf.write(target.path, emulate_patches(patches, target, draws=draws, seed=seed))
