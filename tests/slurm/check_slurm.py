"""Run a part of the workflow through a real SLURM: make slurm-test.

Everything up to the data set is made here; models and maps are made once here and once in jobs of
SLURM, one of which is killed. Both runs must give the same files.
"""

import hashlib
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import yaml
from one_node import Unavailable, device_log, one_node_slurm

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
    *("--retries", "0", "--latency-wait", "10"),
    *("--set-threads", "train_preliminary=1", "train_intensive=1"),
)

#: How a cluster that takes no --gpus is asked for one.
BY_GRES = ("--set-resources", "train_intensive:gpu=0", "train_intensive:gres=gpu:fake:1")


def write_config(folder: Path) -> Path:
    """Configuration of a small run in ``folder`` whose trainings ask for a GPU."""
    content = yaml.safe_load((ROOT / "tests/workflow/tiny.yaml").read_text())
    content |= {"results": str(folder), "methods": [METHOD], "emulated_sensors": []}
    content["training"]["preliminary"]["seeds"] = [1, 2]
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


def kill_a_training(process: subprocess.Popen[bytes]) -> str:
    """Cancel the first training that runs; its number."""
    while process.poll() is None:
        for number, told in jobs().items():
            if "rule_train_preliminary" in told and "JobState=RUNNING" in told:
                subprocess.run(["scancel", number], check=True)
                return number
        time.sleep(0.5)
    raise SystemExit("No training ran on SLURM.")


def check_devices(cluster: Path) -> None:
    """Trainings, and no other jobs, asked for a GPU and saw one."""
    seen = dict(line.split() for line in device_log(cluster).read_text().splitlines())
    trainings = 0
    for number, told in jobs("-d").items():
        training = "rule_train_" in told
        trainings += training
        assert ("JOB_GRES=gpu:fake:1" in told) == training, told
        # A job that was killed early had no time to see anything.
        assert number not in seen or (seen[number] in ("0", "1")) == training, (seen, told)
    assert trainings >= 4, "two preliminary trainings, one of them twice, and the intensive one"
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
    first = subprocess.Popen(call(there, *ON_SLURM), cwd=ROOT)
    killed = kill_a_training(first)
    assert first.wait() != 0, "a killed job must fail the run"
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
