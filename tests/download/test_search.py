"""The search as a whole: which rows the table gets, and what it says is missing."""

import dataclasses
from pathlib import Path

import pytest
from server import Item, Server

from firn.catalogue import catalogue
from firn.config import Config, parse_config
from firn.download.search import choose_products
from firn.download.table import Product, read_products, write_products
from firn.download.tiles import tile_box
from firn.errors import ConfigError

COLLECTIONS = {
    "l1c": "PEPS_S2_L1C",
    "l2a": "THEIA_REFLECTANCE_SENTINEL2_L2A",
    "snow": "THEIA_SNOW_SENTINEL2_L2B",
}


def configuration(tmp_path: Path, **acquisition: object) -> Config:
    content = {"scenes": str(tmp_path / "scenes.tsv"), "dem": None, **acquisition}
    return parse_config(
        {
            "run": "test",
            "seed": 1986,
            "areas": {"pyrenees": {"tiles": ["31TCH", "31TDH"]}},
            "sensors": ["spot4"],
            "inputs": {"dem": "d.tif", "tree_cover": "t.tif", "water": "w.tif"},
            "acquisition": content,
        }
    )


def sentinel2(tile: str, date: str, *kinds: str, cloud_cover: float = 10.0) -> list[Item]:
    """Products of a tile and date; all three unless told."""
    day = f"{date[:4]}-{date[4:6]}-{date[6:]}"
    names = {
        "l1c": f"S2A_MSIL1C_{date}T105401_N0207_R051_T{tile}_{date}T130000",
        "l2a": f"SENTINEL2A_{date}-105401-457_L2A_T{tile}_C_V1-0",
        "snow": f"SENTINEL2A_{date}-105401-457_L2B-SNOW_T{tile}_D_V1-0",
    }
    return [
        Item(
            product_id=names[kind],
            collection=COLLECTIONS[kind],
            start=f"{day}T10:54:01Z",
            box=tuple(tile_box(tile)),
            content=f"{kind} {tile} {date}".encode(),
            cloud_cover=cloud_cover,
            platform="SENTINEL2A",
        )
        for kind in kinds or COLLECTIONS
    ]


def scenes(products: list[Product]) -> list[tuple[str, str]]:
    return [(p.tile, p.date) for p in products if p.kind == "l1c"]


def test_three_products_of_each_scene_are_chosen(
    server: Server, eodag: Path, tmp_path: Path
) -> None:
    server.items = sentinel2("31TCH", "20180115") + sentinel2("31TDH", "20180210")
    products, _ = choose_products(configuration(tmp_path))
    assert [(p.tile, p.date, p.kind) for p in products] == [
        ("31TCH", "20180115", "l1c"),
        ("31TCH", "20180115", "l2a"),
        ("31TCH", "20180115", "snow"),
        ("31TDH", "20180210", "l1c"),
        ("31TDH", "20180210", "l2a"),
        ("31TDH", "20180210", "snow"),
    ]
    l1c, offered = products[0], server.items[0]
    assert l1c == Product(
        kind="l1c",
        area="",
        tile="31TCH",
        date="20180115",
        platform="S2A",
        product_id=offered.product_id,
        provider="geodes",
        collection="S2_MSI_L1C",
        cloud_cover=10.0,
        size=offered.size,
        md5=offered.md5,
    )
    assert products[1].platform == "S2A"


def test_choice_does_not_depend_on_the_order_of_the_listing(
    server: Server, eodag: Path, tmp_path: Path
) -> None:
    months = (1, 2, 7)
    for tile in ("31TCH", "31TDH"):
        for day in (3, 8, 13, 18):
            for month in months:
                server.items += sentinel2(tile, f"2018{month:02d}{day:02d}")
    config = configuration(tmp_path)
    products, notes = choose_products(config)
    chosen = scenes(products)
    assert len(chosen) == len({date for _, date in chosen}) == 6
    write_products(config.acquisition.scenes, products, notes)
    first = Path(config.acquisition.scenes).read_bytes()

    server.items.reverse()
    products, notes = choose_products(config)
    write_products(config.acquisition.scenes, products, notes)
    assert Path(config.acquisition.scenes).read_bytes() == first

    others = [
        scenes(choose_products(config.model_copy(update={"seed": seed}))[0]) for seed in (1, 2, 3)
    ]
    assert any(other != chosen for other in others)


def test_what_is_missing_is_told(server: Server, eodag: Path, tmp_path: Path) -> None:
    server.items = [
        *sentinel2("31TCH", "20180115"),
        *sentinel2("31TCH", "20180215", "l1c", "l2a"),
        *sentinel2("31TCH", "20180220", "l1c"),
        *sentinel2("31TCH", "20190215", "l1c"),
    ]
    _, notes = choose_products(configuration(tmp_path))
    assert "31TCH: 1 dates with all products, 2 without l2a and snow, 1 without snow" in notes
    assert "31TDH: 0 dates with all products" in notes
    missing = [note for note in notes if note.startswith("MISSING 31TCH")]
    assert len(missing) == 11, "all months but January"
    assert missing[0] == (
        "MISSING 31TCH: no scene in month 02 (0 dates with all products, 2 without l2a and snow, "
        "1 without snow)"
    )


def test_snow_maps_that_firn_is_to_make_are_not_searched(
    server: Server, eodag: Path, tmp_path: Path
) -> None:
    server.items = sentinel2("31TCH", "20180215", "l1c", "l2a")
    config = configuration(tmp_path, providers={"snow": None})
    products, notes = choose_products(config)
    assert [p.kind for p in products] == ["l1c", "l2a"]
    assert "31TCH: 1 dates with all products" in notes
    assert not any("SNOW" in str(request) for request in server.requests)
    write_products(tmp_path / "scenes.tsv", products, notes)
    (scene,) = catalogue(config).sentinel2
    assert scene.snow == ""


def test_clouds_of_l1c_dates_and_neighbours(server: Server, eodag: Path, tmp_path: Path) -> None:
    server.items = [
        *sentinel2("31TCH", "20180115", cloud_cover=91.0),
        *sentinel2("31TCH", "20180215", cloud_cover=4.0),
        *sentinel2("31TCH", "20180315", cloud_cover=90.0),
        *sentinel2("31TCH", "20151231"),
        *sentinel2("31TCH", "20191231"),
        # A tile of another zone covers a part of this one, and would be found there.
        *sentinel2("30TYN", "20180415"),
    ]
    server.items[-3:] = [
        dataclasses.replace(item, box=tuple(tile_box("31TCH"))) for item in server.items[-3:]
    ]
    products, _ = choose_products(configuration(tmp_path, cloud_cover=[5, 90]))
    assert scenes(products) == [("31TCH", "20180315"), ("31TCH", "20191231")]


def test_clouds_of_the_other_products_do_not_count(
    server: Server, eodag: Path, tmp_path: Path
) -> None:
    """MAJA sees more clouds than L1C does; the reference chose by one of them."""
    l1c, l2a, snow = sentinel2("31TCH", "20180115")
    server.items = [l1c, dataclasses.replace(l2a, cloud_cover=97.0), snow]
    products, _ = choose_products(configuration(tmp_path))
    assert scenes(products) == [("31TCH", "20180115")]


def test_every_date_can_be_asked_for(server: Server, eodag: Path, tmp_path: Path) -> None:
    server.items = sentinel2("31TCH", "20180115") + sentinel2("31TCH", "20180120")
    products, notes = choose_products(configuration(tmp_path, selection="all"))
    assert len(scenes(products)) == 2
    assert not [note for note in notes if note.startswith("MISSING")]


def test_names_that_cannot_be_files_are_left_out(
    server: Server, eodag: Path, tmp_path: Path
) -> None:
    l1c, l2a, snow = sentinel2("31TCH", "20180115")
    evil = dataclasses.replace(l1c, product_id=l1c.product_id + "_/../../../.bashrc")
    server.items = [evil, l2a, snow]
    products, _ = choose_products(configuration(tmp_path))
    assert products == []


SPOT = "008-012_S2_039-264-0_1995-02-10-10-59-06_HRV-2_{}_DT_GU"


def spot(product_id: str, **changes: object) -> Item:
    values = {
        "product_id": product_id,
        "collection": "SWH_SPOT123_L1",
        "start": "1995-02-10T10:59:06Z",
        "box": (0.0, 42.5, 0.8, 43.1),
        "content": product_id.encode(),
        "platform": "SPOT2",
        "mode": "X",
    }
    return Item(**{**values, **changes})


def test_multispectral_spot_scenes_over_the_areas(
    server: Server, eodag: Path, tmp_path: Path
) -> None:
    server.items = [
        spot(SPOT.format("X")),
        spot(SPOT.format("P"), mode="P"),
        # The mode stands in the name too, of Level 1A and of Level 1C.
        spot(SPOT.format("I"), mode=None, collection="SWH_SPOT4_L1", platform="SPOT4"),
        spot(SPOT.format("M"), mode=None, collection="SWH_SPOT4_L1", platform="SPOT4"),
        spot("SPOT5-HRG2-XS_20050210-105906-710_L1C_039-264-1_D_V1-0", mode=None,
             collection="SWH_SPOT5_L1", platform="SPOT5", start="2005-02-10T10:59:06Z"),
        spot("unclear", mode=None),
        spot("of-another-satellite", platform="LANDSAT5"),
        spot("too-far", box=(5.0, 42.5, 5.8, 43.1)),
        spot("too-late", start="2016-02-10T10:59:06Z"),
    ]  # fmt: skip
    products, notes = choose_products(configuration(tmp_path, spot={}))
    found = {p.product_id: p for p in products}
    assert set(found) == {
        SPOT.format("X"),
        SPOT.format("I"),
        "SPOT5-HRG2-XS_20050210-105906-710_L1C_039-264-1_D_V1-0",
    }
    scene = found[SPOT.format("X")]
    assert (scene.kind, scene.area, scene.date) == ("spot", "pyrenees", "19950210")
    # Tile 31TCH reaches from 0.5 to 1.9 degrees east; no other is in the area.
    assert {product.tile for product in products} == {"31TCH"}
    assert (scene.platform, scene.collection) == ("SPOT2", "SWH_SPOT123_L1")
    assert "3 multispectral SPOT scenes touch the areas." in notes
    assert "MISSING SPOT: 2 products tell neither their mode nor satellite." in notes
    assert all(len(body["collections"]) == 1 for body in server.searches())


def test_without_an_acquisition_nothing_is_searched(tmp_path: Path) -> None:
    config = configuration(tmp_path).model_copy(update={"acquisition": None})
    with pytest.raises(ConfigError, match="acquisition: is not in the configuration"):
        choose_products(config)


def test_table_is_read_back(server: Server, eodag: Path, tmp_path: Path) -> None:
    server.items = [*sentinel2("31TCH", "20180115"), spot(SPOT.format("X"))]
    products, notes = choose_products(configuration(tmp_path, spot={}))
    write_products(tmp_path / "scenes.tsv", products, notes)
    assert sorted(read_products(str(tmp_path / "scenes.tsv")), key=lambda p: p.file) == sorted(
        products, key=lambda p: p.file
    )


def test_long_periods_of_spot_are_searched_in_parts(
    server: Server, eodag: Path, tmp_path: Path
) -> None:
    """From May 1994 to June 2001 in parts of five years: 1994-1998 and 1999-2001."""
    server.items = [
        spot("first_HRV1_X_", start="1994-05-01T10:00:00Z"),
        spot("before_HRV1_X_", start="1994-04-30T10:00:00Z"),
        spot("end_HRV1_X_", start="1998-12-31T23:59:58Z"),
        spot("begin_HRV1_X_", start="1999-01-01T00:00:01Z"),
        spot("last_HRV1_X_", start="2001-06-30T10:00:00Z"),
    ]
    period = {"start": "1994-05-01", "end": "2001-06-30", "collections": ["SWH_SPOT123_L1"]}
    products, _ = choose_products(configuration(tmp_path, spot=period))
    assert sorted(p.product_id for p in products) == [
        "begin_HRV1_X_",
        "end_HRV1_X_",
        "first_HRV1_X_",
        "last_HRV1_X_",
    ]
    queries = [b["query"] for b in server.searches() if b["collections"] == ["SWH_SPOT123_L1"]]
    assert [q["start_datetime"]["lte"][:10] for q in queries] == ["1998-12-31", "2001-06-30"]
