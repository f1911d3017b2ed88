"""Memory to classify a scene, beside that for a scene of a quarter of its side."""

from pathlib import Path

import torch

from benchmarks import scenes
from benchmarks.cost import Cost, Row, measure, row
from benchmarks.products import SEED
from firn.config import InferenceSettings, NetworkSettings
from firn.inference import Surroundings, classify_scene
from firn.methods.base import ModelCard
from firn.methods.unet import UNetModel
from firn.products.swh import open_swh

#: Side of the square that has data, pixels, at most: windows without data take no time, but are
#: read and written as all others are.
SEEN = 1000


def model(settings: NetworkSettings | None = None) -> UNetModel:
    """Make a U-Net with random weights, by default that of the reference."""
    bands = tuple(scenes.BANDS)
    torch.manual_seed(SEED)
    return UNetModel(
        ModelCard(
            method="unet",
            sensor="spot4",
            bands=bands,
            channels=(*bands, "hillshade", "dem"),
            mean=[0.3] * len(bands) + [180.0, 1800.0],
            std=[0.2] * len(bands) + [60.0, 500.0],
            architecture=UNetModel.architecture(settings or NetworkSettings()),
        )
    )


def classify(scene: Path, dem: Path, output: Path) -> None:
    """Classify a scene with the reference U-Net, from a zip to cloud-optimised GeoTIFFs."""
    classify_scene(open_swh(scene), {output: model()}, Surroundings(dem), InferenceSettings())


def cost(folder: Path, size: int) -> Cost:
    """Cost of classifying a scene of ``size`` pixels a side."""
    scene, dem = folder / f"spot_{size}.zip", folder / f"dem_{size}.tif"
    if not (scene.exists() and dem.exists()):
        # In a process of its own: the memory of this one would count as that of its children.
        measure(scenes.write, scene, dem, size, min(size, SEEN))
    return measure(classify, scene, dem, folder / f"map_{size}")


def rows(folder: Path, size: int, repeats: int) -> list[Row]:
    """Rows ``memory-12k``: asked are at most 2 GiB, and as much as for the small scene.

    Parameters
    ----------
    folder : path
        Where the scenes are kept between runs.
    size : int
        Side of the large scene, pixels of 20 m; that of the small one is a quarter.
    repeats : int
        Not used: memory hardly varies.
    """
    large, small = (cost(folder, side) for side in (size, size // 4))
    return [
        row("memory-12k", large.memory, small.memory, "GiB"),
        row("memory-12k, processor time", large.processor, small.processor, "s"),
    ]
