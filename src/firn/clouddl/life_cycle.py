"""The life cycle of a model (Kettig et al. 2020), from before launch to its periodic checks.

Before launch a model learns from emulated images. The first images of the sensor, with masks that
people supply, make a validation database; with half of its scenes the model is refined, with the
other half judged. Later scenes with masks check it from time to time, and where the quality gate is
missed it is trained again from where it stands, with the new samples added. Each release has a card
that tells its data, scores, gate and the releases before.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from firn.ablation.plan import Row
from firn.ablation.row import emulate_row
from firn.clouddl.database import database_rows, judge_database
from firn.clouddl.gate import judge, stamp
from firn.clouddl.scores import cloud_scores, judge_samples
from firn.clouddl_config import Gate
from firn.dataset import build_dataset
from firn.files import read_json, scratch_folder, write_json, write_text
from firn.methods import load_model
from firn.methods.model_file import card_digest
from firn.samples import Samples, SceneFiles, pair_scenes, write_rows
from firn.saturation import Saturations
from firn.sensors import load_sensor
from firn.splits import TRAIN, VALIDATION
from firn.training.data import open_training_data
from firn.training.loop import train
from firn.training.run import Run
from firn.training.sentinel2 import Emulation

PathLike = str | os.PathLike[str]


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
