"""Training on patches that are emulated anew in each epoch, beside training on stored ones."""

import time
from dataclasses import dataclass
from statistics import median

import numpy as np
import numpy.typing as npt
import torch

from benchmarks.cost import Row, row
from firn.config import EmulationSettings, NetworkSettings, TrainingSettings
from firn.emulation.acquisition import SourceScene
from firn.emulation.patches import emulate
from firn.samples import StoredSamples
from firn.saturation import Saturations
from firn.sensors import load_sensor
from firn.stacks import STACK_BANDS
from firn.training.data import TrainingData
from firn.training.passes import Passes
from firn.training.run import Run
from firn.training.sentinel2 import Emulation, Sentinel2Samples

#: Every part of the emulation.
SETTINGS = EmulationSettings(
    spectral="response", gains="joint", blur=True, noise=True, misregistration=10, haze=0.03
)
PATCHES = 22


@dataclass(frozen=True)
class Case:
    """A network and the patches that it trains on."""

    name: str
    device: str
    network: NetworkSettings
    size: int


#: The network of the demonstration on a CPU, and that of a real run where there is a GPU.
DEMO = Case("cpu", "cpu", NetworkSettings(widths=(8, 16, 32, 64, 64), padding="same"), 96)
REAL = Case("gpu", "cuda", NetworkSettings(), 572)


def saturations() -> Saturations:
    """Random gains of 30 scenes of SPOT4."""
    rng = np.random.default_rng(0)
    return Saturations(
        sensor="spot4",
        area="bench",
        bands=load_sensor("spot4").band_names,
        scenes=tuple(f"S{i}" for i in range(30)),
        dates=("2000-06-01",) * 30,
        instruments=("HRVIR1", "HRVIR2") * 15,
        sun_elevation=rng.uniform(15, 65, 30),
        saturation=rng.uniform(0.3, 0.7, (30, 4)),
        minimum=rng.uniform(0.001, 0.02, (30, 4)),
        bandwidth=0.1,
    )


def noisy_ground(count: int, size: int) -> tuple[npt.NDArray[np.uint16], npt.NDArray[np.uint8]]:
    """Random patches, (patch, source band, y, x), and their labels."""
    rng = np.random.default_rng(1)
    toa = rng.integers(500, 9000, (count, 5, size, size)).astype(np.uint16)
    return toa, rng.integers(0, 3, (count, size, size)).astype(np.uint8)


def training_data(toa: npt.NDArray[np.uint16], labels: npt.NDArray[np.uint8]) -> TrainingData:
    """Patches and what the stored emulation makes of them, with random relief.

    All of them are trained on, and validated by.
    """
    rng = np.random.default_rng(2)
    count, size = len(toa), toa.shape[-1]
    sensor = load_sensor("spot4")
    samples = Sentinel2Samples(
        emulation=Emulation(sensor, saturations(), SETTINGS),
        scenes=[SourceScene("32TPT", "20180315", "sentinel2a", 40.0, STACK_BANDS)],
        scene=np.zeros(count, np.int64),
        toa=toa,
        hillshade=rng.integers(1, 255, (count, size, size)).astype(np.uint8),
        label=labels,
        dem=rng.integers(500, 3000, (count, size, size)).astype(np.int16),
        patch=np.arange(count),
        draw=np.zeros(count, np.int64),
    )
    taken = samples.acquisitions(1)
    images = [emulate(toa, one) for toa, one in zip(samples.toa, taken, strict=True)]
    stored = StoredSamples(
        dn=np.stack([dn for dn, _ in images]),
        valid=np.stack([valid for _, valid in images]).astype(np.uint8),
        saturation=np.stack([one.saturation for one in taken]),
        minimum=np.stack([one.minimum for one in taken]),
        patch=samples.patch,
        hillshade=samples.hillshade,
        label=samples.label,
        dem=samples.dem,
        bits=8,
    )
    return TrainingData(
        name="bench",
        sensor="spot4",
        bands=sensor.band_names,
        channels=(*sensor.band_names, "hillshade", "dem"),
        mean=(0.4, 0.4, 0.5, 0.4, 128, 1800),
        std=(0.2, 0.2, 0.2, 0.2, 70, 700),
        class_weights=(3.0, 3.0, 3.0),
        train=stored,
        validation=stored,
        sources=[],
        digest="bench",
        sentinel2=samples,
    )


def _epochs(case: Case, data: TrainingData, emulation: str, repeats: int) -> list[float]:
    """Seconds per step of some epochs, after one that does not count.

    On a CPU they are seconds of the processor, which other work on it does not lengthen.
    """
    clock = time.process_time if case.device == "cpu" else time.perf_counter
    settings = TrainingSettings.model_validate({"device": case.device, "emulation": emulation})
    run = Run("unet", f"bench/{emulation}", 1, case.network, settings, settings.preliminary)
    model = run.model(data)
    passes = Passes(run, data, model)
    optimiser = passes.optimiser()
    seconds = []
    for epoch in range(repeats + 1):
        started = clock()
        passes.train(optimiser, epoch)
        seconds.append((clock() - started) / -(-PATCHES // settings.batch_size))
    return seconds[1:]


def rows(repeats: int) -> list[Row]:
    """Rows ``step-emulated-*``: a step may take at most 1.15 times that on stored patches."""
    found = []
    for case in (DEMO, REAL):
        if case.device == "cuda" and not torch.cuda.is_available():
            continue
        data = training_data(*noisy_ground(PATCHES, case.size))
        anew = _epochs(case, data, "every-epoch", repeats)
        stored = _epochs(case, data, "stored", repeats)
        found.append(row(f"step-emulated-{case.name}", median(anew), median(stored), "s"))
    return found
