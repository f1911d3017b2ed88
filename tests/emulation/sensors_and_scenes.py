"""Scenes with gains and patches to emulate, shared by the tests of the emulator."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import xarray as xr

from firn import netcdf
from firn.config import EmulationSettings
from firn.emulation.acquisition import Acquisition
from firn.emulation.patches import Target, write_pseudo
from firn.emulation.spectral import boxcar_weights
from firn.saturation import Saturations
from firn.sensors import load_sensor

#: Bands of the stacks.
BANDS = ("B02", "B03", "B04", "B08", "B11")
PUBLISHED = EmulationSettings(
    draws=1,
    spectral="boxcar",
    gains="independent",
    blur=False,
    noise=False,
    misregistration=0,
    haze=0,
    mixed=None,
)
FULL = EmulationSettings(
    draws=2,
    spectral="response",
    gains="joint",
    blur=True,
    noise=True,
    misregistration=10,
    haze=0.03,
    mixed=0.8,
)


def saturations(bands: Sequence[str] = ("XS1", "XS2", "XS3")) -> Saturations:
    """Twelve scenes with gains of their own in every band, of both instruments."""
    spread = np.random.default_rng(0).uniform(-1, 1, (2, 12, len(bands)))
    return Saturations(
        sensor="spot2",
        area="alps",
        bands=tuple(bands),
        scenes=tuple(f"S{i}" for i in range(12)),
        dates=tuple(f"1990-{month:02d}-15" for month in range(1, 13)),
        instruments=("HRV1", "HRV2") * 6,
        sun_elevation=np.linspace(15, 65, 12),
        saturation=0.4 + 0.1 * spread[0],
        minimum=0.05 + 0.01 * spread[1],
        bandwidth=0.1,
    )


def patches(count: int = 3, date: str = "20180315", size: int = 4) -> xr.Dataset:
    """Patches of random reflectance on ground."""
    toa = np.random.default_rng(1).integers(1, 9000, (count, 5, size, size)).astype(np.uint16)
    return xr.Dataset(
        {
            "toa": (("patch", "band", "y", "x"), toa),
            "label": (("patch", "y", "x"), np.zeros((count, size, size), np.uint8)),
        },
        coords={"band": list(BANDS)},
        attrs={
            "tile": "32TPT",
            "date": date,
            "platform": "sentinel2a",
            "product_id": "S2A",
            "sun_zenith": 50.0,
        },
    )


def emulate_patches(
    patches: xr.Dataset, target: Target, settings: EmulationSettings, *, seed: int
) -> xr.Dataset:
    """What `write_pseudo` makes of patches."""
    with TemporaryDirectory() as folder:
        source, output = Path(folder) / "patches.nc", Path(folder) / "pseudo.nc"
        netcdf.write(source, patches)
        write_pseudo(source, [replace(target, path=output)], settings, seed=seed)
        with netcdf.read(output) as pseudo:
            return pseudo.load()


def target(path: Path = Path("pseudo.nc"), sensor: str = "spot2") -> Target:
    """Sensor with the gains of `saturations`."""
    loaded = load_sensor(sensor)
    return Target("alps", loaded, saturations(loaded.band_names), path)


def acquisition(sensor: str = "spot2", **changes: Any) -> Acquisition:
    """Acquisition of the published method: boxcar weights, neither filter nor haze."""
    weights = boxcar_weights(load_sensor(sensor), load_sensor("sentinel2a"), BANDS)
    bands = len(weights)
    values: dict[str, Any] = {
        "weights": weights.astype(np.float32),
        "saturation": np.array([0.45, 0.45, 0.65, 0.5][:bands], np.float32),
        "minimum": np.full(bands, 0.05, np.float32),
        "instrument": "HRV1",
        "saturation_scene": "S1",
        "minimum_scene": "S2",
        "gain_steps": np.zeros(bands, np.int8),
        "rows": np.ones((bands, 1), np.float32),
        "columns": np.ones((bands, 1), np.float32),
        "shift": (0.0, 0.0),
        "haze": np.zeros(bands, np.float32),
    }
    return Acquisition(**values | changes)
