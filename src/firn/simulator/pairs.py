"""Pairs of virtual dates: both satellites before and after a fire, a season apart.

All files of a pair lie on the 10 m grid of its tile, as those of a real pair do once they are
processed: Sentinel-2 Level 2A without clouds (the truth), Sentinel-1 flattened gamma0.
"""

import os
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import numpy.typing as npt

from firn import raster
from firn.cloud_removal.pairs import PairFiles, write_reflectance
from firn.cloud_removal.sentinel1 import ORBIT_TAG
from firn.cloud_removal.tiles import POLARISATIONS, UNKNOWN_SEVERITY
from firn.cloud_removal_config import Fires, Radar, VirtualPair
from firn.seeds import generator
from firn.simulation_config import Materials, Simulation
from firn.simulator.archive import SENTINEL2_MTF, SENTINEL2_SNR
from firn.simulator.clouds import draw_clouds
from firn.simulator.fields import enlarge, shrink
from firn.simulator.fire import BURNT_SPECTRA, Burn, burnt_world, draw_burn
from firn.simulator.formats.metadata import RESOLUTIONS
from firn.simulator.instruments import blur
from firn.simulator.plan import SENTINEL2_PASS
from firn.simulator.radar import acquire, backscatter, snow_wetness, view_relief
from firn.simulator.render import Scene, air_over, coarsened, light_scene, lit_reflectance
from firn.simulator.snow import lay_snow, visible_snow
from firn.simulator.spectra import BandOptics, band_optics
from firn.simulator.truth import CLOUD_FROM
from firn.simulator.world import (
    COARSE,
    RESOLUTION,
    ROUGHNESS,
    World,
    build_world,
    present,
    tile_grid,
)

FloatArray = npt.NDArray[np.float32]
PathLike = str | os.PathLike[str]

#: Share of the grass that is green at the height of summer and in winter (assumed).
GREENEST, BROWNEST = 0.95, 0.25
#: Snow share of the visible surface, of either date, from which fire severity counts as unknown:
#: snow hides a burn, and snow that went looks like one.
HIDDEN_FROM = 0.1
#: Aerosol of the clear days of a pair: its light on slopes only, as the air is corrected.
AEROSOL = 0.15


def simulate_pair(
    simulation: Simulation,
    pair: VirtualPair,
    bands: Sequence[str],
    radar: Radar,
    fires: Fires,
    seed: int,
    files: PairFiles,
) -> None:
    """Write the images of a pair.

    The clouds are a mask alone: the later image shows the ground below them. Under snow, at either
    date, the fire severity is unknown.

    Parameters
    ----------
    simulation : Simulation
    pair : VirtualPair
    bands : sequence of str
    radar : Radar
    fires : Fires
    seed : int
    files : PairFiles
    """
    tile, materials = pair.tile, simulation.materials_of(pair.tile)
    grid = tile_grid(simulation, tile)
    ground = build_world(simulation, tile, grid, seed)
    burn = draw_burn(ground, materials, fires, generator(seed, "fires", tile, pair.t0, pair.t1))
    optics = band_optics(simulation, "sentinel2a", further=BURNT_SPECTRA)
    view = view_relief(ground.elevation, RESOLUTION, radar.orbit, simulation.tiles[tile].latitude)

    def optical(day: str, burnt: Burn | None) -> FloatArray:
        state = _state(simulation, pair, ground, burnt, day, seed)
        return _sentinel2(state, optics, bands, generator(seed, "pair", tile, day))

    def write_optical(path: PathLike, image: FloatArray) -> None:
        write_reflectance(path, np.maximum(image, 0), grid, bands, [f"{tile}/{pair.t0}/{pair.t1}"])

    whiteness = []
    for day, path, burnt in (
        (pair.t0, files.sentinel1_t0, None),
        (pair.t1, files.sentinel1_t1, burn),
    ):
        rng = generator(seed, "sentinel1", tile, day)
        snow = lay_snow(ground, simulation.climate, _noon(day), _weather(seed, tile, day))
        whiteness.append(visible_snow(ground, snow))
        world = seasonal(ground, materials, _noon(day))
        wetness = snow_wetness(ground.elevation, _noon(day), rng)
        gamma = backscatter(world, materials, snow, wetness, burnt, view, rng)
        image = acquire(gamma, ground, view, radar, rng)
        raster.write(
            path,
            image,
            grid,
            nodata=float("nan"),
            band_names=POLARISATIONS,
            tags={ORBIT_TAG: radar.orbit.direction},
        )
    earlier = optical(pair.t0, None)
    write_optical(files.sentinel2_t0, earlier)
    write_optical(files.sentinel2_t1, optical(pair.t1, burn))
    year = [earlier, *(optical(day, None) for day in pair.year)]
    known = 1 if pair.year else np.nan
    write_optical(files.year_low, np.min(year, axis=0) * known)
    write_optical(files.year_high, np.max(year, axis=0) * known)
    layers = draw_clouds(ground, simulation.climate, generator(seed, "clouds", tile, pair.t1))
    thickness = sum((layer.thickness for layer in layers), np.zeros(grid.shape, np.float32))
    raster.write(files.cloud_t1, (thickness >= CLOUD_FROM).astype(np.uint8), grid)
    severity = np.where(np.max(whiteness, axis=0) > HIDDEN_FROM, UNKNOWN_SEVERITY, burn.severity)
    raster.write(files.severity, severity.astype(np.uint8), grid, nodata=UNKNOWN_SEVERITY)


def _noon(day: str) -> datetime:
    return datetime.strptime(day, "%Y%m%d").replace(hour=12, tzinfo=UTC)


def _weather(seed: int, tile: str, day: str) -> np.random.Generator:
    """Draws of the snow: both satellites see the same."""
    return generator(seed, "snow", tile, day)


def _state(
    simulation: Simulation,
    pair: VirtualPair,
    ground: World,
    burn: Burn | None,
    day: str,
    seed: int,
) -> Scene:
    """Give what Sentinel-2 sees of a clear day."""
    tile, materials = pair.tile, simulation.materials_of(pair.tile)
    world = seasonal(ground, materials, _noon(day))
    if burn is not None:
        world = burnt_world(world, materials, burn)
    else:
        unburnt = {name: np.zeros_like(world.rock) for name in BURNT_SPECTRA}
        world = replace(world, cover=world.cover | unburnt)
    snow = lay_snow(ground, simulation.climate, _noon(day), _weather(seed, tile, day))
    hours = SENTINEL2_PASS - simulation.tiles[tile].longitude / 15 - 12
    when = _noon(day) + timedelta(hours=hours)
    return light_scene(simulation, tile, world, snow, [], when, AEROSOL)


def seasonal(world: World, materials: Materials, when: datetime) -> World:
    """Give the ground with the meadows of a date: green in summer, brown in winter."""
    warm = (1 + np.cos(2 * np.pi * (when.timetuple().tm_yday - 182) / 365.25)) / 2
    green = np.float32(BROWNEST + (GREENEST - BROWNEST) * warm)
    cover = {name: part.copy() for name, part in world.cover.items()}
    ratio = np.float32(ROUGHNESS["dry_grass"] / ROUGHNESS["grass"])
    straw = present(world, materials, "dry_grass")
    for name in present(world, materials, "grass"):
        withered = (1 - green) * cover[name]
        cover[name] -= withered
        for dry in straw:
            cover[dry] += withered * ratio / len(straw)
    return replace(world, cover=cover)


def _sentinel2(
    scene: Scene, optics: BandOptics, bands: Sequence[str], rng: np.random.Generator
) -> FloatArray:
    """Surface reflectance of the bands, (band, y, x) at 10 m, those of 20 m interpolated."""
    images = []
    coarse = coarsened(scene)
    for band in bands:
        index = optics.names.index(band)
        pixel = RESOLUTIONS[band]
        source = scene if pixel < COARSE else coarse
        image = lit_reflectance(source, optics, index, air_over(source, optics, index))
        image = blur(image, SENTINEL2_MTF, source.grid.resolution, min(pixel, COARSE))
        factor = round(pixel / source.grid.resolution)
        image = shrink(image, factor) if factor > 1 else image
        sigma = 0.3 / SENTINEL2_SNR * np.sqrt(0.3 + 0.7 * np.clip(image, 0, None) / 0.3)
        image = image + sigma * rng.standard_normal(image.shape, dtype=np.float32)
        finer = round(pixel / RESOLUTION)
        images.append(enlarge(image, finer, scene.grid.shape) if finer > 1 else image)
    return np.asarray(images, np.float32)
