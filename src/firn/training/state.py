"""State of a training between two epochs, and the resume file that keeps it over a kill."""

import json
import logging
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
import torch
from torch import nn

from firn.errors import ModelError
from firn.methods.base import Tensors
from firn.methods.model_file import read_tensors, write_tensors
from firn.methods.network import load_network, network_tensors

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class EpochRecord:
    """A row of ``history.csv``."""

    epoch: int
    train_loss: float
    validation_loss: float
    validation_kappa: float | None
    learning_rate: float


@dataclass
class TrainingState:
    """Everything that the next epoch depends on.

    Random streams are named after the epoch, so the epoch is also their position.
    """

    network: nn.Module
    average: nn.Module | None
    optimiser: torch.optim.Adam
    best: Tensors
    best_epoch: int = 0
    best_loss: float = float("inf")
    best_kappa: float | None = None
    history: list[EpochRecord] = field(default_factory=list)

    @property
    def epoch(self) -> int:
        """Epochs done."""
        return len(self.history)

    def record(self, row: EpochRecord, network: nn.Module) -> None:
        """Add an epoch, and keep the network's weights if its validation loss is the lowest."""
        self.history.append(row)
        if row.validation_loss < self.best_loss:
            self.best = network_tensors(network)
            self.best_epoch = row.epoch
            self.best_loss = row.validation_loss
            self.best_kappa = row.validation_kappa


def resume_path(output: str | os.PathLike[str]) -> Path:
    """Resume file of the training that writes ``output``."""
    return Path(f"{output}.resume.safetensors")


def save_state(path: Path, state: TrainingState, digest: str) -> None:
    """Write the resume file atomically."""
    tensors = {f"network.{name}": t for name, t in network_tensors(state.network).items()}
    if state.average is not None:
        tensors |= {f"average.{name}": t for name, t in network_tensors(state.average).items()}
    tensors |= {f"best.{name}": t for name, t in state.best.items()}
    tensors |= {f"adam.{name}": t for name, t in adam_tensors(state.optimiser).items()}
    content = {
        "best_epoch": state.best_epoch,
        "best_loss": state.best_loss,
        "best_kappa": state.best_kappa,
        "history": [asdict(row) for row in state.history],
    }
    write_tensors(path, tensors, {"state": json.dumps(content), "settings_digest": digest})


def load_state(path: Path, state: TrainingState, digest: str) -> bool:
    """Fill ``state`` from a resume file, if there is one of the same settings.

    Returns
    -------
    bool
        Whether the training continues.
    """
    if not path.exists():
        return False
    try:
        tensors, metadata = read_tensors(path)
    except ModelError as error:
        logger.warning("%s; the training starts anew", error)
        return False
    if metadata.get("settings_digest") != digest:
        logger.warning("%s: is of other settings or data; the training starts anew", path)
        return False
    content = json.loads(metadata["state"])
    state.history = [EpochRecord(**row) for row in content["history"]]
    state.best_epoch = content["best_epoch"]
    state.best_loss = content["best_loss"]
    state.best_kappa = content["best_kappa"]
    state.best = part(tensors, "best.")
    load_network(state.network, part(tensors, "network."))
    if state.average is not None:
        load_network(state.average, part(tensors, "average."))
    load_adam(state.optimiser, part(tensors, "adam."))
    logger.info("%s: continuing after epoch %d", path, state.epoch)
    return True


def part(tensors: Tensors, prefix: str) -> Tensors:
    """Tensors whose names begin with a prefix, without it."""
    return {n.removeprefix(prefix): t for n, t in tensors.items() if n.startswith(prefix)}


def adam_tensors(optimiser: torch.optim.Adam) -> Tensors:
    """Copy the moments of an optimiser into arrays."""
    return {
        f"{index}.{name}": np.array(tensor.cpu().numpy(), order="C")
        for index, moments in optimiser.state_dict()["state"].items()
        for name, tensor in moments.items()
    }


def load_adam(optimiser: torch.optim.Adam, tensors: Tensors) -> None:
    """Fill an optimiser with arrays from `adam_tensors`."""
    parameters = optimiser.param_groups[0]["params"]
    moments: dict[int, dict[str, torch.Tensor]] = {}
    for key, values in tensors.items():
        index, name = key.split(".")
        tensor = torch.from_numpy(np.array(values))
        if tensor.ndim:
            # The moments take the memory layout of their parameter, as in an uninterrupted run:
            # another one may round differently.
            tensor = torch.empty_like(parameters[int(index)]).copy_(tensor)
        moments.setdefault(int(index), {})[name] = tensor
    content = optimiser.state_dict()
    optimiser.load_state_dict({"state": moments, "param_groups": content["param_groups"]})
