"""Data set of one target: which samples train, and their statistics (method A.6)."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from affine import Affine
from rasterio.crs import CRS

from firn import netcdf
from firn.classes import CLASS_NAMES, SurfaceClass
from firn.config import BlockSplit, RandomPatchSplit
from firn.errors import DataError
from firn.grid import Grid
from firn.moments import Moments
from firn.provenance import provenance
from firn.samples import RELIEF_CHANNELS, Sample, SampleRow, SceneFiles, read_samples
from firn.splits import EVALUATION, SPLITS, TRAIN, PatchKey, split_patches


def _scale(moments: Moments) -> npt.NDArray[np.float64]:
    """Give the deviation, or 1 for a constant channel, which is then only centred."""
    std = moments.std()
    return np.where(std > 1e-6 * np.maximum(np.abs(moments.mean()), 1e-6), std, 1.0)


@dataclass
class _Tally:
    """What is learnt of a data set while its samples are read once."""

    rows: list[SampleRow] = field(default_factory=list)
    moments: Moments = field(default_factory=Moments)
    unlabelled: int = 0

    def add(self, scene: SceneFiles, patch: int, sample: int, split: str, content: Sample) -> None:
        channels, labels, _ = content
        ground, snow, cloud = (int(np.count_nonzero(labels == c)) for c in SurfaceClass)
        ignored = labels.size - ground - snow - cloud
        if ignored == labels.size:
            self.unlabelled += 1
            return
        self.rows.append(
            SampleRow(scene.tile, scene.date, patch, sample, split, ground, snow, cloud, ignored)
        )
        if split == TRAIN:
            self.moments.add(channels[:, np.isfinite(channels[0])])

    def class_counts(self, split: str) -> list[int]:
        rows = [row[-4:-1] for row in self.rows if row.split == split]
        return [sum(column) for column in zip(*rows, strict=True)] if rows else [0, 0, 0]


class _Scene(NamedTuple):
    """What the split needs to know of a scene, and what all scenes must share."""

    files: SceneFiles
    keys: list[PatchKey]
    patch_of_sample: list[int]
    grid: Grid
    layout: dict[str, Any]


def _inspect(files: SceneFiles) -> _Scene:
    rows, cols = netcdf.arrays(files.patches, "row", "col")
    corners = zip(rows.tolist(), cols.tolist(), strict=True)
    keys = [PatchKey(files.tile, files.date, *corner) for corner in corners]
    patches, bands = netcdf.arrays(files.pseudo, "patch", "band")
    patch_of_sample = patches.tolist()
    geometry = netcdf.attributes(files.patches)
    layout = {
        "sensor": str(netcdf.attributes(files.pseudo, "sensor")["sensor"]),
        "bands": bands.tolist(),
        "patch_size": int(geometry["size"]),
        "patch_overlap": int(geometry["overlap"]),
    }
    if patch_of_sample and max(patch_of_sample) >= len(keys):
        raise DataError(
            f"{files.pseudo}: was made from another version of {files.patches}; make it again"
        )
    grid = Grid(
        CRS.from_wkt(geometry["crs"]),
        Affine(*geometry["transform"]),
        int(geometry["height"]),
        int(geometry["width"]),
    )
    return _Scene(files, keys, patch_of_sample, grid, layout)


def _shared_layout(scenes: Sequence[_Scene]) -> dict[str, Any]:
    """Sensor, bands and patch geometry, which all scenes must share."""
    first = scenes[0]
    for scene in scenes:
        if scene.layout != first.layout:
            raise DataError(
                f"{scene.files.pseudo}: sensor, bands or patches differ from those of "
                f"{first.files.pseudo}; delete the older files and run their rules again"
            )
    return first.layout


def _tile_grids(scenes: Sequence[_Scene]) -> dict[str, Grid]:
    """Grid of each tile, which all its scenes must share."""
    grids: dict[str, Grid] = {}
    for scene in scenes:
        if grids.setdefault(scene.files.tile, scene.grid) != scene.grid:
            raise DataError(
                f"{scene.files.patches}: is on another grid than other scenes of tile "
                f"{scene.files.tile}; give products of one tile grid"
            )
    return grids


def build_dataset(
    target: str,
    scenes: Sequence[SceneFiles],
    settings: BlockSplit | RandomPatchSplit,
    seed: int,
) -> tuple[list[SampleRow], dict[str, Any]]:
    """Split the samples of a target and gather their statistics.

    The means, standard deviations, class counts and weights are those of the training split after
    the label filter; the moments are taken over its pixels with data, the counts over its labelled
    pixels. The weight of a class is N / N_c (Barrou Dumont et al. 2024). Samples without a labelled
    pixel are dropped.

    Parameters
    ----------
    target : str
        Named in errors and in the statistics.
    scenes : sequence of SceneFiles
        As `pair_scenes` gives them.
    settings : BlockSplit or RandomPatchSplit
    seed : int

    Returns
    -------
    rows : list of SampleRow
    statistics : dict
        The content of ``statistics.json``.

    Raises
    ------
    DataError
        A split is empty, or a class is absent from the training split.
    """
    inspected = [_inspect(files) for files in sorted(scenes, key=lambda s: (s.tile, s.date))]
    keys = [key for scene in inspected for key in scene.keys]
    if not keys:
        raise DataError(
            f"{target}: no scene has a patch; lower patches.minimum_mean_elevation or add tiles"
        )
    layout = _shared_layout(inspected)
    assigned, dropped = split_patches(
        keys, _tile_grids(inspected), layout["patch_size"], settings, seed
    )
    tally = _Tally()
    for scene in inspected:
        chosen = [
            (patch, sample, split)
            for sample, patch in enumerate(scene.patch_of_sample)
            if (split := assigned.get(scene.keys[patch]))
        ]
        patches, samples = [patch for patch, _, _ in chosen], [sample for _, sample, _ in chosen]
        stored = read_samples(scene.files, patches, samples)
        for index, (patch, sample, split) in enumerate(chosen):
            tally.add(scene.files, patch, sample, split, stored.sample(index))
    _check(target, tally, settings)
    counts = tally.class_counts(TRAIN)
    statistics = {
        "target": target,
        **layout,
        "channels": [*layout["bands"], *RELIEF_CHANNELS],
        "mean": tally.moments.mean().tolist(),
        "std": _scale(tally.moments).tolist(),
        "classes": list(CLASS_NAMES),
        "class_counts": counts,
        "class_weights": [sum(counts) / count for count in counts],
        "splits": {split: _describe(tally, split) for split in SPLITS},
        "dropped_patches": dropped,
        "dropped_samples": {"unlabelled": tally.unlabelled},
        "provenance": provenance(
            [f"{scene.tile}/{scene.date}" for scene in scenes], {"split": settings, "seed": seed}
        ),
    }
    return tally.rows, statistics


def _describe(tally: _Tally, split: str) -> dict[str, Any]:
    rows = [row for row in tally.rows if row.split == split]
    scenes = Counter(f"{row.tile}/{row.date}" for row in rows)
    return {
        "samples": len(rows),
        "scenes": dict(scenes),
        "class_counts": tally.class_counts(split),
        "ignored": sum(row.n_ignore for row in rows),
    }


def _check(target: str, tally: _Tally, settings: BlockSplit | RandomPatchSplit) -> None:
    """Refuse a data set that cannot be trained on or judged."""
    present = {row.split for row in tally.rows}
    for split in SPLITS:
        if split in present:
            continue
        if isinstance(settings, RandomPatchSplit):
            remedy = "add scenes or change the shares in split"
        elif split == EVALUATION:
            remedy = "add dates or tiles, lower split.block_size, or raise split.evaluation_scenes"
        else:
            remedy = "add dates or tiles, lower split.block_size, or lower split.evaluation_scenes"
        raise DataError(f"{target}: no labelled patch is left for {split}; {remedy}")
    for name, count in zip(CLASS_NAMES, tally.class_counts(TRAIN), strict=True):
        if not count:
            raise DataError(
                f"{target}: no training pixel is labelled {name}; add scenes of a season that "
                "has it, or choose a labels.filter that keeps it"
            )
