"""Training of the self-organising map on labelled spectra, and its fine-tuning on scenes."""

import logging
import os
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from firn.classes import SurfaceClass
from firn.companions.scenes import (
    BRIGHT,
    SNOW,
    STANDS_FOR,
    SURFACE_NAMES,
    SceneTruth,
    read_stack,
    scene_card,
)
from firn.companions.spectra import Spectra, of_scene
from firn.companions_config import SomSettings
from firn.compute import choose_device
from firn.methods import save_model
from firn.methods.neurons import quantisation_error
from firn.methods.som import SomModel, Tuning, describe, flip_reasons
from firn.provenance import provenance
from firn.seeds import generator

logger = logging.getLogger(__name__)
PathLike = str | os.PathLike[str]


def spectra_of_scenes(
    scenes: Sequence[str],
    stacks: Sequence[PathLike],
    truths: Sequence[PathLike],
    most: int,
    seed: int,
) -> list[Spectra]:
    """Spectra of scenes, named {tile}/{date}; see `firn.companions.spectra.of_scene`."""
    return [
        of_scene(stack, truth, most, generator(seed, "spectra", scene))
        for scene, stack, truth in zip(scenes, stacks, truths, strict=True)
    ]


def tuning_of_scenes(stacks: Sequence[PathLike], truths: Sequence[PathLike]) -> Tuning:
    """Bright surfaces (rock, soil and snow without cloud) and all cloud of scenes."""
    bright, cloud = [], []
    for stack, truth in zip(stacks, truths, strict=True):
        reflectance, _ = read_stack(stack)
        known = SceneTruth(truth)
        bright.append(reflectance[:, known.strata[BRIGHT] | known.strata[SNOW]].T)
        cloud.append(reflectance[:, known.classes == SurfaceClass.CLOUD].T)
    return Tuning(np.concatenate(bright), np.concatenate(cloud))


def train_som(
    spectra: Spectra,
    tuning: Tuning,
    settings: SomSettings,
    seed: int,
    device: str,
    output: PathLike,
    sources: Sequence[str],
) -> SomModel:
    """Train a map, give its neurons their classes, fine-tune it, and write it.

    Parameters
    ----------
    spectra : Spectra
        Of training scenes, or a database.
    tuning : Tuning
        Of other scenes.
    settings : SomSettings
    seed : int
        Of an online training.
    device : str
        As in `firn.compute.choose_device`.
    output : path
    sources : sequence of str
        For the provenance.
    """
    card = scene_card("som", describe(settings, SURFACE_NAMES, STANDS_FOR))
    model = SomModel.train(
        card,
        spectra.reflectance,
        spectra.classes,
        tuning,
        settings,
        generator(seed, "som"),
        choose_device(device),
    )
    error = quantisation_error(model.scaled(spectra.reflectance), model.weights)
    reasons = flip_reasons(model)
    told = {
        "spectra": spectra.counts,
        "quantisation_error": error,
        "tuning": {"bright": len(tuning.bright), "cloud": len(tuning.cloud)},
        "bright_share": settings.bright_share,
        "recall_loss": settings.recall_loss,
        "flipped": reasons,
    }
    source = provenance(sources, {"som": settings, "seed": seed, "spectra": spectra.counts})
    model.card = replace(model.card, training=told, provenance=source)
    logger.info(
        "%d spectra, quantisation error %.4f, %d neurons turned clear",
        len(spectra.surface),
        error,
        len(reasons),
    )
    save_model(model, output)
    return model
