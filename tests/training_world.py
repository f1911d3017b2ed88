"""A small learnable world: patches of dark ground, smooth snow and chequered cloud."""

import json
import os
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch

from firn.config import IntensiveTraining, NetworkSettings, PreliminaryTraining, TrainingSettings
from firn.samples import Batch
from firn.seeds import generator
from firn.training.data import TrainingData
from firn.training.group import joined
from firn.training.loop import train
from firn.training.run import Run
from firn.training.state import EpochRecord

CHANNELS = ("XS1", "XS2", "XS3", "hillshade", "dem")
SIZE = 16


class World:
    """A `PatchSource` of patches with a class per half; pixel (0, 0) has no data."""

    def __init__(self, name: str, count: int, size: int = SIZE) -> None:
        rng = generator(1, "world", name)
        pairs = np.array([rng.permutation(3)[:2] for _ in range(count)])
        labels = pairs[:, (np.arange(size) >= size // 2).astype(int)][:, None]
        self.labels = np.tile(labels, (1, size, 1)).astype(np.uint8)
        chequers = (np.indices((size, size)).sum(axis=0) % 2)[None] * 0.2
        bright = np.select(
            [self.labels == 0, self.labels == 1], [0.1, 0.5], 0.4 + chequers
        ) + rng.normal(0, 0.02, self.labels.shape)
        relief = np.full_like(bright, 180), np.full_like(bright, 2000) + rng.normal(0, 100)
        self.channels = np.stack([bright, bright, bright, *relief], axis=1).astype(np.float32)
        self.channels[:, :, 0, 0] = np.nan
        self.labels[:, 0, 0] = 255

    def __len__(self) -> int:
        return len(self.labels)

    def batch(self, index: Sequence[int]) -> Batch:
        """Patches as they are kept."""
        chosen = list(index)
        return self.channels[chosen], self.labels[chosen]


def world(size: int = SIZE, train_patches: int = 24) -> TrainingData:
    """Training data of the small world."""
    return TrainingData(
        name="spot2",
        sensor="spot2",
        bands=CHANNELS[:3],
        channels=CHANNELS,
        mean=(0.3, 0.3, 0.3, 180, 2000),
        std=(0.2, 0.2, 0.2, 70, 500),
        class_weights=(3.0, 3.0, 3.0),
        train=World("train", train_patches, size),
        validation=World("validation", 6, size),
        sources=["world"],
        digest="world-1",
    )


SETTINGS = TrainingSettings(
    preliminary=PreliminaryTraining(learning_rate=0.01, patience=20, max_epochs=12, seeds=(1, 2)),
    intensive=IntensiveTraining(learning_rate=0.001, patience=3, max_epochs=4),
    batch_size=4,
    averaging=0.5,
    augment=False,
    emulation="stored",
    precision="float32",
    device="cpu",
)
NETWORK = NetworkSettings(widths=(4, 8), padding="same")


def preliminary(method: str = "unet", seed: int = 1, **changes: object) -> Run:
    """A preliminary run of the small world."""
    settings = TrainingSettings.model_validate(SETTINGS.model_dump() | changes)
    return Run(
        method, f"preliminary/{seed}", 7, NETWORK, settings, settings.preliminary, start=None
    )


def killed_after(epoch: int) -> Callable[[EpochRecord], None]:
    """Kill this process, as a batch system does, once an epoch is on disk."""

    def watch(record: EpochRecord) -> None:
        if record.epoch == epoch:
            os.kill(os.getpid(), signal.SIGKILL)

    return watch


if __name__ == "__main__":
    # A process of its own, to be killed after an epoch, or one of several that torchrun starts.
    assert os.environ["OMP_NUM_THREADS"] == "1"
    output, patches, changes = Path(sys.argv[1]), int(sys.argv[2]), json.loads(sys.argv[3])
    watch = killed_after(int(sys.argv[4])) if sys.argv[4:] else None
    with joined(torch.device("cpu")) as group:
        run = preliminary(**changes)
        train(run, world(train_patches=patches), output, output.with_suffix(".csv"), group, watch)
