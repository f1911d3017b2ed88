"""Steps of a training: a generator, and the discriminator that it is to deceive."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from firn.cloud_removal.losses import absolute_error, adversarial_loss
from firn.cloud_removal.model import fresh_generator
from firn.cloud_removal.networks import ADVERSARIAL, SMALLEST_TILE, PatchDiscriminator
from firn.cloud_removal.normalisation import Normalisation
from firn.cloud_removal.tiles import POLARISATIONS, PathLike, read_tiles, tile_count
from firn.cloud_removal_training_config import SimulationTraining
from firn.compute import choose_device, choose_precision
from firn.errors import DataError, ModelError
from firn.training.group import Group, share_statistics


class Batch(NamedTuple):
    """Normalised inputs and target, (tile, channel, y, x), and valid pixels, (tile, y, x)."""

    inputs: Tensor
    target: Tensor
    valid: Tensor


@dataclass(frozen=True)
class TileSource:
    """A file of tiles that is read batch by batch.

    Parameters
    ----------
    path : path
    normalisation : Normalisation
    """

    path: PathLike
    normalisation: Normalisation

    def __len__(self) -> int:
        return tile_count(self.path)

    def batch(self, rows: Sequence[int]) -> Batch:
        """Read tiles. Pixels without data on one date, or under cloud at t1, are not valid.

        Raises
        ------
        DataError
            The file is missing or damaged, or its tiles are too small.
        """
        tiles = read_tiles(self.path, rows)
        if min(tiles.cloud_t1.shape[-2:]) < SMALLEST_TILE:
            raise DataError(
                f"{self.path}: its tiles are smaller than {SMALLEST_TILE} pixels, of which the "
                "discriminator has no verdict; make larger ones"
            )
        inputs, target, _ = self.normalisation.forward(tiles)
        seen = np.isfinite(target).all(axis=1) & np.isfinite(tiles.sentinel2_t0).all(axis=1)
        return Batch(
            torch.from_numpy(inputs),
            torch.from_numpy(np.nan_to_num(target, nan=0.0)),
            torch.from_numpy(seen & (tiles.cloud_t1 == 0)),
        )


@dataclass
class Losses:
    """Losses summed over an epoch, and what they are divided by."""

    l1: float = 0.0
    values: float = 0.0
    adversarial: float = 0.0
    discriminator: float = 0.0
    verdicts: float = 0.0

    def mean_l1(self) -> float:
        """Mean absolute error of the valid numbers."""
        return self.l1 / self.values

    def mean_adversarial(self) -> float | None:
        """Mean loss of the generator by the verdicts on it; None without a discriminator."""
        return self.adversarial / self.verdicts if self.verdicts else None

    def mean_discriminator(self) -> float | None:
        """Mean loss of the discriminator; None without one."""
        return self.discriminator / self.verdicts if self.verdicts else None


class Adversaries:
    """A generator and its discriminator on their device, and the steps that teach them.

    The discriminator learns first, then the generator from its verdicts and from the absolute
    error. What is not valid is blanked in the real and in the simulated image alike before they
    are judged.

    Parameters
    ----------
    architecture : dict
        Of the generator.
    widths : sequence of int
        Of the discriminator, which a generator without an adversary does not get.
    settings : SimulationTraining
    bands : int
    group : Group
        The processes that share each batch.
    """

    def __init__(
        self,
        architecture: dict[str, object],
        widths: Sequence[int],
        settings: SimulationTraining,
        bands: int,
        group: Group,
    ) -> None:
        self.settings, self.group = settings, group
        self.device = choose_device(settings.device)
        self.precision = choose_precision(settings.precision, self.device)
        self.generator = self._placed(fresh_generator(architecture, bands))
        self.discriminator: nn.Module | None = None
        if architecture["name"] in ADVERSARIAL:
            channels = 2 * len(POLARISATIONS) + 2 * bands
            self.discriminator = self._placed(PatchDiscriminator(channels, widths))

    def _placed(self, network: nn.Module) -> nn.Module:
        share_statistics(network, self.group)
        # torch's type stubs know no memory_format here.
        placed: nn.Module = network.to(self.device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        return placed

    def networks(self) -> dict[str, nn.Module]:
        """Networks that learn, by name."""
        networks = {"generator": self.generator}
        if self.discriminator is not None:
            networks["discriminator"] = self.discriminator
        return networks

    def optimisers(self) -> dict[str, torch.optim.Adam]:
        """Make an Adam for each network."""
        rate, betas = self.settings.learning_rate, (self.settings.beta1, 0.999)
        return {
            name: torch.optim.Adam(network.parameters(), lr=rate, betas=betas)
            for name, network in self.networks().items()
        }

    def train(
        self,
        source: TileSource,
        optimisers: dict[str, torch.optim.Adam],
        rng: np.random.Generator,
    ) -> Losses:
        """Train one epoch on all tiles in a random order.

        Random numbers are drawn alike in all processes, but for dropout, which each draws for its
        own tiles.

        Raises
        ------
        ModelError
            A loss is not finite.
        DataError
            No pixel is valid.
        """
        losses = Losses()
        order = rng.permutation(len(source)).tolist()
        dropout = int(rng.integers(2**62)) + self.group.rank
        for network in self.networks().values():
            network.train()
        gpu = [self.device] if self.device.type == "cuda" else []
        with torch.random.fork_rng(devices=gpu):
            torch.manual_seed(dropout)
            for batch in self._batches(source, order):
                real = float(rng.uniform(*self.settings.real_labels))
                fake = float(rng.uniform(*self.settings.fake_labels))
                self._step(batch, optimisers, real, fake, losses)
        return self._checked(losses, source, "training")

    def _step(
        self,
        batch: Batch,
        optimisers: dict[str, torch.optim.Adam],
        real: float,
        fake: float,
        losses: Losses,
    ) -> None:
        """Take a step of each network, and add up the losses of this process."""
        values = self.group.total(batch.valid.sum()).item() * batch.target.shape[1]
        # A batch without a valid pixel teaches nothing.
        if values == 0:
            return
        with self._autocast():
            simulated = self.generator(batch.inputs)
        simulated = simulated.float()
        adversarial = simulated.new_zeros(())
        if self.discriminator is not None:
            judged = self._discriminator_step(batch, simulated.detach(), real, fake, optimisers)
            losses.discriminator += judged.item()
            # Its weights take no part in the generator's step.
            self.discriminator.requires_grad_(False)
            logits = self._verdicts(simulated, batch)
            self.discriminator.requires_grad_(True)
            verdicts = self._count(logits)
            losses.verdicts += verdicts
            total = adversarial_loss(logits, 1.0, self.settings.adversarial)
            losses.adversarial += total.item()
            adversarial = total / verdicts
        error = absolute_error(simulated, batch.target, batch.valid)
        losses.l1 += error.item()
        losses.values += values
        loss = adversarial + self.settings.l1_weight * error / values
        self._descend(loss, optimisers["generator"], self.generator)

    def _discriminator_step(
        self,
        batch: Batch,
        simulated: Tensor,
        real: float,
        fake: float,
        optimisers: dict[str, torch.optim.Adam],
    ) -> Tensor:
        """Teach the discriminator; gives the loss of this process, summed over verdicts."""
        assert self.discriminator is not None
        kind = self.settings.adversarial
        of_real = self._verdicts(batch.target, batch)
        of_fake = self._verdicts(simulated, batch)
        loss = adversarial_loss(of_real, real, kind) + adversarial_loss(of_fake, fake, kind)
        mean = 0.5 * loss / self._count(of_real)
        self._descend(mean, optimisers["discriminator"], self.discriminator)
        return 0.5 * loss.detach()

    def _verdicts(self, image: Tensor, batch: Batch) -> Tensor:
        """Logits of the discriminator, float32."""
        assert self.discriminator is not None
        seen = image * batch.valid[:, None]
        with self._autocast():
            logits: Tensor = self.discriminator(seen, batch.inputs)
        return logits.float()

    def _descend(self, loss: Tensor, optimiser: torch.optim.Adam, network: nn.Module) -> None:
        optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        self.group.add_gradients(network.parameters())
        optimiser.step()

    def _count(self, logits: Tensor) -> float:
        """Verdicts of all processes."""
        return self.group.total(torch.tensor(logits.numel(), device=self.device)).item()

    def validate(self, source: TileSource) -> float:
        """Mean absolute error over tiles, of the normalised numbers.

        Raises
        ------
        ModelError
            It is not finite.
        DataError
            No pixel is valid.
        """
        losses = Losses()
        self.generator.eval()
        rows = range(len(source))[self.group.share]
        with torch.no_grad():
            for row in rows:
                batch = self._placed_batch(source.batch([row]))
                with self._autocast():
                    simulated = self.generator(batch.inputs)
                losses.l1 += absolute_error(simulated.float(), batch.target, batch.valid).item()
                losses.values += batch.valid.sum().item() * batch.target.shape[1]
        losses.values = self._total(losses.values)
        return self._checked(losses, source, "validation").mean_l1()

    def _batches(self, source: TileSource, order: Sequence[int]) -> Iterator[Batch]:
        """Share of each batch of an epoch."""
        for start in range(0, len(order), self.settings.batch_size):
            rows = order[start : start + self.settings.batch_size]
            own = rows[self.group.share]
            # Without a tile of its own, a process still takes part: with none of a batch of one.
            batch = self._placed_batch(source.batch(own or rows[:1]))
            yield batch if own else Batch(*(values[:0] for values in batch))

    def _placed_batch(self, batch: Batch) -> Batch:
        inputs, target, valid = (values.to(self.device) for values in batch)
        return Batch(inputs.contiguous(memory_format=torch.channels_last), target, valid)

    def _autocast(self) -> torch.autocast:
        reduced = self.precision != torch.float32
        return torch.autocast(self.device.type, dtype=self.precision, enabled=reduced)

    def _total(self, value: float) -> float:
        return self.group.total(torch.tensor(value, dtype=torch.float64, device=self.device)).item()

    def _checked(self, losses: Losses, source: TileSource, what: str) -> Losses:
        """Sum losses over the processes, and refuse those that are no number."""
        for name in ("l1", "adversarial", "discriminator"):
            total = self._total(getattr(losses, name))
            setattr(losses, name, total)
            if not math.isfinite(total):
                raise ModelError(
                    f"{source.path}: the {name} loss of the {what} is {total}; lower the learning "
                    f"rate ({self.settings.learning_rate:g})"
                )
        if losses.values == 0:
            raise DataError(
                f"{source.path}: no pixel has data on both dates without cloud, so that there is "
                f"nothing for the {what}; look at the report of the tiles"
            )
        return losses
