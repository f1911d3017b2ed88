"""Measure, print the table and write it as JSON: ``python -m benchmarks``."""

import argparse
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from benchmarks import reemulation, stacks
from benchmarks.cost import Row
from firn.files import write_json

#: Sides of a Sentinel-2 tile at 10 m.
FULL_SIZE = 10980


def table(rows: Sequence[Row]) -> str:
    """Rows as aligned text."""
    lines = [f"{'':32}{'ours':>10}{'baseline':>10}{'ratio':>8}"]
    lines += [
        f"{r.name:32}{r.ours:>10.3g}{r.baseline:>10.3g}{r.ratio:>8.2f}  {r.units}" for r in rows
    ]
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run every benchmark."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--size", type=int, default=FULL_SIZE, help="side of a tile, pixels")
    parser.add_argument("--repeats", type=int, default=3, help="measurements per figure")
    parser.add_argument("--output", type=Path, default=Path("results/bench.json"))
    options = parser.parse_args(arguments)
    if options.size < 6 or options.size % 6 or options.repeats < 1:
        parser.error("--size must be a multiple of 6, --repeats at least 1")
    folder = options.output.with_suffix("")
    rows = stacks.rows(folder, options.size, options.repeats) + reemulation.rows(options.repeats)
    print(table(rows))
    write_json(options.output, [asdict(row) for row in rows])


if __name__ == "__main__":
    main()
