"""Pseudo-SPOT patches from Sentinel-2 patches, beside GDAL's scaling of file after file."""

from functools import partial
from pathlib import Path

# Imported here, for imports do not count.
import h5netcdf  # noqa: F401
import numpy as np
import numpy.typing as npt
import xarray as xr

from benchmarks.baselines import emulation as baseline
from benchmarks.cost import Row, compare, measure
from benchmarks.products import GROUND, SEED, SNOW, SNR
from benchmarks.reemulation import saturations
from firn import netcdf
from firn.config import EmulationSettings
from firn.emulation.acquisition import Acquisition, draw_acquisitions, source_scene
from firn.emulation.patches import Target, write_pseudo
from firn.seeds import generator
from firn.sensors import STACK_SCALE, load_sensor
from firn.simulator.fields import fractal
from firn.stacks import RESOLUTION, STACK_BANDS

SENSOR = load_sensor("spot4")
#: Patches of a scene above 1200 m in the published data set: 2308 of 48 scenes.
PATCHES = 48
#: What the reference emulates, in what it and its baseline can do alike.
SETTINGS = EmulationSettings(
    spectral="boxcar", gains="independent", blur=False, noise=False, misregistration=0, mixed=None
)


def toa(count: int, size: int) -> npt.NDArray[np.uint16]:
    """Reflectance x 10000 of ground and snow, (patch, band, y, x), with the instrument's noise."""
    rng = generator(SEED, "benchmark patches")
    images = np.empty((count, len(STACK_BANDS), size, size), np.uint16)
    for patch in images:
        snow = 1 / (1 + np.exp(-4 * fractal(rng, (size, size), RESOLUTION, 20000)))
        for image, band in zip(patch, STACK_BANDS, strict=True):
            seen = GROUND[band] + (SNOW[band] - GROUND[band]) * snow
            noise = rng.standard_normal(seen.shape) * np.sqrt(0.3 * seen) / SNR
            image[...] = np.rint(STACK_SCALE * np.clip(seen + noise, 0.01, 2))
    return images


def write_patches(path: Path, size: int) -> None:
    """Write a patch file as the workflow does, and the same patches as files of one band."""
    write_patch_file(path, PATCHES, size)
    (images,) = netcdf.arrays(path, "toa")
    baseline.write_patches(path.with_suffix(""), images, STACK_BANDS)


def write_patch_file(path: Path, count: int, size: int) -> None:
    """Write a patch file as the workflow does."""
    images = toa(count, size)
    flat = (count, size, size)
    axes = ("patch", "y", "x")
    patches = xr.Dataset(
        {
            "toa": (("patch", "band", "y", "x"), images),
            "label": (axes, np.zeros(flat, np.uint8)),
            "hillshade": (axes, np.full(flat, 180, np.uint8)),
            "dem": (axes, np.full(flat, 1800, np.float32)),
        },
        coords={"band": list(STACK_BANDS)},
        attrs={
            "tile": "32TPT",
            "date": "20180315",
            "platform": "sentinel2a",
            "sun_zenith": 50.0,
            "product_id": "benchmark",
        },
    )
    netcdf.write(path, patches)


def emulate(patches: Path, output: Path) -> None:
    """Emulate the patches as the workflow does."""
    write_pseudo(patches, [Target("bench", SENSOR, saturations(), output)], SETTINGS, seed=SEED)


def acquisitions(patches: Path) -> list[Acquisition]:
    """Draw for each patch what `emulate` draws."""
    scene, (count, *_) = source_scene(patches), netcdf.shape(patches, "toa")
    return draw_acquisitions(SENSOR, saturations(), scene, SETTINGS, count, SEED)


def emulate_plainly(patches: Path, drawn: list[Acquisition], folder: Path) -> None:
    """Emulate the same patches, with the same gains, with GDAL alone."""
    weights = {
        band: {s: float(w) for s, w in zip(STACK_BANDS, row, strict=True) if w}
        for band, row in zip(SENSOR.band_names, drawn[0].weights, strict=True)
    }
    sources = [
        {band: patches.with_suffix("") / f"{number}_{band}.tif" for band in STACK_BANDS}
        for number in range(len(drawn))
    ]
    high, low = (np.stack([getattr(a, n) for a in drawn]) for n in ("saturation", "minimum"))
    baseline.emulate(sources, weights, high, low, folder)


def rows(folder: Path, size: int, repeats: int) -> list[Row]:
    """Rows ``emulate``, of `PATCHES` patches: the baseline is to take 15 times as long.

    Parameters
    ----------
    folder : path
        Where the patches are kept between runs.
    size : int
        Side of a patch, pixels.
    repeats : int
        Measurements of which the median counts.
    """
    patches = folder / f"patches_{size}.nc"
    if not patches.exists():
        # In a process of its own: the memory of this one would count as that of its children.
        measure(write_patches, patches, size)
    drawn = acquisitions(patches)
    return compare(
        "emulate",
        partial(measure, emulate, patches, folder / "pseudo.nc"),
        partial(measure, emulate_plainly, patches, drawn, folder / "pseudo"),
        repeats,
    )
