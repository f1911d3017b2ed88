"""One row of the ablation: make training data by a recipe, train on them, score the model.

A row is one job. What lies between its inputs and its score is small and serves nobody else, so it
goes to a temporary folder.
"""

import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from firn import netcdf
from firn.ablation.plan import Row
from firn.config import Experiment
from firn.dataset import build_dataset
from firn.emulation.patches import Target, write_pseudo
from firn.evaluation.maps import JudgedMap, evaluate_maps
from firn.files import scratch_folder, write_json
from firn.inference import Surroundings, classify_scene
from firn.methods import load_model
from firn.products.scene import open_scene
from firn.samples import pair_scenes, write_rows
from firn.saturation import Saturations
from firn.sensors import load_sensor
from firn.training.data import TrainingData, open_training_data
from firn.training.loop import train
from firn.training.run import Run
from firn.training.sentinel2 import Emulation

PathLike = str | os.PathLike[str]


@dataclass(frozen=True)
class JudgedScene:
    """A virtual SPOT scene that a row is scored on.

    Parameters
    ----------
    product : path
    reference : path
        Truth.
    dem, tree_cover, water : path
    """

    product: PathLike
    reference: PathLike
    dem: PathLike
    tree_cover: PathLike
    water: PathLike


def emulate_row(
    row: Row, emulation: Emulation, patches: Sequence[PathLike], folder: Path
) -> list[Path]:
    """Emulate the patch files of all scenes by the row's recipe into a folder."""
    written = []
    for path in patches:
        scene = netcdf.attributes(path, "tile", "date")
        output = folder / f"{scene['tile']}_{scene['date']}.nc"
        target = Target(row.area, emulation.sensor, emulation.saturations, output)
        write_pseudo(path, [target], emulation.settings, seed=row.seed)
        written.append(output)
    return written


def training_data(
    row: Row, patches: Sequence[PathLike], images: Sequence[PathLike], folder: Path
) -> TrainingData:
    """Make the images of a row, split them and gather their statistics; see `run_row`.

    The data set is named after the sensor alone: rows of one seed start from the same weights.
    """
    samples, statistics = folder / "samples.csv", folder / "statistics.json"
    pseudo, anew = images, None
    if not row.truth:
        emulation = Emulation(load_sensor(row.sensor), Saturations.load(images[0]), row.emulation)
        pseudo = emulate_row(row, emulation, patches, folder)
        anew = emulation if row.training.emulation == "every-epoch" else None
    scenes = pair_scenes(patches, pseudo)
    rows, content = build_dataset(row.sensor, scenes, row.split, row.base_seed)
    write_rows(samples, rows)
    write_json(statistics, content)
    return open_training_data(samples, statistics, patches, pseudo, anew)


def score(row: Row, model: PathLike, scenes: Sequence[JudgedScene], folder: Path) -> dict[str, Any]:
    """Classify scenes with the row's model and score the maps; see `evaluate_maps`."""
    maps = []
    for judged in scenes:
        scene = open_scene(judged.product)
        home = folder / scene.scene_id
        surroundings = Surroundings(judged.dem, judged.tree_cover, judged.water, row.tree_cover_max)
        classify_scene(scene, {home: load_model(model)}, surroundings, row.inference)
        files = {name: home / f"{name}.tif" for name in ("snow", "probability", "quality")}
        reference, dem = Path(judged.reference), Path(judged.dem)
        maps.append(
            JudgedMap(
                scene.scene_id, **files, item=home / "item.json", reference=reference, dem=dem
            )
        )
    experiment = Experiment(method=row.method, sensor=row.sensor, area=row.area)
    return evaluate_maps(maps, row.name, experiment, row.evaluation, seed=row.base_seed)


def run_row(
    row: Row,
    patches: Sequence[PathLike],
    images: Sequence[PathLike],
    scenes: Sequence[JudgedScene],
    *,
    model: PathLike,
    history: PathLike,
) -> dict[str, Any]:
    """Train and score one row.

    Parameters
    ----------
    row : Row
    patches : sequence of path
        Patch files of the Sentinel-2 scenes, with the labels of the recipe.
    images : sequence of path
        The saturation file that the recipe draws gains from; or, for the upper bound, the patches
        of the SPOT twin of each scene.
    scenes : sequence of JudgedScene
    model, history : path
        Files to write.

    Returns
    -------
    dict
        ``recipe``, ``sensor``, ``seed``, ``steps`` of the optimiser, and ``metrics``.
    """
    with scratch_folder() as folder:
        data = training_data(row, patches, images, folder)
        run = Run(row.method, "ablation", row.seed, row.network, row.training, row.step)
        train(run, data, model, history)
        metrics = score(row, model, scenes, folder)
    batches = math.ceil(len(data.train) / row.training.batch_size)
    return {
        "recipe": row.recipe,
        "sensor": row.sensor,
        "seed": row.seed,
        "steps": batches * (row.step.max_epochs or 0),
        "metrics": metrics,
    }
