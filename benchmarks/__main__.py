"""Measure, print the table and write it as JSON: ``python -m benchmarks [NAME ...]``."""

import argparse
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

from benchmarks import (
    archive,
    classification,
    dry_run,
    emulation,
    growth,
    memory,
    network,
    overhead,
    patch_cnn,
    reemulation,
    som,
    stacks,
    training,
)
from benchmarks.cost import Row
from firn.files import write_json

#: Makes rows in a folder, of products of a size, from some repetitions.
Benchmark = Callable[[Path, int, int], list[Row]]
#: Benchmarks, and the full size of what they measure.
BENCHMARKS: dict[str, tuple[Benchmark, int]] = {
    "stacks": (stacks.rows, 10980),
    "step-emulated": (lambda folder, size, repeats: reemulation.rows(repeats), 0),
    "emulate": (emulation.rows, 572),
    "train-cpu": (lambda folder, size, repeats: training.rows("cpu", size, repeats), 572),
    "train-gpu": (lambda folder, size, repeats: training.rows("cuda", size, repeats), 572),
    "data-loading": (lambda folder, size, repeats: training.loading_rows(size, repeats), 572),
    "published-protocol": (lambda folder, size, repeats: training.protocol_rows(size), 572),
    "network-cpu": (lambda folder, size, repeats: network.rows(size, repeats), 572),
    "classify": (classification.rows, 3000),
    "classify-recommended": (classification.recommended, 3000),
    "archive-gpu": (lambda folder, size, repeats: archive.rows("cuda", folder, size), 3000),
    "som": (som.rows, 1830),
    "patch-cnn": (lambda folder, size, repeats: patch_cnn.rows(size, repeats), 600),
    "memory-12k": (memory.rows, 12000),
    "dry-run": (dry_run.rows, dry_run.SCENES),
    "workflow-overhead": (lambda folder, size, repeats: overhead.rows("demo", folder, repeats), 0),
    "workflow-overhead-tiny": (
        lambda folder, size, repeats: overhead.rows("tiny", folder, repeats),
        0,
    ),
    "growth": (growth.rows, growth.SIDES[-1]),
}


def table(rows: Sequence[Row]) -> str:
    """Rows as aligned text."""
    lines = [f"{'':32}{'ours':>10}{'baseline':>10}{'ratio':>8}"]
    lines += [
        f"{r.name:32}{r.ours:>10.3g}{r.baseline:>10.3g}{r.ratio:>8.2f}  {r.units}" for r in rows
    ]
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run every benchmark, or those that are named."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", help=f"which of {', '.join(BENCHMARKS)}; all of them")
    parser.add_argument("--size", type=int, help="pixels a side, or scenes; as real")
    parser.add_argument("--repeats", type=int, default=3, help="measurements per figure")
    parser.add_argument("--output", type=Path, default=Path("results/bench.json"))
    options = parser.parse_args(arguments)
    if unknown := set(options.names) - set(BENCHMARKS):
        parser.error(f"there is no benchmark {', '.join(sorted(unknown))}")
    if options.repeats < 1 or (options.size is not None and (options.size < 6 or options.size % 6)):
        parser.error("--size must be a multiple of 6, --repeats at least 1")
    rows = []
    for name in options.names or BENCHMARKS:
        benchmark, full_size = BENCHMARKS[name]
        size = full_size if options.size is None else options.size
        rows += benchmark(options.output.with_suffix(""), size, options.repeats)
    print(table(rows))
    write_json(options.output, [asdict(row) for row in rows])


if __name__ == "__main__":
    main()
