"""The life cycle of a model (Kettig et al. 2020), from before launch to its periodic checks.

Before launch a model learns from emulated images. The first images of the sensor, with masks that
people supply, make a validation database; with half of its scenes the model is refined, with the
other half judged. Later scenes with masks check it from time to time, and where the quality gate is
missed it is trained again from where it stands, with the new samples added. Each release has a card
that tells its data, scores, gate and the releases before.
"""

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from firn import netcdf, terrain
from firn.ablation.plan import Row
from firn.ablation.row import emulate_row
from firn.classes import IGNORE, SurfaceClass
from firn.clouddl.gate import judge, stamp
from firn.clouddl.scores import cloud_scores, judge_samples
from firn.clouddl_config import Gate
from firn.config import PatchSettings
from firn.dataset import build_dataset
from firn.errors import DataError
from firn.files import read_json, scratch_folder, write_json, write_text
from firn.inference.image import map_grid
from firn.inference.surroundings import Surroundings
from firn.methods import load_model
from firn.methods.model_file import card_digest
from firn.patches import origins
from firn.products.cloud_masks import read_mask
from firn.products.scene import open_scene
from firn.provenance import provenance
from firn.samples import (
    DATA,
    SampleRow,
    Samples,
    SceneFiles,
    pair_scenes,
    read_samples,
    write_rows,
)
from firn.saturation import Saturations
from firn.sensors import Sensor, load_sensor, to_dn
from firn.splits import TRAIN, VALIDATION
from firn.spot_patches import cut
from firn.training.data import open_training_data
from firn.training.loop import train
from firn.training.run import Run
from firn.training.sentinel2 import Emulation

PathLike = str | os.PathLike[str]


def write_database_scene(
    product: PathLike,
    mask: PathLike,
    surroundings: Surroundings,
    sensor: Sensor,
    settings: PatchSettings,
    confidence: int,
    *,
    patches: PathLike,
    images: PathLike,
) -> None:
    """Cut a scene and its supplied mask into samples of the validation database.

    The two files are like those of Sentinel-2 patches and of their emulation, so that everything
    that reads samples reads them. The reflectance of each band is stored in as many steps as the
    sensor has, from the scene's lowest to its highest: a product's own steps may be missed by half
    a step.

    Parameters
    ----------
    product : path
        Any scene that can be classified.
    mask : path
        What a person supplies: see `firn.products.cloud_masks.read_mask`.
    surroundings : Surroundings
    sensor : Sensor
    settings : PatchSettings
        Size and overlap; patches at any height count.
    confidence : int
        Least confidence of the pixels of an ALCD mask.
    patches, images : path
        Files to write.

    Raises
    ------
    DataError
        The mask cannot be read, or no patch of the scene has a labelled pixel with data.
    ProductError
        The product is damaged or lacks a band.
    """
    scene = open_scene(product)
    grid = map_grid(scene)
    reflectance, saturated = scene.read(sensor.band_names, grid)
    classes = read_mask(mask, grid, confidence)
    (dem,) = surroundings.elevation(grid, [grid])
    shade = terrain.hillshade(dem, grid.resolution, scene.sun_zenith, scene.sun_azimuth)
    valid = np.isfinite(reflectance.values).all(axis=0) & (shade > 0) & np.isfinite(dem)
    judged = valid & (classes != IGNORE)
    size = settings.size
    corners = np.array(
        [
            (row, col)
            for row, col in origins(grid.shape, size, settings.overlap)
            if judged[row : row + size, col : col + size].any()
        ],
        np.int32,
    ).reshape(-1, 2)
    if not len(corners):
        raise DataError(
            f"{mask}: labels no pixel of a whole patch of {size} pixels of {scene.scene_id}; label "
            "more of the scene, or lower patches.size"
        )
    low = np.nanmin(reflectance.values, axis=(1, 2), keepdims=True)
    high = np.maximum(np.nanmax(reflectance.values, axis=(1, 2), keepdims=True), low + 1e-3)
    numbers = to_dn(np.where(valid, reflectance.values, low), high, low, sensor.bits)
    numbers[saturated & valid] = 2**sensor.bits - 1
    common = {"tile": scene.scene_id, "date": f"{scene.acquisition_time:%Y%m%d}"}
    source = provenance([scene.scene_id, Path(mask).name], {"sensor": sensor, "patches": settings})
    common["provenance"] = json.dumps(source, sort_keys=True)
    labels = np.where(valid, classes, np.uint8(IGNORE)).astype(np.uint8)
    heights = np.where(np.isfinite(dem), dem, 0).astype(np.float32)
    relief = np.where(valid, shade, 0).astype(np.uint8)
    plane = ("patch", "y", "x")
    netcdf.write(
        patches,
        xr.Dataset(
            {
                "label": (plane, cut(labels, corners, size)),
                "hillshade": (plane, cut(relief, corners, size)),
                "dem": (plane, cut(heights, corners, size), {"units": "m"}),
                "row": (("patch",), corners[:, 0]),
                "col": (("patch",), corners[:, 1]),
            },
            attrs=common,
        ),
    )
    index = np.arange(len(corners), dtype=np.int32)
    gains = {
        name: (("sample", "band"), np.tile(values.reshape(1, -1), (len(corners), 1)))
        for name, values in (("saturation", high), ("minimum", low))
    }
    netcdf.write(
        images,
        xr.Dataset(
            {
                "dn": (("sample", "band", "y", "x"), cut(numbers, corners, size)),
                "valid": (("sample", "y", "x"), cut(valid * np.uint8(DATA), corners, size)),
                **gains,
                "patch": (("sample",), index),
                "draw": (("sample",), np.zeros_like(index)),
            },
            coords={"band": list(sensor.band_names)},
            attrs=common | {"sensor": sensor.name, "bits": sensor.bits},
        ),
    )


def database_rows(scene: SceneFiles, split: str) -> list[SampleRow]:
    """Rows of all samples of a scene of the database that have a labelled pixel."""
    (patch,) = netcdf.arrays(scene.pseudo, "patch")
    stored = read_samples(scene, patch.tolist(), range(len(patch)))
    rows = []
    for index in range(len(patch)):
        labels = stored.sample(index).labels
        counts = [int(np.count_nonzero(labels == c)) for c in SurfaceClass]
        if sum(counts):
            ignored = labels.size - sum(counts)
            place = scene.tile, scene.date, int(patch[index]), index, split
            rows.append(SampleRow._make((*place, *counts, ignored)))
    return rows


def judge_database(model: PathLike, scenes: Sequence[SceneFiles]) -> dict[str, Any]:
    """Scores of a model on scenes of the database; see `firn.clouddl.scores.cloud_scores`."""
    rows = [row for scene in scenes for row in database_rows(scene, VALIDATION)]
    return cloud_scores(judge_samples(load_model(model), Samples(rows, scenes)))


@dataclass(frozen=True)
class Stage:
    """What a release is made of.

    Parameters
    ----------
    row : Row
        Its training.
    number : int
        0 is the model before launch, 1 the refined one, from 2 on those of the checks.
    gate : Gate
    patches, images : sequence of path
        Sentinel-2 patches and the saturation file, as in `firn.ablation.row.run_row`.
    known, new : sequence of SceneFiles
        Scenes of the database that earlier releases have seen, and those that are new.
    """

    row: Row
    number: int
    gate: Gate
    patches: Sequence[PathLike]
    images: Sequence[PathLike]
    known: Sequence[SceneFiles] = ()
    new: Sequence[SceneFiles] = ()

    @property
    def name(self) -> str:
        """What kind of release it is."""
        return ("pre-flight", "refined")[self.number] if self.number < 2 else "quality check"

    @property
    def taught(self) -> list[SceneFiles]:
        """Scenes of the database that a training learns from: the known, and half of the new."""
        return [*self.known, *self.new[0::2]]

    @property
    def held_out(self) -> list[SceneFiles]:
        """New scenes that a training does not see."""
        return list(self.new[1::2])


def release(stage: Stage, previous: Path | None, *, model: Path, history: Path, card: Path) -> None:
    """Make a release: train it, or keep the one before where the quality check passes.

    Parameters
    ----------
    stage : Stage
    previous : path, optional
        Folder of the release before, with its ``model.safetensors``, ``history.csv`` and
        ``release.json``.
    model, history, card : path
        Files to write. The card says in ``gate`` whether the model is released, and in ``lineage``
        what came before.

    Raises
    ------
    DataError
        The database has no usable sample.
    """
    lineage: list[dict[str, Any]] = []
    content: dict[str, Any] = {"stage": stage.name, "number": stage.number, "retrained": True}
    before: Path | None = None
    if previous is not None:
        before = previous / "model.safetensors"
        earlier = read_json(previous / "release.json")
        lineage = [*earlier["lineage"], {k: v for k, v in earlier.items() if k != "lineage"}]
        scores = judge_database(before, stage.new)
        checked = judge(scores, stage.gate)
        content["check"] = {"scores": scores, "gate": checked}
        if stage.number > 1 and checked["released"]:
            content |= {"retrained": False, "data": [], "scores": scores, "gate": checked}
            stamp(before, {"released": True, "stage": stage.name}, model)
            write_text(history, (previous / "history.csv").read_text(encoding="utf-8"))
            _write_card(card, content, model, before, lineage)
            return
    with scratch_folder() as folder:
        trained = folder / "model.safetensors"
        scores, sources = _train(stage, before, trained, folder / "history.csv", folder)
        verdict = judge(scores, stage.gate)
        content |= {"data": sources, "scores": scores, "gate": verdict}
        stamp(trained, {"released": verdict["released"], "stage": stage.name}, model)
        write_text(history, (folder / "history.csv").read_text(encoding="utf-8"))
    _write_card(card, content, model, before, lineage)


def _write_card(
    path: Path,
    content: dict[str, Any],
    model: Path,
    before: Path | None,
    lineage: list[dict[str, Any]],
) -> None:
    parent = None if before is None else card_digest(load_model(before).card)
    own = load_model(model).card
    write_json(
        path,
        content
        | {
            "model": card_digest(own),
            "parent": parent,
            "sensor": own.sensor,
            "lineage": lineage,
        },
    )


def _train(
    stage: Stage, start: Path | None, model: Path, history: Path, folder: Path
) -> tuple[dict[str, Any], list[str]]:
    """Train a release; give its scores on scenes that it has not seen, and what it learnt from."""
    row = stage.row
    emulation = Emulation(load_sensor(row.sensor), Saturations.load(stage.images[0]), row.emulation)
    pseudo = emulate_row(row, emulation, stage.patches, folder)
    pairs = pair_scenes(stage.patches, pseudo)
    rows, content = build_dataset(row.sensor, pairs, row.split, row.base_seed)
    judged = [r for r in rows if r.split == VALIDATION]
    scenes = [*pairs]
    if start is not None:
        # What the database holds out takes the place of emulated validation patches.
        judged = [r for scene in stage.held_out for r in database_rows(scene, VALIDATION)]
        taught = [r for scene in stage.taught for r in database_rows(scene, TRAIN)]
        rows = [r for r in rows if r.split == TRAIN] + taught + judged
        scenes += [*stage.taught, *stage.held_out]
        card = load_model(start).card
        content |= {"mean": list(card.mean), "std": list(card.std)}
    samples, statistics = folder / "samples.csv", folder / "statistics.json"
    write_rows(samples, rows)
    write_json(statistics, content)
    data = open_training_data(
        samples, statistics, [s.patches for s in scenes], [s.pseudo for s in scenes]
    )
    run = Run(row.method, row.recipe, row.seed, row.network, row.training, row.step, start=start)
    train(run, data, model, history)
    scores = cloud_scores(judge_samples(load_model(model), Samples(judged, scenes)))
    return scores, sorted({f"{r.tile}/{r.date}" for r in rows if r.split == TRAIN})
