"""Passes of a network over patches: one epoch of training, and validation."""

import logging
import math
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Never, TypeVar

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel
from tqdm import tqdm

from firn.classes import CLASS_NAMES, IGNORE
from firn.compute import choose_device, choose_precision, to_device
from firn.confusion import confusion_matrix, kappa
from firn.errors import DataError, ModelError
from firn.methods.network import NetworkModel, normalise
from firn.training.data import PatchSource, TrainingData
from firn.training.group import Group, share_statistics
from firn.training.reemulation import EpochPatches, turned
from firn.training.run import Run

logger = logging.getLogger(__name__)
Result = TypeVar("Result")


class Passes:
    """A network on its device, and the loss that it is trained by.

    The loss is that of the method, over the sum of the weights of labelled pixels: for most, their
    cross-entropy, weighted by class (Barrou Dumont et al. 2024).

    Where a GPU's memory is too small for a batch, its halves follow each other and their gradients
    are added up: the loss and the step are those of the batch, but for batch normalisation, whose
    statistics are those of each half.

    Parameters
    ----------
    run : Run
    data : TrainingData
    model : NetworkModel
        Its network is moved to the device.
    group : Group
        The processes that share each batch.
    """

    def __init__(
        self, run: Run, data: TrainingData, model: NetworkModel, group: Group | None = None
    ) -> None:
        self.run, self.data, self.method = run, data, type(model)
        self.group = group or Group()
        # Patches that go through the network at once.
        self._part = -(-run.settings.batch_size // self.group.size)
        share_statistics(model.network, self.group)
        self.device = choose_device(run.settings.device)
        self.precision = choose_precision(run.settings.precision, self.device)
        # torch's type stubs know no memory_format here.
        self.network = model.network.to(self.device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.average = moving_average(self.network, run.settings.averaging)
        self.mean, self.std = model.mean.to(self.device), model.std.to(self.device)
        weights = self.method.class_weights(data.class_weights)
        self.weights = torch.tensor(weights, dtype=torch.float32, device=self.device)

    @property
    def kept(self) -> nn.Module:
        """The network that is validated and kept: the average of the trained one, if any."""
        return self.network if self.average is None else self.average.module

    def optimiser(self) -> torch.optim.Adam:
        """Adam for the trained network, which reads and writes the weights once per step."""
        rate = self.run.step.learning_rate
        return torch.optim.Adam(self.network.parameters(), lr=rate, fused=True)

    def train(self, optimiser: torch.optim.Optimizer, epoch: int) -> float:
        """Train one epoch on all patches in a random order.

        Returns
        -------
        float
            Mean loss.

        Raises
        ------
        ModelError
            The loss is not finite.
        """
        rng = self.run.generator(self.data, f"epoch-{epoch}")
        # What a network draws by itself, as dropout does, depends on the epoch alone too.
        own = self.run.generator(self.data, f"epoch-{epoch}", "network", str(self.group.rank))
        torch.manual_seed(int(own.integers(2**63)))
        order = rng.permutation(len(self.data.train)).tolist()
        self.network.train()
        # It stays on the device, so that the next batch is made while a GPU is at work on this one.
        loss = torch.zeros((), dtype=torch.float64, device=self.device)
        weight = 0.0
        with self._progress(order, epoch) as progress:
            for channels, labels in self._train_batches(order, epoch, rng):
                batch_weight = self.group.total(self._weight(labels))
                # A batch without a labelled pixel teaches nothing.
                if batch_weight.item() > 0:
                    optimiser.zero_grad(set_to_none=True)
                    loss += self._add_gradients(channels, labels, batch_weight)
                    optimiser.step()
                    if self.average is not None:
                        self.average.update_parameters(self.network)
                    weight += batch_weight.item()
                progress.update()
        mean = self._total(loss.item())
        return self._mean(mean, weight, f"training loss of epoch {epoch}")

    def _add_gradients(self, channels: Tensor, labels: Tensor, weight: Tensor) -> Tensor:
        """Gradients of a batch of all processes, and the loss of this one, not divided by weight.

        Parameters
        ----------
        channels, labels : Tensor
            This process's share of the batch.
        weight : Tensor
            Of the whole batch.
        """

        def add(channels: Tensor, labels: Tensor) -> Tensor:
            loss = self._loss(self._logits(self.network, channels), labels)
            (loss / weight).backward()  # type: ignore[no-untyped-call]
            return loss.detach().double()

        losses = self._in_parts(add, channels, labels)
        self.group.add_gradients(self.network.parameters())
        return torch.stack(losses).sum()

    def _in_parts(
        self, apply: Callable[[Tensor, Tensor], Result], channels: Tensor, labels: Tensor
    ) -> list[Result]:
        """Apply a function to as many patches at once as the memory of the device holds."""
        while True:
            images, marks = (torch.split(whole, self._part) for whole in (channels, labels))
            try:
                return [apply(*part) for part in zip(images, marks, strict=True)]
            except torch.cuda.OutOfMemoryError as error:
                problem = str(error)
            # Outside of the handler, which keeps alive what the failed attempt has computed.
            self._halve(problem)

    def _halve(self, problem: str) -> None:
        """Let half as many patches through the network at once, from the start of the batch."""
        where = f"{self.run.experiment(self.data)} {self.run.name}"
        logger.info("%s: %s", where, problem)
        if self._part == 1 or self.group.size > 1:
            raise ModelError(
                f"{where}: the memory of the GPU is too small for {self._part} patch(es) and the "
                "network; lower training.batch_size, patches.size or network.widths, or take a "
                "larger GPU"
            )
        self._part = -(-self._part // 2)
        self.network.zero_grad(set_to_none=True)
        logger.warning(
            "%s: the memory of the GPU is too small for a batch of %d patches; %d at once from now "
            "on, their gradients are added up (batch normalisation sees %d)",
            where,
            self.run.settings.batch_size,
            self._part,
            self._part,
        )

    def _train_batches(
        self, order: Sequence[int], epoch: int, rng: np.random.Generator
    ) -> Iterator[tuple[Tensor, Tensor]]:
        """Share of each batch of an epoch, stored or emulated anew, turned where that is asked for.

        Random numbers are drawn for the whole batch, so that a patch is the same in any process.
        The batches are on the device, or on their way.
        """
        settings = self.run.settings
        renewed = self._renewed(epoch, rng) if settings.emulation == "every-epoch" else None
        for start in range(0, len(order), settings.batch_size):
            batch = order[start : start + settings.batch_size]
            own = range(len(batch))[self.group.share]
            # Without a patch of its own, a process still takes part: with none of a batch of one.
            taken = own or range(1)
            if renewed is not None:
                channels, labels = renewed.batch(batch, taken)
            else:
                stored = self.data.train.batch([batch[i] for i in taken])
                channels, labels = (to_device(values, self.device) for values in stored)
                if settings.augment:
                    codes = rng.integers(8, size=len(batch))[taken].tolist()
                    channels, labels = turned(channels, codes), turned(labels, codes)
            yield channels[: len(own)], labels[: len(own)]

    def _renewed(self, epoch: int, rng: np.random.Generator) -> EpochPatches:
        """Patches of an epoch, emulated anew; they depend on the epoch and the run's seed alone."""
        samples = self.data.sentinel2
        if samples is None:
            raise DataError(
                f"{self.data.name}: was opened without what its patches are emulated from; open it "
                "with an emulation, or write training.emulation: stored"
            )
        names = self.run.experiment(self.data), self.run.name, f"epoch-{epoch}"
        noise = self.run.generator(self.data, names[-1], "noise")
        drawn = samples.acquisitions(self.run.seed, *names)
        turns = rng.integers(8, size=len(samples)) if self.run.settings.augment else None
        return EpochPatches(samples, drawn, noise, self.device, turns)

    def validate(self, source: PatchSource) -> tuple[float, float | None]:
        """Mean loss and kappa over patches; kappa is None where it is not defined.

        Raises
        ------
        ModelError
            The loss is not finite.
        DataError
            No pixel is labelled.
        """
        network = self.kept.eval()
        loss = weight = 0.0
        matrix = np.zeros((len(CLASS_NAMES), len(CLASS_NAMES)), np.int64)

        def judge(channels: Tensor, labels: Tensor) -> tuple[float, Tensor]:
            logits = self._logits(network, channels)
            return self._loss(logits, labels).item(), logits.argmax(dim=1).cpu()

        with torch.no_grad():
            own = range(len(source))[self.group.share]
            for channels, labels in batches(source, own, self._part):
                parts = self._in_parts(judge, channels, labels)
                loss += sum(part for part, _ in parts)
                weight += self._weight(labels).item()
                predicted = torch.cat([classes for _, classes in parts]).numpy()
                matrix += confusion_matrix(self._judged(labels).numpy(), predicted)
        counts = torch.from_numpy(matrix).to(self.device)
        agreement = float(kappa(self.group.total(counts).cpu().numpy()))
        return (
            self._mean(self._total(loss), self._total(weight), "validation loss"),
            agreement if math.isfinite(agreement) else None,
        )

    def sample_logits(
        self, source: PatchSource, count: int
    ) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.uint8]]:
        """Logits and labels of about ``count`` labelled pixels, evenly spread over the patches.

        Parameters
        ----------
        source : PatchSource
        count : int
            All pixels are taken where a patch has no more than its share of them.

        Returns
        -------
        logits : ndarray, (pixel, class)
        labels : ndarray of uint8, (pixel,)
        """
        network = self.kept.eval()
        share = -(-count // len(source))
        logits, classes = [], []
        with torch.no_grad():
            for channels, labels in batches(source, range(len(source)), 1):
                values = self._logits(network, channels)[0].flatten(1).T
                judged = self._judged(labels).flatten()
                known = (judged != IGNORE).nonzero().flatten()
                chosen = known[:: max(1, -(-len(known) // share))]
                logits.append(values[chosen.to(self.device)].double().cpu().numpy())
                classes.append(judged[chosen].numpy())
        return np.concatenate(logits), np.concatenate(classes)

    def _logits(self, network: nn.Module, channels: Tensor) -> Tensor:
        """Logits, (patch, class, y, x), float32."""
        values = normalise(channels.to(self.device), self.mean, self.std)
        values = values.contiguous(memory_format=torch.channels_last)
        reduced = self.precision != torch.float32
        with torch.autocast(self.device.type, dtype=self.precision, enabled=reduced):
            logits: Tensor = network(values)
        return logits.float()

    def _judged(self, labels: Tensor) -> Tensor:
        """Classes that the network is to tell, of the pixels that it judges."""
        lost = self.network.lost
        height, width = labels.shape[-2:]
        return self.method.taught(labels[:, lost : height - lost, lost : width - lost])

    def _loss(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Loss summed over labelled pixels."""
        judged = self._judged(labels).to(self.device).long()
        return self.method.loss(logits, judged, self.weights)

    def _weight(self, labels: Tensor) -> Tensor:
        """Sum of the weights of labelled pixels."""
        judged = self._judged(labels).to(self.device)
        counts = torch.stack([(judged == c).sum() for c in range(len(CLASS_NAMES))])
        return (counts * self.weights).sum()

    def _total(self, value: float) -> float:
        """Sum over the processes."""
        return self.group.total(torch.tensor(value, dtype=torch.float64, device=self.device)).item()

    def _mean(self, loss: float, weight: float, what: str) -> float:
        where = f"{self.run.experiment(self.data)}, {self.run.name}"
        if not math.isfinite(loss):
            raise ModelError(
                f"{where}: the {what} is {loss}; lower the learning rate of this training step "
                f"({self.run.step.learning_rate:g})"
            )
        if weight == 0:
            raise DataError(
                f"{where}: no pixel counts in the {what}, all are ignored; change the split or "
                "the label filter"
            )
        return loss / weight

    def _progress(self, order: Sequence[int], epoch: int) -> "tqdm[Never]":
        """Progress bar of an epoch, where someone looks on."""
        return tqdm(
            total=-(-len(order) // self.run.settings.batch_size),
            desc=f"{self.run.experiment(self.data)} {self.run.name} epoch {epoch}",
            leave=False,
            disable=not (self.group.is_first and sys.stderr.isatty()),
        )


class MovingAverage(AveragedModel):
    """Exponential moving average of a network's weights and running statistics.

    Over the first steps the decay is smaller, (1 + n) / (10 + n) after n steps, so that the weights
    before the training are soon forgotten (as TensorFlow's ExponentialMovingAverage does).

    Parameters
    ----------
    network : nn.Module
        What it starts as a copy of.
    decay : float
        Of a step.
    """

    def __init__(self, network: nn.Module, decay: float) -> None:
        super().__init__(network)
        self._decay = decay

    @torch.no_grad()
    def update_parameters(self, model: nn.Module) -> None:
        """Move towards the network; the first step takes it as it is.

        The number of steps is kept on the CPU: a GPU is not waited for.
        """
        steps = int(self.n_averaged)
        share = min((1 + steps) / (10 + steps), self._decay) if steps else 0.0
        states = zip(self.module.state_dict().values(), model.state_dict().values(), strict=True)
        averages, currents = [], []
        for average, current in states:
            if average.is_floating_point():
                averages.append(average)
                currents.append(current)
            else:
                # The number of batches.
                average.copy_(current)
        torch._foreach_lerp_(averages, currents, 1 - share)
        self.n_averaged += 1


def moving_average(network: nn.Module, decay: float) -> MovingAverage | None:
    """Average of a network that is about to be trained; None for decay 0."""
    return MovingAverage(network, decay) if decay else None


def batches(
    source: PatchSource, order: Sequence[int], size: int
) -> Iterator[tuple[Tensor, Tensor]]:
    """Batches of ``size`` patches in the given order; the last may be smaller."""
    for start in range(0, len(order), size):
        channels, labels = source.batch(order[start : start + size])
        yield torch.from_numpy(channels), torch.from_numpy(labels)
