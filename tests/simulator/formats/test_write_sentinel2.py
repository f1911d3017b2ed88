"""Sentinel-2 L1C products, reread with zipfile, ElementTree and GDAL's own driver."""

import hashlib
import zipfile
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from xml.etree.ElementTree import Element

import numpy as np
import pytest
import rasterio

from firn.errors import GridError, ProductError
from firn.simulator.formats.metadata import RESOLUTIONS, Sentinel2Metadata
from firn.simulator.formats.sentinel2 import to_dn, write_l1c

Metadata = Callable[..., Sentinel2Metadata]
Document = Callable[[Path, str], Element]
Member = Callable[[Path, str], str]

OLD = "S2A_MSIL1C_20180415T103021_N0206_R108_T32TPT_20180415T103021.SAFE"
NEW = "S2A_MSIL1C_20180415T103021_N0500_R108_T32TPT_20180415T103021.SAFE"


def reflectances(meta: Sentinel2Metadata) -> dict[str, np.ndarray]:
    """Band i has reflectance 0.1 + 0.01 i everywhere but for a corner without data."""
    bands = {}
    for i, (band, resolution) in enumerate(RESOLUTIONS.items()):
        bands[band] = np.full(
            meta.grid.with_resolution(resolution).shape, 0.1 + 0.01 * i, np.float32
        )
        bands[band][0, 0] = np.nan
    return bands


@pytest.fixture(scope="module")
def _folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("l1c")


@pytest.fixture
def old(metadata: Metadata, _folder: Path) -> Path:
    """A product processed before the offset."""
    return written(_folder / "old.zip", metadata("02.06"))


@pytest.fixture
def new(metadata: Metadata, _folder: Path) -> Path:
    """A product processed since."""
    return written(_folder / "new.zip", metadata("05.00"))


def written(path: Path, meta: Sentinel2Metadata) -> Path:
    if not path.exists():
        bands = reflectances(meta)
        saturated = {"B02": np.zeros(bands["B02"].shape, bool)}
        saturated["B02"][0, :2] = True  # the first of them has no data
        write_l1c(path, bands, saturated, meta)
    return path


def test_dn_by_hand() -> None:
    reflectance = np.array([[0.1234, 1.5, -0.2, np.nan, 9.0]], np.float32)
    assert to_dn(reflectance, None, 0).tolist() == [[1234, 15000, 1, 0, 32767]]
    # Dark measurements below zero survive since the offset; that is what it is for.
    assert to_dn(reflectance - 0.1, None, -1000).tolist() == [[1234, 15000, 1, 0, 32767]]
    assert to_dn(np.float32([[-0.05]]), None, -1000).tolist() == [[500]]


def test_saturation_does_not_hide_missing_data() -> None:
    reflectance = np.array([[0.5, np.nan]], np.float32)
    assert to_dn(reflectance, np.array([[True, True]]), 0).tolist() == [[65535, 0]]


def test_tree(old: Path, new: Path) -> None:
    granule = "GRANULE/L1C_T32TPT_A014691_20180415T103021"
    images = {f"{granule}/IMG_DATA/T32TPT_20180415T103021_{b}.jp2" for b in RESOLUTIONS}
    common = images | {
        "MTD_MSIL1C.xml",
        "manifest.safe",
        f"{granule}/MTD_TL.xml",
        "DATASTRIP/DS_SGS__20180415T103021_S20180415T103021/MTD_DS.xml",
    }
    for path, safe, mask in (
        (old, OLD, "MSK_CLOUDS_B00.gml"),
        (new, NEW, "MSK_CLASSI_B00.jp2"),
    ):
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
            assert archive.testzip() is None
            # Zip keeps even seconds only.
            assert {i.date_time for i in archive.infolist()} == {(2018, 4, 15, 10, 30, 20)}
        assert names == sorted(names)
        assert {n.removeprefix(f"{safe}/") for n in names} == common | {f"{granule}/QI_DATA/{mask}"}


@pytest.mark.parametrize("band", RESOLUTIONS)
def test_digital_numbers_and_grid(
    band: str, old: Path, new: Path, member: Member, metadata: Metadata
) -> None:
    grid = metadata().grid.with_resolution(RESOLUTIONS[band])
    expected = 1000 + 100 * list(RESOLUTIONS).index(band)
    for path, offset in ((old, 0), (new, -1000)):
        with rasterio.open(member(path, f"_{band}.jp2")) as image:
            assert image.crs.to_epsg() == 32632
            assert image.transform == grid.transform
            assert image.dtypes == ("uint16",)
            dn = image.read(1)
        assert dn.shape == grid.shape
        assert dn[0, 0] == 0
        assert dn[0, 1] == (65535 if band == "B02" else expected - offset)
        assert set(dn[1:].flat) == {expected - offset}


def test_product_document(old: Path, new: Path, document: Document) -> None:
    root = document(new, "MTD_MSIL1C.xml")
    assert root.tag.endswith("}Level-1C_User_Product")
    assert root.findtext(".//QUANTIFICATION_VALUE") == "10000"
    offsets = root.findall(".//Radiometric_Offset_List/RADIO_ADD_OFFSET")
    assert [e.get("band_id") for e in offsets] == [str(i) for i in range(13)]
    assert {e.text for e in offsets} == {"-1000"}
    assert document(old, "MTD_MSIL1C.xml").find(".//Radiometric_Offset_List") is None
    special = {
        e.findtext("SPECIAL_VALUE_TEXT"): e.findtext("SPECIAL_VALUE_INDEX")
        for e in root.findall(".//Special_Values")
    }
    assert special == {"NODATA": "0", "SATURATED": "65535"}
    physical = {
        e.get("bandId"): e.get("physicalBand") for e in root.findall(".//Spectral_Information")
    }
    assert [physical[str(i)] for i in range(13)] == (
        ["B1", "B2", "B3", "B4", "B5", "B6", "B7", "B8", "B8A", "B9", "B10", "B11", "B12"]
    )
    irradiance = root.findall(".//Reflectance_Conversion/Solar_Irradiance_List/SOLAR_IRRADIANCE")
    assert {e.get("bandId"): e.text for e in irradiance}["8"] == "1008.0"
    assert root.findtext(".//PROCESSING_BASELINE") == "05.00"
    assert root.findtext(".//SPACECRAFT_NAME") == "Sentinel-2A"
    assert root.findtext(".//PRODUCT_START_TIME") == "2018-04-15T10:30:21.024Z"
    assert root.findtext(".//PRODUCT_URI") == NEW


def test_listed_images_are_those_present(old: Path, document: Document) -> None:
    listed = [e.text for e in document(old, "MTD_MSIL1C.xml").findall(".//IMAGE_FILE")]
    with zipfile.ZipFile(old) as archive:
        names = set(archive.namelist())
    assert len(listed) == 13
    assert {f"{OLD}/{image}.jp2" for image in listed} < names


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        (datetime(2018, 1, 2), 1.0343),  # perihelion: 1 / (1 - 0.01673)^2
        (datetime(2018, 7, 4), 0.9674),  # aphelion: 1 / (1 + 0.01673)^2
    ],
)
def test_sun_distance(
    day: datetime, expected: float, metadata: Metadata, document: Document, tmp_path: Path
) -> None:
    meta = replace(metadata(), sensing_time=day)
    write_l1c(tmp_path / "p.zip", {"B01": reflectances(meta)["B01"]}, None, meta)
    factor = document(tmp_path / "p.zip", "MTD_MSIL1C.xml").findtext(".//Reflectance_Conversion/U")
    assert factor is not None
    assert float(factor) == pytest.approx(expected, abs=1e-4)


def test_tile_document(old: Path, document: Document) -> None:
    root = document(old, "MTD_TL.xml")
    tile_id = root.findtext(".//TILE_ID") or ""
    assert tile_id.endswith("_T32TPT_N02.06")
    assert root.findtext(".//SENSING_TIME") == "2018-04-15T10:30:21.024Z"
    geocoding = root.find(".//Tile_Geocoding")
    assert geocoding is not None
    assert geocoding.findtext("HORIZONTAL_CS_CODE") == "EPSG:32632"
    assert geocoding.findtext("HORIZONTAL_CS_NAME") == "WGS84 / UTM zone 32N"
    for resolution, count in (("10", "120"), ("20", "60"), ("60", "20")):
        size = geocoding.find(f"Size[@resolution='{resolution}']")
        place = geocoding.find(f"Geoposition[@resolution='{resolution}']")
        assert size is not None and place is not None
        assert [e.text for e in size] == [count, count]
        assert [e.text for e in place] == ["600000", "5200000", resolution, f"-{resolution}"]


def test_angles(old: Path, document: Document) -> None:
    root = document(old, "MTD_TL.xml")
    sun = root.find(".//Tile_Angles/Mean_Sun_Angle")
    assert sun is not None
    assert float(sun.findtext("ZENITH_ANGLE") or "") == 40.25
    assert float(sun.findtext("AZIMUTH_ANGLE") or "") == 155.5
    for name, angle in (("Zenith", 40.25), ("Azimuth", 155.5)):
        grid = root.find(f".//Tile_Angles/Sun_Angles_Grid/{name}")
        assert grid is not None
        assert grid.findtext("COL_STEP") == grid.findtext("ROW_STEP") == "5000"
        rows = [(e.text or "").split() for e in grid.findall("Values_List/VALUES")]
        # 1.2 km lie between two nodes of the 5 km grid.
        assert [[float(v) for v in row] for row in rows] == [[angle] * 2] * 2
    views = root.findall(
        ".//Tile_Angles/Mean_Viewing_Incidence_Angle_List/Mean_Viewing_Incidence_Angle"
    )
    assert [e.get("bandId") for e in views] == [str(i) for i in range(13)]
    assert root.find(".//Viewing_Incidence_Angles_Grids[@bandId='12'][@detectorId='1']") is not None


def test_manifest_has_the_checksums(old: Path, document: Document) -> None:
    root = document(old, "manifest.safe")
    with zipfile.ZipFile(old) as archive:
        others = [n for n in archive.namelist() if not n.endswith("manifest.safe")]
        streams = root.findall(".//byteStream")
        assert len(streams) == len(others)
        for stream in streams:
            location = stream.find("fileLocation")
            assert location is not None
            data = archive.read(f"{OLD}/{(location.get('href') or '').removeprefix('./')}")
            assert stream.get("size") == str(len(data))
            assert stream.findtext("checksum") == hashlib.md5(data).hexdigest()


def test_gdal_recognises_the_product(new: Path, member: Member) -> None:
    with rasterio.open(member(new, "MTD_MSIL1C.xml")) as product:
        assert product.driver == "SENTINEL2"
        ten_metres = product.subdatasets[0]
    with rasterio.open(ten_metres) as image:
        assert [d.split(",")[0] for d in image.descriptions] == ["B4", "B3", "B2", "B8"]
        assert image.tags(1)["RADIO_ADD_OFFSET"] == "-1000"
        assert image.read(1)[5, 5] == 1000 + 300 + 1000


def test_same_input_same_bytes(tmp_path: Path, metadata: Metadata) -> None:
    for baseline in ("02.06", "05.00"):
        meta = metadata(baseline)
        for name in ("a.zip", "b.zip"):
            write_l1c(tmp_path / name, reflectances(meta), None, meta)
        assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()


def test_wrong_shape_leaves_no_file(tmp_path: Path, metadata: Metadata) -> None:
    bands = reflectances(metadata())
    bands["B12"] = bands["B02"]
    with pytest.raises(GridError, match=r"B12.*\(120, 120\).*\(60, 60\)"):
        write_l1c(tmp_path / "p.zip", bands, None, metadata())
    assert list(tmp_path.iterdir()) == []


def test_unknown_band(tmp_path: Path, metadata: Metadata) -> None:
    with pytest.raises(ProductError, match="'B2'"):
        write_l1c(tmp_path / "p.zip", {"B2": np.zeros((120, 120), np.float32)}, None, metadata())
