"""Run a part of the workflow through a real SLURM: make slurm-test.

Everything up to the data set is made here; models and maps are made once here and once in jobs of
SLURM. There, Snakemake itself is killed while jobs run and wait, then the node is drained and taken
back, then a job is killed. Both runs must give the same files.
"""

import hashlib
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from threading import Thread
from typing import TypeVar

import yaml
from one_node import Unavailable, device_log, one_node_slurm

T = TypeVar("T")

ROOT = Path(__file__).parents[2]
METHOD = "baseline-pixel"
#: What the cluster is to make.
MADE = ("models", "maps")
#: Exit status where SLURM cannot be started.
UNAVAILABLE = 77
#: This SLURM has no accounting. Threads as in the local profile, so that sums are rounded alike.
ON_SLURM = (
    *("--profile", "slurm", "--slurm-status-command", "squeue", "--slurm-no-account"),
    *("--slurm-init-seconds-before-status-checks", "2", "--seconds-between-status-checks", "2"),
    *("--retries", "0", "--latency-wait", "10", "--max-jobs-per-timespan", "500/5s"),
    *("--set-threads", "train_preliminary=1", "train_intensive=1"),
)

#: How a cluster that takes no --gpus is asked for one.
BY_GRES = ("--set-resources", "train_intensive:gpu=0", "train_intensive:gres=gpu:fake:1")


def write_config(folder: Path) -> Path:
    """Configuration of a small run in ``folder`` whose trainings ask for a GPU."""
    content = yaml.safe_load((ROOT / "tests/workflow/tiny.yaml").read_text())
    content |= {"results": str(folder), "methods": [METHOD], "emulated_sensors": []}
    content["training"]["preliminary"]["seeds"] = [1, 2, 3]
    content["training"]["device"] = "auto"
    folder.mkdir()
    path = folder / "config.yaml"
    path.write_text(yaml.safe_dump(content))
    return path


def call(config: Path, *options: str) -> list[str]:
    """Command that makes the maps."""
    snakemake = (sys.executable, "-m", "snakemake", "maps", "--nolock", "--configfile", str(config))
    return [*snakemake, *options]


def jobs(*options: str) -> dict[str, str]:
    """All that SLURM knows of each job, by its number."""
    told = subprocess.run(
        ["scontrol", "show", "job", "-o", *options], capture_output=True, text=True
    )
    return {
        m[1]: line for line in told.stdout.splitlines() if (m := re.match(r"JobId=(\d+)", line))
    }


def field(told: str, name: str) -> str:
    """What SLURM tells of a job under a name."""
    found = re.search(rf"\b{name}=(\S*)", told)
    assert found, (name, told)
    return found[1]


def trainings(call: str | None = None) -> dict[str, list[str]]:
    """Numbers of the short trainings by their state, of one call or of all."""
    states: dict[str, list[str]] = {}
    for number, told in jobs().items():
        if "rule_train_preliminary" in told and call in (None, field(told, "JobName")):
            states.setdefault(field(told, "JobState"), []).append(number)
    return states


def wait_until(process: subprocess.Popen[str], reached: Callable[[], T | None]) -> T:
    """Wait, while Snakemake runs, for something that comes true, and return it."""
    while process.poll() is None:
        if value := reached():
            return value
        time.sleep(0.5)
    raise SystemExit("Snakemake ended too early.")


def two_run_and_one_waits(call: str | None = None) -> dict[str, list[str]] | None:
    """Trainings by state, once there are as many as there are GPUs, and one more."""
    states = trainings(call)
    there = len(states.get("RUNNING", ())) == 2 and len(states.get("PENDING", ())) == 1
    return states if there else None


def kill_snakemake(config: Path) -> str:
    """Kill Snakemake while trainings run and one waits; the name of its jobs."""
    process = subprocess.Popen(call(config, *ON_SLURM), cwd=ROOT, text=True)
    states = wait_until(process, two_run_and_one_waits)
    # Stopped, they still run as far as SLURM knows, however long the next call takes to begin.
    subprocess.run(["scancel", "--signal=STOP", *states["RUNNING"]], check=True)
    process.kill()
    process.wait()
    (name,) = {field(told, "JobName") for told in jobs().values()}
    return name


def drain_and_kill_a_training(config: Path, before: str) -> str:
    """Drain the node half-way and take it back, then kill the last training; its number."""
    line = call(config, *ON_SLURM)
    process = subprocess.Popen(line, cwd=ROOT, text=True, stderr=subprocess.PIPE)
    told: list[str] = []

    def read() -> None:
        for text in process.stderr or ():
            sys.stderr.write(text)
            told.append(text)

    reader = Thread(target=read)
    reader.start()

    def own() -> str | None:
        return next((n for t in jobs().values() if (n := field(t, "JobName")) != before), None)

    name = wait_until(process, own)
    wait_until(process, lambda: two_run_and_one_waits(name))
    node = ("scontrol", "update", f"NodeName={socket.gethostname().split('.')[0]}")
    subprocess.run([*node, "State=DRAIN", "Reason=half-way"], check=True)
    wait_until(process, lambda: len(trainings(name).get("COMPLETED", ())) == 2)
    assert len(trainings(name).get("PENDING", ())) == 1, "a drained node takes no jobs"
    subprocess.run([*node, "State=RESUME"], check=True)
    (killed,) = wait_until(process, lambda: trainings(name).get("RUNNING"))
    subprocess.run(["scancel", killed], check=True)
    assert process.wait() != 0, "a killed job must fail the run"
    reader.join()
    check_cancelled(before, name, "".join(told))
    return killed


def check_cancelled(before: str, after: str, told: str) -> None:
    """All jobs of the call that was killed were gone before the next call submitted any."""
    left = {n: t for n, t in jobs().items() if field(t, "JobName") == before}
    assert {field(t, "JobState") for t in left.values()} == {"CANCELLED"}, left
    submitted = [field(t, "SubmitTime") for t in jobs().values() if field(t, "JobName") == after]
    assert max(field(t, "EndTime") for t in left.values()) <= min(submitted), jobs()
    assert f"left in the queue of SLURM: {', '.join(sorted(left, key=int))}\n" in told, told
    print(f"{len(left)} jobs of the killed Snakemake were cancelled before others were submitted.")


def check_devices(cluster: Path) -> None:
    """Trainings, and no other jobs, asked for a GPU and saw one."""
    seen = dict(line.split() for line in device_log(cluster).read_text().splitlines())
    asked = 0
    for number, told in jobs("-d").items():
        assert field(told, "Requeue") == "0", "Snakemake repeats a job, SLURM must not"
        # A job that was killed early had no time to see anything.
        if number not in seen:
            continue
        training = "rule_train_" in told
        asked += training
        assert ("JOB_GRES=gpu:fake:1" in told) == training, told
        assert (seen[number] in ("0", "1")) == training, (seen, told)
    assert asked >= 7, (
        "two trainings of the call that was killed, three, one again, and the long one"
    )
    print("devices seen by the jobs:", seen)


def digests(run: Path) -> dict[str, str]:
    """Digest of every file of the models and maps."""
    return {
        path.relative_to(run).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for folder in MADE
        for path in sorted((run / folder).rglob("*"))
        if path.is_file()
    }


def check(folder: Path, cluster: Path) -> None:
    """Make the maps here and on SLURM, and compare."""
    here, there = write_config(folder / "here"), write_config(folder / "there")
    subprocess.run(call(here, "--profile", "workflow/profiles/local"), cwd=ROOT, check=True)
    shutil.copytree(
        here.parent / "tiny", there.parent / "tiny", ignore=lambda _, names: {*MADE} & {*names}
    )
    before = kill_snakemake(there)
    killed = drain_and_kill_a_training(there, before)
    subprocess.run(call(there, *ON_SLURM, *BY_GRES), cwd=ROOT, check=True)
    dry_run = call(there, *ON_SLURM, "--dry-run")
    again = subprocess.run(dry_run, cwd=ROOT, capture_output=True, text=True, check=True)
    assert "Nothing to be done" in again.stdout + again.stderr, again
    assert "JobState=CANCELLED" in jobs()[killed]
    check_devices(cluster)
    one, other = digests(here.parent / "tiny"), digests(there.parent / "tiny")
    different = sorted(name for name in one | other if one.get(name) != other.get(name))
    assert not different, f"not the same as made here: {different}"
    print(f"{len(one)} files are the same, made here and on SLURM.")


def main() -> int:
    """Run the check in a temporary folder."""
    with tempfile.TemporaryDirectory(prefix="firn-slurm-") as name:
        cluster = Path(name) / "cluster"
        try:
            with one_node_slurm(cluster):
                check(Path(name), cluster)
        except Unavailable as reason:
            print(f"slurm-test: {reason}", file=sys.stderr)
            return UNAVAILABLE
    return 0


if __name__ == "__main__":
    sys.exit(main())
