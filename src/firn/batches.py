"""Scenes that one job classifies, and the table of what became of each."""

import csv
import os
import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import astuple, dataclass, fields
from itertools import groupby
from pathlib import Path
from typing import TypeVar

from firn.catalogue import SpotScene
from firn.errors import DataError
from firn.files import atomic_path

PathLike = str | os.PathLike[str]
T = TypeVar("T")

#: Node of the SPOT grid and time in the name of a scene,
#: ``SPOT4-HRVIR1-XS_20010614-110246-780_L1C_039-264-0_D_V1-0``.
_NODE = re.compile(r"_L1C_(\d{3}-\d{3})-\d")
_TIME = re.compile(r"_(\d{8}[-\d]*)_")


@dataclass(frozen=True)
class Outcome:
    """What became of a scene: ``mapped``, or ``failed`` with a reason and the path of a log."""

    scene_id: str
    state: str
    reason: str = ""
    log: str = ""


COLUMNS = tuple(field.name for field in fields(Outcome))
#: Columns of the tables of all batches.
_SUMMARY = ("target", "batch", *COLUMNS)
#: Failures that an error message names; the others stand in the table.
_NAMED = 5


def compose(scenes: Iterable[SpotScene], size: int) -> dict[str, tuple[SpotScene, ...]]:
    """Put scenes into batches: those of one place, in the order of their time.

    The place is the node of the SPOT grid (K-J) that the scene's name tells, else its tile. A
    batch has one place only, so that a scene more or less changes the batches of its place alone.

    Parameters
    ----------
    scenes : iterable of SpotScene
        Of one satellite.
    size : int
        Most scenes of a batch.

    Returns
    -------
    dict
        Batches by name, as ``039-264_2001``: the place and the year of the first scene; where two
        batches begin in one year, the second is ``039-264_2001-2``.

    Examples
    --------
    >>> name = "SPOT4-HRVIR1-XS_20010614-110246-780_L1C_039-264-0_D_V1-0"
    >>> list(compose([SpotScene(name, "spot4", "pyrenees", "a.zip", "classify", None)], 10))
    ['039-264_2001']
    """
    batches: dict[str, tuple[SpotScene, ...]] = {}
    begun: Counter[str] = Counter()
    for place, group in groupby(sorted(scenes, key=_order), key=lambda scene: _order(scene)[0]):
        members = tuple(group)
        for start in range(0, len(members), size):
            batch = members[start : start + size]
            name = f"{place}_{_order(batch[0])[1][:4] or 'undated'}"
            begun[name] += 1
            batches[name if begun[name] == 1 else f"{name}-{begun[name]}"] = batch
    return batches


def _order(scene: SpotScene) -> tuple[str, str, str]:
    """Place, time and identifier of a scene."""
    node, time = _NODE.search(scene.scene_id), _TIME.search(scene.scene_id)
    place = node[1] if node else scene.tile or "elsewhere"
    return place, time[1] if time else "", scene.scene_id


def write_outcomes(path: PathLike, outcomes: Iterable[Outcome]) -> None:
    """Write the table of a batch atomically."""
    _write(path, COLUMNS, map(astuple, outcomes))


def _write(path: PathLike, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    with atomic_path(path) as temporary, open(temporary, "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, delimiter="\t", lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(rows)


def read_outcomes(path: PathLike) -> list[Outcome]:
    """Read the table of a batch.

    Raises
    ------
    DataError
        The file is missing or not such a table.
    """
    return _read(path, lambda row: Outcome(**row))


def _read(path: PathLike, make: Callable[[dict[str, str]], T]) -> list[T]:
    """Make something of each row of a table."""
    try:
        with open(path, encoding="utf-8", newline="") as file:
            return [make(row) for row in csv.DictReader(file, delimiter="\t")]
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise DataError(
            f"{path}: is not a table of {', '.join(COLUMNS)} ({error}); delete it and call again"
        ) from error


def write_summary(path: PathLike, tables: Sequence[PathLike]) -> None:
    """Write the tables of all batches in one: target, batch and `Outcome` of each scene.

    Parameters
    ----------
    path : path
    tables : sequence of path
        Tables of the batches, ``{target}/{batch}.tsv``.

    Raises
    ------
    DataError
        A table is damaged.
    """
    _write(path, _SUMMARY, _rows(tables))


def _rows(tables: Sequence[PathLike]) -> list[tuple[str, ...]]:
    """Target, batch and outcome of each scene."""
    return [
        (Path(table).parent.name, Path(table).stem, *astuple(outcome))
        for table in tables
        for outcome in read_outcomes(table)
    ]


def check_all_mapped(tables: Sequence[PathLike], mapped: PathLike, failed: PathLike) -> None:
    """Write the table of all scenes if every one was mapped, else one of the failures.

    When the failures are listed, the tables that tell of them are removed. So the next call makes
    these again: a batch finds its finished maps in the store and tries the failed scenes only.

    Parameters
    ----------
    tables : sequence of path
        Tables of the batches, ``{target}/{batch}.tsv``.
    mapped, failed : path
        Tables as `write_summary` writes; ``failed`` is removed where no scene failed.

    Raises
    ------
    DataError
        A scene failed, or a table is damaged.
    """
    rows = _rows(tables)
    failures = [row for row in rows if row[_SUMMARY.index("state")] == "failed"]
    if not failures:
        Path(failed).unlink(missing_ok=True)
        _write(mapped, _SUMMARY, rows)
        return
    _write(failed, _SUMMARY, failures)
    batches = {row[:2] for row in failures}
    for table in map(Path, tables):
        if (table.parent.name, table.stem) in batches:
            table.unlink()
    names = [row[_SUMMARY.index("scene_id")] for row in failures]
    more = ", ..." if len(names) > _NAMED else ""
    raise DataError(
        f"{failed}: {len(names)} of {len(rows)} scenes failed, with reason and log in that table: "
        f"{', '.join(names[:_NAMED])}{more}; correct them, or add them to `exclude:`, and call "
        "again: only they are tried"
    )


def mapped_scenes(path: PathLike) -> list[tuple[str, str]]:
    """Target and identifier of each scene that was mapped, from what `write_summary` wrote.

    Raises
    ------
    DataError
        The file is missing or not such a table.
    """
    rows = _read(path, lambda row: (row["state"], row["target"], row["scene_id"]))
    return [(target, scene) for state, target, scene in rows if state == "mapped"]
