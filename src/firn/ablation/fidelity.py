"""How far emulated images are from those of a SPOT camera over the same ground."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from firn import netcdf
from firn.config import EmulationSettings
from firn.emulation.acquisition import draw_acquisitions, source_scene
from firn.emulation.patches import Noise, emulate
from firn.evaluation.distance import Windows, distance, windows_of
from firn.samples import DATA, SceneFiles, StoredSamples, pair_scenes, read_samples
from firn.seeds import generator
from firn.sensors import Sensor

PathLike = str | os.PathLike[str]
#: Name of the distance between two cameras, which no emulation can undercut by its merit.
NULL = "null"


def _samples(scene: SceneFiles) -> StoredSamples:
    """All samples of a twin, one for each patch."""
    (patch,) = netcdf.arrays(scene.pseudo, "patch")
    return read_samples(scene, patch.tolist(), range(len(patch)))


def emulate_like(
    twin: StoredSamples,
    scene: SceneFiles,
    sensor: Sensor,
    settings: EmulationSettings,
    seed: int,
) -> StoredSamples:
    """Emulate the patches of a Sentinel-2 scene as the camera of its twin with the twin's gains.

    The twin has the air of the same day, so no haze is added.
    """
    source = source_scene(scene.patches)
    (toa,) = netcdf.arrays(scene.patches, "toa")
    instrument = netcdf.attributes(scene.pseudo, "instrument")["instrument"]
    camera = sensor.model_copy(update={"instruments": (instrument,)})
    same_day = settings.model_copy(update={"draws": 1, "haze": 0.0})
    drawn = draw_acquisitions(camera, None, source, same_day, len(toa), seed)
    rng = generator(seed, "fidelity", sensor.name, scene.tile, scene.date)
    noise = Noise(camera, toa.shape[-1], rng) if settings.noise else None
    images = [
        emulate(image, replace(own, saturation=high, minimum=low), sensor.bits, noise)
        for image, own, high, low in zip(toa, drawn, twin.saturation, twin.minimum, strict=True)
    ]
    dn, valid = (np.stack(part) for part in zip(*images, strict=True))
    return replace(twin, dn=dn, valid=valid * np.uint8(DATA))


def _ground(scene: SceneFiles, known: dict[tuple[str, int, int], int]) -> npt.NDArray[np.int64]:
    """Give a number to the ground of each patch, the same on every date."""
    rows, cols = netcdf.arrays(scene.patches, "row", "col")
    keys = [(scene.tile, *key) for key in zip(rows.tolist(), cols.tolist(), strict=True)]
    return np.array([known.setdefault(key, len(known)) for key in keys], np.int64)


def distances(
    sensor: Sensor,
    recipes: Mapping[str, EmulationSettings],
    patches: Sequence[PathLike],
    first: Sequence[PathLike],
    second: Sequence[PathLike],
    seed: int,
) -> dict[str, dict[str, Any]]:
    """Distance of each recipe's images from those of a SPOT camera, and of two cameras.

    The same ground, date and gains are seen by all; see `firn.evaluation.distance`.

    Parameters
    ----------
    sensor : Sensor
    recipes : mapping of recipe to EmulationSettings
    patches : sequence of path
        Patch files of Sentinel-2 scenes.
    first, second : sequence of path
        Patches of their twins through two cameras, as `firn.spot_patches` cuts them.
    seed : int

    Returns
    -------
    dict of recipe to dict
        As `distance` gives it; ``null`` is that of the two cameras.
    """
    pieces: dict[str, list[Windows]] = {}
    ground: dict[tuple[str, int, int], int] = {}
    pairs = zip(pair_scenes(patches, first), pair_scenes(patches, second), strict=True)
    for scene, other in pairs:
        twin, block = _samples(scene), _ground(scene, ground)
        others = {
            name: emulate_like(twin, scene, sensor, settings, seed)
            for name, settings in recipes.items()
        }
        for name, images in {NULL: _samples(other), **others}.items():
            pieces.setdefault(name, []).append(windows_of(twin, images, block))
    return {
        name: distance(Windows(*map(np.concatenate, zip(*parts, strict=True))), seed)
        for name, parts in pieces.items()
    }
