"""Synthetic products that are as large and as hard to decode as real ones."""

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from rasterio.crs import CRS

from firn.grid import Grid
from firn.seeds import generator
from firn.simulator.fields import FloatArray, enlarge, fractal
from firn.simulator.formats.metadata import RESOLUTIONS, Sentinel2Metadata
from firn.simulator.formats.sentinel2 import write_l1c
from firn.stacks import STACK_BANDS

SEED = 1986
#: Reflectance of dark ground and of snow, about as in a winter scene of the Alps.
GROUND = {"B02": 0.12, "B03": 0.11, "B04": 0.10, "B08": 0.22, "B11": 0.16}
SNOW = {"B02": 0.75, "B03": 0.74, "B04": 0.75, "B08": 0.70, "B11": 0.08}
#: Signal-to-noise ratio: it decides how many bits of a pixel cannot be compressed.
SNR = 150.0


def l1c_path(folder: Path, size: int) -> Path:
    """Where the Level-1C product of a size is kept."""
    return folder / f"l1c_{size}.zip"


def l1c(path: Path, size: int) -> None:
    """Write a Level-1C product of ``size`` pixels of 10 m a side.

    It holds the bands of the stacks: relief light on ground and snow with the noise of the
    instrument, saturated pixels on the brightest snow, and no data beyond the swath's edge.

    Parameters
    ----------
    path : path
        The zip file.
    size : int
        A multiple of 6; 10980 in a real product.
    """
    left, top, side = 6e5, 5.2e6, 10 * size
    grid = Grid.from_bounds(CRS.from_epsg(32632), left, top - side, left + side, top, 10)
    bands = _bands(size)
    meta = Sentinel2Metadata(
        platform="S2A",
        sensing_time=datetime(2018, 3, 14, 10, 24, 59, tzinfo=UTC),
        baseline="02.06",
        tile="32TPT",
        relative_orbit=65,
        grid=grid,
        sun_zenith=51.0,
        sun_azimuth=157.0,
        solar_irradiance=dict.fromkeys(RESOLUTIONS, 1000.0),
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    write_l1c(path, bands, {band: image > 1.2 for band, image in bands.items()}, meta)


def _bands(size: int) -> dict[str, FloatArray]:
    """Reflectance of the bands of the stacks, each at its own resolution."""
    rng = generator(SEED, "benchmark", str(size))
    coarse = (size // 2, size // 2)
    light = np.clip(1 + 0.25 * fractal(rng, coarse, 20, 3000, 2.5), 0.1, None)
    snow = 1 / (1 + np.exp(-4 * fractal(rng, coarse, 20, 20000)))
    rows, cols = np.indices(coarse, dtype=np.float32)
    seen = cols > 0.05 * size - 0.18 * rows
    images = {}
    for band in STACK_BANDS:
        image = (GROUND[band] + (SNOW[band] - GROUND[band]) * snow) * light
        image = np.where(seen, image, np.nan).astype(np.float32)
        if RESOLUTIONS[band] == 10:
            image = enlarge(image, 2, (size, size))
        noise = rng.standard_normal(image.shape, dtype=np.float32)
        images[band] = image + noise * np.sqrt(0.3 * np.abs(image)) / np.float32(SNR)
    return images
