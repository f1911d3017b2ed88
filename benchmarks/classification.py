"""Classification of a whole scene, beside one pass of a network over it."""

import dataclasses
from functools import partial
from importlib.util import find_spec
from pathlib import Path

# Imported here, for imports do not count.
import xarray  # noqa: F401

from benchmarks import scenes
from benchmarks.baselines.csmask import CsmaskModel
from benchmarks.baselines.network import PlainUNet
from benchmarks.cost import Row, compare, measure
from benchmarks.memory import model
from firn.config import InferenceSettings, NetworkSettings
from firn.errors import FirnError
from firn.inference import Surroundings, classify_scene
from firn.methods.base import Model
from firn.methods.compact import CompactModel
from firn.products.swh import open_swh


def classify(
    scene: Path, dem: Path, classifier: Model, settings: InferenceSettings, output: Path
) -> None:
    """Classify a scene, from a zip to cloud-optimised GeoTIFFs."""
    classify_scene(open_swh(scene), {output: classifier}, Surroundings(dem), settings)


def scene_of(folder: Path, size: int) -> tuple[Path, Path]:
    """Make a scene of ``size`` pixels a side, all with data, and its relief, once per folder."""
    scene, dem = folder / f"seen_{size}.zip", folder / f"seen_dem_{size}.tif"
    if not (scene.exists() and dem.exists()):
        # In a process of its own: the memory of this one would count as that of its children.
        measure(scenes.write, scene, dem, size, size)
    return scene, dem


def compact() -> CompactModel:
    """Make the recommended network with random weights, of which the time does not depend."""
    card = dataclasses.replace(
        model().card, architecture=CompactModel.architecture(NetworkSettings())
    )
    return CompactModel(card)


def rows(folder: Path, size: int, repeats: int) -> list[Row]:
    """Rows ``classify``: asked is a quarter of the time of the plain pass.

    The baseline reads and writes as firn does, but the network sees the whole scene at once.

    Parameters
    ----------
    folder : path
        Where the scene is kept between runs.
    size : int
        Side of the scene, pixels.
    repeats : int
        Measurements of which the median counts.
    """
    ours = model()
    return beside("classify", ours, PlainUNet(ours.card, ours.network), folder, size, repeats)


def recommended(folder: Path, size: int, repeats: int) -> list[Row]:
    """Rows ``classify-recommended``: asked is an eighth of the time with ukis-csmask.

    Raises
    ------
    FirnError
        ukis-csmask is not installed.
    """
    if find_spec("ukis_csmask") is None:
        raise FirnError("classify-recommended needs ukis-csmask: pip install -e '.[bench]'")
    ours = compact()
    return beside("classify-recommended", ours, CsmaskModel(ours.card), folder, size, repeats)


def beside(
    name: str, ours: Model, baseline: Model, folder: Path, size: int, repeats: int
) -> list[Row]:
    """Rows of a model beside another that sees the scene at once, with the same threads."""
    scene, dem = scene_of(folder, size)
    fast, whole = InferenceSettings(precision="auto"), InferenceSettings(window=max(size, 64))
    return compare(
        name,
        partial(measure, classify, scene, dem, ours, fast, folder / "ours"),
        partial(measure, classify, scene, dem, baseline, whole, folder / "baseline"),
        repeats,
    )
