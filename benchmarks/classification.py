"""Classification of a whole scene, beside one plain pass of its network over the scene."""

from functools import partial
from pathlib import Path

from benchmarks import scenes
from benchmarks.baselines.network import PlainUNet
from benchmarks.cost import Row, compare, measure
from benchmarks.memory import model
from firn.config import InferenceSettings
from firn.inference import Surroundings, classify_scene
from firn.methods.base import Model
from firn.products.swh import open_swh


def classify(
    scene: Path, dem: Path, classifier: Model, settings: InferenceSettings, output: Path
) -> None:
    """Classify a scene, from a zip to cloud-optimised GeoTIFFs."""
    classify_scene(open_swh(scene), {output: classifier}, Surroundings(dem), settings)


def rows(folder: Path, size: int, repeats: int) -> list[Row]:
    """Rows ``classify``: asked is a quarter of the time of the plain pass.

    The baseline reads and writes as firn does, but the network sees the whole scene at once.

    Parameters
    ----------
    folder : path
        Where the scene is kept between runs.
    size : int
        Side of the scene, pixels of 20 m, all with data.
    repeats : int
        Measurements of which the median counts.
    """
    scene, dem = folder / f"seen_{size}.zip", folder / f"seen_dem_{size}.tif"
    if not (scene.exists() and dem.exists()):
        # In a process of its own: the memory of this one would count as that of its children.
        measure(scenes.write, scene, dem, size, size)
    ours = model()
    plain = PlainUNet(ours.card, ours.network)
    fast = InferenceSettings(precision="auto")
    whole = InferenceSettings(window=max(size, 64))
    return compare(
        f"classify, {ours.in_precision(fast.precision).precision}",
        partial(measure, classify, scene, dem, ours, fast, folder / "classified"),
        partial(measure, classify, scene, dem, plain, whole, folder / "classified_plainly"),
        repeats,
    )
