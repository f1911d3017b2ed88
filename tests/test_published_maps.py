"""The catalogue and the table of the maps of a run, as other programs read them."""

import csv
import json
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pyarrow.parquet as pq
import pystac
import pytest
import shapely
from affine import Affine
from rasterio.crs import CRS

from firn.errors import DataError
from firn.files import write_json
from firn.grid import Grid
from firn.map_summary import MapSummary
from firn.methods import ModelCard
from firn.published_maps import PublishedMap, read_maps
from firn.scene_table import SCHEMA, write_tables
from firn.stac import map_item
from firn.stac_catalogue import write_catalogue

#: Three scenes of two years; the first has no data.
TIMES = ("1998-12-31T10:30:00.250", "1999-01-01T10:30:00", "1999-06-01T10:30:00")
BANDS = ["XS1", "XS2", "XS3"]


def write_item(folder: Path, method: str, time: str, number: int) -> Path:
    """Item of a map, 4 rows by 5 columns, half snow, half cloud, further east by its number."""
    scene = SimpleNamespace(
        scene_id=f"SPOT4_{number}",
        platform="SPOT4",
        instrument="HRVIR1",
        acquisition_time=datetime.fromisoformat(time).replace(tzinfo=UTC),
        sun_zenith=60.0,
        sun_azimuth=150.0,
    )
    grid = Grid(CRS.from_epsg(32632), Affine(20, 0, 500000 + 1000 * number, 0, -20, 5200000), 4, 5)
    card = ModelCard(
        method=method,
        sensor="spot4",
        bands=BANDS,
        channels=[*BANDS, "hillshade", "dem"],
        mean=[0] * 5,
        std=[1] * 5,
    )
    snow = np.full(grid.shape, 254 if number == 0 else 100, np.uint8)
    if number:
        snow[2:] = 205
    summary = MapSummary()
    summary.add(snow, np.full((3, *grid.shape), 150, np.uint8), np.ones_like(snow), 0)
    path = folder / "maps" / f"{method}-spot4" / scene.scene_id / "item.json"
    write_json(path, map_item(scene, grid, card, {"sources": [scene.scene_id]}, summary))
    return path


@pytest.fixture
def items(tmp_path: Path) -> list[Path]:
    return [
        write_item(tmp_path / "run", method, time, number)
        for method in ("unet", "baseline-majority")
        for number, time in enumerate(TIMES)
    ]


@pytest.fixture
def maps(items: list[Path]) -> list[PublishedMap]:
    return read_maps(reversed(items))


def test_catalogue_is_valid_and_opens_by_its_path(tmp_path: Path, maps: list[PublishedMap]) -> None:
    path = tmp_path / "run/catalog.json"
    write_catalogue(maps, path, tmp_path / "run/catalogue")
    # The whole run can be moved.
    moved = path.parent.rename(tmp_path / "elsewhere")
    root = pystac.Catalog.from_file(moved / "catalog.json")
    root.validate()
    assert (root.id, root.catalog_type) == ("run", pystac.CatalogType.SELF_CONTAINED)
    collections = list(root.get_children())
    assert [c.id for c in collections] == ["baseline-majority-spot4", "unet-spot4"]
    for collection in collections:
        assert isinstance(collection, pystac.Collection)
        collection.validate()
        years = list(collection.get_children())
        assert [year.id for year in years] == [f"{collection.id}-{y}" for y in (1998, 1999)]
        for year in years:
            year.validate()
            assert year.get_parent() is collection
            assert year.get_root() is root
        assert [len(list(year.get_items())) for year in years] == [1, 2]
    found = list(root.get_items(recursive=True))
    assert len(found) == len({item.id for item in found}) == 6
    for item in found:
        # The core schema comes with pystac; those of extensions would have to be downloaded.
        assert pystac.Item.from_dict(item.to_dict() | {"stac_extensions": []}).validate()
    snow = found[0].assets["snow"].get_absolute_href()
    assert snow == str(moved / "maps/baseline-majority-spot4/SPOT4_0/snow.tif")


def test_collection_spans_its_maps(tmp_path: Path, maps: list[PublishedMap]) -> None:
    write_catalogue(maps, tmp_path / "run/catalog.json", tmp_path / "run/catalogue")
    path = tmp_path / "run/catalogue/unet-spot4/collection.json"
    content = json.loads(path.read_text())
    collection = pystac.Collection.from_file(path)
    assert content["extent"]["temporal"]["interval"] == [
        ["1998-12-31T10:30:00.250000Z", "1999-06-01T10:30:00.000000Z"]
    ]
    ((west, south, east, north),) = collection.extent.spatial.bboxes
    # From 9 degrees east, the centre of the zone, over 2 km and the width of a map, 100 m.
    assert west == pytest.approx(9, abs=1e-6)
    assert (east - west) * 111320 * np.cos(np.radians(46.95)) == pytest.approx(2100, rel=0.002)
    assert south < north
    assert collection.summaries.to_dict()["firn:method"] == ["unet"]
    assert collection.summaries.to_dict()["platform"] == ["spot4"]


def test_tables_say_what_the_items_say(tmp_path: Path, maps: list[PublishedMap]) -> None:
    write_tables(maps, tmp_path / "run/scenes.parquet", tmp_path / "run/scenes.csv")
    with open(tmp_path / "run/scenes.csv", newline="") as file:
        table = list(csv.DictReader(file))
    assert list(table[0]) == SCHEMA.names
    assert [(row["experiment"], row["product"]) for row in table] == [
        (experiment, f"SPOT4_{number}")
        for experiment in ("baseline-majority-spot4", "unet-spot4")
        for number in range(3)
    ]
    first, *_, last = table
    assert first["time"] == "1998-12-31T10:30:00.250+00:00"
    assert (first["no_data"], first["snow"], first["confidence"]) == ("100.0", "", "")
    values = {name: float(last[name]) for name in SCHEMA.names[8:16]}
    assert values == {
        "sun_elevation": 30,
        "sun_azimuth": 150,
        "ground": 0,
        "snow": 50,
        "cloud": 50,
        "saturated": 100,
        "no_data": 0,
        "confidence": 0.75,
    }
    assert last["map"] == "maps/unet-spot4/SPOT4_2/snow.tif"

    parquet = pq.read_table(tmp_path / "run/scenes.parquet")
    assert parquet.schema.equals(SCHEMA)
    rows = parquet.to_pylist()
    assert rows[0]["time"] == datetime(1998, 12, 31, 10, 30, 0, 250000, UTC)
    assert rows[0]["snow"] is None
    for row, written in zip(rows, table, strict=True):
        footprint = shapely.from_wkb(row["footprint"])
        assert footprint.equals_exact(shapely.from_wkt(written["footprint"]), 1e-7)
    geo = json.loads(parquet.schema.metadata[b"geo"])
    assert geo["columns"][geo["primary_column"]]["encoding"] == "WKB"
    whole = shapely.union_all(shapely.from_wkb(parquet["footprint"].to_pylist()))
    assert tuple(geo["columns"]["footprint"]["bbox"]) == pytest.approx(whole.bounds)


def test_run_without_maps_has_an_empty_catalogue_and_table(tmp_path: Path) -> None:
    write_catalogue([], tmp_path / "catalog.json", tmp_path / "catalogue")
    write_tables([], tmp_path / "scenes.parquet", tmp_path / "scenes.csv")
    root = pystac.Catalog.from_file(tmp_path / "catalog.json")
    root.validate()
    assert list(root.get_children()) == []
    assert pq.read_table(tmp_path / "scenes.parquet").num_rows == 0


def test_item_of_something_else_is_refused(items: list[Path]) -> None:
    write_json(items[1], {"properties": {"platform": "spot4"}})
    with pytest.raises(DataError, match=r"SPOT4_1/item\.json: is not the item of a map.*delete it"):
        read_maps(items)
    items[1].unlink()
    with pytest.raises(DataError, match=r"SPOT4_1/item\.json: cannot be read as JSON"):
        read_maps(items)
