"""Where a network computes, and in which precision."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

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

    ``auto`` is bfloat16 where matrix units make it faster: on a GPU that has it, and on a CPU with
    AMX or AVX512-BF16. Elsewhere it would only cost accuracy.
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
    torch.use_deterministic_algorithms(True, warn_only=device.type == "cuda")
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(before, warn_only=warn_only)
