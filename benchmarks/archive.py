"""An archive on a GPU: how much of its time is the network's, while all else goes on beside it."""

import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from benchmarks.classification import classify, scene_of
from benchmarks.cost import Row, row
from benchmarks.memory import model
from benchmarks.training import absent
from firn.config import InferenceSettings, NetworkSettings
from firn.methods.base import FloatArray, Model, Window

#: Scenes that stand for an archive, and how many of them a batch has in hand at a time.
SCENES, AT_ONCE = 16, 4


def network_time(scene: Path, dem: Path, network: Model, settings: InferenceSettings) -> float:
    """Seconds that a network is at work on a scene, alone, from channels to probabilities."""
    taken = 0.0
    predict = network.predict

    def timed(channels: FloatArray, window: Window | None = None) -> FloatArray:
        nonlocal taken
        begin = time.perf_counter()
        values = predict(channels, window)
        taken += time.perf_counter() - begin
        return values

    network.predict = timed  # type: ignore[method-assign]
    try:
        classify(scene, dem, network, settings, scene.with_name("alone"))
    finally:
        network.predict = predict  # type: ignore[method-assign]
    return taken


def rows(device: str, folder: Path, size: int, network: NetworkSettings | None = None) -> list[Row]:
    """Row ``archive-gpu``: of the time of an archive, 60 % at least are to be the network's own.

    Parameters
    ----------
    device : str
        ``cuda`` or ``cpu``.
    folder : path
        Where the scene is kept between runs.
    size : int
        Side of the scenes, pixels.
    network : NetworkSettings, optional
        That of the reference by default.
    """
    if absent("archive-gpu", device):
        return []
    scene, dem = scene_of(folder, size)
    settings = InferenceSettings(precision="auto", device=device)
    ready = model(network).prepared(settings.precision, settings.device)
    own = min(network_time(scene, dem, ready, settings) for _ in range(2)) * SCENES
    begin = time.perf_counter()
    with ThreadPoolExecutor(AT_ONCE) as threads:
        outputs = [folder / f"archive_{number}" for number in range(SCENES)]
        list(threads.map(partial(classify, scene, dem, ready, settings), outputs))
    return [row("archive-gpu", own, time.perf_counter() - begin, f"s, {SCENES} scenes")]
