"""Figure of the run time of each stage, from Snakemake's benchmark files."""

import csv
import json
import os
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from matplotlib.figure import Figure

from firn.errors import DataError
from firn.plots.style import PALETTE, new_figure, panel_letters, styled


def read_benchmarks(root: str | os.PathLike[str]) -> dict[str, list[tuple[float, float]]]:
    """Read the benchmark files (``.tsv`` or ``.jsonl``) below a folder.

    The rule is the first part of a file's path in the folder: ``train/unet-spot2.tsv`` and
    ``train.tsv`` are of the rule train.

    Returns
    -------
    dict of rule to list of (seconds, megabytes)
        Wall time and peak resident memory of each job; the memory is NaN for a job too short to be
        measured.

    Raises
    ------
    DataError
        There is no benchmark, or one is damaged.
    """
    folder = Path(root)
    jobs: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for path in sorted((*folder.rglob("*.tsv"), *folder.rglob("*.jsonl"))):
        rule = path.relative_to(folder).parts[0].split(".")[0]
        jobs[rule] += _read(path)
    if not jobs:
        raise DataError(f"{root}: holds no benchmark (.tsv, .jsonl); run the workflow first")
    return dict(jobs)


def _read(path: Path) -> Iterable[tuple[float, float]]:
    try:
        text = path.read_text(encoding="utf-8")
        if path.suffix == ".jsonl":
            rows = [json.loads(line) for line in text.splitlines() if line]
        else:
            rows = list(csv.DictReader(text.splitlines(), delimiter="\t"))
        return [(float(row["s"]), _memory(row["max_rss"])) for row in rows]
    except (OSError, KeyError, ValueError, TypeError) as error:
        raise DataError(f"{path}: is not a benchmark of Snakemake ({error}); delete it") from error


def _memory(value: object) -> float:
    try:
        return float(str(value))
    except ValueError:
        return float("nan")


@styled
def runtime_figure(jobs: dict[str, list[tuple[float, float]]]) -> Figure:
    """Draw wall time per rule (summed over its jobs) and the largest memory of a job.

    Parameters
    ----------
    jobs : dict of rule to list of (seconds, megabytes)
    """
    rules = sorted(jobs, key=lambda rule: sum(seconds for seconds, _ in jobs[rule]))
    figure = new_figure(17, 0.5 * len(rules) + 3)
    time, memory = figure.subplots(1, 2, sharey=True, width_ratios=(3, 2))
    totals = [sum(seconds for seconds, _ in jobs[rule]) for rule in rules]
    peaks = [max((mb for _, mb in jobs[rule] if mb == mb), default=0.0) for rule in rules]
    bars = time.barh(rules, totals, color=PALETTE[0])
    time.bar_label(
        bars,
        [
            f" {_duration(total)} ({len(jobs[rule])})"
            for total, rule in zip(totals, rules, strict=True)
        ],
        fontsize=6.5,
    )
    time.set_xlabel("Wall time, sum over jobs (s); number of jobs in brackets")
    time.margins(x=0.25)
    memory.barh(rules, peaks, color=PALETTE[4])
    memory.set_xlabel("Largest resident memory of a job (MB)")
    for axes in (time, memory):
        axes.tick_params(axis="y", length=0)
        axes.grid(axis="x")
        axes.set_axisbelow(True)
    panel_letters((time, memory))
    return figure


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes:02} min"
    return f"{minutes} min {rest:02} s" if minutes else f"{seconds:.1f} s"
