"""The methods that firn compares: one registry, one interface, one file format.

Torch takes seconds to be imported, so what has no network is kept free of it.
"""

import os

from firn.errors import ModelError
from firn.methods.base import FittedModel, Model, ModelCard
from firn.methods.majority import MajorityModel
from firn.methods.model_file import card_metadata, card_of, read_tensors, write_tensors
from firn.methods.threshold import ThresholdModel

__all__ = ["FITTED", "Model", "ModelCard", "load_model", "method_class", "save_model"]

#: The methods without a network; those with one are in `firn.methods.trained`.
FITTED: dict[str, type[FittedModel]] = {
    "baseline-majority": MajorityModel,
    "baseline-threshold": ThresholdModel,
}


def method_class(name: str) -> type[Model]:
    """Class of a method by its name; `ModelError` when there is none such."""
    if name in FITTED:
        return FITTED[name]
    from firn.methods.trained import TRAINED

    if name in TRAINED:
        return TRAINED[name]
    raise ModelError(f"method {name}: unknown; firn knows {', '.join((*TRAINED, *FITTED))}")


def save_model(model: Model, path: str | os.PathLike[str]) -> None:
    """Write a model atomically; the same model gives the same bytes."""
    write_tensors(path, model.tensors(), card_metadata(model.card))


def load_model(path: str | os.PathLike[str]) -> Model:
    """Read a model of any method.

    Raises
    ------
    ModelError
        The file is missing, damaged, or not a model of a known method.
    """
    tensors, metadata = read_tensors(path)
    card = card_of(metadata, path)
    try:
        return method_class(card.method).restore(card, tensors)
    except ModelError as error:
        raise ModelError(f"{path}: {error}") from error
