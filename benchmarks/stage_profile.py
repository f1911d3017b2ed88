"""Where the time of a classification goes: ``python -m benchmarks.stage_profile``."""

import argparse
import time
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

import torch

from benchmarks.classification import classify, compact, scene_of
from firn.config import InferenceSettings
from firn.inference import image, scene
from firn.inference.surroundings import StoredSurroundings
from firn.methods.network import NetworkModel

#: Functions that are timed, and what they do. None of them calls another.
STAGES: dict[tuple[Any, str], str] = {
    (NetworkModel, "predict"): "network: normalisation, layers, classes",
    (image.SceneReader, "_seen"): "scene: decode, check units, reflectance",
    (StoredSurroundings, "__init__"): "relief: decode, warp, voids",
    (image.SceneReader, "_relief"): "hillshade",
    (image.SceneReader, "_shaded"): "cast shadow and slopes away from the sun",
    (image, "near_nodata"): "distance from missing data",
    (scene, "publish"): "COGs",
}


class Stopwatch:
    """Seconds of the processor, by stage."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    def watch(self, owner: Any, name: str, stage: str) -> None:
        """Time each call of a function of a class or module."""
        function: Callable[..., Any] = getattr(owner, name)
        # GDAL compresses in threads, while nothing else runs.
        clock = time.process_time if stage == "COGs" else time.thread_time

        @wraps(function)
        def timed(*arguments: Any, **options: Any) -> Any:
            begin = clock()
            try:
                return function(*arguments, **options)
            finally:
                self.seconds[stage] = self.seconds.get(stage, 0) + clock() - begin

        setattr(owner, name, timed)


def stages(folder: Path, size: int) -> dict[str, float]:
    """Seconds of the processor that the stages of a classification by `compact` take.

    torch has one thread, so that each stage but the last runs in one.
    """
    torch.set_num_threads(1)
    stopwatch = Stopwatch()
    for (owner, name), stage in STAGES.items():
        stopwatch.watch(owner, name, stage)
    settings = InferenceSettings(precision="auto")
    product, model = scene_of(folder, size), compact()
    begin = time.process_time()
    classify(*product, model, settings, folder / "ours")
    rest = time.process_time() - begin - sum(stopwatch.seconds.values())
    return stopwatch.seconds | {"all else": rest}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=3000, help="side of the scene, pixels")
    found = stages(Path("results/bench"), parser.parse_args().size)
    for stage in sorted(found, key=found.__getitem__, reverse=True):
        print(f"{stage:45}{found[stage]:6.2f} s")
    print(f"{'all':45}{sum(found.values()):6.2f} s")
