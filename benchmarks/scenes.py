"""Synthetic SPOT scenes as large as real ones and larger, with their relief."""

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import numpy.typing as npt
from rasterio.crs import CRS

from benchmarks.products import GROUND, SEED, SNOW, SNR
from firn import cog
from firn.grid import Grid
from firn.raster import Array
from firn.seeds import generator
from firn.simulator.fields import FloatArray, fractal
from firn.simulator.formats.metadata import SpotMetadata
from firn.simulator.formats.swh import write_swh

#: Sentinel-2 bands whose reflectance the SPOT bands have here.
BANDS = {"XS1": "B03", "XS2": "B04", "XS3": "B08", "SWIR": "B11"}
SATURATION = 0.8
#: Pixels after which ground, snow and noise repeat themselves.
PERIOD = 600
#: Heights of the relief, m: mean and spread.
HEIGHTS = 1800.0, 500.0
RESOLUTION, LEFT, TOP = 20, 3e5, 5.2e6
#: Step of the relief, which is in degrees as the Copernicus DEM is.
_DEGREES = 1 / 3600


def grid(size: int) -> Grid:
    """Grid of a scene of ``size`` pixels a side."""
    side = size * RESOLUTION
    return Grid.from_bounds(CRS.from_epsg(32632), LEFT, TOP - side, LEFT + side, TOP, RESOLUTION)


def write(scene: Path, dem: Path, size: int, seen: int) -> None:
    """Write a Level-1C product and its relief.

    Parameters
    ----------
    scene : path
        Zip of four bands of 20 m.
    dem : path
        GeoTIFF in degrees, of pixels of one arc second.
    size : int
        Side of the scene, pixels.
    seen : int
        Side of the square in its middle that has data, pixels.
    """
    rng = generator(SEED, "benchmark scene")
    pattern = fractal(rng, (PERIOD, PERIOD), RESOLUTION, 20000)
    start = (size - seen) // 2
    bands = {}
    for band, like in BANDS.items():
        numbers = np.zeros((size, size), np.uint16)
        inner = slice(start, start + seen)
        numbers[inner, inner] = _tiled(_numbers(pattern, like, rng), (seen, seen))
        bands[band] = numbers
    meta = SpotMetadata(
        scene_id="SPOT4-HRVIR1-XS_20030314-102459-000_L1C_050-256-0_D_V1-0",
        platform="SPOT4",
        instrument="HRVIR1",
        acquisition_time=datetime(2003, 3, 14, 10, 24, 59, tzinfo=UTC),
        sun_zenith=51.0,
        sun_azimuth=157.0,
    )
    scene.parent.mkdir(parents=True, exist_ok=True)
    limits = dict.fromkeys(BANDS, SATURATION), dict.fromkeys(BANDS, 0.005)
    write_swh(scene, bands, *limits, grid(size), meta)
    _write_dem(dem, size, rng)


def _numbers(snow: FloatArray, like: str, rng: np.random.Generator) -> npt.NDArray[np.uint16]:
    """Milli-reflectance of ground and snow with the noise of the instrument."""
    share = 1 / (1 + np.exp(-4 * snow))
    image = GROUND[like] + (SNOW[like] - GROUND[like]) * share
    noise = rng.standard_normal(image.shape, dtype=np.float32) * np.sqrt(0.3 * image) / SNR
    numbers = np.rint(1000 * np.clip(image + noise, 0.02, SATURATION))
    return np.asarray(numbers, np.uint16)


def _write_dem(path: Path, size: int, rng: np.random.Generator) -> None:
    left, bottom, right, top = grid(size).bounds_in(CRS.from_epsg(4326))
    around = 0.05
    source = Grid.from_bounds(
        CRS.from_epsg(4326), left - around, bottom - around, right + around, top + around, _DEGREES
    )
    mean, spread = HEIGHTS
    heights = np.clip(mean + spread * fractal(rng, (PERIOD, PERIOD), 25, 15000), 0, 4500)
    cog.write(path, _tiled(heights.astype(np.float32), source.shape), source, nodata=None)


def _tiled(pattern: Array, shape: tuple[int, int]) -> Array:
    """Repeat a periodic pattern over a shape."""
    rows, cols = (np.arange(side) % PERIOD for side in shape)
    return pattern[np.ix_(rows, cols)]
