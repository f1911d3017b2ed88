"""Samples: pseudo-SPOT patches with relief and labels, as models read them."""

import csv
import io
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import h5py
import numpy as np
import numpy.typing as npt

from firn import netcdf
from firn.classes import IGNORE
from firn.errors import DataError
from firn.files import write_text
from firn.sensors import to_reflectance

PathLike = str | os.PathLike[str]

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


def _scene_key(path: Path) -> tuple[str, str]:
    attributes = netcdf.attributes(path)
    try:
        return str(attributes["tile"]), str(attributes["date"])
    except KeyError as error:
        raise DataError(f"{path}: lacks the attribute {error}; run its rule again") from error


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


def read_sample(scene: SceneFiles, patch: int, sample: int) -> Sample:
    """Read one sample; it opens and closes both files, so that any worker process may call it.

    Raises
    ------
    DataError
        A file is missing or damaged.
    """
    try:
        with h5py.File(scene.pseudo, "r") as pseudo, h5py.File(scene.patches, "r") as patches:
            bits = int(pseudo.attrs["bits"].item())
            saturation = pseudo["saturation"][sample][:, None, None]
            minimum = pseudo["minimum"][sample][:, None, None]
            dn = pseudo["dn"][sample]
            hillshade, dem = patches["hillshade"][patch], patches["dem"][patch]
            valid = (pseudo["valid"][sample] == 1) & (hillshade > 0) & np.isfinite(dem)
            labels = np.where(valid, patches["label"][patch], np.uint8(IGNORE))
    except (OSError, KeyError, IndexError) as error:
        raise DataError(
            f"{scene.pseudo} or {scene.patches}: sample {sample} of patch {patch} cannot be read "
            f"({error}); delete both and run their rules again"
        ) from error
    reflectance = to_reflectance(dn, saturation, minimum, bits)
    channels = np.concatenate([reflectance, hillshade[None], dem[None]], dtype=np.float32)
    channels[:, ~valid] = np.nan
    return Sample(channels, labels, (dn == 2**bits - 1).any(axis=0))


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
        return read_sample(self.scenes[row.tile, row.date], row.patch, row.sample)


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
