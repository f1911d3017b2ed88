"""Where a network computes, and in which precision."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy.typing as npt
import torch
from torch import Tensor

from firn.errors import ModelError


def choose_device(name: str) -> torch.device:
    """Device of a name: ``auto`` (a GPU if there is one), ``cpu`` or ``cuda``.

    Raises
    ------
    ModelError
        ``cuda`` is asked for and there is none.
    """
    if name == "cuda" and not torch.cuda.is_available():
        raise ModelError(
            "device is cuda, but torch sees no GPU; set it to auto or cpu, or run on a "
            "node with a GPU and a CUDA build of torch"
        )
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    return torch.device(name)


def choose_precision(name: str, device: torch.device) -> torch.dtype:
    """Precision of a name: ``float32``, ``bfloat16``, or ``auto``.

    ``auto`` is bfloat16 where instructions for it make it faster: on a GPU that has them, and on a
    CPU with AMX or AVX512-BF16. Elsewhere it would only cost accuracy.
    """
    if name == "auto":
        if device.type == "cuda":
            fast = torch.cuda.is_bf16_supported()
        else:
            fast = torch.cpu._is_amx_tile_supported() or torch.cpu._is_avx512_bf16_supported()
        name = "bfloat16" if fast else "float32"
    return torch.bfloat16 if name == "bfloat16" else torch.float32


@contextmanager
def deterministic(device: torch.device) -> Iterator[None]:
    """Make torch choose algorithms that give the same bytes each time.

    On a GPU an operation that has none warns and goes on; on a CPU every operation has one, for a
    given number of threads.
    """
    before = torch.are_deterministic_algorithms_enabled()
    warn_only = torch.is_deterministic_algorithms_warn_only_enabled()
    # torch's type stubs do not know this.
    memory: Any = torch.utils.deterministic
    fills = memory.fill_uninitialized_memory
    torch.use_deterministic_algorithms(True, warn_only=device.type == "cuda")
    # Or else torch writes NaN to all memory that it takes, which nothing here reads unwritten.
    memory.fill_uninitialized_memory = False
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(before, warn_only=warn_only)
        memory.fill_uninitialized_memory = fills


def take_huge_pages() -> None:
    """Let torch take memory in huge pages, where the operating system has them (Linux).

    A training step takes and gives back each of its arrays, and small pages cost as much as
    writing to them. It works only before torch has made its first tensor.
    """
    os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")


def to_device(values: npt.NDArray[Any], device: torch.device) -> Tensor:
    """Bring an array to a device; to a GPU without waiting until it is there."""
    tensor = torch.from_numpy(values)
    if device.type == "cuda":
        return tensor.pin_memory().to(device, non_blocking=True)
    return tensor
