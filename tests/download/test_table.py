"""The table of products: what is written is read, and nothing else passes."""

import dataclasses
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firn.download.table import Product, is_valid, read_products, write_products
from firn.errors import ConfigError

L1C = Product(
    kind="l1c",
    area="",
    tile="31TCH",
    date="20190131",
    platform="S2A",
    product_id="S2A_MSIL1C_20190131T105321_N0207_R051_T31TCH_20190131T130519.SAFE",
    provider="geodes",
    collection="S2_MSI_L1C",
    cloud_cover=12.5,
    size=700_000_000,
    md5="0123456789abcdef0123456789abcdef",
)
SPOT = dataclasses.replace(
    L1C,
    kind="spot",
    area="pyrenees",
    tile="",
    date="20070210",
    platform="SPOT2",
    product_id="008-012_S2_693-381-0_2007-02-10-14-19-06_HRV-2_X_DT_GU",
    collection="SWH_SPOT123_L1",
    cloud_cover=None,
    size=None,
    md5=None,
)
DEM = dataclasses.replace(
    SPOT, kind="dem", area="", date="", platform="", provider="", collection="",
    product_id="Copernicus_DSM_COG_10_N42_00_E000_00_DEM",
)  # fmt: skip


def test_what_is_written_is_read(tmp_path: Path) -> None:
    table = tmp_path / "scenes.tsv"
    write_products(table, [DEM, SPOT, L1C], ["chosen by hand", "MISSING nothing"])
    assert read_products(str(table)) == (L1C, SPOT, DEM)
    lines = table.read_text().splitlines()
    assert lines[:2] == ["# chosen by hand", "# MISSING nothing"]
    assert lines[3].split("\t")[-3:] == ["12.5", "700000000", L1C.md5]


def test_order_of_products_does_not_matter(tmp_path: Path) -> None:
    one, other = tmp_path / "a.tsv", tmp_path / "b.tsv"
    write_products(one, [L1C, SPOT, DEM], [])
    write_products(other, [DEM, SPOT, L1C], [])
    assert one.read_bytes() == other.read_bytes()


def test_places_of_the_files() -> None:
    name = L1C.product_id.removesuffix(".SAFE")
    assert L1C.file == f"sentinel2/31TCH/20190131/{name}.zip"
    assert SPOT.file == f"spot/{SPOT.product_id}.zip"
    assert DEM.file == "dem/Copernicus_DSM_COG_10_N42_00_E000_00_DEM.tif"


@given(st.text("aZ09._-/\\ \0é\n", max_size=12))
def test_no_identifier_leads_out_of_the_folder(name: str) -> None:
    product = dataclasses.replace(SPOT, product_id=name)
    if is_valid(product):
        folder = Path("/data/spot")
        assert Path("/data", product.file).resolve().parent == folder
        assert not Path(product.file).name.startswith(".")


@pytest.mark.parametrize(
    "changes",
    [
        {"product_id": "../../.bashrc"},
        {"product_id": ".hidden"},
        {"product_id": "a\nb"},
        {"tile": "../.."},
        {"date": "2019"},
        {"md5": "0" * 31},
        {"md5": "g" * 32},
        {"size": -1},
        {"provider": "geodes; rm"},
        {"kind": "l3a"},
        {"platform": "../x"},
        {"cloud_cover": float("nan")},
    ],
)
def test_what_a_server_must_not_put_into_a_table(tmp_path: Path, changes) -> None:
    wrong = dataclasses.replace(L1C, **changes)
    assert not is_valid(wrong)
    table = tmp_path / "scenes.tsv"
    lines = [dataclasses.asdict(wrong)]
    header = "\t".join(lines[0])
    table.write_text(header + "\n" + "\t".join(map(str, lines[0].values())) + "\n")
    with pytest.raises(ConfigError, match=r"scenes\.tsv"):
        read_products(str(table))


def test_damaged_tables(tmp_path: Path) -> None:
    table = tmp_path / "scenes.tsv"
    write_products(table, [L1C], [])
    good = table.read_text()
    table.write_text(good + good.splitlines()[1] + "\n")
    with pytest.raises(ConfigError, match=r"scenes\.tsv, line 3: .* occurs twice"):
        read_products(str(table))
    table.write_text(good.replace("31TCH\t", "\t"))
    with pytest.raises(ConfigError, match="a product of kind l1c has no tile"):
        read_products(str(table))
    table.write_text(good.replace("md5", "sha1"))
    with pytest.raises(ConfigError, match="has the columns"):
        read_products(str(table))
    with pytest.raises(ConfigError, match=r"absent\.tsv"):
        read_products(str(tmp_path / "absent.tsv"))


def test_size_and_checksum_may_be_emptied(tmp_path: Path) -> None:
    table = tmp_path / "scenes.tsv"
    write_products(table, [L1C], [])
    table.write_text(table.read_text().replace(str(L1C.size), "").replace(str(L1C.md5), ""))
    (product,) = read_products(str(table))
    assert product == dataclasses.replace(L1C, size=None, md5=None)
