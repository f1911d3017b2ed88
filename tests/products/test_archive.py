"""Safe access to product files."""

import gzip
import stat
import struct
import zipfile
from pathlib import Path

import minimal_products
import numpy as np
import pytest

from firn.errors import ProductError
from firn.products.archive import (
    FREE_BYTES,
    MAX_METADATA_BYTES,
    MAX_RASTER_BYTES,
    MAX_RATIO,
    Product,
)


def zip_of(path: Path, *entries: str | zipfile.ZipInfo) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for entry in entries:
            archive.writestr(entry, "content")
    return path


def test_finds_beside_a_file(tmp_path: Path) -> None:
    product = Product(
        zip_of(tmp_path / "p.zip", "G1/m.xml", "G1/I/a.tif", "G2/m.xml", "G2/I/a.tif")
    )
    assert product.matches("I/*.tif") == ["G1/I/a.tif", "G2/I/a.tif"]
    assert product.matches("I/*.tif", beside="G2/m.xml") == ["G2/I/a.tif"]
    assert product.matches("*.tif", beside="G2/m.xml") == []


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


@pytest.mark.parametrize("target", ["inside.xml", "../secret.xml", "gone.xml", ".", ".."])
def test_refuses_symbolic_links_in_a_folder(tmp_path: Path, target: str) -> None:
    """To a file or a folder, within the product, out of it or to nothing."""
    (tmp_path / "secret.xml").write_text("<a/>")
    folder = tmp_path / "P"
    folder.mkdir()
    (folder / "inside.xml").write_text("<a/>")
    assert Product(folder).names == ["inside.xml"]
    (folder / "link.xml").symlink_to(target)
    with pytest.raises(ProductError, match=r"link\.xml: is a symbolic link"):
        Product(folder)


def test_the_product_itself_may_be_a_link(tmp_path: Path) -> None:
    path = zip_of(tmp_path / "p.zip", "P/a.xml")
    (tmp_path / "link.zip").symlink_to(path)
    assert Product(tmp_path / "link.zip").names == ["P/a.xml"]


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


def test_names_a_gzipped_archive(tmp_path: Path) -> None:
    path = tmp_path / "p.tgz"
    path.write_bytes(gzip.compress(b"content"))
    with pytest.raises(ProductError, match=r"p\.tgz: is a gzipped archive; unpack it"):
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


def resized(path: Path, side: int) -> None:
    """Let a GeoTIFF claim another size: tags 256 and 257 of its first directory."""
    content = bytearray(path.read_bytes())
    (offset,) = struct.unpack_from("<I", content, 4)
    (entries,) = struct.unpack_from("<H", content, offset)
    for entry in range(offset + 2, offset + 2 + 12 * entries, 12):
        tag, kind = struct.unpack_from("<HH", content, entry)
        if tag in (256, 257):
            assert kind == 3
            struct.pack_into("<HHII", content, entry, tag, 4, 1, side)
    path.write_bytes(content)


@pytest.mark.parametrize("zipped", [False, True])
def test_a_raster_of_absurd_size_is_not_read(tmp_path: Path, zipped: bool) -> None:
    """10^6 x 10^6 pixels in a file of a few hundred bytes."""
    file = tmp_path / "P" / "a.tif"
    minimal_products.write_raster(file, np.ones((4, 4), np.uint8), 20)
    resized(file, 10**6)
    product = Product(minimal_products.zip_folder(file.parent) if zipped else file.parent)
    with pytest.raises(ProductError, match="claims 1000000 x 1000000 pixels, more than any"):
        product.read(product.find("a.tif"))


def test_the_largest_raster_is_a_bit_above_a_tile(tmp_path: Path) -> None:
    assert 10980**2 * 2 < MAX_RASTER_BYTES < 2 * 10980**2 * 2


def test_pixels_of_an_unknown_type_are_not_read(tmp_path: Path) -> None:
    minimal_products.write_raster(tmp_path / "P" / "a.tif", np.ones((4, 4), np.complex64), 20)
    with pytest.raises(ProductError, match="has pixels of type complex64, expected one of uint8"):
        Product(tmp_path / "P").read("a.tif")


@pytest.mark.parametrize("zipped", [False, True])
@pytest.mark.parametrize("suffix", [".tif", ".jp2"])
def test_side_cars_change_nothing(tmp_path: Path, zipped: bool, suffix: str) -> None:
    """GDAL would take the georeference of an .aux.xml that another program left."""
    file = tmp_path / "P" / f"a{suffix}"
    minimal_products.write_raster(file, np.ones((8, 8), np.uint16), 20)
    grid = Product(file.parent).grid(file.name)
    file.with_name(file.name + ".aux.xml").write_text(
        "<PAMDataset><SRS>EPSG:32633</SRS><GeoTransform>0,20,0,100,0,-20</GeoTransform></PAMDataset>"
    )
    product = Product(minimal_products.zip_folder(file.parent) if zipped else file.parent)
    assert product.grid(product.find(file.name)) == grid


def test_metadata_of_absurd_size_are_not_parsed(tmp_path: Path) -> None:
    (tmp_path / "P").mkdir()
    with open(tmp_path / "P" / "m.xml", "wb") as stream:
        stream.truncate(MAX_METADATA_BYTES + 1)
    with pytest.raises(ProductError, match=f"m.xml has {MAX_METADATA_BYTES + 1} bytes, too many"):
        Product(tmp_path / "P").metadata("m.xml")
