"""Files of tiles of a small world, in which the later image can be told from the inputs."""

from pathlib import Path

import numpy as np
from affine import Affine
from rasterio.crs import CRS

from firn.cloud_removal.tiles import Tiles, write_tiles
from firn.cloud_removal_config import BANDS
from firn.grid import Grid
from firn.seeds import generator

AREA = "slope"


def make_tiles(count: int = 6, size: int = 32, seed: int = 1) -> Tiles:
    """Vegetated ground, of which a disc burns: it loses near infrared, gains SWIR, and in VH 3 dB.

    The upper-left pixel has no data in Sentinel-2. A quarter of the later image is under cloud. The
    tiles lie side by side in one row of the area.
    """
    rng = generator(seed, "tiles", str(count), str(size))
    green = np.array([0.05, 0.08, 0.04, 0.35, 0.37, 0.2, 0.1], np.float32)
    burnt = np.array([0.08, 0.07, 0.06, 0.12, 0.14, 0.25, 0.22], np.float32)
    shade = rng.normal(1, 0.1, (count, 1, size, size)).astype(np.float32)
    rows, cols = np.indices((size, size))
    centre = rng.uniform(0.3, 0.7, (count, 2, 1, 1)) * size
    fire = np.hypot(rows - centre[:, 0], cols - centre[:, 1]) < size / 4
    before = shade * green[:, None, None]
    after = shade * np.where(fire[:, None], burnt[:, None, None], green[:, None, None])
    power = np.array([0.12, 0.03], np.float32)[:, None, None]

    def radar(drop: np.ndarray) -> np.ndarray:
        speckle = rng.gamma(4.4, 1 / 4.4, (count, 2, size, size))
        return (power * speckle * drop).astype(np.float32)

    drop = np.where(fire[:, None], np.array([0.8, 0.5])[:, None, None], 1)
    for image in (before, after):
        image[:, :, 0, 0] = np.nan
    cloud = np.zeros((count, size, size), np.uint8)
    cloud[:, size // 2 :, size // 2 :] = 1
    return Tiles(
        sentinel1_t0=radar(np.ones_like(drop)),
        sentinel1_t1=radar(drop),
        sentinel2_t0=before.astype(np.float32),
        sentinel2_t1=after.astype(np.float32),
        cloud_t1=cloud,
        severity=np.where(fire, 3, 0).astype(np.uint8),
        year_low=np.tile(0.5 * np.minimum(green, burnt), (count, 1)),
        year_high=np.tile(2 * np.maximum(green, burnt), (count, 1)),
        tile_row=np.zeros(count, np.int32),
        tile_col=np.arange(0, count * size, size, dtype=np.int32),
        area=np.array([AREA] * count, object),
    )


def write_tile_file(path: Path, count: int = 6, size: int = 32, seed: int = 1) -> Path:
    """Write `make_tiles` as the rule of the tiles does."""
    grid = Grid(CRS.from_epsg(32632), Affine(10, 0, 600000, 0, -10, 5200000), size, count * size)
    write_tiles(path, make_tiles(count, size, seed), BANDS, {AREA: grid}, {"sources": ["tests"]})
    return path
