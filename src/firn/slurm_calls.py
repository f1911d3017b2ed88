"""Jobs of SLURM that a killed call of the workflow left behind.

A call that is killed cannot cancel its jobs, and the next one makes the same files. Each call
therefore leaves a record in the folder of the run until all is done. The next call finds the
records of those that did not get so far, and cancels the jobs that they left before it submits its
own.
"""

import os
import socket
import subprocess
import time
from pathlib import Path

from firn.errors import DataError
from firn.files import read_json, write_json

PathLike = str | os.PathLike[str]

#: Seconds between two looks at the queue, and those after which jobs must have left it.
_PAUSE = 1
_PATIENCE = 600


def begin_call(folder: PathLike, name: str | None) -> list[str]:
    """Cancel jobs of calls that were killed, wait until they are gone, and record this call.

    Calls whose process lives are left alone: Snakemake sees to it that they make other files.

    Parameters
    ----------
    folder : path
        For the records.
    name : str, optional
        What SLURM calls the jobs of this call; none where they are not run by SLURM.

    Returns
    -------
    list of str
        Numbers of the jobs that were cancelled.

    Raises
    ------
    DataError
        SLURM does not answer or does not let a job go; or jobs are in the queue of a call on
        another machine, of which nobody here knows whether it lives.
    """
    cancelled = []
    for record in sorted(Path(folder).glob("*.json")):
        owner = read_json(record)
        here = owner["host"] == socket.gethostname()
        if here and owner["start"] == _start(owner["process"]):
            continue
        jobs = _queue(record)
        if jobs and not here:
            raise DataError(
                f"{record}: a call on {owner['host']} has {len(jobs)} jobs in the queue of SLURM; "
                f"if it does not run any more, scancel --name={record.stem}, and call again"
            )
        if jobs:
            _cancel(record)
            cancelled += jobs
        if here:
            record.unlink(missing_ok=True)
    if name:
        content = {"host": socket.gethostname(), "process": os.getpid(), "start": _start()}
        write_json(Path(folder) / f"{name}.json", content)
    return cancelled


def end_call(folder: PathLike, name: str | None) -> None:
    """Remove the record of a call, whose jobs are all at an end."""
    if name:
        (Path(folder) / f"{name}.json").unlink(missing_ok=True)


def _start(process: int | str = "self") -> str:
    """When a process of this machine began, in the system's count; empty where there is none.

    With it, another process that got the same number is told apart.
    """
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[19]
    except OSError:
        return ""


def _cancel(record: Path) -> None:
    """Cancel the jobs of a call, and wait until they are gone."""
    _ask("scancel", record)
    for _ in range(_PATIENCE // _PAUSE):
        if not _queue(record):
            return
        time.sleep(_PAUSE)
    raise DataError(
        f"{record}: the jobs of a killed call were cancelled, but are in the queue of SLURM after "
        f"{_PATIENCE} s; see squeue --name={record.stem}, and call again when they are gone"
    )


def _queue(record: Path) -> list[str]:
    """Numbers of the jobs of a call that wait, run or are about to end."""
    return _ask("squeue", record, "--noheader", "--format=%A", "--sort=i").split()


def _ask(program: str, record: Path, *options: str) -> str:
    """Ask SLURM about the jobs of a call."""
    line = [program, f"--name={record.stem}", *options]
    try:
        return subprocess.run(line, capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError) as error:
        reason = getattr(error, "stderr", "") or error
        raise DataError(
            f"{record}: a killed call may have left jobs, but SLURM cannot be asked "
            f"({' '.join(line)}: {str(reason).strip()}); call again where it can, or delete this "
            "file if no job is left"
        ) from error
