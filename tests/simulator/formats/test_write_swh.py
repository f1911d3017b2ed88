"""SPOT World Heritage L1C scenes, reread with zipfile, ElementTree and rasterio."""

import zipfile
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from xml.etree.ElementTree import Element

import numpy as np
import pytest
import rasterio
from rasterio.warp import transform

from firn.errors import GridError, ProductError
from firn.grid import Grid
from firn.simulator.formats.metadata import SpotMetadata
from firn.simulator.formats.naming import swh_scene_id
from firn.simulator.formats.swh import BANDS, write_swh

GRID = Grid.from_bounds("EPSG:32632", 600000, 5199000, 601600, 5200000, 20)
TIME = datetime(1994, 2, 11, 10, 41, 7, 50000)
SCENE = swh_scene_id("SPOT4", "HRVIR1", TIME, 49, 262, 4)
META = SpotMetadata(SCENE, "SPOT4", "HRVIR1", TIME, 61.5, 152.25)
SATURATION = {"XS1": 0.41, "XS2": 0.45, "XS3": 0.62, "SWIR": 0.38}
MINIMUM = {"XS1": 0.02, "XS2": 0.01, "XS3": 0.005, "SWIR": 0.0}


def scene(bands: tuple[str, ...] = BANDS) -> dict[str, np.ndarray]:
    images = {}
    for i, band in enumerate(bands):
        images[band] = np.full(GRID.shape, 100 * (i + 1), np.uint16)
        images[band][:, 0] = 0
    return images


def write(path: Path, bands: tuple[str, ...] = BANDS) -> None:
    limits = ({b: values[b] for b in bands} for values in (SATURATION, MINIMUM))
    write_swh(path, scene(bands), *limits, GRID, META)


@pytest.mark.parametrize("bands", [BANDS, BANDS[:3]])
def test_images(tmp_path: Path, bands: tuple[str, ...], member: Callable[[Path, str], str]) -> None:
    path = tmp_path / "scene.zip"
    write(path, bands)
    with zipfile.ZipFile(path) as archive:
        assert {n.removeprefix(f"{SCENE}/{SCENE}_") for n in archive.namelist()} == {
            "MTD_ALL.xml",
            *(f"{b}.tif" for b in bands),
        }
    for i, band in enumerate(bands):
        with rasterio.open(member(path, f"{band}.tif")) as image:
            assert (image.dtypes, image.nodata) == (("uint16",), 0)
            assert (image.crs.to_epsg(), image.transform) == (32632, GRID.transform)
            values = image.read(1)
        assert set(values[:, 0]) == {0}
        assert set(values[:, 1:].flat) == {100 * (i + 1)}


def test_document(tmp_path: Path, document: Callable[[Path, str], Element]) -> None:
    write(tmp_path / "scene.zip")
    root = document(tmp_path / "scene.zip", "_MTD_ALL.xml")
    for path, text in {
        ".//Product_Characteristics/ACQUISITION_DATE": "1994-02-11T10:41:07.050Z",
        ".//Product_Characteristics/PRODUCT_ID": SCENE,
        ".//Product_Characteristics/PLATFORM": "SPOT4",
        ".//Product_Characteristics/INSTRUMENT": "HRVIR1",
        ".//Geometric_Informations/Mean_Value_List/Sun_Angles/ZENITH_ANGLE": "61.5",
        ".//Geometric_Informations/Mean_Value_List/Sun_Angles/AZIMUTH_ANGLE": "152.25",
        ".//Geoposition_Informations/Coordinate_Reference_System/"
        "Horizontal_Coordinate_System/HORIZONTAL_CS_CODE": "32632",
    }.items():
        assert root.findtext(path) == text, path
    for band in BANDS:
        indexes = f".//Band_Index_List[@band_id='{band}']/QUALITY_INDEX"
        highest = root.findtext(f"{indexes}[@name='ReflectanceMax']")
        lowest = root.findtext(f"{indexes}[@name='ReflectanceMin']")
        assert (float(highest or "nan"), float(lowest or "nan")) == (
            SATURATION[band],
            MINIMUM[band],
        )
    listed = [e.text for e in root.iter("IMAGE_FILE")]
    assert listed == [f"{SCENE}_{band}.tif" for band in BANDS]


def test_corners(tmp_path: Path, document: Callable[[Path, str], Element]) -> None:
    write(tmp_path / "scene.zip")
    root = document(tmp_path / "scene.zip", "_MTD_ALL.xml")
    for name, x, y in (("upperRight", 601600, 5200000), ("lowerLeft", 600000, 5199000)):
        point = root.find(f".//Global_Geopositioning/Point[@name='{name}']")
        assert point is not None
        lon, lat = (float(point.findtext(tag) or "nan") for tag in ("LON", "LAT"))
        (east,), (north,) = transform("EPSG:4326", "EPSG:32632", [lon], [lat])
        assert (east, north) == pytest.approx((x, y), abs=0.01)


def test_same_input_same_bytes(tmp_path: Path) -> None:
    write(tmp_path / "a.zip")
    write(tmp_path / "b.zip")
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()


def test_a_band_without_limits(tmp_path: Path) -> None:
    with pytest.raises(ProductError, match="saturation of"):
        write_swh(tmp_path / "s.zip", scene(BANDS[:3]), SATURATION, MINIMUM, GRID, META)


def test_wrong_shape(tmp_path: Path) -> None:
    images = scene() | {"XS3": np.ones((3, 3), np.uint16)}
    with pytest.raises(GridError, match="XS3"):
        write_swh(tmp_path / "s.zip", images, SATURATION, MINIMUM, GRID, META)
    assert list(tmp_path.iterdir()) == []


def test_a_crs_without_code_is_refused(tmp_path: Path) -> None:
    local = "+proj=tmerc +lat_0=0 +lon_0=8.1193 +k=0.9996 +datum=WGS84 +units=m"
    grid = Grid.from_bounds(local, 0, 0, 1600, 1000, 20)
    with pytest.raises(GridError, match="EPSG"):
        write_swh(tmp_path / "s.zip", scene(), SATURATION, MINIMUM, grid, META)
    assert list(tmp_path.iterdir()) == []
