"""Products of the pairs that were found reach their places."""

import dataclasses
from pathlib import Path

import pytest
from server import API_KEY, Item, Server
from test_search_pairs import optical, radar, settings
from test_transfer import QUICK, zipped

from firn.cloud_removal.fetch import fetch_pair_product
from firn.cloud_removal.pair_table import COLUMNS, read_pair_products
from firn.cloud_removal.search import choose_pairs, write_pairs
from firn.errors import ConfigError, DownloadError


@pytest.fixture
def table(server: Server, eodag: Path, tmp_path: Path) -> Path:
    """Two pairs that share the images of one date."""
    server.items = [
        *optical("20190622", 1),
        *optical("20190910", 2),
        *optical("20190920", 3),
        *(radar(f"{day}T0600", "descending") for day in ("20190623", "20190911", "20190921")),
    ]
    server.items = [
        dataclasses.replace(item, content=zipped(1000 + 32 * number))
        for number, item in enumerate(server.items)
    ]
    found = settings(tmp_path, days=2)
    pairs, notes = choose_pairs(found)
    write_pairs(tmp_path / "search.tsv", pairs, notes, found)
    return tmp_path / "search.tsv"


def item_of(server: Server, product_id: str) -> Item:
    (item,) = (item for item in server.items if item.product_id == product_id)
    return item


def test_each_product_is_fetched_once(server: Server, table: Path, tmp_path: Path) -> None:
    products = read_pair_products(table)
    assert len(products) == 6
    assert {p.collection for p in products} == {"S2_MSI_L2A_MAJA", "S1_SAR_GRD"}
    server.requests.clear()
    for product in products:
        target = tmp_path / "products" / product.file
        fetch_pair_product(product, tmp_path / "area.geojson", QUICK, target)
        assert target.read_bytes() == item_of(server, product.product_id).content
    assert [r.headers["X-API-Key"] for r in server.gets()] == [API_KEY] * 6


def test_product_that_is_gone_is_told(server: Server, table: Path, tmp_path: Path) -> None:
    product = read_pair_products(table)[0]
    server.items.remove(item_of(server, product.product_id))
    with pytest.raises(DownloadError, match=f"{product.product_id}: geodes no longer offers it"):
        fetch_pair_product(product, tmp_path / "area.geojson", QUICK, tmp_path / "a.zip")
    assert not (tmp_path / "a.zip").exists()


def test_names_that_lead_elsewhere_are_refused(tmp_path: Path) -> None:
    cells = dict.fromkeys(COLUMNS, "x") | {"start": "2019-06-22T10:54:01Z", "size": "9"}
    for name, wrong in (("product_id", "../a"), ("start", "yesterday"), ("size", "big")):
        row = cells | {name: wrong}
        path = tmp_path / "search.tsv"
        path.write_text("\t".join(COLUMNS) + "\n" + "\t".join(row.values()) + "\n")
        with pytest.raises(ConfigError, match=f"line 2: {name} '{wrong}' should look like"):
            read_pair_products(path)
