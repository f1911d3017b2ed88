"""Twins of Sentinel-2 scenes: the same ground, snow, clouds and sun, seen by two SPOT cameras.

No archive has them, for SPOT 1 to 4 no longer flew. They tell how far an emulated image is from a
real one, and how far two real ones are from each other.
"""

import os
from dataclasses import replace

from firn.seeds import generator
from firn.sensors import load_sensor
from firn.simulation_config import Simulation
from firn.simulator.archive import spot_grids, write_level1c
from firn.simulator.formats.naming import swh_scene_id
from firn.simulator.instruments import displacement, draw_camera
from firn.simulator.plan import INSTRUMENTS, Sentinel2Plan, SpotPlan, response_table
from firn.simulator.spectra import band_optics
from firn.simulator.spot import SpotView, view_spot

PathLike = str | os.PathLike[str]


def twin_plans(
    simulation: Simulation, scene: Sentinel2Plan, platform: str, seed: int
) -> tuple[SpotPlan, SpotPlan]:
    """Plan the acquisitions of both cameras of a SPOT satellite, in a random order.

    They are planned as scenes to be judged are: of the whole tile, orthorectified.
    """
    rng = generator(seed, "plan", "twins", platform, scene.tile, scene.date)
    when, place = scene.sensing_time, sorted(simulation.tiles).index(scene.tile)
    first, second = (
        SpotPlan(
            scene_id=swh_scene_id(platform, instrument, when, 48 + place, 258),
            platform=platform,
            instrument=instrument,
            tile=scene.tile,
            acquisition_time=when,
            role="evaluate",
            size=None,
        )
        for instrument in (f"{INSTRUMENTS[platform]}{n}" for n in 1 + rng.permutation(2))
    )
    return first, second


def _other_camera(view: SpotView, simulation: Simulation, plan: SpotPlan, seed: int) -> SpotView:
    """Look at the same scene with the same gains through another camera, with noise of its own."""
    name = f"{plan.platform}-{plan.instrument}"
    camera = draw_camera(simulation.instruments, name, view.bands, seed)
    table = response_table(load_sensor(plan.platform.lower()), plan.instrument)
    return replace(
        view,
        camera=camera,
        optics=band_optics(simulation, table, camera.response_shift),
        rng=generator(seed, "spot", plan.scene_id),
    )


def simulate_twins(
    simulation: Simulation,
    scene: Sentinel2Plan,
    platform: str,
    seed: int,
    *,
    first: PathLike,
    second: PathLike,
) -> None:
    """Write the SPOT twins of a Sentinel-2 scene as L1C products.

    Both have the gains that the operators of the first would have chosen. Position, noise, blur and
    response are each one's own.

    Parameters
    ----------
    simulation : Simulation
    scene : Sentinel2Plan
    platform : str
        Satellite, as SPOT2.
    seed : int
    first, second : path
        Zip files.
    """
    plans = twin_plans(simulation, scene, platform, seed)
    view = view_spot(simulation, plans[0], spot_grids(simulation, plans[0], seed)[0], seed)
    views = view, _other_camera(view, simulation, plans[1], seed)
    for plan, seen, product in zip(plans, views, (first, second), strict=True):
        _, target = spot_grids(simulation, plan, seed)
        shift = displacement(simulation.instruments, seen.rng)
        write_level1c(seen, plan, target, shift, 0.0, product)
