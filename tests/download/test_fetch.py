"""Products of the table reach their places, by the library and by the command line."""

import dataclasses
import os
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner
from server import API_KEY, Item, Server, break_off, echo, refuse, send
from test_search import COLLECTIONS, configuration, sentinel2, spot
from test_transfer import QUICK, zipped

from firn.acquisition_config import SpotSearch
from firn.cli import main
from firn.config import Config
from firn.download.fetch import fetch_product
from firn.download.plan import TYPICAL_SIZE, describe
from firn.download.search import choose_products
from firn.download.table import Product, read_products
from firn.errors import DownloadError


@pytest.fixture
def offered(server: Server) -> list[Item]:
    """Three products of one scene, each a zip of its own."""
    items = [
        dataclasses.replace(item, content=zipped(100_000 + 32 * number))
        for number, item in enumerate(sentinel2("31TCH", "20180115"))
    ]
    server.items = items
    return items


@pytest.fixture
def config(tmp_path: Path, server: Server) -> Config:
    return configuration(
        tmp_path, folder=str(tmp_path / "data"), retries=QUICK.model_dump(), dem=f"{server.url}/dem"
    )


def target(config: Config, product: Product) -> Path:
    return Path(config.acquisition.folder) / product.file


def fetched(config: Config, product: Product) -> bytes:
    fetch_product(product, config.acquisition, config.areas, target(config, product))
    return target(config, product).read_bytes()


def test_each_product_is_found_again_and_fetched(
    server: Server, eodag: Path, config: Config, offered: list[Item]
) -> None:
    products, _ = choose_products(config)
    server.requests.clear()
    assert [fetched(config, p) for p in products] == [i.content for i in offered]
    assert [body["collections"] for body in server.searches()] == [
        [name] for name in COLLECTIONS.values()
    ]
    assert [r.headers["X-API-Key"] for r in server.gets()] == [API_KEY] * 3


def test_spot_scene_and_elevation_tile(server: Server, eodag: Path, config: Config) -> None:
    scene = spot(
        "SPOT4-HRVIR1-XS_20010614-110246-780_L1C_039-264-0_D_V1-0",
        content=zipped(1000),
        start="2001-06-14T11:02:46Z",
        collection="SWH_SPOT4_L1",
        platform="SPOT4",
    )
    server.items = [scene]
    name = "Copernicus_DSM_COG_10_N42_00_E000_00_DEM"
    server.files[f"/dem/{name}/{name}.tif"] = b"II*\0" + bytes(100)
    both = config.model_copy(
        update={
            "acquisition": config.acquisition.model_copy(update={"spot": SpotSearch()}),
            "inputs": config.inputs.model_copy(update={"dem": None}),
        }
    )
    spot_product, dem_product = choose_products(both)[0]
    assert fetched(both, spot_product) == scene.content
    assert fetched(both, dem_product) == b"II*\0" + bytes(100)
    assert "X-API-Key" not in server.gets("/dem/")[0].headers


def test_product_that_is_no_longer_there_or_another(
    server: Server, eodag: Path, config: Config, offered: list[Item]
) -> None:
    l1c = choose_products(config)[0][0]
    server.items = [dataclasses.replace(offered[0], content=zipped(200_000))]
    with pytest.raises(DownloadError, match=f"offers another version of it .*{l1c.md5}"):
        fetched(config, l1c)
    server.items = offered[1:]
    with pytest.raises(DownloadError, match=f"{l1c.product_id}: geodes no longer offers it"):
        fetched(config, l1c)


def test_content_that_is_not_what_the_listing_says(
    server: Server, eodag: Path, config: Config, offered: list[Item]
) -> None:
    server.items = [dataclasses.replace(offered[0], told=zipped(100_000 - 32)), *offered[1:]]
    l1c = choose_products(config)[0][0]
    with pytest.raises(DownloadError, match="but the table says"):
        fetched(config, l1c)
    assert os.listdir(target(config, l1c).parent) == []
    unpinned = dataclasses.replace(l1c, size=None, md5=None)
    assert fetched(config, unpinned) == offered[0].content, "the remedy that the error names"


def test_plan_adds_up() -> None:
    """0.7 GB and a typical L2A of 1.6 GB are 2.3 GB: 230 s at 10 MB/s."""
    row = Product(
        "l1c", "", "31TCH", "20180115", "S2A", "A", "geodes", "C", None, 700_000_000, None
    )
    other = dataclasses.replace(row, kind="l2a", product_id="B", size=None)
    text = describe([row, other], "nowhere/at/all")
    assert TYPICAL_SIZE["l2a"] == 1_600_000_000
    assert text.splitlines()[1].split() == ["l1c", "1", "1", "0.70"]
    assert text.splitlines()[2].split() == ["l2a", "1", "1", "1.60"]
    assert "2 files, 2.30 GB; at 10 MB/s 0.1 h" in text
    assert "the size of 1 of them is not known" in text
    huge = dataclasses.replace(row, size=10**18)
    assert "NOT ENOUGH" in describe([huge], "nowhere")


@pytest.fixture
def written(config: Config, tmp_path: Path) -> Path:
    """The configuration as a file."""
    path = tmp_path / "my.yaml"
    content = config.model_dump(mode="json", exclude_defaults=True)
    path.write_text(yaml.safe_dump(content))
    return path


def run(*arguments: object) -> tuple[int, str]:
    result = CliRunner().invoke(main, [str(a) for a in arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.output
    return result.exit_code, result.output


def test_commands_search_plan_and_fetch(
    server: Server, eodag: Path, config: Config, offered: list[Item], written: Path
) -> None:
    code, said = run("search", written)
    assert code == 0
    assert "MISSING 31TDH: no scene in month 01" in said
    products = read_products(config.acquisition.scenes)
    assert len(products) == 3
    assert run("search", written)[0] == 2, "a table is never written over"

    server.requests.clear()
    code, said = run("fetch", written, "--dry-run")
    assert (code, server.requests) == (0, [])
    total = sum(len(item.content) for item in offered)
    assert f"3 files, {total / 1e9:.2f} GB" in said

    server.troubles[offered[1].path] = [break_off(0.5), send(b'{"quota": 1}', "application/json")]
    assert run("fetch", written)[0] == 0
    for product, item in zip(products, offered, strict=True):
        assert target(config, product).read_bytes() == item.content
    server.requests.clear()
    assert run("fetch", written)[0] == 0
    assert server.requests == []


def test_a_product_that_fails_costs_itself_only(
    server: Server, eodag: Path, config: Config, offered: list[Item], written: Path
) -> None:
    run("search", written)
    server.troubles[offered[0].path] = [refuse(404)]
    code, said = run("fetch", written)
    assert code == 2
    assert f"{offered[0].product_id}: the server does not give it (HTTP 404)" in said
    assert "1 of 3 products are not there; call again" in said
    assert run("fetch", written)[0] == 0


def test_no_output_and_no_file_ever_holds_the_key(
    server: Server, eodag: Path, config: Config, offered: list[Item], written: Path, capfd, caplog
) -> None:
    """Servers that echo what they were sent, at every step."""
    outputs = []
    with caplog.at_level("DEBUG"):
        server.searches_fail = [500] * 4
        outputs.append(run("search", written))
        outputs.append(run("search", written))
        for status in (401, 403, 404, 503):
            server.troubles["*"] = [echo(status)] * QUICK.attempts
            outputs.append(run("fetch", written))
        server.troubles["*"] = [echo(403, b"quota")]
        outputs.append(run("fetch", written))
    assert [code for code, _ in outputs] == [2, 0, 2, 2, 2, 2, 0]
    assert len(server.gets()) > 6
    assert all(r.headers["X-API-Key"] == API_KEY for r in server.gets())
    files = [p for p in Path(config.acquisition.folder).parent.rglob("*") if p.is_file()]
    assert not any(API_KEY.encode() in path.read_bytes() for path in files)
    assert API_KEY not in str(outputs) + caplog.text + "".join(capfd.readouterr())
