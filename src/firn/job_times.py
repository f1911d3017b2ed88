"""How long jobs took and how much memory they used, from the benchmark files of Snakemake."""

import csv
import json
import os
from collections import defaultdict
from pathlib import Path

from firn.errors import DataError


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
        jobs[rule] += read_jobs(path)
    if not jobs:
        raise DataError(f"{root}: holds no benchmark (.tsv, .jsonl); run the workflow first")
    return dict(jobs)


def read_jobs(path: Path) -> list[tuple[float, float]]:
    """Read one benchmark file: seconds and megabytes of each run of its job.

    Raises
    ------
    DataError
        The file is missing or damaged.
    """
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
