"""MAJA L2A and Theia snow products, reread with zipfile, ElementTree and rasterio."""

import zipfile
from collections.abc import Callable
from pathlib import Path
from xml.etree.ElementTree import Element

import numpy as np
import pytest
import rasterio

from firn.errors import GridError, ProductError
from firn.simulator.formats.maja import GROUP_BANDS, L2AMasks, to_dn, write_l2a
from firn.simulator.formats.metadata import Sentinel2Metadata
from firn.simulator.formats.snow import write_snow

Metadata = Callable[..., Sentinel2Metadata]
Document = Callable[[Path, str], Element]
Member = Callable[[Path, str], str]

NAME = "SENTINEL2A_20180415-103021-024_L2A_T32TPT_C_V1-0"
SNOW = "SENTINEL2A_20180415-103021-024_L2B-SNOW_T32TPT_D_V1-0"


def masks() -> L2AMasks:
    """A quarter cloud found by its brightness, half snow, one pixel outside, some saturated."""
    clm, mg2, edg = (np.zeros((60, 60), np.uint8) for _ in range(3))
    clm[:30, :30] = 1 + 2 + 4
    mg2[:, 30:] = 4
    edg[59, 59] = 1
    b4, b11 = np.zeros((120, 120), bool), np.zeros((60, 60), bool)
    b4[3, 4] = b11[5, 6] = True
    return L2AMasks(clm, mg2, edg, {"B4": b4, "B11": b11})


def bands() -> dict[str, np.ndarray]:
    fine, coarse = np.full((120, 120), 0.25, np.float32), np.full((60, 60), 0.75, np.float32)
    fine[-1, -1] = coarse[-1, -1] = np.nan
    return {"B3": fine, "B4": fine + np.float32(0.1), "B11": coarse}


@pytest.fixture
def product(tmp_path: Path, metadata: Metadata) -> Path:
    write_l2a(tmp_path / "l2a.zip", bands(), masks(), metadata())
    return tmp_path / "l2a.zip"


def pixels(path: str) -> np.ndarray:
    with rasterio.open(path) as image:
        return image.read(1)


def test_dn_by_hand() -> None:
    reflectance = np.float32([[0.12344, -0.05, -2.0, 4.0, np.nan]])
    assert to_dn(reflectance).tolist() == [[1234, -500, -9999, 32767, -10000]]


def test_saturation_bits_of_the_format_document() -> None:
    assert GROUP_BANDS == {
        "R1": ("B2", "B3", "B4", "B8"),
        "R2": ("B5", "B6", "B7", "B8A", "B11", "B12"),
    }


def test_tree(product: Path) -> None:
    with zipfile.ZipFile(product) as archive:
        names = {n.removeprefix(f"{NAME}/") for n in archive.namelist()}
    assert names == {
        *(f"{NAME}_FRE_{b}.tif" for b in ("B3", "B4", "B11")),
        *(f"MASKS/{NAME}_{m}_{g}.tif" for m in ("CLM", "EDG", "MG2", "SAT") for g in ("R1", "R2")),
        f"{NAME}_MTD_ALL.xml",
    }


@pytest.mark.parametrize(
    ("band", "dn", "resolution"), [("B3", 2500, 10), ("B4", 3500, 10), ("B11", 7500, 20)]
)
def test_reflectance(product: Path, member: Member, band: str, dn: int, resolution: int) -> None:
    with rasterio.open(member(product, f"_FRE_{band}.tif")) as image:
        assert image.dtypes == ("int16",)
        assert image.nodata == -10000
        assert image.crs.to_epsg() == 32632
        assert image.res == (resolution, resolution)
        assert image.bounds == (600000, 5198800, 601200, 5200000)
        values = image.read(1)
    assert values[-1, -1] == -10000
    assert set(values[:-1].flat) == {dn}


def test_masks(product: Path, member: Member) -> None:
    for kind, expected in (("CLM", masks().clm), ("MG2", masks().mg2), ("EDG", masks().edg)):
        np.testing.assert_array_equal(pixels(member(product, f"_{kind}_R2.tif")), expected)
        fine = pixels(member(product, f"_{kind}_R1.tif"))
        np.testing.assert_array_equal(fine, np.kron(expected, np.ones((2, 2), np.uint8)))


def test_saturation_mask_numbers_the_bands_of_its_group(product: Path, member: Member) -> None:
    fine, coarse = (pixels(member(product, f"_SAT_{group}.tif")) for group in ("R1", "R2"))
    assert (fine[3, 4], coarse[5, 6]) == (1 << 2, 1 << 4)
    assert (np.count_nonzero(fine), np.count_nonzero(coarse)) == (1, 1)


def test_document(product: Path, document: Document) -> None:
    root = document(product, "_MTD_ALL.xml")
    assert root.tag == "Muscate_Metadata_Document"
    for path, text in {
        "Dataset_Identification/IDENTIFIER": NAME,
        "Dataset_Identification/AUTHORITY": "THEIA",
        "Dataset_Identification/PRODUCER": "MUSCATE",
        "Dataset_Identification/PROJECT": "SENTINEL2",
        "Dataset_Identification/GEOGRAPHICAL_ZONE": "T32TPT",
        "Product_Characteristics/PRODUCT_ID": NAME,
        "Product_Characteristics/ACQUISITION_DATE": "2018-04-15T10:30:21.024Z",
        "Product_Characteristics/PRODUCT_LEVEL": "L2A",
        "Product_Characteristics/PLATFORM": "SENTINEL2A",
        "Product_Characteristics/ORBIT_NUMBER": "108",
        ".//Coordinate_Reference_System/Horizontal_Coordinate_System/HORIZONTAL_CS_CODE": "32632",
        ".//Geometric_Informations/Mean_Value_List/Sun_Angles/ZENITH_ANGLE": "40.25",
        ".//Geometric_Informations/Mean_Value_List/Sun_Angles/AZIMUTH_ANGLE": "155.5",
        ".//REFLECTANCE_QUANTIFICATION_VALUE": "10000",
        ".//Special_Values_List/SPECIAL_VALUE[@name='nodata']": "-10000",
        ".//Spectral_Band_Informations[@band_id='B3']/SOLAR_IRRADIANCE": "1002.0",
        ".//Spectral_Band_Informations[@band_id='B11']/SPATIAL_RESOLUTION": "20",
        ".//Group_Geopositioning[@group_id='R2']/XDIM": "20.0",
        ".//Group_Geopositioning[@group_id='R1']/NROWS": "120",
        ".//Group_Geopositioning[@group_id='R1']/ULY": "5200000.0",
        # 900 of 3599 pixels seen, and 1799 of 3599.
        ".//Global_Index_List/QUALITY_INDEX[@name='CloudPercent']": "25",
        ".//Global_Index_List/QUALITY_INDEX[@name='SnowPercent']": "49",
    }.items():
        assert root.findtext(path) == text, path
    assert root.find(".//Metadata_Identification") is not None
    groups = {g.get("group_id"): [b.text for b in g.iter("BAND_ID")] for g in root.iter("Group")}
    assert groups == {"R1": ["B3", "B4"], "R2": ["B11"]}
    assert root.find(".//Sun_Angles_Grids/Zenith/Values_List/VALUES") is not None
    points = {p.get("name") for p in root.findall(".//Global_Geopositioning/Point")}
    assert points == {"upperLeft", "upperRight", "lowerRight", "lowerLeft", "center"}


def test_listed_files_are_those_present(product: Path, document: Document) -> None:
    root = document(product, "_MTD_ALL.xml")
    listed = {e.text for tag in ("IMAGE_FILE", "MASK_FILE") for e in root.iter(tag)}
    with zipfile.ZipFile(product) as archive:
        present = {n.removeprefix(f"{NAME}/") for n in archive.namelist() if n.endswith(".tif")}
    assert listed == present


def test_bits_are_counted_from_one(product: Path, document: Document) -> None:
    entries = {}
    for mask in document(product, "_MTD_ALL.xml").iter("Mask"):
        files = mask.findall("Mask_File_List/MASK_FILE[@group_id='R2']")
        entries[mask.findtext("Mask_Properties/NATURE")] = [
            ((f.text or "").split("_")[-2], f.get("bit_number")) for f in files
        ]
    assert entries["Detailed_Cloud"] == [("CLM", None)]
    assert entries["Cloud"] == [("CLM", "1")]
    assert entries["Water"] == [("MG2", "1")]
    assert entries["Snow"] == [("MG2", "3")]
    assert entries["Tangent_Sun"] == [("MG2", "8")]
    assert entries["Saturation"][-1] == ("SAT", "6")


def test_l2a_same_input_same_bytes(product: Path, metadata: Metadata) -> None:
    again = product.with_name("again.zip")
    write_l2a(again, bands(), masks(), metadata())
    assert again.read_bytes() == product.read_bytes()


def test_l2a_refuses_a_60_m_band(tmp_path: Path, metadata: Metadata) -> None:
    with pytest.raises(ProductError, match="B10"):
        write_l2a(tmp_path / "p.zip", {"B10": bands()["B3"]}, masks(), metadata())


def test_l2a_refuses_a_mask_at_10_m(tmp_path: Path, metadata: Metadata) -> None:
    wrong = L2AMasks(*(np.zeros((120, 120), np.uint8),) * 3)
    with pytest.raises(GridError, match="CLM"):
        write_l2a(tmp_path / "p.zip", bands(), wrong, metadata())
    assert list(tmp_path.iterdir()) == []


def test_snow_product(
    tmp_path: Path, metadata: Metadata, member: Member, document: Document
) -> None:
    codes = np.zeros((60, 60), np.uint8)
    codes[:15], codes[15:30], codes[30:40] = 100, 205, 254
    write_snow(tmp_path / "snow.zip", codes, metadata())
    with zipfile.ZipFile(tmp_path / "snow.zip") as archive:
        assert archive.namelist() == [f"{SNOW}/{SNOW}_MTD_ALL.xml", f"{SNOW}/{SNOW}_SNW_R2.tif"]
    with rasterio.open(member(tmp_path / "snow.zip", "_SNW_R2.tif")) as image:
        assert (image.nodata, image.dtypes, image.res) == (254, ("uint8",), (20, 20))
        np.testing.assert_array_equal(image.read(1), codes)
    root = document(tmp_path / "snow.zip", "_MTD_ALL.xml")
    assert root.findtext(".//IMAGE_FILE") == f"{SNOW}_SNW_R2.tif"
    assert root.findtext(".//PRODUCT_LEVEL") == "L2B-SNOW"
    # A quarter of all rows is snow, of which five sixths hold data: 15 of 50 rows.
    assert root.findtext(".//QUALITY_INDEX[@name='SnowPercent']") == "30.0"
    write_snow(tmp_path / "again.zip", codes, metadata())
    assert (tmp_path / "again.zip").read_bytes() == (tmp_path / "snow.zip").read_bytes()


def test_snow_refuses_class_indices(tmp_path: Path, metadata: Metadata) -> None:
    with pytest.raises(ProductError, match=r"codes \[1, 2\]"):
        write_snow(
            tmp_path / "p.zip",
            np.arange(3, dtype=np.uint8).repeat(1200).reshape(60, 60),
            metadata(),
        )
