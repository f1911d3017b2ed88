"""Training patches as Sentinel-2 saw them, for a training that emulates them anew each epoch."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from firn import netcdf
from firn.classes import IGNORE
from firn.config import EmulationSettings
from firn.emulation.acquisition import (
    Acquisition,
    SourceScene,
    draw_acquisitions,
    source_scene,
)
from firn.emulation.labels import mixed
from firn.errors import DataError
from firn.provenance import digest
from firn.samples import SampleRow, SceneFiles
from firn.saturation import Saturations
from firn.sensors import STACK_NODATA, STACK_SATURATED, Sensor


@dataclass(frozen=True)
class Emulation:
    """What emulates patches of a sensor.

    Parameters
    ----------
    sensor : Sensor
    saturations : Saturations
    settings : EmulationSettings
    """

    sensor: Sensor
    saturations: Saturations
    settings: EmulationSettings

    @cached_property
    def digest(self) -> str:
        """Digest of all that the emulated patches depend on."""
        gains = self.saturations
        values = [gains.saturation.tolist(), gains.minimum.tolist(), gains.sun_elevation.tolist()]
        texts = [gains.area, gains.scenes, gains.dates, gains.instruments, gains.bandwidth]
        return digest([self.sensor, self.settings, values, texts])


@dataclass(frozen=True)
class Sentinel2Samples:
    """Samples before they are emulated.

    Parameters
    ----------
    emulation : Emulation
    scenes : sequence of SourceScene
    scene : ndarray of int, (patch,)
        Index in ``scenes``; the patches of a scene follow each other.
    toa : ndarray of uint16, (patch, source band, y, x)
        As in the patch files.
    hillshade, label : ndarray of uint8, (patch, y, x)
        Hillshade 0 = no relief; labels of mixed pixels are ignored.
    dem : ndarray of int16, (patch, y, x)
        Elevation, m.
    patch, draw : ndarray of int, (sample,)
        Patch of each sample, and which of its draws it is.
    """

    emulation: Emulation
    scenes: Sequence[SourceScene]
    scene: npt.NDArray[np.int64]
    toa: npt.NDArray[np.uint16]
    hillshade: npt.NDArray[np.uint8]
    label: npt.NDArray[np.uint8]
    dem: npt.NDArray[np.int16]
    patch: npt.NDArray[np.int64]
    draw: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.patch)

    @cached_property
    def has_gaps(self) -> npt.NDArray[np.bool_]:
        """Tell of each patch whether some pixel of some band has no data."""
        return np.array([(patch == STACK_NODATA).any() for patch in self.toa])

    @cached_property
    def has_saturated(self) -> npt.NDArray[np.bool_]:
        """Tell of each patch whether some pixel of some band saturated Sentinel-2."""
        return np.array([(patch == STACK_SATURATED).any() for patch in self.toa])

    def acquisitions(self, seed: int, *names: str) -> list[Acquisition]:
        """Draw an acquisition for each sample; ``names`` are further names of random streams."""
        sensor, saturations, settings = (
            self.emulation.sensor,
            self.emulation.saturations,
            self.emulation.settings,
        )
        counts = np.bincount(self.scene, minlength=len(self.scenes))
        drawn: list[Acquisition] = []
        for scene, count in zip(self.scenes, counts.tolist(), strict=True):
            drawn += draw_acquisitions(sensor, saturations, scene, settings, count, seed, *names)
        return [drawn[i] for i in self.patch * settings.draws + self.draw]


def read_sentinel2(
    rows: Iterable[SampleRow], scenes: Sequence[SceneFiles], emulation: Emulation
) -> Sentinel2Samples:
    """Read what samples are emulated from, in the order of ``rows`` within each scene.

    Raises
    ------
    DataError
        A file is missing or damaged, or has no such sample.
    """
    by_scene: dict[tuple[str, str], list[SampleRow]] = {}
    for row in rows:
        by_scene.setdefault((row.tile, row.date), []).append(row)
    files = {(scene.tile, scene.date): scene for scene in scenes}
    parts = [_read_scene(files[key], chosen, emulation) for key, chosen in by_scene.items()]
    counts = [len(part["label"]) for part in parts]
    offsets = np.cumsum([0, *counts[:-1]])

    def join(name: str) -> npt.NDArray[Any]:
        return np.concatenate([part[name] for part in parts])

    return Sentinel2Samples(
        emulation=emulation,
        scenes=[part["scene"] for part in parts],
        scene=np.repeat(np.arange(len(parts)), counts),
        toa=join("toa"),
        hillshade=join("hillshade"),
        label=join("label"),
        dem=join("dem"),
        patch=np.concatenate([p["patch"] + o for p, o in zip(parts, offsets, strict=True)]),
        draw=join("draw"),
    )


def _read_scene(
    files: SceneFiles, rows: Sequence[SampleRow], emulation: Emulation
) -> dict[str, Any]:
    """Arrays of one scene, by the names of `Sentinel2Samples`."""
    used, patch = np.unique([row.patch for row in rows], return_inverse=True)
    toa, hillshade, label, dem = netcdf.arrays(
        files.patches, "toa", "hillshade", "label", "dem", rows=used.tolist()
    )
    (draw,) = netcdf.arrays(files.pseudo, "draw", rows=[row.sample for row in rows])
    if draw.size and draw.max() >= emulation.settings.draws:
        raise DataError(f"{files.pseudo}: was made with more draws; make it again")
    known = np.isfinite(dem)
    if emulation.settings.mixed is not None:
        least = emulation.settings.mixed
        unclear = np.array([mixed(one, emulation.sensor, least) for one in label])
        label = np.where(unclear, np.uint8(IGNORE), label)
    return {
        "scene": source_scene(files.patches),
        "toa": toa,
        "hillshade": np.where(known, hillshade, np.uint8(0)),
        "label": label,
        "dem": np.rint(np.where(known, dem, 0)).astype(np.int16),
        "patch": patch,
        "draw": draw.astype(np.int64),
    }
