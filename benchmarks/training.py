"""Training: a step beside a plain one and the device's matrix rate, the wait for data, the whole.

On a CPU times are seconds of the processor, which other work on it does not lengthen; on a GPU they
are those of its own clock.
"""

import math
import multiprocessing
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from statistics import median
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.baselines.training import PlainTraining
from benchmarks.cost import Row, row
from benchmarks.emulation import toa
from benchmarks.memory import model
from benchmarks.products import SEED
from benchmarks.reemulation import training_data
from firn.compute import deterministic, take_huge_pages
from firn.config import NetworkSettings, TrainingSettings
from firn.samples import Batch
from firn.training.data import TrainingData
from firn.training.passes import Passes
from firn.training.run import Run

#: Patches of a step: on a CPU one is as good as many, for it is at work long enough.
BATCH = {"cpu": 1, "cuda": 11}
#: Sides of the square matrices of which the fastest product counts.
MATRICES = {"cpu": (1024, 2048), "cuda": (4096, 8192)}
#: The published protocol: patches, and epochs of ten preliminary trainings and an intensive one.
TRAINING_PATCHES, VALIDATION_PATCHES = 1679, 186
EPOCHS = 10 * 40 + 200
#: Network of the reference.
REFERENCE = NetworkSettings()
#: Hours that it may take.
PROTOCOL_HOURS = 2.0


@dataclass(frozen=True)
class Case:
    """What is trained: a network, on patches of a size, so many at once, on a device.

    ``precision`` is that of firn; the plain step has float32.
    """

    device: str
    size: int
    batch: int
    network: NetworkSettings = REFERENCE
    precision: str = "auto"

    def run(self, **changes: Any) -> Run:
        """Run of firn; with the steps of the plain loop unless something is changed."""
        settings = {"averaging": 0, "augment": False, "emulation": "stored"} | changes
        settings |= {"device": self.device, "batch_size": self.batch, "precision": self.precision}
        training = TrainingSettings.model_validate(settings)
        return Run("unet", "bench", SEED, self.network, training, training.intensive)

    def data(self, batches: int = 1) -> TrainingData:
        """Patches of snow on ground; the brighter, the higher the class."""
        images = toa(batches * self.batch, self.size)
        # Of the first band, ground has 1200 and snow 7500.
        labels = np.digitize(images[:, 0], (3000, 5500)).astype(np.uint8)
        return training_data(images, labels)


class Clock:
    """Clock of a device."""

    def __init__(self, device: str) -> None:
        self.device = device

    def mark(self) -> Any:
        """Mark the time when the device has done all that it was asked for so far."""
        if self.device == "cpu":
            return time.process_time()
        event: Any = torch.cuda.Event(enable_timing=True)  # type: ignore[no-untyped-call]
        event.record()
        return event

    def seconds(self, start: Any, end: Any) -> float:
        """Time from one mark to another."""
        if self.device == "cpu":
            return float(end - start)
        end.synchronize()
        return float(start.elapsed_time(end)) / 1000

    def time(self, function: Callable[..., Any], *arguments: Any) -> float:
        """Seconds that a function takes."""
        start = self.mark()
        function(*arguments)
        return self.seconds(start, self.mark())


class Ours:
    """Steps as firn takes them; an epoch is one batch."""

    def __init__(self, case: Case) -> None:
        take_huge_pages()
        run, self.data = case.run(), case.data()
        self.passes = Passes(run, self.data, run.model(self.data))
        self.optimiser = self.passes.optimiser()
        self._epochs = 0

    def step(self) -> float:
        """Take a step and give its loss."""
        self._epochs += 1
        with deterministic(self.passes.device):
            return self.passes.train(self.optimiser, self._epochs)

    def validate(self) -> float:
        """Give the validation loss."""
        return self.passes.validate(self.data.validation)[0]


class Plain:
    """Steps of the plain loop from the same weights and on the same patches, channels at hand."""

    def __init__(self, case: Case) -> None:
        run, data = case.run(), case.data()
        self.batch: Batch = data.train.batch(range(len(data.train)))
        self.loop = PlainTraining(
            run.model(data), list(data.class_weights), run.step.learning_rate, case.device
        )

    def step(self) -> float:
        """Take a step and give its loss."""
        return self.loop.step(self.batch)

    def validate(self) -> float:
        """Give the validation loss."""
        return self.loop.validate(self.batch)


class Process:
    """A process of its own in which a training takes its steps."""

    #: The training, in that process.
    training: Ours | Plain

    def __init__(self, kind: type[Ours] | type[Plain], case: Case) -> None:
        context = multiprocessing.get_context("spawn")
        self._pool = ProcessPoolExecutor(1, context, self._start, (kind, case))

    @classmethod
    def _start(cls, kind: type[Ours] | type[Plain], case: Case) -> None:
        cls.training = kind(case)

    @classmethod
    def _step(cls, device: str) -> float:
        return Clock(device).time(cls.training.step)

    @classmethod
    def _validate(cls) -> float:
        return cls.training.validate()

    def step(self, device: str) -> float:
        """Seconds of a step."""
        return self._pool.submit(self._step, device).result()

    def end(self) -> float:
        """End the process, and give the validation loss after all steps."""
        with self._pool:
            return self._pool.submit(self._validate).result()


def operations(case: Case) -> int:
    """Floating-point operations of the convolutions of a step, forward and backward."""
    network = model(case.network).network.to("meta").train()
    channels = next(network.parameters()).shape[1]
    batch = torch.empty(case.batch, channels, case.size, case.size, device="meta")
    with FlopCounterMode(display=False) as counter:
        network(batch).sum().backward()
    return int(counter.get_total_flops())


def matrix_rate(device: str, dtype: torch.dtype, repeats: int) -> float:
    """Fastest product of two matrices, operations per second (of one core on a CPU)."""
    clock, rates = Clock(device), []
    for side in MATRICES[device]:
        a, b = (torch.randn(side, side, device=device).to(dtype) for _ in range(2))
        torch.mm(a, b)
        rates += [2 * side**3 / clock.time(torch.mm, a, b) for _ in range(repeats)]
    return max(rates)


def rows(device: str, size: int, repeats: int, network: NetworkSettings = REFERENCE) -> list[Row]:
    """Rows ``train-cpu`` or ``train-gpu``: a step, its rate beside products of matrices, its loss.

    Asked is the plain step's time divided by 4 on a CPU with matrix units for bfloat16, by 1.3 on
    others, by 3 on a GPU; 60 % of the matrix rate on a CPU with such units, 40 % on a GPU; and the
    same validation loss within 1 % after all steps, here of the patches that are trained on.

    Parameters
    ----------
    device : str
        ``cpu`` or ``cuda``.
    size : int
        Side of a patch, pixels.
    repeats : int
        Steps of each, taking turns, of which the median counts; one before them does not.
    network : NetworkSettings, optional
        That of the reference by default.
    """
    name = "train-cpu" if device == "cpu" else "train-gpu"
    if absent(name, device):
        return []
    case = Case(device, size, BATCH[device], network)
    processes = Process(Ours, case), Process(Plain, case)
    turns = [[process.step(device) for process in processes] for _ in range(repeats + 1)]
    ours, plain = (median(seconds) for seconds in zip(*turns[1:], strict=True))
    losses = [process.end() for process in processes]
    found = [row(name, ours, plain, f"s, {case.batch} of {size} pixels")]
    rates = {
        f"step, bfloat16 products ({device})": (ours, torch.bfloat16),
        f"plain step, float32 products ({device})": (plain, torch.float32),
    }
    for what, (seconds, dtype) in rates.items():
        reached = operations(case) / seconds
        possible = matrix_rate(device, dtype, 10)
        found.append(row(f"{name}, {what}", reached / 1e9, possible / 1e9, "GFLOP/s"))
    return [*found, row(f"{name}, validation loss", losses[0], losses[1], "")]


def absent(name: str, device: str) -> bool:
    """Tell, also in words, whether there is no such device."""
    absent = device == "cuda" and not torch.cuda.is_available()
    if absent:
        print(f"{name}: skipped, for torch sees no GPU")
    return absent


class Watched(Passes):
    """Passes that keep the marks before and after each wait for a batch."""

    waits: list[tuple[Any, Any]]

    def _train_batches(
        self, order: Sequence[int], epoch: int, rng: np.random.Generator
    ) -> Iterator[tuple[Tensor, Tensor]]:
        clock, batches = Clock(self.device.type), super()._train_batches(order, epoch, rng)
        self.waits = []
        while True:
            start = clock.mark()
            batch = next(batches, None)
            self.waits.append((start, clock.mark()))
            if batch is None:
                return
            yield batch


def waiting(case: Case, batches: int, repeats: int) -> tuple[float, float]:
    """Seconds that epochs with all that firn does wait for data, and that they take."""
    run, data = case.run(emulation="every-epoch", augment=True, averaging=0.99), case.data(batches)
    passes = Watched(run, data, run.model(data))
    optimiser, clock = passes.optimiser(), Clock(case.device)
    waited = taken = 0.0
    with deterministic(passes.device):
        passes.train(optimiser, 0)
        for epoch in range(1, repeats + 1):
            taken += clock.time(passes.train, optimiser, epoch)
            waited += sum(clock.seconds(*wait) for wait in passes.waits)
    return waited, taken


def loading_rows(size: int, repeats: int, network: NetworkSettings = REFERENCE) -> list[Row]:
    """Rows ``data-loading``: of an epoch, at most 5 % may be spent waiting for patches.

    They are emulated anew and turned. On a GPU, what it computes to that end counts as waiting.
    """
    found = []
    for device in BATCH:
        name = f"data-loading ({device})"
        if not absent(name, device):
            case = Case(device, size, BATCH[device], network)
            found.append(row(name, *waiting(case, 4, repeats), "s"))
    return found


def protocol_hours(step: float, validation: float) -> float:
    """Hours of the published protocol.

    Parameters
    ----------
    step, validation : float
        Seconds of a step on a batch, and of the validation of a patch.
    """
    steps = math.ceil(TRAINING_PATCHES / BATCH["cuda"])
    return EPOCHS * (steps * step + VALIDATION_PATCHES * validation) / 3600


def protocol(case: Case, batches: int) -> float:
    """Hours of the published protocol at the pace of a few batches."""
    run, data = case.run(emulation="every-epoch", augment=True, averaging=0.99), case.data(batches)
    passes = Passes(run, data, run.model(data))
    optimiser, clock = passes.optimiser(), Clock(case.device)
    seconds = []
    with deterministic(passes.device):
        # The first of each does not count.
        for epoch in range(2):
            train = clock.time(passes.train, optimiser, epoch)
            validate = clock.time(passes.validate, data.validation)
            seconds.append((train / batches, validate / len(data.validation)))
    return protocol_hours(*seconds[-1])


def protocol_rows(size: int) -> list[Row]:
    """Row ``published-protocol``: ten preliminary trainings and an intensive one on a GPU, hours.

    Beside them stand those that are asked for on one H200. Reading and writing files, and the
    resume file after each epoch, are not in it.
    """
    if absent("published-protocol", "cuda"):
        return []
    hours = protocol(Case("cuda", size, BATCH["cuda"]), 8)
    return [row("published-protocol", hours, PROTOCOL_HOURS, "h")]
