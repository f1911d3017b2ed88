"""Make the products of the virtual archive, one acquisition at a time."""

import os

import numpy as np
import numpy.typing as npt

from firn import raster
from firn.grid import Grid
from firn.seeds import generator
from firn.sensors import load_sensor
from firn.simulation_config import Simulation
from firn.simulator.fields import fractal, shrink
from firn.simulator.formats.auxiliary import write_dem, write_tree_cover, write_water
from firn.simulator.formats.maja import write_l2a
from firn.simulator.formats.metadata import RESOLUTIONS, Sentinel2Metadata, SpotMetadata
from firn.simulator.formats.sentinel2 import write_l1c
from firn.simulator.formats.snow import FRACTIONS, write_snow
from firn.simulator.formats.swh import write_swh
from firn.simulator.formats.take5 import write_take5
from firn.simulator.ground_segment import level1_masks, level2
from firn.simulator.instruments import LARGEST_NUMBER, blur, displacement, resample_image
from firn.simulator.level1a import simulate_level1a
from firn.simulator.plan import Sentinel2Plan, SpotPlan
from firn.simulator.render import Scene, build_scene, coarsened, render_band
from firn.simulator.spectra import BandOptics, band_optics
from firn.simulator.spot import SpotView, state_of, view_spot
from firn.simulator.truth import write_truth
from firn.simulator.world import COARSE, RESOLUTION, build_world, source_relief, tile_grid

FloatArray = npt.NDArray[np.float32]
PathLike = str | os.PathLike[str]

#: Ground around a tile that the elevation model covers too, m.
DEM_MARGIN = 600.0
#: Reflectance at which Sentinel-2 saturates (assumed; no snow slope reaches it at high sun).
SENTINEL2_SATURATION = 1.7
#: Signal-to-noise ratio of Sentinel-2 at a reflectance of 0.3 (specification: 150-170).
SENTINEL2_SNR = 150.0
SENTINEL2_MTF = 0.25
#: Inclination of the swath's edge against the map, as tangent (orbits of 98 degrees).
SWATH_TILT = 0.18
#: Share of Sentinel-2 tiles that the swath's edge crosses.
SWATH_CHANCE = 0.15
RELATIVE_ORBIT = 108


def simulate_auxiliary(
    simulation: Simulation,
    tile: str,
    seed: int,
    dem: PathLike,
    tree_cover: PathLike,
    water: PathLike,
) -> None:
    """Write the elevation, tree cover and water rasters of a virtual tile.

    The elevation model is smoother than the true relief and has noise of its own, as real ones do.
    """
    inner = tile_grid(simulation, tile)
    left, bottom, right, top = inner.bounds
    m = DEM_MARGIN
    wide = Grid.from_bounds(inner.crs, left - m, bottom - m, right + m, top + m, COARSE)
    elevation = source_relief(simulation, tile, wide)
    rng = generator(seed, "elevation model", tile)
    elevation = elevation + 2.0 * fractal(rng, wide.shape, COARSE, 400.0, 2.5)
    write_dem(dem, np.asarray(elevation, np.float32), wide)
    world = build_world(simulation, tile, inner, seed)
    coarse = inner.with_resolution(COARSE)
    canopy = 100 * shrink(world.tree_cover, 2) + rng.normal(0, 4, coarse.shape)
    percent = np.clip(np.rint(canopy), 0, 100).astype(np.uint8)
    write_tree_cover(tree_cover, percent, coarse)
    wet = shrink(world.water.astype(np.float32), 2) > 0.5
    write_water(water, wet.astype(np.uint8), coarse)


def _swath_edge(shape: tuple[int, int], rng: np.random.Generator, chance: float) -> FloatArray:
    """1 where the scene has data, NaN beyond the tilted edge of the swath."""
    seen = np.ones(shape, np.float32)
    if rng.random() >= chance:
        return seen
    rows, cols = np.indices(shape, dtype=np.float32)
    start = shape[1] * float(rng.uniform(0.02, 0.2))
    edge = start - SWATH_TILT * rows
    beyond = cols < edge if rng.random() < 0.5 else shape[1] - 1 - cols < edge
    seen[beyond] = np.nan
    return seen


def _sentinel2_bands(
    scene: Scene, optics: BandOptics, rng: np.random.Generator, seen: FloatArray
) -> dict[str, FloatArray]:
    """TOA reflectance of all bands at their native pixel sizes."""
    images = {}
    coarse = coarsened(scene)
    for index, band in enumerate(optics.names):
        pixel = RESOLUTIONS[band]
        source = scene if pixel < COARSE else coarse
        image = render_band(source, optics, index)
        image = blur(image, SENTINEL2_MTF, source.grid.resolution, min(pixel, 20))
        factor = round(pixel / source.grid.resolution)
        image = shrink(image, factor) if factor > 1 else image
        sigma = 0.3 / SENTINEL2_SNR * np.sqrt(0.3 + 0.7 * np.clip(image, 0, None) / 0.3)
        image = image + sigma * rng.standard_normal(image.shape, dtype=np.float32)
        step = round(pixel / scene.grid.resolution)
        images[band] = np.asarray(image * seen[::step, ::step], np.float32)
    return images


def simulate_sentinel2(
    simulation: Simulation,
    plan: Sentinel2Plan,
    seed: int,
    *,
    l1c: PathLike,
    l2a: PathLike,
    snow: PathLike,
    truth: PathLike,
) -> None:
    """Write the L1C, MAJA L2A and snow products of one tile and date, and their truth.

    Parameters
    ----------
    simulation : Simulation
    plan : Sentinel2Plan
    seed : int
    l1c, l2a, snow : path
        Zip files.
    truth : path
        Folder.
    """
    name = f"{plan.tile}/{plan.date}"
    grid = tile_grid(simulation, plan.tile)
    scene = build_scene(simulation, plan.tile, grid, plan.sensing_time, plan.date, seed)
    optics = band_optics(simulation, f"sentinel2{plan.unit.lower()}")
    rng = generator(seed, "sentinel2", name)
    coarse_seen = _swath_edge(grid.with_resolution(60.0).shape, rng, SWATH_CHANCE)
    seen = np.repeat(np.repeat(coarse_seen, 6, 0), 6, 1)
    toa = _sentinel2_bands(scene, optics, rng, seen)
    meta = Sentinel2Metadata(
        platform=f"S2{plan.unit}",
        sensing_time=plan.sensing_time,
        baseline=plan.baseline,
        tile=plan.tile,
        relative_orbit=RELATIVE_ORBIT,
        grid=grid,
        sun_zenith=scene.sun_zenith,
        sun_azimuth=scene.sun_azimuth,
        solar_irradiance=dict(zip(optics.names, optics.irradiance.tolist(), strict=True)),
    )
    saturated = {band: image > SENTINEL2_SATURATION for band, image in toa.items()}
    masks = level1_masks(scene, toa, saturated) if simulation.level1_masks else None
    write_l1c(l1c, toa, {b: m for b, m in saturated.items() if m.any()}, meta, masks)
    derived = level2(scene, optics, toa, seed, name)
    write_l2a(l2a, derived.reflectance, derived.masks, meta)
    form = simulation.snow_format
    write_snow(snow, derived.fraction if form in FRACTIONS else derived.snow, meta, form)
    state = {"platform": meta.platform}
    write_truth(truth, scene, np.isfinite(seen[::2, ::2]), optics, plan.sensing_time, state)


def spot_grids(simulation: Simulation, plan: SpotPlan, seed: int) -> tuple[Grid, Grid]:
    """Grid to render and grid of the product: the whole tile or a small part of it."""
    pixel = load_sensor(plan.platform.lower()).pixel_size
    whole = tile_grid(simulation, plan.tile)
    rng = generator(seed, "footprint", plan.scene_id)
    if plan.size is None:
        render, side = whole, (min(whole.shape) - 4) * RESOLUTION
    else:
        side = plan.size * pixel
        reach = int(-(-(side + 120) // 60)) * 6
        row, col = (int(v) * 6 for v in rng.integers(0, (min(whole.shape) - reach) // 6, 2))
        render = whole.crop(row, col, reach, reach)
    left, _, _, top = render.bounds
    east, south = (float(v) for v in rng.integers(1, 20, 2))
    count = int(side // pixel)
    product = Grid.from_bounds(
        whole.crs,
        left + east,
        top - south - count * pixel,
        left + east + count * pixel,
        top - south,
        pixel,
    )
    return render, product


def simulate_spot(
    simulation: Simulation, plan: SpotPlan, seed: int, *, product: PathLike, truth: PathLike | None
) -> None:
    """Write one SPOT product, L1A where the plan has an incidence, else L1C, perhaps its truth.

    Parameters
    ----------
    simulation : Simulation
    plan : SpotPlan
    seed : int
    product : path
        Zip file.
    truth : path or None
        Folder.
    """
    if plan.incidence is not None:
        simulate_level1a(simulation, plan, seed, product=product, truth=truth)
        return
    render, target = spot_grids(simulation, plan, seed)
    view = view_spot(simulation, plan, render, seed)
    shift = displacement(simulation.instruments, view.rng)
    chance = 0.5 if plan.size is None else 0.0
    seen = write_level1c(view, plan, target, shift, chance, product)
    if truth is None:
        return
    coarse = view.scene.grid.with_resolution(COARSE)
    covered = raster.resample(seen.astype(np.uint8), target, coarse, "nearest", fill=0) == 1
    state = state_of(view, displacement_m=list(shift))
    write_truth(truth, view.scene, covered, view.optics, plan.acquisition_time, state)


def write_level1c(
    view: SpotView,
    plan: SpotPlan,
    target: Grid,
    shift: tuple[float, float],
    swath_chance: float,
    product: PathLike,
) -> npt.NDArray[np.bool_]:
    """Write what a SPOT camera sees as an L1C product, SWH or Take5.

    The image is rendered through SPOT's own response, blurred, misplaced and digitised by the
    virtual camera; nothing of it passes through the emulator.

    Parameters
    ----------
    view : SpotView
    plan : SpotPlan
    target : Grid
        Of the product.
    shift : (float, float)
        Error of the position, m east and north.
    swath_chance : float
        Probability that the edge of the swath crosses the image.
    product : path
        Zip file.

    Returns
    -------
    ndarray of bool, (y, x) on ``target``
        Where the product has data.
    """
    seen = _swath_edge(target.shape, view.rng, swath_chance)
    images, saturated = {}, {}
    for band in view.bands:
        image = resample_image(view.image(band), view.scene.grid, target, shift)
        dn = view.numbers(image, band)
        saturation, minimum = view.exposure.saturation[band], view.exposure.minimum[band]
        milli = np.rint(1000 * (minimum + dn / LARGEST_NUMBER * (saturation - minimum)))
        valid = np.isfinite(image * seen)
        images[band] = np.where(valid, np.maximum(milli, 1), 0).astype(np.uint16)
        saturated[band] = dn == LARGEST_NUMBER
    everywhere = np.all([image > 0 for image in images.values()], axis=0)
    images = {
        band: np.where(everywhere, image, 0).astype(np.uint16) for band, image in images.items()
    }
    meta = SpotMetadata(
        scene_id=plan.scene_id,
        platform=plan.platform,
        instrument=plan.instrument,
        acquisition_time=plan.acquisition_time,
        sun_zenith=view.scene.sun_zenith,
        sun_azimuth=view.scene.sun_azimuth,
    )
    if plan.format == "take5":
        write_take5(product, images, saturated, target, meta)
    else:
        write_swh(product, images, view.exposure.saturation, view.exposure.minimum, target, meta)
    return np.asarray(everywhere, bool)
