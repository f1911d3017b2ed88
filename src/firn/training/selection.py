"""Selection: the preliminary training that the intensive training continues."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from firn.errors import ModelError
from firn.files import read_json, write_json
from firn.methods.model_file import card_of, read_tensors
from firn.provenance import provenance

PathLike = str | os.PathLike[str]


def select(candidates: Sequence[PathLike], output: PathLike) -> None:
    """Choose the model of the lowest validation loss and write ``selection.json``.

    Of equal ones the first is taken. Paths in the file are relative to its folder.

    Raises
    ------
    ModelError
        There is no candidate, or one of them is not a trained model.
    """
    if not candidates:
        raise ModelError(f"{output}: no preliminary model to select from; give at least one seed")
    folder = Path(output).parent
    table = [_describe(path, folder) for path in candidates]
    best = min(table, key=lambda row: float(row["validation_loss"]))
    write_json(
        output,
        {
            "selected": best["file"],
            "criterion": "validation_loss",
            "candidates": table,
            "provenance": provenance([row["file"] for row in table]),
        },
    )


def _describe(path: PathLike, folder: Path) -> dict[str, Any]:
    training = card_of(read_tensors(path)[1], path).training
    keys = ("run", "validation_loss", "validation_kappa", "best_epoch", "epochs")
    if missing := [key for key in keys if key not in training]:
        raise ModelError(f"{path}: was not trained by gradient descent (lacks {missing})")
    return {"file": os.path.relpath(path, folder)} | {key: training[key] for key in keys}


def selected(selection: PathLike) -> Path:
    """Path of the model that ``selection.json`` chose."""
    content = read_json(selection)
    if "selected" not in content:
        raise ModelError(f"{selection}: names no selected model; make it again")
    return Path(selection).parent / str(content["selected"])
