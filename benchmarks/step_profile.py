"""Where a training step spends the processor's time: ``python -m benchmarks.step_profile``."""

import argparse
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode

from benchmarks.training import Case, Clock, Ours, matrix_rate, operations

#: Bytes per weight that Adam reads and writes: weight and two moments both ways, the gradient once.
ADAM_BYTES = 28


class Recorder(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Keeps the name of each operation of torch and the processor's time that it took."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.seconds: list[tuple[str, float]] = []

    def __torch_dispatch__(
        self,
        function: Any,
        types: Any,
        arguments: Sequence[Any] = (),
        named: Mapping[str, Any] | None = None,
    ) -> Any:
        """Run an operation."""
        started = time.process_time()
        outcome = function(*arguments, **(named or {}))
        name = function.name().removeprefix("aten::").split(".")[0]
        self.seconds.append((name, time.process_time() - started))
        return outcome


def profile(step: Callable[[], Any], repeats: int) -> Counter[str]:
    """Seconds of the operations of a step: of each the least of some steps, after a first one."""
    step()
    runs = []
    for _ in range(repeats):
        with Recorder() as recorder:
            step()
        runs.append(recorder.seconds)
    seconds: Counter[str] = Counter()
    for same in zip(*runs, strict=True):
        seconds[same[0][0]] += min(taken for _, taken in same)
    return seconds


def copy_rate() -> float:
    """Bytes per second that are read and written in copying an array larger than any cache."""
    source = torch.ones(2**26)
    target, clock = torch.empty_like(source), Clock("cpu")
    times = [clock.time(target.copy_, source) for _ in range(6)]
    return 2 * source.nbytes / min(times)


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the shares, and what the largest reach of what the machine can do."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.step_profile", description=__doc__)
    parser.add_argument("--size", type=int, default=284, help="pixels a side of the patch")
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args(arguments)
    case = Case("cpu", options.size, 1)
    training = Ours(case)
    seconds = profile(training.step, options.repeats)
    total = seconds.total()
    for name, taken in seconds.most_common(12):
        print(f"{name:40}{1000 * taken:8.1f} ms{taken / total:8.1%}")
    print(f"{'all':40}{1000 * total:8.1f} ms")
    convolutions = seconds["convolution"] + seconds["convolution_backward"]
    reached = operations(case) / convolutions / 1e9
    possible = matrix_rate("cpu", training.passes.precision, 10) / 1e9
    print(f"convolutions: {reached:.0f} of {possible:.0f} GFLOP/s ({training.passes.precision})")
    weights = sum(p.numel() for p in training.passes.network.parameters())
    moved, copied = ADAM_BYTES * weights / seconds["_fused_adam_"] / 1e9, copy_rate() / 1e9
    print(f"Adam: {moved:.1f} of {copied:.1f} GB/s")


if __name__ == "__main__":
    main()
