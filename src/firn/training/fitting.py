"""Fitting of the methods that need no gradient."""

import os
from dataclasses import replace

from firn.errors import ModelError
from firn.methods import FITTED, save_model
from firn.provenance import provenance
from firn.sensors import load_sensor
from firn.training.data import TrainingData, pixel_batches


def fit(method: str, data: TrainingData, output: str | os.PathLike[str]) -> None:
    """Fit a method to the training pixels and write the model.

    Parameters
    ----------
    method : str
        ``baseline-majority`` or ``baseline-threshold``.
    data : TrainingData
    output : path

    Raises
    ------
    ModelError
        The method is not of this kind, or the sensor lacks a band that it needs.
    """
    kind = FITTED.get(method)
    if kind is None:
        raise ModelError(f"method {method}: cannot be fitted; only {', '.join(FITTED)} can")
    card = replace(
        data.card(method, kind.architecture(load_sensor(data.sensor))),
        provenance=provenance(data.sources, {"method": method, "data": data.digest}),
    )
    save_model(kind.fit(card, pixel_batches(data.train)), output)
