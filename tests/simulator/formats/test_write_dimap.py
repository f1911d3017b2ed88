"""SPOT World Heritage L1A scenes, reread with zipfile, ElementTree and rasterio."""

import zipfile
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from xml.etree.ElementTree import Element

import numpy as np
import pytest
import rasterio

from firn.errors import ProductError
from firn.simulator.formats.dimap import DimapMetadata, write_l1a
from firn.simulator.formats.naming import spot_scene_number

TIME = datetime(2003, 7, 15, 10, 18, 49)
NUMBER = spot_scene_number("SPOT4", "HRVIR2", TIME, 48, 258, "I")
META = DimapMetadata(
    scene_number=NUMBER,
    platform="SPOT4",
    instrument="HRVIR2",
    acquisition_time=TIME,
    sun_zenith=28.25,
    sun_azimuth=141.5,
    incidence=-27.04,
    orientation=13.9,
    longitude_terms=(10.0, -5e-5, 3e-4, 0.0, 0.0, 0.0),
    latitude_terms=(47.0, -2e-4, -4e-5, 0.0, 0.0, 1e-9),
    gain={"XS1": 0.8, "XS2": 0.9, "XS3": 1.1, "SWIR": 6.5},
    bias=dict.fromkeys(("XS1", "XS2", "XS3", "SWIR"), 1.5),
    irradiance=None,
)
BANDS = {b: np.full((5, 7), i + 1, np.uint8) for i, b in enumerate(META.gain)}


def test_the_image_holds_the_first_three_bands_the_other_way_round(
    tmp_path: Path, member: Callable[[Path, str], str]
) -> None:
    write_l1a(tmp_path / "scene.zip", BANDS, META)
    with zipfile.ZipFile(tmp_path / "scene.zip") as archive:
        assert archive.namelist() == ["SCENE01/IMAGERY.TIF", "SCENE01/METADATA.DIM"]
    with rasterio.open(member(tmp_path / "scene.zip", "IMAGERY.TIF")) as image:
        assert (image.dtypes, image.crs) == (("uint8",) * 4, None)
        assert image.read()[:, 2, 3].tolist() == [3, 2, 1, 4]


def test_document(tmp_path: Path, document: Callable[[Path, str], Element]) -> None:
    write_l1a(tmp_path / "scene.zip", BANDS, META)
    root = document(tmp_path / "scene.zip", "METADATA.DIM")
    for path, text in {
        ".//Scene_Source/GRID_REFERENCE": "048-258",
        ".//Scene_Source/IMAGING_TIME": "10:18:49",
        ".//Scene_Source/MISSION_INDEX": "4",
        ".//Scene_Source/INSTRUMENT": "HRVIR",
        ".//Scene_Source/SENSOR_CODE": "I",
        ".//Scene_Source/INCIDENCE_ANGLE": "-27.0",
        ".//Scene_Source/SUN_ELEVATION": "61.750000",
        ".//Dataset_Frame/SCENE_ORIENTATION": "13.900000",
        ".//Raster_Dimensions/NROWS": "5",
        ".//Raster_Encoding/NBITS": "8",
        ".//Data_Processing/PROCESSING_LEVEL": "1A",
    }.items():
        assert root.findtext(path) == text, path
    listed = [e.findtext("BAND_DESCRIPTION") for e in root.iter("Spectral_Band_Info")]
    assert listed == ["XS1", "XS2", "XS3", "SWIR"]
    assert [float(e.text or "") for e in root.iter("pc")] == list(META.latitude_terms)
    # Latitude of the pixel (5, 7): 47 - 10e-4 - 28e-5 + 49e-9.
    corner = root.findall(".//Vertex")[2]
    assert corner.findtext("FRAME_LAT") == "46.998720049"
    assert not root.findall(".//Band_Solar_Irradiance")


def test_irradiance_is_told_by_band_index(
    tmp_path: Path, document: Callable[[Path, str], Element]
) -> None:
    told = replace(META, irradiance={"XS1": 1859.8, "XS2": 1575.3, "XS3": 1043.9, "SWIR": 238.87})
    write_l1a(tmp_path / "scene.zip", BANDS, told)
    root = document(tmp_path / "scene.zip", "METADATA.DIM")
    values = [e.findtext("SOLAR_IRRADIANCE_VALUE") for e in root.iter("Band_Solar_Irradiance")]
    assert values == ["1859.80", "1575.30", "1043.90", "238.87"]


def test_bands_of_another_mode(tmp_path: Path) -> None:
    with pytest.raises(ProductError, match="for mode I"):
        write_l1a(tmp_path / "s.zip", {b: BANDS[b] for b in ("XS1", "XS2", "XS3")}, META)
    assert list(tmp_path.iterdir()) == []


def test_same_input_same_bytes(tmp_path: Path) -> None:
    write_l1a(tmp_path / "a.zip", BANDS, META)
    write_l1a(tmp_path / "b.zip", BANDS, META)
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()
