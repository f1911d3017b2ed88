"""Training of a generator, epoch by epoch, so that a killed one continues.

``torchrun --nproc-per-node 4 -m firn.cloud_removal.training JOB`` is what `run` calls for several
processes.
"""

import hashlib
import json
import logging
import sys
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from pydantic import BaseModel, ConfigDict

from firn.cloud_removal.adversaries import Adversaries, TileSource
from firn.cloud_removal.model import SimulationCard, SimulationModel, require_bands, save_model
from firn.cloud_removal.normalisation import Normalisation
from firn.cloud_removal_training_config import SimulationTraining
from firn.compute import choose_device, deterministic
from firn.errors import DataError, ModelError
from firn.files import read_json
from firn.methods.base import Tensors
from firn.methods.model_file import read_tensors, write_tensors
from firn.methods.network import load_network, network_tensors
from firn.provenance import digest, provenance
from firn.seeds import generator
from firn.training.group import Group, joined
from firn.training.job import run_together, take_part
from firn.training.loop import write_history
from firn.training.state import adam_tensors, load_adam, part, resume_path

logger = logging.getLogger(__name__)


class SimulationJob(BaseModel):
    """Everything that the training of a generator needs.

    Parameters
    ----------
    architecture : dict
        As `firn.cloud_removal.networks.build_generator` takes it.
    discriminator : tuple of int
        Widths.
    settings : SimulationTraining
    seed : int
    train, validation : path
        Files of tiles.
    normalisation : path
        JSON, fitted on ``train``.
    model, history : path
        Files to write.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    architecture: dict[str, Any]
    discriminator: tuple[int, ...]
    settings: SimulationTraining
    seed: int
    train: Path
    validation: Path
    normalisation: Path
    model: Path
    history: Path

    @property
    def name(self) -> str:
        """Name of the generator."""
        return str(self.architecture["name"])

    def rng(self, *names: str) -> np.random.Generator:
        """Random generator of a part of this training."""
        return generator(self.seed, "cloud-removal", self.name, *names)

    def digest(self) -> str:
        """Digest of everything that the result depends on, but the machine."""
        # Without a decay, the first epochs are those of a longer training too.
        kept = {"epochs"} if not self.settings.decay else set()
        settings = self.settings.model_dump(exclude=kept | {"device", "processes"})
        content = [self.architecture, self.discriminator, settings, self.seed]
        for path in (self.train, self.validation, self.normalisation):
            with path.open("rb") as file:
                content.append(hashlib.file_digest(file, "sha256").hexdigest())
        return digest(content)


@dataclass(frozen=True)
class EpochLosses:
    """A row of ``history.csv``; losses by verdicts are None without a discriminator."""

    epoch: int
    train_loss: float
    train_l1: float
    train_adversarial: float | None
    discriminator_loss: float | None
    validation_loss: float
    learning_rate: float


@dataclass
class _State:
    """Everything that the next epoch depends on.

    Random streams are named after the epoch, so the epoch is also their position.
    """

    adversaries: Adversaries
    optimisers: dict[str, torch.optim.Adam]
    best: Tensors
    best_epoch: int = 0
    best_loss: float = float("inf")
    history: list[EpochLosses] = field(default_factory=list)

    def record(self, row: EpochLosses) -> None:
        """Add an epoch, and keep the generator if its validation loss is the lowest."""
        self.history.append(row)
        if row.validation_loss < self.best_loss:
            self.best = network_tensors(self.adversaries.generator)
            self.best_epoch, self.best_loss = row.epoch, row.validation_loss

    def save(self, path: Path, settings: str) -> None:
        """Write the resume file atomically."""
        tensors = {f"best.{name}": t for name, t in self.best.items()}
        for key, network in self.adversaries.networks().items():
            tensors |= {f"{key}.{n}": t for n, t in network_tensors(network).items()}
            adam = adam_tensors(self.optimisers[key])
            tensors |= {f"adam-{key}.{n}": t for n, t in adam.items()}
        content = {
            "best_epoch": self.best_epoch,
            "best_loss": self.best_loss,
            "history": [asdict(row) for row in self.history],
        }
        write_tensors(path, tensors, {"state": json.dumps(content), "settings_digest": settings})

    def load(self, path: Path, settings: str) -> None:
        """Take over a resume file, if there is one of the same settings."""
        if not path.exists():
            return
        try:
            tensors, metadata = read_tensors(path)
        except ModelError as error:
            logger.warning("%s; the training starts anew", error)
            return
        if metadata.get("settings_digest") != settings:
            logger.warning("%s: is of other settings or data; the training starts anew", path)
            return
        content = json.loads(metadata["state"])
        self.history = [EpochLosses(**row) for row in content["history"]]
        self.best_epoch, self.best_loss = content["best_epoch"], content["best_loss"]
        self.best = part(tensors, "best.")
        for key, network in self.adversaries.networks().items():
            load_network(network, part(tensors, f"{key}."))
            load_adam(self.optimisers[key], part(tensors, f"adam-{key}."))
        logger.info("%s: continuing after epoch %d", path, len(self.history))


def read_normalisation(path: Path) -> Normalisation:
    """Read ``normalisation.json``.

    Raises
    ------
    DataError
        It is missing or damaged.
    """
    try:
        return Normalisation.from_dict(read_json(path))
    except DataError as error:
        raise DataError(f"{path}: {error}") from error


def train(job: SimulationJob, group: Group | None = None) -> None:
    """Train a generator for the epochs of its settings, and keep the best of them.

    The best epoch is that of the lowest absolute error on the validation tiles. After each epoch
    its row is written to ``history`` and all that the next one needs to
    ``{model}.resume.safetensors``: a killed training continues from there and, on a CPU with the
    same number of threads, ends with the same weights. Several processes train as one would with
    the same batches, but for rounding and dropout; the first of them writes.

    Parameters
    ----------
    job : SimulationJob
    group : Group, optional
        The processes that train together, each of which calls this function; this one by default.

    Raises
    ------
    DataError
        A file is missing, damaged, of other bands, or has no valid pixel or tile.
    ModelError
        A loss is no longer finite, or the device is missing.
    """
    group = group or Group()
    normalisation = read_normalisation(job.normalisation)
    for path in (job.train, job.validation):
        require_bands(path, normalisation.bands, f"the normalisation {job.normalisation}")
    sources = [TileSource(path, normalisation) for path in (job.train, job.validation)]
    for source in sources:
        if not len(source):
            raise DataError(f"{source.path}: has no tile; enlarge the area or change the split")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(int(job.rng("weights").integers(2**63)))
        adversaries = Adversaries(
            job.architecture, job.discriminator, job.settings, len(normalisation.bands), group
        )
    optimisers = adversaries.optimisers()
    state = _State(adversaries, optimisers, network_tensors(adversaries.generator))
    resume, settings = resume_path(job.model), job.digest()
    with deterministic(adversaries.device):
        state.load(resume, settings)
        _check_alike(state, resume)
        while len(state.history) < job.settings.epochs:
            state.record(_epoch(job, state, *sources))
            if group.is_first:
                state.save(resume, settings)
                write_history(job.history, state.history, EpochLosses)
    if not group.is_first:
        return
    write_history(job.history, state.history, EpochLosses)
    paths = [job.train.name, job.validation.name]
    card = SimulationCard(
        job.architecture, normalisation, _outcome(job, state), provenance(paths, {"run": settings})
    )
    model = SimulationModel(card)
    load_network(model.network, state.best)
    save_model(model, job.model)
    resume.unlink(missing_ok=True)


def _check_alike(state: _State, resume: Path) -> None:
    """Refuse to train in processes that do not continue from the same epoch."""
    group, epoch = state.adversaries.group, len(state.history)
    total = group.total(torch.tensor(epoch, device=state.adversaries.device))
    if int(total) != epoch * group.size:
        raise ModelError(
            f"{resume}: is not the same file for all processes of the training; put the results on "
            "a disk that all nodes see"
        )


def learning_rate(settings: SimulationTraining, epoch: int) -> float:
    """Learning rate of an epoch, the first of which is 1."""
    falling = settings.decay * settings.epochs
    left = settings.epochs - epoch + 1
    return settings.learning_rate * (left / falling if left < falling else 1.0)


def _epoch(
    job: SimulationJob, state: _State, train_tiles: TileSource, validation_tiles: TileSource
) -> EpochLosses:
    started = time.monotonic()
    epoch = len(state.history) + 1
    rng = job.rng(f"epoch-{epoch}")
    rate = learning_rate(job.settings, epoch)
    for optimiser in state.optimisers.values():
        for parameters in optimiser.param_groups:
            parameters["lr"] = rate
    losses = state.adversaries.train(train_tiles, state.optimisers, rng)
    validation = state.adversaries.validate(validation_tiles)
    l1, adversarial = losses.mean_l1(), losses.mean_adversarial()
    row = EpochLosses(
        epoch,
        (adversarial or 0.0) + job.settings.l1_weight * l1,
        l1,
        adversarial,
        losses.mean_discriminator(),
        validation,
        rate,
    )
    logger.info(
        "%s: epoch %d, absolute error %.4f, on validation %.4f, %.1f s",
        job.name,
        epoch,
        l1,
        validation,
        time.monotonic() - started,
    )
    return row


def _outcome(job: SimulationJob, state: _State) -> dict[str, Any]:
    """Tell what a model's card says of its training."""
    adversaries = state.adversaries
    return {
        "seed": job.seed,
        "epochs": len(state.history),
        "best_epoch": state.best_epoch,
        "validation_loss": state.best_loss,
        "parameters": sum(p.numel() for p in adversaries.generator.parameters()),
        "device": adversaries.device.type,
        "precision": str(adversaries.precision).removeprefix("torch."),
        "threads": torch.get_num_threads(),
        "processes": adversaries.group.size,
    }


def perform(job: SimulationJob) -> None:
    """Train in this process, which may be one of several."""
    with joined(choose_device(job.settings.device)) as group:
        train(job, group)


def run(job: SimulationJob) -> None:
    """Train in as many processes as the settings say; see `firn.training.job.run_together`.

    Raises
    ------
    FirnError
        As `train`, and where a process ended without saying why.
    """
    if job.settings.processes == 1:
        perform(job)
    else:
        run_together(job, __name__, job.settings.processes, job.model)


if __name__ == "__main__":
    take_part(Path(sys.argv[1]), lambda text: perform(SimulationJob.model_validate_json(text)))
