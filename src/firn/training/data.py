"""Training data: samples held in memory as they are stored, and made channels batch by batch.

It knows nothing of torch, so that fitting a method without a network need not import it.
"""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from firn.errors import DataError
from firn.files import read_json
from firn.methods.base import ModelCard, PixelBatch
from firn.provenance import digest
from firn.samples import (
    Batch,
    SampleRow,
    SceneFiles,
    StoredSamples,
    pair_scenes,
    read_rows,
    read_samples,
)
from firn.training.sentinel2 import Emulation, Sentinel2Samples, read_sentinel2

PathLike = str | os.PathLike[str]


class PatchSource(Protocol):
    """Anything that gives patches of one size to train on."""

    def __len__(self) -> int:
        """Count the patches."""

    def batch(self, index: Sequence[int]) -> Batch:
        """Give some patches, in new arrays.

        Returns
        -------
        channels : ndarray of float32, (patch, channel, y, x)
            In physical units, NaN where there is no data.
        labels : ndarray of uint8, (patch, y, x)
            Classes; 255 where a pixel is ignored, as is one without data.
        """


@dataclass(frozen=True)
class TrainingData:
    """What a training needs to know of its data set.

    Parameters
    ----------
    name : str
        Of the target, as ``spot2``: named in errors, and part of the names of random streams.
    sensor : str
    bands, channels : sequence of str
    mean, std : sequence of float
        Of each channel over the training split.
    class_weights : sequence of float
        Weight of each class in the loss.
    train, validation : PatchSource
    sources : sequence of str
        What the provenance of a model names.
    digest : str
        Of everything that tells this data set from another.
    sentinel2 : Sentinel2Samples, optional
        What the patches of ``train`` are emulated from, in their order.
    """

    name: str
    sensor: str
    bands: Sequence[str]
    channels: Sequence[str]
    mean: Sequence[float]
    std: Sequence[float]
    class_weights: Sequence[float]
    train: PatchSource
    validation: PatchSource
    sources: Sequence[str]
    digest: str
    sentinel2: Sentinel2Samples | None = None

    def card(self, method: str, architecture: Mapping[str, Any]) -> ModelCard:
        """Card of a model for this data."""
        return ModelCard(
            method=method,
            sensor=self.sensor,
            bands=self.bands,
            channels=self.channels,
            mean=self.mean,
            std=self.std,
            architecture=architecture,
        )

    def __post_init__(self) -> None:
        """Refuse a split without patches."""
        for split in ("train", "validation"):
            if not len(getattr(self, split)):
                raise DataError(
                    f"{self.name}: has no patch for {split}; add scenes or change the split"
                )


def open_training_data(
    samples: PathLike,
    statistics: PathLike,
    patches: Iterable[PathLike],
    pseudo: Iterable[PathLike],
    emulation: Emulation | None = None,
) -> TrainingData:
    """Read the training and validation splits of a data set into memory.

    Parameters
    ----------
    samples, statistics : path
        ``samples.csv`` and ``statistics.json`` of the target.
    patches, pseudo : iterable of path
        Patch files and pseudo-SPOT files of its scenes.
    emulation : Emulation, optional
        Emulates the training patches anew in each epoch, for which what they are emulated from is
        read too.

    Raises
    ------
    DataError
        A file is missing, damaged, or the files do not belong together.
    """
    rows = read_rows(samples)
    content = read_json(statistics)
    scenes = pair_scenes(patches, pseudo)
    sentinel2, origin = None, [content, rows]
    if emulation is not None:
        if emulation.sensor.name != content.get("sensor"):
            raise DataError(
                f"{statistics}: is of sensor {content.get('sensor')}, not of "
                f"{emulation.sensor.name}; "
                "give the sensor that the data set was made for"
            )
        chosen = [row for row in rows if row.split == "train"]
        sentinel2 = read_sentinel2(chosen, scenes, emulation)
        origin = [*origin, emulation.digest]
    try:
        return TrainingData(
            name=content["target"],
            sensor=content["sensor"],
            bands=content["bands"],
            channels=content["channels"],
            mean=content["mean"],
            std=content["std"],
            class_weights=content["class_weights"],
            train=_read_split(rows, "train", scenes),
            validation=_read_split(rows, "validation", scenes),
            sources=content["provenance"]["sources"],
            digest=digest(origin),
            sentinel2=sentinel2,
        )
    except KeyError as error:
        raise DataError(f"{statistics}: lacks {error}; make the data set again") from error


def _read_split(
    rows: Iterable[SampleRow], split: str, scenes: Sequence[SceneFiles]
) -> StoredSamples:
    """Read the samples of one split, in the order of ``rows`` within each scene."""
    by_scene: dict[tuple[str, str], list[SampleRow]] = {}
    for row in rows:
        if row.split == split:
            by_scene.setdefault((row.tile, row.date), []).append(row)
    files = {(scene.tile, scene.date): scene for scene in scenes}
    if missing := sorted(by_scene.keys() - files.keys()):
        raise DataError(f"samples of {missing}: their patch files are not given")
    parts = [_read_scene(files[key], chosen) for key, chosen in by_scene.items()]
    if not parts:
        raise DataError(f"no sample is marked {split}; add scenes or change the split")
    offsets = np.cumsum([0, *(len(part.label) for part in parts[:-1])])

    def join(name: str) -> npt.NDArray[Any]:
        return np.concatenate([getattr(part, name) for part in parts])

    return StoredSamples(
        dn=join("dn"),
        valid=join("valid"),
        saturation=join("saturation"),
        minimum=join("minimum"),
        patch=np.concatenate([p.patch + o for p, o in zip(parts, offsets, strict=True)]),
        hillshade=join("hillshade"),
        label=join("label"),
        dem=join("dem"),
        bits=parts[0].bits,
    )


def _read_scene(scene: SceneFiles, rows: Sequence[SampleRow]) -> StoredSamples:
    """Read samples with the elevation in whole metres.

    That is far finer than the spread that it is divided by, and takes half the memory.
    """
    stored = read_samples(scene, [row.patch for row in rows], [row.sample for row in rows])
    return replace(stored, dem=np.rint(stored.dem).astype(np.int16))


def pixel_batches(source: PatchSource) -> Iterator[PixelBatch]:
    """Every patch as arrays: channels (channel, y, x) and labels (y, x)."""
    for index in range(len(source)):
        channels, labels = source.batch([index])
        yield channels[0], labels[0]
