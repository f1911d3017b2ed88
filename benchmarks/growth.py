"""How time and memory grow with the number of patches, the side of scenes and their number."""

from functools import partial
from pathlib import Path

from benchmarks import dry_run, emulation, memory, scenes
from benchmarks.cost import Cost, Row, measure, row
from firn.config import InferenceSettings, NetworkSettings
from firn.inference import Surroundings, classify_scene
from firn.products.swh import open_swh

#: Patches of 572 pixels: those of a scene in the published data set, and a quarter and four times
#: as many.
PATCHES, PATCH_SIZE = (12, 48, 192), 572
#: Sides of scenes, pixels, all of which have data.
SIDES = (1000, 3000, 6000, 12000)
#: SPOT scenes that a dry run takes up.
SCENES = (100, 1000, 10000, dry_run.SCENES)
#: A network that hardly takes time, so that reading, relief and writing show.
NETWORK = NetworkSettings(widths=(4, 8), padding="same")


def patches(folder: Path, count: int, size: int) -> Cost:
    """Cost of emulating so many patches."""
    path = folder / f"patches_{count}_{size}.nc"
    if not path.exists():
        # In a process of its own: the memory of this one would count as that of its children.
        measure(emulation.write_patch_file, path, count, size)
    return measure(emulation.emulate, path, folder / "pseudo.nc")


def classify(scene: Path, dem: Path, output: Path) -> None:
    """Classify a scene with a small network, from a zip to cloud-optimised GeoTIFFs."""
    model = memory.model(NETWORK)
    classify_scene(open_swh(scene), {output: model}, Surroundings(dem), InferenceSettings())


def side(folder: Path, size: int) -> Cost:
    """Cost of classifying a scene of ``size`` pixels a side."""
    scene, dem = folder / f"seen_{size}.zip", folder / f"seen_dem_{size}.tif"
    if not (scene.exists() and dem.exists()):
        measure(scenes.write, scene, dem, size, size)
    return measure(classify, scene, dem, folder / "classified")


def archive(folder: Path, count: int) -> Cost:
    """Cost of the dry run of a workflow with so many SPOT scenes."""
    return dry_run.cost(dry_run.write(folder / f"archive_{count}", count))


def rows(folder: Path, size: int, repeats: int) -> list[Row]:
    """Rows ``growth, WHAT, HOW MUCH``; ``baseline`` is the cost of the smallest.

    Parameters
    ----------
    folder : path
        Where patches, scenes and tables are kept between runs.
    size : int
        Side of the largest scene, pixels; all else becomes smaller as it does.
    repeats : int
        Not used: what grows is seen over more than one size.
    """
    share = size / SIDES[-1]
    patch = min(PATCH_SIZE, size)
    series = [
        ("patches", PATCHES, partial(patches, folder, size=patch)),
        ("pixels a side", [max(round(n * share), 1) for n in SIDES], partial(side, folder)),
        ("scenes", [max(round(n * share), 1) for n in SCENES], partial(archive, folder)),
    ]
    found = []
    for what, counts, cost in series:
        costs = [cost(count) for count in counts]
        for count, own in zip(counts, costs, strict=True):
            name = f"growth, {what}, {count}"
            found += [
                row(f"{name}, processor time", own.processor, costs[0].processor, "s"),
                row(f"{name}, peak memory", own.memory, costs[0].memory, "GiB"),
            ]
    return found
