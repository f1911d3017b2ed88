"""Public reference data of cloud masks: the ALCD masks and the Hollstein database.

ALCD (Baetens, Desjardins & Hagolle 2019): a record at Zenodo, whose files are zips of a folder per
Level-1C product. Which of its scenes other publications trained and tested on is known by folder
alone, see `firn.clouddl_config.ReferenceData`.
"""

import re
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import urlsplit

from firn.acquisition_config import Acquisition, Retries
from firn.clouddl_config import ReferenceData
from firn.download.fetch import fetch_product
from firn.download.table import Product
from firn.download.transfer import ZIP_MAGIC, Remote, fetch
from firn.errors import DataError, DownloadError
from firn.files import read_json, write_json
from firn.products.cloud_masks import ALCD_CLASSES

HDF5_MAGIC = (b"\x89HDF\r\n\x1a\n",)
#: Name of a Level-1C product since 2016; a folder of ALCD has that of its product.
_L1C_NAME = re.compile(r"(S2[A-D])_MSIL1C_(\d{8})T\d{6}_N\d{4}_R\d{3}_T(\d{2}[A-Z]{3})_\w+")


@dataclass(frozen=True)
class AlcdScene:
    """A scene of the ALCD data set.

    Parameters
    ----------
    name : str
        Level-1C product, without ``.SAFE``.
    group : str
        Folder of the data set: ``Reference_dataset`` or ``Hollstein``.
    folder : path
        With its masks.
    """

    name: str
    group: str
    folder: Path

    @property
    def product(self) -> tuple[str, str, str]:
        """Platform, tile and date (YYYYMMDD) of the product; `DataError` for another name."""
        match = _L1C_NAME.fullmatch(self.name)
        if match is None:
            raise DataError(
                f"{self.folder}: is not named after a Level-1C product; give the folder its name "
                "back, or fetch the data set again"
            )
        platform, date, tile = match.groups()
        return platform, tile, date


def _public(name: str, url: str, magic: tuple[bytes, ...], **known: Any) -> Remote:
    remote: dict[str, Any] = {"size": None, "md5": None, **known}
    return Remote(name=name, url=url, magic=magic, authenticate=lambda: None, **remote)


def record_files(path: Path) -> list[Remote]:
    """Files of a record of Zenodo, as its description lists them.

    Raises
    ------
    DownloadError
        The description is of another form.
    """
    try:
        remotes = []
        for entry in read_json(path)["files"]:
            name = PurePosixPath(entry["key"]).name
            kind, _, digest = str(entry["checksum"]).partition(":")
            remotes.append(
                _public(
                    name,
                    entry["links"]["self"],
                    ZIP_MAGIC if name.endswith(".zip") else (b"",),
                    size=int(entry["size"]),
                    md5=digest if kind == "md5" else None,
                )
            )
    except (KeyError, TypeError, ValueError) as error:
        raise DownloadError(
            f"{path}: is not the description of a record at Zenodo ({error}); correct "
            "clouddl.reference.alcd, or set it to null and unpack the data set by hand"
        ) from error
    return remotes


def fetch_masks(settings: ReferenceData, retries: Retries) -> list[Path]:
    """Fetch the masks and the spectra; what is there already is not fetched again.

    Parameters
    ----------
    settings : ReferenceData
    retries : Retries

    Returns
    -------
    list of Path
        Files of the Hollstein database. The masks lie below ``alcd`` in the folder.

    Raises
    ------
    DownloadError
        A server refuses, or what it sends is not what it must be.
    """
    folder = Path(settings.folder)
    if settings.alcd is not None:
        record = folder / "alcd" / "record.json"
        _fetch_new(_public("ALCD record", settings.alcd, (b"{",)), record, retries)
        for remote in record_files(record):
            target = folder / "alcd" / remote.name
            _fetch_new(remote, target, retries)
            if target.suffix == ".zip":
                _unpack(target, folder / "alcd")
    spectra = []
    for url in settings.hollstein:
        name = PurePosixPath(urlsplit(url).path).name
        spectra.append(folder / "hollstein" / name)
        _fetch_new(_public(name, url, HDF5_MAGIC), spectra[-1], retries)
    return spectra


def _fetch_new(remote: Remote, target: Path, retries: Retries) -> None:
    if not target.exists():
        fetch(remote, target, retries)


def _unpack(path: Path, folder: Path) -> None:
    """Unpack a zip once; a note beside it tells that it was unpacked to its end."""
    note = path.with_suffix(".unpacked")
    if note.exists():
        return
    try:
        with zipfile.ZipFile(path) as archive:
            archive.extractall(folder)
    except (zipfile.BadZipFile, OSError) as error:
        raise DownloadError(
            f"{path}: cannot be unpacked ({error}); delete it and call again"
        ) from (error)
    note.touch()


def alcd_scenes(folder: Path) -> list[AlcdScene]:
    """Scenes of the ALCD data set below a folder, however deep.

    Where a scene is in both of its parts, that of ``Hollstein`` comes second.

    Raises
    ------
    DataError
        There is none.
    """
    depth = len(PurePosixPath(ALCD_CLASSES).parts)
    places = [path.parents[depth - 1] for path in sorted(folder.rglob(ALCD_CLASSES))]
    if not places:
        raise DataError(f"{folder}: holds no {ALCD_CLASSES}; unpack the ALCD data set there")
    scenes = [AlcdScene(p.name.removesuffix(".SAFE"), p.parent.name, p) for p in places]
    return sorted(scenes, key=lambda scene: (scene.group == "Hollstein", scene.name))


def l1c_path(settings: ReferenceData, scene: AlcdScene) -> Path:
    """Where the Level-1C product of a scene lies."""
    return Path(settings.folder) / "l1c" / f"{scene.name}.zip"


def fetch_images(settings: ReferenceData, scenes: Sequence[AlcdScene], retries: Retries) -> None:
    """Fetch the Level-1C products of scenes from their provider; those that are there are kept.

    Raises
    ------
    DownloadError
        The provider does not offer a product, or a download fails.
    """
    assert settings.provider is not None
    place = Acquisition(scenes="unused.tsv", folder=settings.folder, retries=retries)
    for scene in {scene.name: scene for scene in scenes}.values():
        platform, tile, date = scene.product
        product = Product(
            kind="l1c",
            area="",
            tile=tile,
            date=date,
            platform=platform,
            product_id=scene.name,
            provider=settings.provider,
            collection=settings.collection,
            cloud_cover=None,
            size=None,
            md5=None,
        )
        target = l1c_path(settings, scene)
        if not target.exists():
            fetch_product(product, place, {}, target)


def splits_of(settings: ReferenceData, scene: AlcdScene) -> dict[str, str]:
    """Split of a scene by method, where one is known."""
    return {
        method: split
        for method, splits in settings.splits.items()
        for split, names in splits.items()
        if scene.name in names or scene.group in names
    }


def write_index(
    settings: ReferenceData, scenes: Sequence[AlcdScene], spectra: Sequence[Path], path: Path
) -> None:
    """Write which scenes there are, where their masks and images lie, and their splits."""
    write_json(
        path,
        {
            "scenes": [
                {
                    "name": scene.name,
                    "group": scene.group,
                    "mask": str(scene.folder),
                    "l1c": str(l1c_path(settings, scene)) if settings.provider else None,
                    "splits": splits_of(settings, scene),
                }
                for scene in scenes
            ],
            "hollstein": [str(path) for path in spectra],
        },
    )
