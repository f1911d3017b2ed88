"""Rasters of a small pair, as every pair has them."""

from pathlib import Path

import numpy as np
from affine import Affine
from rasterio.crs import CRS

from firn import raster
from firn.cloud_removal.pairs import PairFiles, pair_files
from firn.cloud_removal_config import BANDS
from firn.grid import Grid

SIDE = 96
GRID = Grid(CRS.from_epsg(32632), Affine(10, 0, 600000, 0, -10, 5200000), SIDE, SIDE)


def write_pair(folder: Path, grid: Grid = GRID, seed: int = 1) -> PairFiles:
    """Write a pair of random images, clear and unburnt."""
    rng = np.random.default_rng(seed)
    files = pair_files(folder)
    for date in ("t0", "t1"):
        gamma = rng.gamma(4, 0.02, (2, *grid.shape)).astype(np.float32)
        raster.write(
            getattr(files, f"sentinel1_{date}"), gamma, grid, nodata=float("nan"),
            band_names=("VV", "VH"),
        )  # fmt: skip
        numbers = rng.integers(500, 4000, (len(BANDS), *grid.shape)).astype(np.uint16)
        raster.write(getattr(files, f"sentinel2_{date}"), numbers, grid, nodata=0, band_names=BANDS)
    for name in ("cloud_t1", "severity"):
        raster.write(getattr(files, name), np.zeros(grid.shape, np.uint8), grid)
    for name, value in (("year_low", 400), ("year_high", 4100)):
        numbers = np.full((len(BANDS), *grid.shape), value, np.uint16)
        raster.write(getattr(files, name), numbers, grid, nodata=0, band_names=BANDS)
    return files


def change(path: Path, values: np.ndarray, grid: Grid = GRID) -> None:
    """Write other values into a raster of a pair."""
    names = raster.band_names(path)
    nodata = {"f": float("nan"), "u": 0}[values.dtype.kind]
    raster.write(path, values, grid, nodata=nodata, band_names=names)
