"""Disk space that jobs of the workflow need, estimated before they run.

Bytes per pixel are those of the demo's files. Small files (models, tables, figures, logs) are not
counted, nor is what is downloaded.
"""

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from firn.catalogue import Catalogue, SpotScene
from firn.config import Config
from firn.sensors import load_sensor

PathLike = str | os.PathLike[str]

#: Side of a Sentinel-2 tile, pixels of 20 m, and of a SPOT scene, m.
TILE_SIDE = 5490
SCENE_SIDE = 60_000
#: Size of a pixel of the tile grid, m.
_TILE_PIXEL = 20

#: Folder that a rule writes to, and how much: bytes per pixel of the Sentinel-2 tile.
_OF_TILE = {
    "simulate_auxiliary": ("archive", 3.9),
    "simulate_sentinel2": ("archive", 47.0),
    "terrain": ("terrain", 2.3),
    "toa": ("stacks", 8.0),
    "hillshade": ("stacks", 0.6),
    "snow_map": ("stacks", 0.1),
    "labels": ("stacks", 0.1),
}
#: The same per pixel of the SPOT scene.
_OF_SCENE = {"simulate_spot": ("archive", 7.7), "orthorectify": ("ortho", 7.3)}
#: Bytes per pixel of the patches of a scene; and of their emulation, for each band and draw.
_PATCHES = 16.0
_EMULATED = 1.3
#: Bytes per pixel of a map, and those that the smallest takes.
_MAP, _SMALLEST_MAP = 0.7, 20_000
#: Bytes per pixel in the scratch folder while a scene is classified, and those for each method.
_SCRATCH = 5, 5


@dataclass(frozen=True)
class DiskSpace:
    """Disk space of some jobs.

    Parameters
    ----------
    folders : mapping of str to float
        What is written into each folder of the run, bytes; largest first.
    scratch : float
        Most that a job keeps in the scratch folder, bytes.
    """

    folders: Mapping[str, float]
    scratch: float

    @property
    def total(self) -> float:
        """What is written, bytes."""
        return sum(self.folders.values())


def disk_space(
    config: Config, scenes: Catalogue, jobs: Iterable[tuple[str, Mapping[str, str]]]
) -> DiskSpace:
    """Estimate the disk space of some jobs.

    Patches count as if none was dropped for its elevation.

    Parameters
    ----------
    config : Config
    scenes : Catalogue
    jobs : iterable of (str, mapping)
        Rule and wildcards of each; the scenes of a batch as jobs of their own.
    """
    folders: dict[str, float] = {}
    scratch = 0.0
    for rule, wildcards in jobs:
        if rule in _OF_TILE:
            folder, each = _OF_TILE[rule]
            size = each * _tile_side(config, wildcards["tile"]) ** 2
        elif rule in _OF_SCENE:
            folder, each = _OF_SCENE[rule]
            size = each * _scene_pixels(config, scenes.spot_scene(wildcards["scene"]))
        elif rule == "patches":
            folder, size = "patches", _PATCHES * _patch_pixels(config, wildcards["tile"])
        elif rule == "emulate":
            bands = sum(len(load_sensor(name).bands) for name in config.all_sensors)
            each = _EMULATED * bands * config.emulation.draws
            folder, size = "pseudo", each * _patch_pixels(config, wildcards["tile"])
        elif rule == "classify":
            pixels = _scene_pixels(config, scenes.spot_scene(wildcards["scene"]))
            folder, size = "maps", (_SMALLEST_MAP + _MAP * pixels) * len(config.methods)
            around, each = _SCRATCH
            scratch = max(scratch, (around + each * len(config.methods)) * pixels)
        else:
            continue
        folders[folder] = folders.get(folder, 0.0) + size
    ordered = sorted(folders.items(), key=lambda item: -item[1])
    return DiskSpace(dict(ordered), scratch)


def _tile_side(config: Config, tile: str | None) -> int:
    """Side of a Sentinel-2 tile, pixels of 20 m."""
    virtual = config.simulation.tiles.get(tile or "") if config.simulation else None
    return virtual.size if virtual else TILE_SIDE


def _scene_pixels(config: Config, scene: SpotScene) -> float:
    """Pixels of a SPOT scene; a virtual one is as large as its tile."""
    side = _TILE_PIXEL * _tile_side(config, scene.tile) if config.simulation else SCENE_SIDE
    return (side / load_sensor(scene.sensor).pixel_size) ** 2


def _patch_pixels(config: Config, tile: str) -> int:
    """Pixels of all patches of a scene, those that several share counted in each."""
    size, step = config.patches.size, config.patches.size - config.patches.overlap
    along = len(range(0, _tile_side(config, tile) - size + 1, step))
    return (along * size) ** 2


def describe(space: DiskSpace, folder: PathLike, free: float) -> str:
    """Say what jobs need, and whether that is there.

    Parameters
    ----------
    space : DiskSpace
    folder : path
        Of the run.
    free : float
        Free space there, bytes.
    """
    parts = ", ".join(f"{name} {_in_words(size)}" for name, size in space.folders.items())
    lines = [
        f"{folder}: about {_in_words(space.total)} will be written ({parts}), "
        f"{_in_words(free)} are free"
    ]
    if space.scratch:
        lines.append(f"A job that classifies takes up to {_in_words(space.scratch)} of $TMPDIR.")
    if space.total > free:
        lines.append(
            "That may not fit. Free some space, set `results` to a folder on a larger disk, or "
            "make a part of the run at a time (docs/cluster.md)."
        )
    return "\n".join(lines)


def _in_words(size: float) -> str:
    """Size with a unit: ``2.3 GB``."""
    size /= 1e6
    for unit in ("MB", "GB"):
        if size < 1000:
            return f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"
