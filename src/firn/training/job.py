"""A training as a job: files in, files out, by one process or by several that torchrun starts.

``torchrun --nproc-per-node 4 -m firn.training.job JOB`` is what `run` calls on one node;
``--nnodes`` and ``--rdzv-endpoint`` take it to several.
"""

import logging
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import torch
from pydantic import BaseModel, ConfigDict

from firn.compute import choose_device, take_huge_pages
from firn.config import EmulationSettings, NetworkSettings, TrainingSettings, TrainingStep
from firn.errors import FirnError, ModelError
from firn.files import scratch_folder, write_text
from firn.saturation import Saturations
from firn.sensors import Sensor
from firn.training.data import open_training_data
from firn.training.group import joined
from firn.training.loop import train
from firn.training.run import Run
from firn.training.sentinel2 import Emulation

logger = logging.getLogger(__name__)
#: Seconds after which processes notice that those who started them are gone.
WATCH = 1.0
#: Environment variable with the process that called torchrun.
LAUNCHER = "FIRN_TRAINING_LAUNCHER"


class Job(BaseModel):
    """Everything that a training needs.

    Parameters
    ----------
    method, name, seed, network, settings, step, start
        As in `firn.training.run.Run`.
    samples, statistics : path
    patches, pseudo : tuple of path
        As in `firn.training.data.open_training_data`.
    sensor : Sensor
    emulation : EmulationSettings
    kde : path, optional
        Gains to draw from, where each epoch emulates its patches anew.
    model, history : path
        Files to write.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    method: str
    name: str
    seed: int
    network: NetworkSettings
    settings: TrainingSettings
    step: TrainingStep
    start: Path | None = None
    samples: Path
    statistics: Path
    patches: tuple[Path, ...]
    pseudo: tuple[Path, ...]
    sensor: Sensor
    emulation: EmulationSettings
    kde: Path | None = None
    model: Path
    history: Path


def perform(job: Job) -> None:
    """Train in this process, which may be one of several; see `firn.training.loop.train`."""
    take_huge_pages()
    emulation = None
    if job.kde is not None:
        emulation = Emulation(job.sensor, Saturations.load(job.kde), job.emulation)
    shared = job.method, job.name, job.seed, job.network, job.settings, job.step
    run = Run(*shared, start=job.start)
    with joined(choose_device(job.settings.device)) as group:
        data = open_training_data(job.samples, job.statistics, job.patches, job.pseudo, emulation)
        train(run, data, job.model, job.history, group)


def run(job: Job) -> None:
    """Train in as many processes as ``settings.processes`` says.

    They share the threads of this one. What they log is logged here.

    Raises
    ------
    FirnError
        As `firn.training.loop.train`, and where a process ended without saying why.
    """
    count = job.settings.processes
    if count == 1:
        perform(job)
        return
    with scratch_folder() as folder:
        path = folder / "job.json"
        write_text(path, job.model_dump_json())
        launcher = (sys.executable, "-m", "torch.distributed.run", "--standalone")
        command = [*launcher, f"--nproc-per-node={count}", "-m", __name__, str(path)]
        threads = str(max(1, torch.get_num_threads() // count))
        environment = {"OMP_NUM_THREADS": threads, LAUNCHER: str(os.getpid())}
        with subprocess.Popen(
            command,
            env=os.environ | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as process:
            assert process.stdout is not None
            for line in process.stdout:
                logger.info("%s", line.rstrip())
        if process.returncode:
            reasons = sorted(folder.glob("error-*"))
            raise ModelError(
                reasons[0].read_text(encoding="utf-8")
                if reasons
                else f"{job.model}: a process of its training ended with an error, see its log; "
                "call again, and the training continues from its last epoch"
            )


def _end_with_launcher() -> None:
    """End this process when torchrun or what called it is killed, for then they cannot end it.

    A second training would else write the same files beside it.
    """
    torchrun, caller = os.getppid(), int(os.environ.get(LAUNCHER, os.getppid()))

    def watch() -> None:
        try:
            while os.getppid() == torchrun:
                os.kill(caller, 0)
                time.sleep(WATCH)
        finally:
            os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def main(path: Path) -> None:
    """Take part in a training, as a process that torchrun has started."""
    _end_with_launcher()
    first = os.environ["RANK"] == "0"
    logging.basicConfig(level=logging.INFO if first else logging.ERROR, format="%(message)s")
    try:
        perform(Job.model_validate_json(path.read_text(encoding="utf-8")))
    except FirnError as error:
        write_text(path.with_name(f"error-{os.environ['RANK']}"), str(error))
        sys.exit(1)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
