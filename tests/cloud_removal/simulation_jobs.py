"""Small trainings of the cloud removal; as a program, one that is killed after its first epoch."""

import os
import signal
import sys
from pathlib import Path
from typing import Any

from firn.cloud_removal import training
from firn.cloud_removal.normalisation import Normalisation
from firn.cloud_removal.tiles import read_tiles, tile_bands
from firn.cloud_removal.training import SimulationJob
from firn.cloud_removal_config import NormalisationSettings
from firn.files import write_json
from firn.training.loop import write_history
from tests.cloud_removal.tile_files import write_tile_file

ARCHITECTURES = {
    "fast": {"name": "fast", "width": 16, "blocks": 1, "reduction": 2, "detail": 8},
    "original": {"name": "original", "blocks": 1},
    "residual": {"name": "residual", "width": 8, "blocks": 1},
}
SETTINGS = {
    "epochs": 3,
    "batch_size": 2,
    "learning_rate": 0.001,
    "precision": "float32",
    "device": "cpu",
}


def write_world(folder: Path, train: int = 6) -> None:
    """Files of tiles, and their normalisation."""
    for index, (split, count) in enumerate((("train", train), ("validation", 2), ("test", 3))):
        write_tile_file(folder / f"{split}.nc", count, seed=index)
    tiles, bands = read_tiles(folder / "train.nc"), tile_bands(folder / "train.nc")
    normalisation = Normalisation.fit([tiles], bands, NormalisationSettings())
    write_json(folder / "normalisation.json", normalisation.as_dict())


def job(folder: Path, name: str = "fast", output: str = "model", **changes: Any) -> SimulationJob:
    """Training in a folder of `write_world`."""
    return SimulationJob(
        architecture=ARCHITECTURES[name],
        discriminator=(4, 4, 4, 4),
        settings=SETTINGS | changes,
        seed=3,
        train=folder / "train.nc",
        validation=folder / "validation.nc",
        normalisation=folder / "normalisation.json",
        model=folder / f"{output}.safetensors",
        history=folder / f"{output}.csv",
    )


def write_and_be_killed(*arguments: Any) -> None:
    """Write the history, which follows the resume file, and be killed as by a batch system."""
    write_history(*arguments)
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    training.write_history = write_and_be_killed
    training.perform(training.SimulationJob.model_validate_json(Path(sys.argv[1]).read_text()))
