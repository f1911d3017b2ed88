"""Flat ground in stripes of known cover, for tests that compute by hand."""

import numpy as np
from affine import Affine
from rasterio.crs import CRS

from firn.grid import Grid
from firn.simulation_config import Materials
from firn.simulator.snow import Snow
from firn.simulator.world import ROUGHNESS, World

MATERIALS = Materials()
#: Cover of four stripes of equal width, from the west.
STRIPES = {"conifer": "forest", "grass": "grass", "rock_shale": "rock", "soil_brown_loam": "soil"}


def flat_world(size: int = 64) -> World:
    """Stripes of forest, meadow, rock and bare soil."""
    grid = Grid(CRS.from_epsg(32632), Affine(10, 0, 600000, 0, -10, 5200000), size, size)
    coarse = size // 2
    stripe = np.arange(coarse) * 4 // coarse
    cover = {
        name: np.tile(ROUGHNESS[role] * (stripe == i), (coarse, 1)).astype(np.float32)
        for i, (name, role) in enumerate(STRIPES.items())
    }
    cover["dry_grass"] = np.zeros((coarse, coarse), np.float32)
    fine = np.arange(size) * 4 // size
    flat = np.zeros(grid.shape, np.float32)
    return World(
        grid=grid,
        elevation=flat + 1500,
        east=flat,
        north=flat,
        cover=cover,
        rock=np.tile(stripe == 2, (coarse, 1)).astype(np.float32),
        tree_cover=np.tile(fine == 0, (size, 1)).astype(np.float32),
        water=np.zeros(grid.shape, bool),
        texture=flat + 1,
    )


def snow_of(world: World, fraction: float) -> Snow:
    """Even snow."""
    flat = np.zeros(world.grid.shape, np.float32)
    return Snow(flat + np.float32(fraction), 0.0, flat, flat, 0.0)


def middle(image: np.ndarray, stripe: int) -> np.ndarray:
    """Columns of a stripe away from its edges, (..., y, x)."""
    width = image.shape[-1] // 4
    return image[..., stripe * width + 4 : (stripe + 1) * width - 4]
