"""Samples: pseudo-SPOT patches with relief and labels, as models read them."""

import csv
import io
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from firn import netcdf
from firn.classes import IGNORE
from firn.errors import DataError
from firn.files import write_text
from firn.sensors import to_reflectance

PathLike = str | os.PathLike[str]
Array = npt.NDArray[Any]
#: Channels of samples, (sample, channel, y, x), and their labels, (sample, y, x), as in `Sample`.
Batch = tuple[npt.NDArray[np.float32], npt.NDArray[np.uint8]]

#: Values of ``valid`` in pseudo-SPOT files; 0 is a pixel without data.
DATA = 1
MIXED_LABEL = 2

#: Channels that follow the reflectance of the bands: hillshade (0-255) and elevation (m).
RELIEF_CHANNELS = ("hillshade", "dem")


@dataclass(frozen=True)
class SceneFiles:
    """The patch file and the pseudo-SPOT file of one tile and date.

    Parameters
    ----------
    tile, date : str
    patches, pseudo : path
    """

    tile: str
    date: str
    patches: Path
    pseudo: Path


class SampleRow(NamedTuple):
    """A row of ``samples.csv``; ``patch`` and ``sample`` are indices in the two files."""

    tile: str
    date: str
    patch: int
    sample: int
    split: str
    n_ground: int
    n_snow: int
    n_cloud: int
    n_ignore: int


class Sample(NamedTuple):
    """What a model sees of one sample, and what it should say.

    ``channels`` (channel, y, x) is float32: reflectance of the bands, hillshade, elevation in m;
    NaN where there is no data. ``labels`` (y, x) is uint8; 255 = ignored, which includes no data.
    ``saturated`` (y, x) tells where some band has its largest digital number.
    """

    channels: npt.NDArray[np.float32]
    labels: npt.NDArray[np.uint8]
    saturated: npt.NDArray[np.bool_]


@dataclass(frozen=True)
class StoredSamples:
    """Samples as the files hold them, made channels when asked for.

    Parameters
    ----------
    dn : ndarray of uint8 or uint16, (sample, band, y, x)
    valid : ndarray of uint8, (sample, y, x)
        0 no data, `DATA`, or `MIXED_LABEL`: data whose label does not count.
    saturation, minimum : ndarray of float32, (sample, band)
        Reflectance of the largest DN and of DN 0.
    patch : ndarray of int, (sample,)
        Index into the following.
    hillshade, label : ndarray of uint8, (patch, y, x)
        Hillshade 0 = no relief.
    dem : ndarray of float32 or int16, (patch, y, x)
        Elevation, m.
    bits : int
    """

    dn: Array
    valid: npt.NDArray[np.uint8]
    saturation: npt.NDArray[np.float32]
    minimum: npt.NDArray[np.float32]
    patch: npt.NDArray[np.int64]
    hillshade: npt.NDArray[np.uint8]
    label: npt.NDArray[np.uint8]
    dem: Array
    bits: int

    def __len__(self) -> int:
        return len(self.dn)

    def batch(self, index: Sequence[int]) -> Batch:
        """Give some of the samples, in new arrays."""
        chosen = np.asarray(index, np.int64)
        patch = self.patch[chosen]
        minimum = self.minimum[chosen][:, :, None, None]
        saturation = self.saturation[chosen][:, :, None, None]
        reflectance = to_reflectance(self.dn[chosen], saturation, minimum, self.bits)
        hillshade, dem = self.hillshade[patch], self.dem[patch]
        channels = np.concatenate(
            [reflectance, hillshade[:, None], dem[:, None]], axis=1, dtype=np.float32
        )
        valid, relief = self.valid[chosen], hillshade > 0
        np.copyto(channels, np.nan, where=~((valid > 0) & relief)[:, None])
        judged = (valid == DATA) & relief
        return channels, np.where(judged, self.label[patch], np.uint8(IGNORE))

    def sample(self, index: int) -> Sample:
        """Give one of the samples."""
        channels, labels = self.batch([index])
        saturated = (self.dn[index] == 2**self.bits - 1).any(axis=0)
        return Sample(channels[0], labels[0], saturated)


def read_samples(
    scene: SceneFiles, patches: Sequence[int], samples: Sequence[int]
) -> StoredSamples:
    """Read samples of a scene, each given by its index and that of its patch.

    Raises
    ------
    DataError
        A file is missing, damaged, or does not hold them.
    """
    used, patch = np.unique(patches, return_inverse=True)
    dn, valid, saturation, minimum = netcdf.arrays(
        scene.pseudo, "dn", "valid", "saturation", "minimum", rows=samples
    )
    hillshade, label, dem = netcdf.arrays(
        scene.patches, "hillshade", "label", "dem", rows=used.tolist()
    )
    known = np.isfinite(dem)
    return StoredSamples(
        dn=dn,
        valid=valid,
        saturation=saturation,
        minimum=minimum,
        patch=patch,
        hillshade=np.where(known, hillshade, np.uint8(0)),
        label=label,
        dem=np.where(known, dem, np.float32(0)),
        bits=int(netcdf.attributes(scene.pseudo, "bits")["bits"]),
    )


def _scene_key(path: Path) -> tuple[str, str]:
    attributes = netcdf.attributes(path, "tile", "date")
    return str(attributes["tile"]), str(attributes["date"])


def pair_scenes(patches: Iterable[PathLike], pseudo: Iterable[PathLike]) -> list[SceneFiles]:
    """Pair patch files with pseudo-SPOT files by tile and date, in that order.

    Raises
    ------
    DataError
        A file has no counterpart or is damaged.
    """
    patch_files = {_scene_key(Path(path)): Path(path) for path in patches}
    pseudo_files = {_scene_key(Path(path)): Path(path) for path in pseudo}
    for key in sorted(patch_files.keys() ^ pseudo_files.keys()):
        lonely = patch_files.get(key) or pseudo_files[key]
        other = "pseudo-SPOT" if key in patch_files else "patch"
        raise DataError(f"{lonely}: tile {key[0]}, {key[1]} has no {other} file; give both")
    return [SceneFiles(*key, patch_files[key], pseudo_files[key]) for key in sorted(patch_files)]


class Samples:
    """The samples of one split, read when asked for.

    Parameters
    ----------
    rows : sequence of SampleRow
    scenes : sequence of SceneFiles

    Attributes
    ----------
    rows : list of SampleRow
    scenes : dict of (tile, date) to SceneFiles
    """

    def __init__(self, rows: Sequence[SampleRow], scenes: Sequence[SceneFiles]) -> None:
        self.rows = list(rows)
        self.scenes = {(scene.tile, scene.date): scene for scene in scenes}
        missing = {(row.tile, row.date) for row in rows} - self.scenes.keys()
        if missing:
            raise DataError(f"samples of {sorted(missing)}: their patch files are not given")

    @classmethod
    def open(
        cls,
        samples: PathLike,
        split: str,
        patches: Iterable[PathLike],
        pseudo: Iterable[PathLike],
    ) -> "Samples":
        """Open a split (train, validation or evaluation) of ``samples.csv``."""
        rows = [row for row in read_rows(samples) if row.split == split]
        return cls(rows, pair_scenes(patches, pseudo))

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> Sample:
        row = self.rows[index]
        scene = self.scenes[row.tile, row.date]
        return read_samples(scene, [row.patch], [row.sample]).sample(0)


def read_rows(path: PathLike) -> list[SampleRow]:
    """Read ``samples.csv``.

    Raises
    ------
    DataError
        The file is missing or its columns are others.
    """
    try:
        with open(path, encoding="utf-8", newline="") as stream:
            reader = csv.reader(stream)
            if tuple(next(reader, ())) != SampleRow._fields:
                raise ValueError(f"expected the columns {', '.join(SampleRow._fields)}")
            return [
                SampleRow(tile, date, int(patch), int(sample), split, *map(int, counts))
                for tile, date, patch, sample, split, *counts in reader
            ]
    except (OSError, ValueError, TypeError) as error:
        raise DataError(f"{path}: is not a table of samples ({error}); make it again") from error


def write_rows(path: PathLike, rows: Iterable[SampleRow]) -> None:
    """Write ``samples.csv`` atomically."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(SampleRow._fields)
    writer.writerows(rows)
    write_text(path, text.getvalue())
