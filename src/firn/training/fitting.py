"""Fitting of the methods that need no gradient."""

import os
from dataclasses import replace

from firn.errors import ModelError
from firn.methods import method_class, save_model
from firn.methods.base import FittedModel
from firn.provenance import provenance
from firn.sensors import load_sensor
from firn.training.data import TrainingData, pixel_batches


def fit(method: str, data: TrainingData, output: str | os.PathLike[str]) -> None:
    """Fit a method to the training pixels and write the model.

    Parameters
    ----------
    method : str
        A method that is fitted, as ``baseline-threshold``.
    data : TrainingData
    output : path

    Raises
    ------
    ModelError
        The method is unknown or not of this kind, or the sensor lacks a band that it needs.
    """
    kind = method_class(method)
    if not issubclass(kind, FittedModel):
        raise ModelError(f"method {method}: cannot be fitted; it is trained by gradient descent")
    card = replace(
        data.card(method, kind.architecture(load_sensor(data.sensor))),
        provenance=provenance(data.sources, {"method": method, "data": data.digest}),
    )
    save_model(kind.fit(card, pixel_batches(data.train)), output)
