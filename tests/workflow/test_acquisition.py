"""The workflow that starts with nothing: it searches, downloads, survives, and makes the labels."""

import os
import zipfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import rasterio
import yaml
from affine import Affine
from download.server import API_KEY, Item, Server, configure_eodag, die
from rasterio.warp import Resampling, reproject

from firn.config import load_config
from firn.download.table import read_products
from firn.download.tiles import tile_box
from firn.download.transfer import md5_of
from firn.simulator.plan import sentinel2_plans
from firn.simulator.whole_archive import simulate_archive

from .conftest import ROOT, Call, Snakemake

TILE = "32TPT"
#: Two dates of one calendar month, of which one is drawn, and one of another month.
DATES = ("20180115", "20190120", "20190516")
COLLECTIONS = {
    "l1c": "PEPS_S2_L1C",
    "l2a": "THEIA_REFLECTANCE_SENTINEL2_L2A",
    "snow": "THEIA_SNOW_SENTINEL2_L2B",
}
SPOT = "THEIA_SWH-PHASE1_SPOT4_L1C"
PROFILE = ("--profile", "workflow/profiles/local")

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Virtual products, as an agency has them."""
    folder = tmp_path_factory.mktemp("agency")
    content = yaml.safe_load((ROOT / "tests/workflow/tiny.yaml").read_text())
    simulation = content["simulation"]
    simulation["sentinel2"] = {TILE: list(DATES)}
    simulation["spot"] = simulation["spot"][:1]
    simulation["spot_archive"]["scenes_per_sensor"] = 0
    path = folder / "agency.yaml"
    path.write_text(yaml.safe_dump({**content, "results": str(folder)}))
    list(simulate_archive(load_config(path)))
    return folder


def offered(archive: Path) -> Iterator[Item]:
    """Products of the archive as items; their names are those of the folders in the zips."""
    config = load_config(archive / "agency.yaml")
    root, box = config.root / "archive", tuple(tile_box(TILE))
    for plan in sentinel2_plans(config.simulation, config.seed):
        for kind, collection in COLLECTIONS.items():
            path = root / "sentinel2" / TILE / plan.date / f"{kind}.zip"
            folder = zipfile.ZipFile(path).namelist()[0].partition("/")[0]
            start = f"{plan.sensing_time:%Y-%m-%dT%H:%M:%SZ}"
            product_id = folder.removesuffix(".SAFE")
            yield Item(product_id, collection, start, box, path.read_bytes())
    for path in (root / "spot").glob("*.zip"):
        yield Item(
            path.stem, SPOT, "2001-05-14T10:40:00Z", box, path.read_bytes(), platform="SPOT4"
        )


def elevation_tiles(archive: Path) -> dict[str, bytes]:
    """The two elevation tiles of one degree that hold land; others would be ocean."""
    source = load_config(archive / "agency.yaml").root / "archive/auxiliary" / TILE / "dem.tif"
    tiles, side = {}, 360
    for lat in (46, 47):
        name = f"Copernicus_DSM_COG_10_N{lat}_00_E010_00_DEM"
        transform = Affine(1 / side, 0, 10 - 0.5 / side, 0, -1 / side, lat + 1 + 0.5 / side)
        path = archive / f"{name}.tif"
        with (
            rasterio.open(source) as dem,
            rasterio.open(
                path, "w", driver="GTiff", width=side, height=side, count=1, dtype="float32",
                crs="EPSG:4326", transform=transform,
            ) as tile,
        ):  # fmt: skip
            values = np.zeros((side, side), np.float32)
            reproject(
                rasterio.band(dem, 1), values, dst_transform=transform, dst_crs="EPSG:4326",
                resampling=Resampling.bilinear, init_dest_nodata=False,
            )  # fmt: skip
            tile.write(values, 1)
        tiles[f"/dem/{name}/{name}.tif"] = path.read_bytes()
    return tiles


def configuration(folder: Path, archive: Path, server: Server) -> Path:
    auxiliary = load_config(archive / "agency.yaml").root / "archive/auxiliary/{tile}"
    content = f"""
run: acquired
seed: 1986
areas:
  alps: {{tiles: [{TILE}]}}
sensors: [spot4]
methods: [baseline-threshold]
inputs:
  tree_cover: {auxiliary}/tree_cover.tif
  water: {auxiliary}/water.tif
acquisition:
  scenes: {folder}/scenes.tsv
  folder: {folder}/data
  start: 2016-01-01
  end: 2019-12-31
  spot: {{collections: [{SPOT}]}}
  dem: {server.url}/dem
  retries: {{attempts: 2, wait: 0.05, quota_wait: 0.05, patience: 5}}
"""
    path = folder / "my.yaml"
    path.write_text(content)
    return path


def test_from_nothing_to_labels(
    snakemake: Snakemake, archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = []

    def call(*arguments: str | Path) -> Call:
        options = ("--configfile", config, *PROFILE, *arguments)
        # With boto3, which eodag imports.
        done = snakemake(*options, folder=tmp_path / "results", environment=os.environ)
        said.append(done.text)
        return done

    with Server(list(offered(archive)), elevation_tiles(archive), ranges=True) as server:
        configure_eodag(server, tmp_path, monkeypatch.setenv)
        config = configuration(tmp_path, archive, server)

        # The first call makes the table, says what is missing, and downloads nothing.
        first = call()
        assert first.code == 0, first.text
        assert server.gets("/") == []
        assert "make the same call again" in first.text
        missing = f"MISSING {TILE}: no scene in month 02"
        assert missing in first.text
        assert missing in (tmp_path / "scenes.tsv").read_text()
        products = read_products(str(tmp_path / "scenes.tsv"))
        kinds = Counter(product.kind for product in products)
        assert kinds == {"l1c": 2, "l2a": 2, "snow": 2, "spot": 1, "dem": 2}
        files = {tmp_path / "data" / product.file: product for product in products}

        # The next call has one job per product.
        stacks = tmp_path / "results/acquired/stacks"
        scenes = {(p.tile, p.date) for p in products if p.kind == "l1c"}
        labels = [stacks / tile / date / "labels.tif" for tile, date in scenes]
        toa = [path.with_name("toa_20m.tif") for path in labels]
        targets = ("archive", *labels, *toa)
        plan = call("-n", *targets)
        assert plan.code == 0, plan.text
        assert plan.jobs()["fetch"] == len(products)

        # The server is killed in the middle of a product: nothing is left that is not whole.
        killed = next(path for path, product in files.items() if product.kind == "l2a")
        (item,) = (i for i in server.items if i.product_id == files[killed].product_id)
        server.troubles[item.path] = [die()]
        broken = call(*targets)
        assert broken.code != 0
        (line,) = [
            text for text in broken.err.splitlines() if f" error: {item.product_id}: " in text
        ]
        assert "the transfer broke off" in line
        assert "defect of firn" not in broken.err
        assert not killed.exists()
        done = {path for path in files if path.exists()}
        assert all(md5_of(path) == files[path].md5 for path in done)

        # The same call goes on where it was.
        server.start()
        server.requests.clear()
        after = call(*targets)
        assert after.code == 0, after.text
        assert {path for path in files if md5_of(path) == files[path].md5} == set(files)
        again = {request.path: request for request in server.gets("/")}
        assert len(again) == len(files) - len(done)
        assert again[item.path].headers["Range"].startswith("bytes=")
        assert all(path.exists() for path in (*labels, *toa))

        # Once more: nothing is asked for, not even where settings of the download have changed.
        server.requests.clear()
        assert "Nothing to be done" in call(*targets).text
        config.write_text(config.read_text().replace("patience: 5", "patience: 6"))
        assert "fetch" not in call("-n", *targets).text.split("Job stats:")[-1]
        assert server.requests == []

    # The key reached the server, and no output, log or other file.
    signed = [r for r in again.values() if r.path.startswith("/api/download/")]
    assert {r.headers["X-API-Key"] for r in signed} == {API_KEY}
    assert API_KEY not in "".join(said)
    written = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert not any(API_KEY.encode() in path.read_bytes() for path in written)
