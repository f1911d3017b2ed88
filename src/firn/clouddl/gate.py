"""The quality gate: whether a model is good enough for its sensor to be released."""

import logging
import os
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from firn.clouddl_config import Gate
from firn.methods import load_model, save_model

logger = logging.getLogger(__name__)
PathLike = str | os.PathLike[str]
#: Key of a card's ``training`` under which its release stands.
RELEASE = "release"


def judge(scores: Mapping[str, Any], gate: Gate) -> dict[str, Any]:
    """Compare scores with the gate.

    A threshold of 0 is none. A score without value, as where no validation scene has cloud, passes
    no other threshold.

    Parameters
    ----------
    scores : mapping
        As `firn.clouddl.scores.cloud_scores` gives them.
    gate : Gate

    Returns
    -------
    dict
        ``released`` and, in ``checks``, each score with its threshold.
    """
    values = {**scores["pooled"], "mean_f2": scores["mean_f2"]}
    checks = []
    for name, least in gate.model_dump().items():
        value = values[name]
        passed = least == 0 or (value is not None and value >= least)
        checks.append({"score": name, "value": value, "at_least": least, "passed": passed})
    return {"released": all(check["passed"] for check in checks), "checks": checks}


def stamp(model: PathLike, release: Mapping[str, Any], output: PathLike) -> None:
    """Write a model with a note in its card whether it is released; see `judge`.

    Whoever classifies with it is told, and each map tells (`firn:released`).
    """
    loaded = load_model(model)
    training = {**loaded.card.training, RELEASE: dict(release)}
    loaded.card = replace(loaded.card, training=training)
    save_model(loaded, output)
    if not release["released"]:
        logger.warning("%s: misses the quality gate and is marked as not released", output)
