"""A real SLURM on one node, with munge and two GPUs that are none, for as long as a test needs it.

Only root can start one. Daemons listen on the loopback interface; state and logs go to a folder of
the caller's. slurm.conf must lie in /etc/slurm, for the job steps of Snakemake's plugin forget
SLURM_CONF; a configuration that is there already is never touched.
"""

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

PACKAGES = ("slurm-wlm", "munge")
ETC = Path("/etc/slurm")
#: Seconds until the node must be ready.
PATIENCE = 60

#: No cgroups, no accounting, two character devices as GPUs. There may be less memory and fewer CPUs
#: than it says (config_overrides). squeue knows finished jobs longer than a test lasts (MinJobAge).
CONF = """\
ClusterName=firn
SlurmctldHost={host}(127.0.0.1)
SlurmUser=root
SlurmctldPort=16817
SlurmdPort=16818
CommunicationParameters=NoInAddrAny,NoCtldInAddrAny
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
TaskProlog={folder}/task_prolog
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SchedulerParameters=bf_interval=1
ReturnToService=2
MinJobAge=3600
KillWait=5
SlurmdParameters=config_overrides
GresTypes=gpu
NodeName={host} NodeAddr=127.0.0.1 CPUs=4 RealMemory=128000 Gres=gpu:fake:2 State=UNKNOWN
PartitionName=all Nodes={host} Default=YES MaxTime=INFINITE State=UP
"""


class Unavailable(Exception):
    """SLURM cannot be started here; the message says why and what to do."""


def device_log(folder: Path) -> Path:
    """File with a line for each job that began: its number and its CUDA_VISIBLE_DEVICES."""
    return folder / "devices"


@contextmanager
def one_node_slurm(folder: Path) -> Iterator[None]:
    """Run SLURM with its state in ``folder``, and stop it at the end.

    Raises
    ------
    Unavailable
        The caller is not root, the packages cannot be installed, or this is a node of a cluster.
    """
    if os.geteuid() != 0:
        raise Unavailable("starting SLURM needs root; call as root, in a container for example")
    if any((ETC / name).exists() for name in ("slurm.conf", "gres.conf")):
        raise Unavailable(f"{ETC} has a configuration already; call where there is no SLURM")
    install()
    with ExitStack() as stack:
        munge(stack)
        configure(folder, stack)
        for daemon in (("slurmctld", "-c"), ("slurmd",)):
            subprocess.run(["/usr/sbin/" + daemon[0], *daemon[1:]], check=True)
            stack.callback(stop, folder / f"{daemon[0]}.pid", daemon[0])
        stack.callback(cancel_all)
        wait_for_node(folder)
        yield


def install() -> None:
    """Install the Debian packages that are missing."""
    if all(shutil.which(name) for name in ("slurmctld", "slurmd", "munged")):
        return
    if shutil.which("apt-get") is None:
        raise Unavailable(f"there is no apt-get; install SLURM and munge ({' '.join(PACKAGES)})")
    for step in (("update",), ("install", "--yes", "--no-install-recommends", *PACKAGES)):
        done = subprocess.run(["apt-get", *step], capture_output=True, text=True, check=False)
        if done.returncode:
            raise Unavailable(f"apt-get {' '.join(step)} failed:\n{done.stderr[-2000:]}")


def munge(stack: ExitStack) -> None:
    """Start munge, which authenticates every message of SLURM, unless it runs."""
    if not subprocess.run("munge -n | unmunge", shell=True, capture_output=True).returncode:
        return
    for path in (Path("/run/munge"), Path("/var/log/munge"), Path("/var/lib/munge")):
        path.mkdir(exist_ok=True)
        shutil.chown(path, "munge", "munge")
        path.chmod(0o755 if path.parent.name == "run" else 0o700)
    key = Path("/etc/munge/munge.key")
    if not key.exists():
        key.touch(mode=0o400)
        key.write_bytes(os.urandom(1024))
        shutil.chown(key, "munge", "munge")
    subprocess.run(["/usr/sbin/munged"], user="munge", group="munge", extra_groups=[], check=True)
    stack.callback(stop, Path("/run/munge/munged.pid"), "munged")


def configure(folder: Path, stack: ExitStack) -> None:
    """Write the configuration and make the devices; the former is removed at the end."""
    for name in ("state", "spool"):
        (folder / name).mkdir(parents=True)
    prolog = folder / "task_prolog"
    line = f'"$SLURM_JOB_ID ${{CUDA_VISIBLE_DEVICES:-none}}" >> {device_log(folder)}'
    prolog.write_text(f"#!/bin/sh\necho {line}\n")
    prolog.chmod(0o755)
    host = socket.gethostname().split(".")[0]
    # Devices without a file count as none, and plain files are not told to the jobs.
    devices = [folder / f"gpu{number}" for number in range(2)]
    for device in devices:
        os.mknod(device, 0o666 | 0o020000, os.makedev(1, 3))
    gres = "".join(f"NodeName={host} Name=gpu Type=fake File={device}\n" for device in devices)
    ETC.mkdir(exist_ok=True)
    for name, text in (
        ("slurm.conf", CONF.format(host=host, folder=folder)),
        ("gres.conf", gres),
    ):
        (ETC / name).write_text(text)
        stack.callback((ETC / name).unlink)


def wait_for_node(folder: Path) -> None:
    """Wait until the node takes jobs."""
    state = ""
    for _ in range(PATIENCE):
        done = subprocess.run(["sinfo", "-h", "-o", "%T"], capture_output=True, text=True)
        state = done.stdout.strip()
        if state == "idle":
            return
        time.sleep(1)
    logs = "".join((folder / f"{name}.log").read_text()[-2000:] for name in ("slurmctld", "slurmd"))
    raise Unavailable(f"the node is {state or 'not known'} after {PATIENCE} s:\n{logs}")


def cancel_all() -> None:
    """Cancel what is left in the queue: steps would outlive their daemon."""
    subprocess.run(["scancel", "--user", "root"], check=False)
    for _ in range(PATIENCE):
        states = "pending,running,completing,configuring"
        done = subprocess.run(["squeue", "-h", "-t", states], capture_output=True, text=True)
        if not done.stdout:
            return
        time.sleep(1)


def stop(pid_file: Path, name: str) -> None:
    """Stop a daemon by its own number, if that is still its own."""
    try:
        pid = int(pid_file.read_text())
        if Path(f"/proc/{pid}/comm").read_text().strip() != name:
            return
        os.kill(pid, signal.SIGTERM)
        for _ in range(10 * PATIENCE):
            os.kill(pid, 0)
            time.sleep(0.1)
        os.kill(pid, signal.SIGKILL)
    except (FileNotFoundError, ProcessLookupError):
        return
