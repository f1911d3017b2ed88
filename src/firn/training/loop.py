"""Training of networks, epoch by epoch, so that a killed one continues."""

import csv
import io
import logging
import os
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any

import torch

from firn.compute import deterministic
from firn.config import TrainingStep
from firn.errors import ModelError
from firn.files import write_text
from firn.methods import save_model
from firn.methods.network import load_network, network_tensors
from firn.provenance import provenance
from firn.training.calibration import CALIBRATION_PIXELS, fit_temperature
from firn.training.data import TrainingData
from firn.training.group import Group
from firn.training.passes import Passes
from firn.training.run import Run
from firn.training.state import EpochRecord, TrainingState, load_state, resume_path, save_state

logger = logging.getLogger(__name__)
PathLike = str | os.PathLike[str]


def train(
    run: Run,
    data: TrainingData,
    output: PathLike,
    history: PathLike,
    group: Group | None = None,
    watch: Callable[[EpochRecord], None] | None = None,
) -> None:
    """Train until the validation loss has not improved for ``patience`` epochs.

    The weights of the best epoch are kept; a run that starts from a model counts that model as
    epoch 0, so that it never ends worse than it began. Its probabilities are calibrated on the
    validation patches (`firn.training.calibration`). After each epoch its row is written to
    ``history`` and everything that the next one needs to ``{output}.resume.safetensors``: a killed
    training continues from there and, on a CPU with the same number of threads, ends with the same
    bytes. The number of threads is torch's (``OMP_NUM_THREADS``) and stands in the model's card.

    Several processes train as one would with the same batches, but for rounding; the first of them
    writes.

    Parameters
    ----------
    run : Run
    data : TrainingData
    output : path
        Model to write.
    history : path
        CSV of epoch, losses, kappa and learning rate; the time of an epoch is in the log only.
    group : Group, optional
        The processes that train together, each of which calls this function; this one by default.
    watch : callable, optional
        Told of each epoch; what it raises ends the training.

    Raises
    ------
    ModelError
        The method has no network, the loss is no longer finite, the device is missing, or patches
        do not fit the network.
    DataError
        No validation pixel is labelled.
    """
    model = run.model(data)
    passes = Passes(run, data, model, group)
    writes = passes.group.is_first
    optimiser = passes.optimiser()
    state = TrainingState(
        passes.network, passes.average, optimiser, network_tensors(passes.network)
    )
    resume, settings = resume_path(output), run.digest(data)
    with deterministic(passes.device):
        continues = load_state(resume, state, settings)
        _check_alike(passes, state, resume)
        if not continues and run.start is not None:
            state.best_loss, state.best_kappa = passes.validate(data.validation)
        while not finished(state, run.step):
            state.record(_epoch(passes, state), passes.kept)
            if writes:
                save_state(resume, state, settings)
                write_history(history, state.history)
            if watch is not None:
                watch(state.history[-1])
        if not writes:
            return
        load_network(passes.kept, state.best)
        temperature = fit_temperature(*passes.sample_logits(data.validation, CALIBRATION_PIXELS))
    write_history(history, state.history)
    card = replace(
        model.card,
        training=_outcome(passes, state),
        temperature=temperature,
        provenance=provenance(data.sources, {"run": settings}),
    )
    save_model(type(model).restore(card, state.best), output)
    resume.unlink(missing_ok=True)


def _check_alike(passes: Passes, state: TrainingState, resume: Path) -> None:
    """Refuse to train in processes that do not continue from the same epoch."""
    epoch = torch.tensor(state.epoch, device=passes.device)
    if int(passes.group.total(epoch)) != state.epoch * passes.group.size:
        raise ModelError(
            f"{resume}: is not the same file for all processes of the training; put the results on "
            "a disk that all nodes see"
        )


def finished(state: TrainingState, step: TrainingStep) -> bool:
    """Whether a training has reached its cap, or its patience is at an end."""
    if step.max_epochs is not None and state.epoch >= step.max_epochs:
        return True
    return state.epoch - state.best_epoch >= step.patience


def _epoch(passes: Passes, state: TrainingState) -> EpochRecord:
    started = time.monotonic()
    epoch = state.epoch + 1
    train_loss = passes.train(state.optimiser, epoch)
    validation_loss, validation_kappa = passes.validate(passes.data.validation)
    logger.info(
        "%s %s: epoch %d, loss %.4f, validation loss %.4f, validation kappa %s, %.1f s",
        passes.run.experiment(passes.data),
        passes.run.name,
        epoch,
        train_loss,
        validation_loss,
        "undefined" if validation_kappa is None else f"{validation_kappa:.3f}",
        time.monotonic() - started,
    )
    rate = passes.run.step.learning_rate
    return EpochRecord(epoch, train_loss, validation_loss, validation_kappa, rate)


def _outcome(passes: Passes, state: TrainingState) -> dict[str, object]:
    """Tell what a model's card says of its training."""
    return {
        "run": passes.run.name,
        "seed": passes.run.seed,
        "epochs": state.epoch,
        "best_epoch": state.best_epoch,
        "validation_loss": state.best_loss,
        "validation_kappa": state.best_kappa,
        "class_weights": list(passes.data.class_weights),
        "device": passes.device.type,
        "precision": str(passes.precision).removeprefix("torch."),
        "threads": torch.get_num_threads(),
        "processes": passes.group.size,
    }


def write_history(path: PathLike, rows: Iterable[Any], kind: type = EpochRecord) -> None:
    """Write ``history.csv``, a row for each instance of a dataclass, atomically."""
    text = io.StringIO()
    writer = csv.DictWriter(text, [f.name for f in fields(kind)], lineterminator="\n")
    writer.writeheader()
    writer.writerows(asdict(row) for row in rows)
    write_text(path, text.getvalue())
