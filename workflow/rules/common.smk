"""The configuration, the scenes, and the few functions that turn wildcards into files.

Everything here runs each time the workflow is read, so it imports nothing heavy.
"""

import re
from dataclasses import asdict
from pathlib import Path

from firn.catalogue import Catalogue, auxiliary_path, catalogue, mosaic_path
from firn.code_digest import code_digest
from firn.config import parse_config
from firn.download.table import read_products
from firn.errors import FirnError
from firn.registry import known_method
from firn.sensors import load_sensor
from firn.simulator.plan import spot_plans
from snakemake.exceptions import WorkflowError

try:
    CONFIG = parse_config(config, "configuration")
    SIMULATION = CONFIG.simulation
    ACQUISITION = None if SIMULATION else CONFIG.acquisition
    #: The table of scenes is not there: it is made first, for someone to look at.
    CHOOSING = ACQUISITION is not None and not Path(ACQUISITION.scenes).exists()
    SCENES = Catalogue((), ()) if CHOOSING else catalogue(CONFIG)
except FirnError as error:
    raise WorkflowError(str(error)) from None

ARCHIVE = str(CONFIG.root / "archive")

#: Experiments by name, and the same by what is common to all methods: "spot2", or "spot2-alps" where there
#: are several areas. One job serves all methods wherever they share their input.
EXPERIMENTS = CONFIG.experiments()
TARGETS = {name.removeprefix(f"{e.method}-"): e for name, e in EXPERIMENTS.items()}

#: The methods that are configured; what makes a model of each, the rule `fit` or those that train, says its module.
METHODS = {name: known_method(name) for name in CONFIG.methods}

#: A process of a training asks for a GPU unless it is told to use none.
GPUS = 0 if CONFIG.training.device == "cpu" else 1


pathvars:
    results=str(CONFIG.root),
    logs=str(CONFIG.root / "logs"),
    benchmarks=str(CONFIG.root / "benchmarks"),


def one_of(names):
    """Wildcard constraint that allows the names only."""
    return "|".join(map(re.escape, names)) or "(?!)"


wildcard_constraints:
    tile=r"\d{2}[A-Z]{3}",
    date=r"\d{8}",
    area=one_of(CONFIG.areas),
    sensor=one_of(CONFIG.all_sensors),
    method=one_of(CONFIG.methods),
    target=one_of(TARGETS),
    experiment=one_of(EXPERIMENTS),
    scene=r"[\w.-]+",
    seed=r"\d+",


def code(script, methods=CONFIG.methods):
    """Digest of the library modules that a script of the workflow uses, for some of the methods."""
    modules = tuple(known_method(name).module for name in methods)
    return code_digest(Path(workflow.basedir) / "scripts" / script, modules)


def method_code(script):
    """Digest as `code` gives it, of a script that makes models of one method."""
    return lambda wildcards: code(script, [EXPERIMENTS[wildcards.experiment].method])


def intermediate(files):
    """Output that other jobs read and nobody else: kept only where the configuration says so."""
    return files if CONFIG.keep_intermediates else temp(files)


def growing(amount):
    """Memory or run time of a job: a second attempt asks for twice as much, a third for three times."""
    return lambda wildcards, attempt: amount * attempt


def settings(section):
    """Plain values of a section of the configuration, for the parameters of a rule."""
    return section.model_dump(mode="json")


def sensor(name):
    """Plain description of a sensor, so that editing its file runs its rules again."""
    return load_sensor(name).model_dump(mode="json")


def area_scenes(area):
    """Sentinel-2 scenes that train the models of an area."""
    tiles = CONFIG.areas[area].tiles
    return [scene for scene in SCENES.sentinel2 if scene.tile in tiles]


def target_scenes(target, *roles):
    """Identifiers of the SPOT scenes of a target that have one of the roles."""
    experiment = TARGETS[target]
    return [s.scene_id for s in SCENES.spot_scenes(experiment.sensor, experiment.area, *roles)]


def experiment_target(experiment):
    """Target of an experiment: its name without the method."""
    return experiment.removeprefix(f"{EXPERIMENTS[experiment].method}-")


def scene_image(scene):
    """What a SPOT scene is classified from: its product, or the map that is made of a Level-1A one."""
    spot = SCENES.spot_scene(scene)
    return f"<results>/ortho/{scene}.tif" if spot.is_raw else spot.path


def tile_auxiliary(kind, tile):
    """Raster of elevation (dem), tree cover (tree_cover) or water (water) around a tile."""
    try:
        return auxiliary_path(CONFIG, kind, tile)
    except FirnError as error:
        raise WorkflowError(str(error)) from None


def scene_auxiliary(kind, scene):
    """Raster of elevation (dem), tree cover (tree_cover) or water (water) around a SPOT scene."""
    return tile_auxiliary(kind, SCENES.spot_scene(scene).tile)
