"""What one training run is."""

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from firn.config import NetworkSettings, TrainingSettings, TrainingStep
from firn.errors import ModelError
from firn.methods import load_model, method_class
from firn.methods.network import NetworkModel
from firn.provenance import digest
from firn.seeds import generator
from firn.training.data import TrainingData


@dataclass(frozen=True)
class Run:
    """One training run: what is trained, how, and from where.

    Parameters
    ----------
    method : str
        A method that has a network, as ``unet``.
    name : str
        Names the random streams, as ``preliminary/3`` or ``intensive``.
    seed : int
        The seed of the configuration.
    network : NetworkSettings
    settings : TrainingSettings
        Batch size, averaging, augmentation, emulation, precision and device.
    step : TrainingStep
        Learning rate, patience and cap: ``settings.preliminary`` or ``settings.intensive``.
    start : path, optional
        Model whose weights the run starts from, with a new Adam; fresh weights by default.
    """

    method: str
    name: str
    seed: int
    network: NetworkSettings
    settings: TrainingSettings
    step: TrainingStep
    start: str | os.PathLike[str] | None = None

    def experiment(self, data: TrainingData) -> str:
        """Name of what is trained, as ``unet-spot2``."""
        return f"{self.method}-{data.name}"

    def generator(self, data: TrainingData, *names: str) -> np.random.Generator:
        """Random generator of a part of this run."""
        return generator(self.seed, self.experiment(data), self.name, *names)

    def digest(self, data: TrainingData) -> str:
        """Digest of everything that the result depends on, but the machine."""
        start = None
        if self.start is not None:
            start = hashlib.sha256(Path(self.start).read_bytes()).hexdigest()
        settings = self.settings.model_dump(
            include={"batch_size", "averaging", "augment", "emulation", "precision"}
        )
        step = self.step.model_dump(include=set(TrainingStep.model_fields))
        return digest(
            [self.method, self.name, self.seed, self.network, settings, step, start, data.digest]
        )

    def model(self, data: TrainingData) -> NetworkModel:
        """Model that the run starts from.

        Raises
        ------
        ModelError
            The method is unknown or has no network, or ``start`` is a model of another shape.
        """
        kind = method_class(self.method)
        if not issubclass(kind, NetworkModel):
            raise ModelError(f"method {self.method}: has no network that could be trained")
        card = data.card(self.method, kind.architecture(self.network))
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(int(self.generator(data, "weights").integers(2**63)))
            model = kind(card)
        if self.start is None:
            return model
        started = load_model(self.start)
        shapes = [(c.method, c.architecture, list(c.bands)) for c in (started.card, model.card)]
        if shapes[0] != shapes[1]:
            raise ModelError(
                f"{self.start}: has another method, architecture or bands than {self.name} of "
                f"{self.experiment(data)}; run the preliminary trainings again"
            )
        return kind.restore(card, started.tensors())
