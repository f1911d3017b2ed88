"""Passes of a network over patches: one epoch of training, and validation."""

import math
import sys
from collections.abc import Iterator, Sequence
from typing import Never

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.optim.swa_utils import AveragedModel
from tqdm import tqdm

from firn.classes import CLASS_NAMES, IGNORE
from firn.compute import choose_device, choose_precision
from firn.confusion import confusion_matrix, kappa
from firn.errors import DataError, ModelError
from firn.methods.network import NetworkModel, normalise
from firn.training.data import PatchSource, TrainingData
from firn.training.reemulation import EpochPatches, turned
from firn.training.run import Run


class Passes:
    """A network on its device, and the loss that it is trained by.

    The loss is the cross-entropy of labelled pixels, weighted by class (Barrou Dumont et al. 2024),
    over the sum of their weights.

    Parameters
    ----------
    run : Run
    data : TrainingData
    model : NetworkModel
        Its network is moved to the device.
    """

    def __init__(self, run: Run, data: TrainingData, model: NetworkModel) -> None:
        self.run, self.data = run, data
        self.device = choose_device(run.settings.device)
        self.precision = choose_precision(run.settings.precision, self.device)
        # torch's type stubs know no memory_format here.
        self.network = model.network.to(self.device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.average = moving_average(self.network, run.settings.averaging)
        self.mean, self.std = model.mean.to(self.device), model.std.to(self.device)
        self.weights = torch.tensor(data.class_weights, dtype=torch.float32, device=self.device)

    @property
    def kept(self) -> nn.Module:
        """The network that is validated and kept: the average of the trained one, if any."""
        return self.network if self.average is None else self.average.module

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
        order = rng.permutation(len(self.data.train)).tolist()
        self.network.train()
        loss = weight = 0.0
        with self._progress(order, epoch) as progress:
            for channels, labels in self._train_batches(order, epoch, rng):
                logits = self._logits(self.network, channels)
                batch_loss, batch_weight = self._loss(logits, labels)
                # A batch without a labelled pixel teaches nothing.
                if batch_weight.item() > 0:
                    optimiser.zero_grad(set_to_none=True)
                    (batch_loss / batch_weight).backward()  # type: ignore[no-untyped-call]
                    optimiser.step()
                    if self.average is not None:
                        self.average.update_parameters(self.network)
                    loss += batch_loss.item()
                    weight += batch_weight.item()
                progress.update()
        return self._mean(loss, weight, f"training loss of epoch {epoch}")

    def _train_batches(
        self, order: Sequence[int], epoch: int, rng: np.random.Generator
    ) -> Iterator[tuple[Tensor, Tensor]]:
        """Batches of an epoch, stored or emulated anew, turned where that is asked for."""
        settings = self.run.settings
        if settings.emulation == "every-epoch":
            patches = self._renewed(epoch, rng)
            for start in range(0, len(order), settings.batch_size):
                yield patches.batch(order[start : start + settings.batch_size])
            return
        for channels, labels in batches(self.data.train, order, settings.batch_size):
            yield turn(rng, channels, labels) if settings.augment else (channels, labels)

    def _renewed(self, epoch: int, rng: np.random.Generator) -> EpochPatches:
        """Patches of an epoch, emulated anew; they depend on the epoch and the run's seed alone."""
        samples = self.data.sentinel2
        if samples is None:
            raise DataError(
                f"{self.data.name}: was opened without what its patches are emulated from; open it "
                "with an emulation, or write training.emulation: stored"
            )
        names = self.data.name, self.run.name, f"epoch-{epoch}"
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
        with torch.no_grad():
            for channels, labels in batches(
                source, range(len(source)), self.run.settings.batch_size
            ):
                logits = self._logits(network, channels)
                batch_loss, batch_weight = self._loss(logits, labels)
                loss += batch_loss.item()
                weight += batch_weight.item()
                predicted = logits.argmax(dim=1).cpu().numpy()
                matrix += confusion_matrix(self._judged(labels).numpy(), predicted)
        agreement = float(kappa(matrix))
        return (
            self._mean(loss, weight, "validation loss"),
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
        """Labels of the pixels that the network judges."""
        lost = self.network.lost
        height, width = labels.shape[-2:]
        return labels[:, lost : height - lost, lost : width - lost]

    def _loss(self, logits: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """Weighted cross-entropy summed over labelled pixels, and the sum of their weights."""
        judged = self._judged(labels).to(self.device).long()
        counts = torch.stack([(judged == c).sum() for c in range(len(CLASS_NAMES))])
        total = functional.cross_entropy(
            logits, judged, weight=self.weights, ignore_index=IGNORE, reduction="sum"
        )
        return total, (counts * self.weights).sum()

    def _mean(self, loss: float, weight: float, what: str) -> float:
        where = f"{self.data.name}, {self.run.name}"
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
            desc=f"{self.data.name} {self.run.name} epoch {epoch}",
            leave=False,
            disable=not sys.stderr.isatty(),
        )


def moving_average(network: nn.Module, decay: float) -> AveragedModel | None:
    """Exponential moving average of a network's weights and running statistics; None for decay 0.

    Over the first steps the decay is smaller, (1 + n) / (10 + n) after n steps, so that the weights
    before the training are soon forgotten (as TensorFlow's ExponentialMovingAverage does).
    """
    if decay == 0:
        return None

    def averaged(average: Tensor, current: Tensor, steps: Tensor | int) -> Tensor:
        share = torch.clamp((1 + torch.as_tensor(steps)) / (10 + torch.as_tensor(steps)), max=decay)
        return average * share + current * (1 - share)

    return AveragedModel(network, avg_fn=averaged, use_buffers=True)


def batches(
    source: PatchSource, order: Sequence[int], size: int
) -> Iterator[tuple[Tensor, Tensor]]:
    """Batches of ``size`` patches in the given order; the last may be smaller."""
    for start in range(0, len(order), size):
        channels, labels = source.batch(order[start : start + size])
        yield torch.from_numpy(channels), torch.from_numpy(labels)


def turn(rng: np.random.Generator, channels: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """Turn and mirror each patch at random; see `firn.training.reemulation.turned`.

    Parameters
    ----------
    rng : Generator
    channels : Tensor, (patch, channel, y, x)
    labels : Tensor, (patch, y, x)
    """
    codes = rng.integers(8, size=len(labels)).tolist()
    return turned(channels, codes), turned(labels, codes)
