"""The processes of one training: each takes its share of every batch, and all take the same step.

They are started by torch's own launcher (``torchrun``, `firn.training.job`). Sums over the
processes make the step that of the whole batch: the gradients, the weights of the loss, and the
statistics of batch normalisation.
"""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, distributed, nn

from firn.errors import ModelError


@dataclass(frozen=True)
class Group:
    """The processes of a training, seen by one of them; a training in one process by default.

    Parameters
    ----------
    rank : int
        Which of them this is.
    size : int
    """

    rank: int = 0
    size: int = 1

    @property
    def is_first(self) -> bool:
        """Whether this is the process that writes."""
        return self.rank == 0

    @property
    def share(self) -> slice:
        """What this process takes of a list; shares differ by one at most."""
        return slice(self.rank, None, self.size)

    def total(self, values: Tensor) -> Tensor:
        """Sum over the processes, the same in each; all have to call it."""
        if self.size > 1:
            values = values.clone()
            distributed.all_reduce(values)
        return values

    def add_gradients(self, parameters: Iterable[nn.Parameter]) -> None:
        """Replace gradients by their sums over the processes."""
        if self.size == 1:
            return
        gradients = [p.grad for p in parameters if p.grad is not None]
        sums = self.total(torch.cat([gradient.flatten() for gradient in gradients]))
        parts = torch.split(sums, [gradient.numel() for gradient in gradients])
        for gradient, part in zip(gradients, parts, strict=True):
            gradient.copy_(part.view_as(gradient))


@contextmanager
def joined(device: torch.device) -> Iterator[Group]:
    """Join the processes that ``torchrun`` started, if it did, and leave them at the end.

    Parameters
    ----------
    device : torch.device
        A GPU: each process on a node takes one of its own.

    Raises
    ------
    ModelError
        The node has fewer GPUs than processes.
    """
    if not distributed.is_torchelastic_launched():
        yield Group()
        return
    if device.type == "cuda":
        own, there = int(os.environ["LOCAL_RANK"]), torch.cuda.device_count()
        if own >= there:
            raise ModelError(
                f"training.processes is {os.environ['LOCAL_WORLD_SIZE']}, but torch sees "
                f"{there} GPU(s); lower it, or ask for a GPU for each process"
            )
        torch.cuda.set_device(own)
    distributed.init_process_group("nccl" if device.type == "cuda" else "gloo")
    try:
        yield Group(distributed.get_rank(), distributed.get_world_size())
    finally:
        distributed.destroy_process_group()


class _Total(torch.autograd.Function):
    """Sum over the processes; what depends on it in any of them is traced back to all."""

    @staticmethod
    def forward(ctx: Any, values: Tensor, group: Group) -> Tensor:
        ctx.group = group
        return group.total(values)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        return ctx.group.total(gradient), None


def _total(values: Tensor, group: Group) -> Tensor:
    total: Tensor = _Total.apply(values, group)  # type: ignore[no-untyped-call]
    return total


class GroupBatchNorm(nn.BatchNorm2d):
    """Batch normalisation by the statistics of the batch of all processes, on any device.

    A process may have no patch of the batch.
    """

    def __init__(self, like: nn.BatchNorm2d, group: Group) -> None:
        super().__init__(like.num_features, like.eps, like.momentum)
        self.load_state_dict(like.state_dict())
        self._group = group

    def forward(self, values: Tensor) -> Tensor:
        """Normalise values, (sample, channel, y, x)."""
        if not self.training:
            return super().forward(values)
        features = values.float()
        count = features.new_full((1,), features.numel() / self.num_features)
        sums = _total(torch.cat([features.sum(dim=(0, 2, 3)), count]), self._group)
        pixels = sums[-1].detach()
        mean = (sums[:-1] / pixels)[:, None, None]
        centred = features - mean
        squares = _total(centred.square().sum(dim=(0, 2, 3)), self._group)
        variance = squares / pixels
        self._remember(mean.detach().flatten(), variance.detach() * pixels / (pixels - 1))
        scale = self.weight * torch.rsqrt(variance + self.eps)
        normalised: Tensor = centred * scale[:, None, None] + self.bias[:, None, None]
        return normalised.to(values.dtype)

    @torch.no_grad()
    def _remember(self, mean: Tensor, variance: Tensor) -> None:
        """Follow the running statistics, of the unbiased variance, as `nn.BatchNorm2d` does."""
        assert self.running_mean is not None and self.running_var is not None
        assert self.num_batches_tracked is not None and self.momentum is not None
        self.running_mean.lerp_(mean, self.momentum)
        self.running_var.lerp_(variance, self.momentum)
        self.num_batches_tracked.add_(1)


def share_statistics(network: nn.Module, group: Group) -> None:
    """Let every batch normalisation of a network take the statistics of all processes."""
    if group.size == 1:
        return
    for name, child in network.named_children():
        if isinstance(child, nn.BatchNorm2d):
            setattr(network, name, GroupBatchNorm(child, group))
        else:
            share_statistics(child, group)
