"""Safe access to product files."""

import stat
import struct
import zipfile
from pathlib import Path

import minimal_products
import numpy as np
import pytest

from firn.errors import ProductError
from firn.products.archive import FREE_BYTES, MAX_RATIO, Product


def zip_of(path: Path, *entries: str | zipfile.ZipInfo) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for entry in entries:
            archive.writestr(entry, "content")
    return path


def test_finds_by_last_components_and_ignores_case(tmp_path: Path) -> None:
    product = Product(zip_of(tmp_path / "p.zip", "P/IMG/x_B02.JP2", "P/MASK/x_B02.jp2", "P/m.xml"))
    assert product.find("img/*_B02.jp2") == "P/IMG/x_B02.JP2"
    assert product.names == ["P/IMG/x_B02.JP2", "P/MASK/x_B02.jp2", "P/m.xml"]


def test_find_tells_what_is_missing_or_ambiguous(tmp_path: Path) -> None:
    product = Product(zip_of(tmp_path / "p.zip", "P/a_XS1.tif", "P/masks/b_XS1.tif", "P/m.xml"))
    with pytest.raises(ProductError, match=r"p\.zip: has no file \*_XS2\.tif"):
        product.find("*_XS2.tif")
    with pytest.raises(ProductError, match="has 2 files"):
        product.find("*_XS1.tif")
    assert product.find("*_XS1.tif", beside="P/m.xml") == "P/a_XS1.tif"


@pytest.mark.parametrize(
    "name", ["../evil.xml", "P/../../evil.xml", "/etc/evil.xml", "P\\..\\evil.xml", "C:/evil.xml"]
)
def test_refuses_entries_that_leave_the_product(tmp_path: Path, name: str) -> None:
    entry = zipfile.ZipInfo("x")
    entry.filename = name
    with pytest.raises(ProductError, match="leads outside the product"):
        Product(zip_of(tmp_path / "p.zip", entry))


def test_refuses_symbolic_links_in_a_zip(tmp_path: Path) -> None:
    entry = zipfile.ZipInfo("P/link.xml")
    entry.external_attr = (stat.S_IFLNK | 0o777) << 16
    with pytest.raises(ProductError, match="symbolic link"):
        Product(zip_of(tmp_path / "p.zip", entry))


def test_refuses_links_out_of_a_folder(tmp_path: Path) -> None:
    secret = tmp_path / "secret.xml"
    secret.write_text("<a/>")
    folder = tmp_path / "P"
    folder.mkdir()
    (folder / "inside.xml").write_text("<a/>")
    (folder / "alias.xml").symlink_to(folder / "inside.xml")
    assert Product(folder).names == ["alias.xml", "inside.xml"]
    (folder / "out.xml").symlink_to(secret)
    with pytest.raises(ProductError, match=r"out\.xml: is a link out of the product"):
        Product(folder)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_refuses_an_entry_that_stands_twice(tmp_path: Path) -> None:
    with pytest.raises(ProductError, match="stands twice"):
        Product(zip_of(tmp_path / "p.zip", "P/a.xml", "P/a.xml"))


def test_refuses_an_encrypted_entry(tmp_path: Path) -> None:
    path = zip_of(tmp_path / "p.zip", "P/a.xml")
    content = bytearray(path.read_bytes())
    content[content.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(content)
    with pytest.raises(ProductError, match="is encrypted"):
        Product(path)


def test_refuses_a_zip_that_unpacks_to_an_absurd_size(tmp_path: Path) -> None:
    path = zip_of(tmp_path / "p.zip", "P/a.xml")
    content = bytearray(path.read_bytes())
    claim = max(FREE_BYTES, MAX_RATIO * len(content)) + 1
    struct.pack_into("<I", content, content.index(b"PK\x01\x02") + 24, claim)
    path.write_bytes(content)
    with pytest.raises(ProductError, match=f"1 files of {claim} bytes"):
        Product(path)


def test_names_a_missing_a_truncated_and_a_foreign_file(tmp_path: Path) -> None:
    with pytest.raises(ProductError, match=r"gone\.zip: does not exist"):
        Product(tmp_path / "gone.zip")
    path = zip_of(tmp_path / "p.zip", "P/a.xml")
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(ProductError, match="not a readable zip"):
        Product(path)


def test_a_flipped_byte_in_a_zip_is_found_by_its_checksum(tmp_path: Path) -> None:
    values = np.arange(576, dtype=np.uint16).reshape(24, 24)
    minimal_products.write_raster(tmp_path / "P" / "a.tif", values, 20)
    path = tmp_path / "P.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        archive.write(tmp_path / "P" / "a.tif", "P/a.tif")
    np.testing.assert_array_equal(Product(path).read("P/a.tif").values, values)
    content = bytearray(path.read_bytes())
    content[content.index(values.tobytes()) + 100] ^= 1
    path.write_bytes(content)
    with pytest.raises(ProductError, match=r"P/a\.tif is damaged"):
        Product(path).read("P/a.tif")


@pytest.mark.parametrize("zipped", [False, True])
def test_a_raster_that_points_elsewhere_is_not_opened(tmp_path: Path, zipped: bool) -> None:
    """GDAL opens a VRT whatever its suffix, and a VRT may name any file of the machine."""
    secret = tmp_path / "secret.tif"
    minimal_products.write_raster(secret, np.ones((4, 4), np.uint8), 20)
    folder = tmp_path / "P"
    folder.mkdir()
    (folder / "a.tif").write_text(
        f'<VRTDataset rasterXSize="4" rasterYSize="4"><VRTRasterBand dataType="Byte" band="1">'
        f"<SimpleSource><SourceFilename>{secret}</SourceFilename><SourceBand>1</SourceBand>"
        "</SimpleSource></VRTRasterBand></VRTDataset>"
    )
    product = Product(minimal_products.zip_folder(folder) if zipped else folder)
    with pytest.raises(ProductError, match="neither GeoTIFF nor JPEG 2000"):
        product.read(product.find("a.tif"))
