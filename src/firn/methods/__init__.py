"""The methods that firn compares: one registry, one interface, one file format.

Torch takes seconds to be imported, so a method's module is imported when it is asked for.
"""

import inspect
import os
from importlib import import_module

from firn.errors import ModelError
from firn.methods.base import Model, ModelCard
from firn.methods.model_file import card_metadata, card_of, read_tensors, write_tensors
from firn.registry import known_method

__all__ = ["Model", "ModelCard", "load_model", "method_class", "save_model"]


def method_class(name: str) -> type[Model]:
    """Class of a method by its name (`firn.registry`).

    Raises
    ------
    ModelError
        There is no such method, or its module does not hold one class of a model.
    """
    module = import_module(known_method(name).module)
    classes = [
        value
        for value in vars(module).values()
        if inspect.isclass(value)
        and issubclass(value, Model)
        and not inspect.isabstract(value)
        and value.__module__ == module.__name__
    ]
    if len(classes) != 1:
        raise ModelError(
            f"{module.__file__}: holds {len(classes)} classes of models, not the one of {name}"
        )
    return classes[0]


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
