"""The ground of a virtual tile: relief and land cover, the same on every date."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from firn import raster
from firn.errors import ConfigError
from firn.grid import Grid
from firn.seeds import generator
from firn.sensors import packaged
from firn.simulation_config import Materials, Simulation
from firn.simulator.fields import enlarge, fractal, sigmoid
from firn.terrain import gradient

FloatArray = npt.NDArray[np.float32]

#: Pixel size at which the ground is drawn, m; the finest band of any sensor.
RESOLUTION = 10.0
#: Land cover is drawn at twice that and then given texture.
COARSE = 20.0
TREE_LINE = 1950.0  # m
#: Value of a relief where it has no data, and the elevations between which all others lie, m.
VOID = -32768.0
LOWEST, HIGHEST = -500.0, 9000.0
#: Share of light that a rough surface returns of what its plane sample in the laboratory does:
#: blades and crowns shade each other, blocks the gaps between them, lichen covers rock (assumed).
ROUGHNESS = {"forest": 0.75, "grass": 0.95, "dry_grass": 0.75, "soil": 0.85, "rock": 0.6}


@dataclass(frozen=True)
class World:
    """Static ground; fields are (y, x) on ``grid``.

    Attributes
    ----------
    grid : Grid
        10 m.
    elevation : ndarray, m
        The true relief, rougher than any elevation model.
    east, north : ndarray
        Slope components.
    cover : dict of material to ndarray
        Area fractions without snow, less the light lost to roughness; at 20 m.
    rock : ndarray
        Area fraction of rock without snow, 0-1; at 20 m.
    tree_cover : ndarray
        Canopy fraction, 0-1.
    water : ndarray of bool
    texture : ndarray
        Brightness of the bare ground, around 1.
    """

    grid: Grid
    elevation: FloatArray
    east: FloatArray
    north: FloatArray
    cover: dict[str, FloatArray]
    rock: FloatArray
    tree_cover: FloatArray
    water: npt.NDArray[np.bool_]
    texture: FloatArray


def present(world: World, materials: Materials, role: str) -> list[str]:
    """Materials of a role that the tile has: it draws some of them."""
    return [name for name in getattr(materials, role) if name in world.cover]


def share_of(world: World, materials: Materials, role: str) -> FloatArray:
    """Share of the ground that materials of a role cover, (y, x) at 20 m."""
    cover = np.zeros_like(world.rock)
    for name in present(world, materials, role):
        cover += world.cover[name]
    return cover / np.float32(ROUGHNESS.get(role, 1.0))


def relief_path(simulation: Simulation, tile: str) -> str:
    """DEM file of a tile's relief."""
    dem = simulation.reliefs[simulation.tiles[tile].relief].dem
    return dem if Path(dem).suffix else packaged(f"relief/{dem}.tif")


def tile_grid(simulation: Simulation, tile: str, resolution: float = RESOLUTION) -> Grid:
    """Grid of a whole virtual tile."""
    t = simulation.tiles[tile]
    side = t.size * COARSE
    return Grid.from_bounds(t.crs, t.left, t.top - side, t.left + side, t.top, resolution)


def source_relief(simulation: Simulation, tile: str, grid: Grid) -> FloatArray:
    """Elevation (m) of a tile's source DEM; voids and ground beyond it have the nearest elevation.

    Parameters
    ----------
    simulation : Simulation
    tile : str
    grid : Grid
        Part of the tile, or the tile with some ground around it.

    Raises
    ------
    ConfigError
        The DEM does not cover the tile.
    """
    path = relief_path(simulation, tile)
    relief, whole = raster.grid_of(path), tile_grid(simulation, tile)
    if not relief.covers(whole):
        reach = tuple(round(b) for b in relief.bounds_in(whole.crs))
        raise ConfigError(
            f"simulation.tiles.{tile}: {path} covers {reach} (left, bottom, right, top, m), the "
            f"tile {tuple(round(b) for b in whole.bounds)}; move the tile (left, top), make it "
            "smaller (size) or give a larger relief"
        )
    warped = raster.read_on(path, grid, "cubic_spline", indexes=[1], fill=VOID)[0]
    source: FloatArray = warped.astype(np.float32)
    void = ~((source > LOWEST) & (source < HIGHEST))
    if void.all():
        raise ConfigError(
            f"simulation.tiles.{tile}: {path} has no elevation between {LOWEST:g} and "
            f"{HIGHEST:g} m there; check its units (metres) and its no-data value"
        )
    if void.any():
        nearest = ndimage.distance_transform_edt(void, return_distances=False, return_indices=True)
        source = np.asarray(source[tuple(nearest)], np.float32)
    return source


def true_relief(simulation: Simulation, tile: str, grid: Grid, seed: int) -> FloatArray:
    """Elevation (m) on a 10 m grid: the source DEM plus the roughness that it cannot resolve."""
    coarse = grid.with_resolution(COARSE)
    source = source_relief(simulation, tile, coarse)
    rng = generator(seed, "relief", tile, str(grid.shape))
    east, north = gradient(source, COARSE)
    steepness = np.sqrt(east**2 + north**2)
    rough = fractal(rng, coarse.shape, COARSE, 250.0, 3.2) * (2 + 14 * np.clip(steepness, 0, 1.2))
    return enlarge(np.asarray(source + rough, np.float32), 2, grid.shape)


def _mixture(
    rng: np.random.Generator, names: tuple[str, ...], shape: tuple[int, int], scale: float
) -> dict[str, FloatArray]:
    """Fractions of several materials: a main one and patches of the others."""
    order = rng.permutation(len(names))[:3]
    scores = [
        2.2 * fractal(rng, shape, COARSE, scale, 3.2) - 1.1 * rank for rank in range(len(order))
    ]
    exponent = np.exp(np.stack(scores))
    shares = exponent / exponent.sum(axis=0)
    return {names[i]: shares[rank] for rank, i in enumerate(order)}


def build_world(simulation: Simulation, tile: str, grid: Grid, seed: int) -> World:
    """Draw the ground of a tile.

    Parameters
    ----------
    simulation : Simulation
    tile : str
    grid : Grid
        10 m; the whole tile or a part of it.
    seed : int
    """
    elevation = true_relief(simulation, tile, grid, seed)
    east, north = gradient(elevation, RESOLUTION)
    coarse_shape = grid.with_resolution(COARSE).shape
    rng = generator(seed, "land cover", tile, str(grid.shape))
    height = elevation[::2, ::2]
    steep = np.sqrt(east**2 + north**2)[::2, ::2]
    smooth_steep = ndimage.uniform_filter(steep, 5)

    tree_line = TREE_LINE + rng.normal(0, 100) + 140 * fractal(rng, coarse_shape, COARSE, 3000)
    stand = 1.1 * fractal(rng, coarse_shape, COARSE, 1500, 2.6) + rng.normal(0.2, 0.4)
    canopy = sigmoid((tree_line - height) / 60) * sigmoid(3 * stand) * (smooth_steep < 1.4)
    alpine = tree_line + 650 + 180 * fractal(rng, coarse_shape, COARSE, 2000)
    bare = sigmoid((height - alpine) / 140 + 4 * (smooth_steep - 0.75))
    wet = fractal(rng, coarse_shape, COARSE, 800, 2.5) + rng.normal(0, 0.2)
    scree = bare * sigmoid(4 * (0.65 - smooth_steep) + wet)
    lake = (smooth_steep < 0.06) & (fractal(rng, coarse_shape, COARSE, 600, 3.2) > 1.0)
    lake = ndimage.binary_opening(lake, iterations=2)

    open_land = (1 - canopy) * ~lake
    shares: dict[str, FloatArray] = {}

    def add(role: str, scale: float, share: npt.NDArray[np.floating]) -> None:
        names = getattr(materials, role)
        group = _mixture(rng, names, coarse_shape, scale)
        for name, part in group.items():
            lit = np.asarray(part * share * ROUGHNESS.get(role, 1.0), np.float32)
            shares[name] = shares[name] + lit if name in shares else lit

    materials = simulation.materials_of(tile)
    dry = sigmoid(1.5 * fractal(rng, coarse_shape, COARSE, 1000, 2.6) + (height - 2500) / 400)
    meadow = open_land * (1 - bare)
    tuft = 0.12 + 0.25 * sigmoid(2 * fractal(rng, coarse_shape, COARSE, 400, 2.2))
    add("forest", 3000, canopy * ~lake)
    add("grass", 2000, meadow * (1 - dry) * (1 - tuft))
    add("dry_grass", 2000, meadow * dry * (1 - tuft))
    add("soil", 2500, meadow * tuft + open_land * scree * 0.35)
    rock = open_land * (bare - scree * 0.35)
    add("rock", 4000, rock)
    add("water", 4000, lake * 1.0)

    unit = np.exp(0.25 * fractal(rng, coarse_shape, COARSE, 2500, 2.6) + rng.normal(0, 0.12))
    grain = 0.08 * rng.standard_normal(grid.shape, dtype=np.float32)
    return World(
        grid=grid,
        elevation=elevation,
        east=east,
        north=north,
        cover={name: np.asarray(share, np.float32) for name, share in shares.items()},
        rock=np.asarray(rock, np.float32),
        tree_cover=enlarge(np.asarray(canopy * ~lake, np.float32), 2, grid.shape),
        water=np.repeat(np.repeat(lake, 2, 0), 2, 1)[: grid.height, : grid.width],
        texture=np.clip(enlarge(np.asarray(unit, np.float32), 2, grid.shape) + grain, 0.4, 2.0),
    )
