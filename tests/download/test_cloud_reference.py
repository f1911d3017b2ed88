"""The ALCD masks, the Hollstein database and their images, from a server that plays Zenodo."""

import dataclasses
import hashlib
import io
import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
from server import Server, break_off
from test_search import sentinel2
from test_transfer import QUICK, zipped

from firn import raster
from firn.clouddl_config import ReferenceData
from firn.download.cloud_reference import (
    AlcdScene,
    alcd_scenes,
    fetch_images,
    fetch_masks,
    write_index,
)
from firn.errors import DataError, DownloadError
from firn.files import read_json
from firn.grid import Grid
from firn.products.cloud_masks import read_mask

NAME = "S2A_MSIL1C_20180115T105401_N0207_R051_T31TCH_20180115T130000"
OTHER = "S2B_MSIL1C_20170920T105009_N0205_R051_T31TCH_20170920T105226"
GRID = Grid.from_bounds("EPSG:32631", 300000, 4700000, 300600, 4700600, 60)
HDF5 = b"\x89HDF\r\n\x1a\n" + bytes(100)


def archive(tmp_path: Path) -> bytes:
    """Two scenes, one of them in both parts of the data set."""
    raster.write(tmp_path / "map.tif", np.full(GRID.shape, 3, np.uint8), GRID)
    content = (tmp_path / "map.tif").read_bytes()
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as files:
        for folder in (
            f"Hollstein/{NAME}",
            f"Reference_dataset/{NAME}",
            f"Reference_dataset/{OTHER}",
        ):
            files.writestr(f"data/{folder}/Classification/classification_map.tif", content)
    return stream.getvalue()


@pytest.fixture
def settings(tmp_path: Path, server: Server) -> ReferenceData:
    content = archive(tmp_path)
    entry = {
        "key": "reference.zip",
        "size": len(content),
        "checksum": f"md5:{hashlib.md5(content).hexdigest()}",
        "links": {"self": f"{server.url}/files/reference.zip"},
    }
    server.files |= {
        "/api/records/1": json.dumps({"files": [entry]}).encode(),
        "/files/reference.zip": content,
        "/spectra/20170412_s2.h5": HDF5,
    }
    return ReferenceData(
        folder=str(tmp_path / "clouds"),
        alcd=f"{server.url}/api/records/1",
        hollstein=(f"{server.url}/spectra/20170412_s2.h5",),
        provider="geodes",
        collection="PEPS_S2_L1C",
        splits={
            "som": {"evaluation": ("Reference_dataset",)},
            "patch-cnn": {"train": (NAME,), "evaluation": (OTHER,)},
        },
    )


def test_masks_are_fetched_unpacked_and_read(server: Server, settings: ReferenceData) -> None:
    server.troubles["/files/reference.zip"] = [break_off(0.5)]
    (spectra,) = fetch_masks(settings, QUICK)
    assert spectra.read_bytes() == HDF5
    scenes = alcd_scenes(Path(settings.folder))
    assert [(s.group, s.name) for s in scenes] == [
        ("Reference_dataset", NAME),
        ("Reference_dataset", OTHER),
        ("Hollstein", NAME),
    ]
    assert (read_mask(scenes[0].folder, GRID) == 2).all()
    server.requests.clear()
    fetch_masks(settings, QUICK)
    assert server.gets("/") == [], "what is there is not fetched again"


def test_file_with_another_checksum_is_refused(server: Server, settings: ReferenceData) -> None:
    content = server.files["/files/reference.zip"]
    server.files["/files/reference.zip"] = content[:-1] + b"x"
    with pytest.raises(DownloadError, match=r"reference\.zip: has MD5"):
        fetch_masks(settings, QUICK)
    assert not (Path(settings.folder) / "alcd/reference.zip").exists()


def test_other_answer_is_no_record(server: Server, settings: ReferenceData) -> None:
    server.files["/api/records/1"] = b'{"files": [{"key": 3}]}'
    with pytest.raises(DownloadError, match="is not the description of a record at Zenodo"):
        fetch_masks(settings, QUICK)


def test_images_come_from_their_provider(
    server: Server, eodag: Path, settings: ReferenceData
) -> None:
    (item,) = sentinel2("31TCH", "20180115", "l1c")
    content = zipped(1000)
    server.items = [dataclasses.replace(item, content=content)]
    fetch_masks(settings, QUICK)
    scenes = [s for s in alcd_scenes(Path(settings.folder)) if s.name == NAME]
    fetch_images(settings, scenes, QUICK)
    assert (Path(settings.folder) / f"l1c/{NAME}.zip").read_bytes() == content
    with pytest.raises(DownloadError, match=f"{OTHER}: geodes no longer offers it"):
        fetch_images(settings, alcd_scenes(Path(settings.folder)), QUICK)


def test_index_tells_the_split_of_each_scene(settings: ReferenceData, tmp_path: Path) -> None:
    spectra = fetch_masks(settings, QUICK)
    scenes = alcd_scenes(Path(settings.folder))
    write_index(settings, scenes, spectra, tmp_path / "index.json")
    content = read_json(tmp_path / "index.json")
    assert [scene["splits"] for scene in content["scenes"]] == [
        {"som": "evaluation", "patch-cnn": "train"},
        {"som": "evaluation", "patch-cnn": "evaluation"},
        {"patch-cnn": "train"},
    ]
    assert content["hollstein"] == [str(path) for path in spectra]


def test_other_folders_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="holds no Classification"):
        alcd_scenes(tmp_path)
    with pytest.raises(DataError, match="is not named after a Level-1C product"):
        _ = AlcdScene("Arles_20170917", "Reference_dataset", tmp_path).product
