"""The whole virtual archive of a configuration, product by product."""

from collections.abc import Iterator
from pathlib import Path

from firn.catalogue import catalogue
from firn.config import Config
from firn.sensors import load_sensor
from firn.simulator.archive import simulate_auxiliary, simulate_sentinel2, simulate_spot
from firn.simulator.plan import sentinel2_plans, spot_plans


def simulate_archive(config: Config) -> Iterator[Path]:
    """Make every product of the virtual archive where the workflow would; give each that is done.

    Scenes that the configuration excludes are left out.

    Raises
    ------
    ConfigError
        A name in the simulation is not known.
    """
    simulation, seed, archive = config.simulation, config.seed, config.root / "archive"
    assert simulation is not None
    scenes = catalogue(config)
    for tile in simulation.tiles:
        files = [archive / "auxiliary" / tile / f"{k}.tif" for k in ("dem", "tree_cover", "water")]
        simulate_auxiliary(simulation, tile, seed, *files)
        yield from files
    sentinel2 = {(scene.tile, scene.date): scene for scene in scenes.sentinel2}
    for plan in sentinel2_plans(simulation, seed):
        scene = sentinel2.get((plan.tile, plan.date))
        if scene is None:
            continue
        truth = archive / "truth" / plan.tile / plan.date
        products = {"l1c": scene.l1c, "l2a": scene.l2a, "snow": scene.snow}
        simulate_sentinel2(simulation, plan, seed, **products, truth=truth)
        yield from map(Path, products.values())
    spot = {scene.scene_id: Path(scene.path) for scene in scenes.spot}
    platforms = {load_sensor(name).platform for name in config.all_sensors}
    for spot_plan in spot_plans(simulation, seed, platforms):
        if product := spot.get(spot_plan.scene_id):
            judged = spot_plan.role == "evaluate"
            folder = archive / "truth" / spot_plan.scene_id if judged else None
            simulate_spot(simulation, spot_plan, seed, product=product, truth=folder)
            yield product
