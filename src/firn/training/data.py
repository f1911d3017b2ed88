"""Training data: samples held in memory as they are stored, and made channels batch by batch."""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from firn import netcdf
from firn.classes import IGNORE
from firn.errors import DataError
from firn.files import read_json
from firn.methods.base import ModelCard, PixelBatch
from firn.provenance import digest
from firn.samples import SampleRow, SceneFiles, pair_scenes, read_rows
from firn.sensors import to_reflectance

PathLike = str | os.PathLike[str]
Array = npt.NDArray[Any]

#: Elevation, in whole metres, of a pixel where it is unknown.
_NO_ELEVATION = -32768


class PatchSource(Protocol):
    """Anything that gives patches of one size to train on."""

    def __len__(self) -> int:
        """Count the patches."""

    def batch(self, index: Sequence[int]) -> tuple[Tensor, Tensor]:
        """Give some patches.

        Returns
        -------
        channels : Tensor of float32, (patch, channel, y, x)
            In physical units, NaN where there is no data.
        labels : Tensor of uint8, (patch, y, x)
            Classes; 255 where a pixel is ignored, as is one without data.
        """


@dataclass(frozen=True)
class PseudoPatches:
    """Pseudo-SPOT samples with the relief and labels of the patches that they were made from.

    Elevation is kept in whole metres, which is far finer than the spread that it is divided by.

    Parameters
    ----------
    dn : ndarray of uint8 or uint16, (sample, band, y, x)
    valid : ndarray of bool, (sample, y, x)
    saturation, minimum : ndarray of float32, (sample, band)
        Reflectance of the largest DN and of DN 0.
    patch : ndarray of int, (sample,)
        Index into the following.
    hillshade, label : ndarray of uint8, (patch, y, x)
    elevation : ndarray of int16, (patch, y, x)
        Metres.
    bits : int
    """

    dn: Array
    valid: npt.NDArray[np.bool_]
    saturation: npt.NDArray[np.float32]
    minimum: npt.NDArray[np.float32]
    patch: npt.NDArray[np.int64]
    hillshade: npt.NDArray[np.uint8]
    label: npt.NDArray[np.uint8]
    elevation: npt.NDArray[np.int16]
    bits: int = 8

    def __len__(self) -> int:
        return len(self.dn)

    def batch(self, index: Sequence[int]) -> tuple[Tensor, Tensor]:
        """See `PatchSource.batch`."""
        chosen = np.asarray(index, np.int64)
        patch = self.patch[chosen]
        minimum = self.minimum[chosen][:, :, None, None]
        saturation = self.saturation[chosen][:, :, None, None]
        reflectance = torch.from_numpy(
            to_reflectance(self.dn[chosen], saturation, minimum, self.bits)
        )
        hillshade, elevation = self.hillshade[patch], self.elevation[patch]
        relief = np.stack([hillshade, elevation], axis=1).astype(np.float32)
        known = self.valid[chosen] & (hillshade > 0) & (elevation != _NO_ELEVATION)
        missing = torch.from_numpy(~known)
        channels = torch.cat([reflectance, torch.from_numpy(relief)], dim=1)
        labels = torch.from_numpy(self.label[patch])
        return (
            channels.masked_fill(missing[:, None], torch.nan),
            labels.masked_fill(missing, IGNORE),
        )


@dataclass(frozen=True)
class TrainingData:
    """What a training needs to know of its data set.

    Parameters
    ----------
    name : str
        Named in errors, and the root of the names of random streams.
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
) -> TrainingData:
    """Read the training and validation splits of a data set into memory.

    Parameters
    ----------
    samples, statistics : path
        ``samples.csv`` and ``statistics.json`` of the experiment.
    patches, pseudo : iterable of path
        Patch files and pseudo-SPOT files of its scenes.

    Raises
    ------
    DataError
        A file is missing, damaged, or the files do not belong together.
    """
    rows = read_rows(samples)
    content = read_json(statistics)
    scenes = pair_scenes(patches, pseudo)
    try:
        return TrainingData(
            name=content["experiment"],
            sensor=content["sensor"],
            bands=content["bands"],
            channels=content["channels"],
            mean=content["mean"],
            std=content["std"],
            class_weights=content["class_weights"],
            train=read_pseudo_patches(rows, "train", scenes),
            validation=read_pseudo_patches(rows, "validation", scenes),
            sources=content["provenance"]["sources"],
            digest=digest([content, rows]),
        )
    except KeyError as error:
        raise DataError(f"{statistics}: lacks {error}; make the data set again") from error


def read_pseudo_patches(
    rows: Iterable[SampleRow], split: str, scenes: Sequence[SceneFiles]
) -> PseudoPatches:
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
    offsets = np.cumsum([0, *(len(part.hillshade) for part in parts[:-1])])

    def join(name: str) -> Array:
        return np.concatenate([getattr(part, name) for part in parts])

    return PseudoPatches(
        dn=join("dn"),
        valid=join("valid"),
        saturation=join("saturation"),
        minimum=join("minimum"),
        patch=np.concatenate([p.patch + o for p, o in zip(parts, offsets, strict=True)]),
        hillshade=join("hillshade"),
        label=join("label"),
        elevation=join("elevation"),
        bits=parts[0].bits,
    )


def _read_scene(scene: SceneFiles, rows: Sequence[SampleRow]) -> PseudoPatches:
    sample = [row.sample for row in rows]
    used, patch = np.unique([row.patch for row in rows], return_inverse=True)
    try:
        with netcdf.read(scene.pseudo) as pseudo, netcdf.read(scene.patches) as patches:
            dem = patches["dem"].values[used]
            whole = np.where(np.isfinite(dem), np.rint(dem), _NO_ELEVATION).astype(np.int16)
            return PseudoPatches(
                dn=pseudo["dn"].values[sample],
                valid=pseudo["valid"].values[sample] == 1,
                saturation=pseudo["saturation"].values[sample],
                minimum=pseudo["minimum"].values[sample],
                patch=patch,
                hillshade=patches["hillshade"].values[used],
                label=patches["label"].values[used],
                elevation=whole,
                bits=int(pseudo.attrs["bits"]),
            )
    except (KeyError, IndexError, OSError) as error:
        raise DataError(
            f"{scene.pseudo} or {scene.patches}: does not hold the samples that samples.csv lists "
            f"({error}); make the data set again"
        ) from error


def batches(
    source: PatchSource, order: Sequence[int], size: int
) -> Iterator[tuple[Tensor, Tensor]]:
    """Batches of ``size`` patches in the given order; the last may be smaller."""
    for start in range(0, len(order), size):
        yield source.batch(order[start : start + size])


def pixel_batches(source: PatchSource) -> Iterator[PixelBatch]:
    """Every patch as arrays: channels (channel, y, x) and labels (y, x)."""
    for index in range(len(source)):
        channels, labels = source.batch([index])
        yield channels[0].numpy(), labels[0].numpy()
