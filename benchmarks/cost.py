"""Time and memory of a function call, and the rows that compare two of them."""

import multiprocessing
import os
import platform
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from statistics import median
from typing import Any

#: Units of ``ru_maxrss`` in a GiB.
_RSS_PER_GIB = 2**30 if sys.platform == "darwin" else 2**20


@dataclass(frozen=True)
class Row:
    """One row of the table; ``ratio`` is ours / baseline.

    ``machine`` ends with the precision that ``auto`` takes on its processor.
    """

    name: str
    ours: float
    baseline: float
    ratio: float
    units: str
    machine: str


@dataclass(frozen=True)
class Cost:
    """What a call took: seconds, processor seconds of all its threads, peak memory in GiB."""

    wall: float
    processor: float
    memory: float


def measure(function: Callable[..., Any], *arguments: Any) -> Cost:
    """Cost of a call in a process of its own; its imports do not count, but for their memory."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        return pool.submit(_measured, function, arguments).result()


def _measured(function: Callable[..., Any], arguments: tuple[Any, ...]) -> Cost:
    wall, processor = time.perf_counter(), time.process_time()
    function(*arguments)
    wall, processor = time.perf_counter() - wall, time.process_time() - processor
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return Cost(wall, processor, peak / _RSS_PER_GIB)


def measure_command(command: Sequence[str], **options: Any) -> Cost:
    """Cost of a program and its children; ``options`` are those of `subprocess.Popen`.

    Raises
    ------
    CalledProcessError
        It failed.
    """
    wall = time.perf_counter()
    process = subprocess.Popen(command, **options)
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - wall
    # Popen is told, or else it would wait for the process again.
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    return Cost(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / _RSS_PER_GIB)


def compare(
    name: str, ours: Callable[[], Cost], baseline: Callable[[], Cost], repeats: int
) -> list[Row]:
    """Rows of time, processor time and memory: the medians of calls that take turns."""
    pairs = [(ours(), baseline()) for _ in range(repeats)]
    return [
        row(
            f"{name}{suffix}",
            median(getattr(mine, field) for mine, _ in pairs),
            median(getattr(plain, field) for _, plain in pairs),
            units,
        )
        for suffix, field, units in (
            ("", "wall", "s"),
            (", processor time", "processor", "s"),
            (", peak memory", "memory", "GiB"),
        )
    ]


def row(name: str, ours: float, baseline: float, units: str) -> Row:
    """Row of two figures measured on this machine."""
    # Not at the top, for its memory would count as that of every measured process.
    import torch

    from firn.compute import choose_precision

    precision = str(choose_precision("auto", torch.device("cpu"))).removeprefix("torch.")
    machine = f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, {precision}"
    return Row(name, round(ours, 3), round(baseline, 3), round(ours / baseline, 3), units, machine)
