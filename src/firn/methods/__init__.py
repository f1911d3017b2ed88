"""The methods that firn compares: one registry, one interface, one file format."""

import os

from firn.errors import ModelError
from firn.methods.base import Model, ModelCard
from firn.methods.majority import MajorityModel
from firn.methods.model_file import card_metadata, card_of, read_tensors, write_tensors
from firn.methods.pixel import PixelModel
from firn.methods.threshold import ThresholdModel
from firn.methods.unet import UNetModel

__all__ = ["METHODS", "Model", "ModelCard", "load_model", "method_class", "save_model"]

METHODS: dict[str, type[Model]] = {
    "unet": UNetModel,
    "baseline-majority": MajorityModel,
    "baseline-threshold": ThresholdModel,
    "baseline-pixel": PixelModel,
}


def method_class(name: str) -> type[Model]:
    """Class of a method by its name; `ModelError` when there is none such."""
    if name not in METHODS:
        raise ModelError(f"method {name}: unknown; firn knows {', '.join(METHODS)}")
    return METHODS[name]


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
