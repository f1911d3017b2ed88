"""The table of products tells the rest of the workflow its scenes."""

from dataclasses import replace
from pathlib import Path

import pytest
from test_search import configuration
from test_table import L1C, SPOT

from firn.catalogue import auxiliary_path, catalogue
from firn.config import Config, parse_config
from firn.download.table import write_products
from firn.errors import ConfigError

L2A = replace(L1C, kind="l2a", product_id="SENTINEL2A_20190131-105321-457_L2A_T31TCH_C_V1-0")
SNOW = replace(L1C, kind="snow", product_id="SENTINEL2A_20190131-105321-457_L2B-SNOW_T31TCH_D_V1-0")


@pytest.fixture
def config(tmp_path: Path) -> Config:
    config = configuration(tmp_path, folder="archive")
    write_products(config.acquisition.scenes, [L1C, L2A, SNOW, SPOT], [])
    return config


def with_inputs(config: Config, **inputs: str) -> Config:
    return config.model_copy(update={"inputs": config.inputs.model_copy(update=inputs)})


def test_scenes_are_those_of_the_table(config: Config) -> None:
    scenes = catalogue(config)
    (scene,) = scenes.sentinel2
    assert (scene.tile, scene.date) == ("31TCH", "20190131")
    folder = "archive/sentinel2/31TCH/20190131"
    assert scene.l1c == f"{folder}/{L1C.product_id.removesuffix('.SAFE')}.zip"
    assert scene.l2a == f"{folder}/{L2A.product_id}.zip"
    assert scene.snow == f"{folder}/{SNOW.product_id}.zip"
    (spot,) = scenes.spot
    assert (spot.scene_id, spot.sensor, spot.area) == (SPOT.product_id, "spot2", "pyrenees")
    assert (spot.path, spot.role) == (f"archive/spot/{SPOT.product_id}.zip", "classify")
    assert spot.is_raw
    assert scenes.references(spot) == []


def test_a_raw_scene_is_matched_to_the_products_of_its_tile(config: Config) -> None:
    products = [L1C, L2A, SNOW, replace(SPOT, tile="31TCH")]
    write_products(config.acquisition.scenes, products, [])
    scenes = catalogue(config)
    assert scenes.references(scenes.spot[0]) == list(scenes.sentinel2)


def test_tables_of_inputs_come_on_top_and_say_more(config: Config, tmp_path: Path) -> None:
    sentinel2, spot = tmp_path / "sentinel2.tsv", tmp_path / "spot.tsv"
    sentinel2.write_text("tile\tdate\tl1c\tl2a\tsnow\n31TDH\t20160518\ta.zip\tb.zip\tc.zip\n")
    spot.write_text(
        "scene_id\tsensor\tarea\tpath\trole\treference\n"
        f"{SPOT.product_id}\tspot2\tpyrenees\tx.zip\tevaluate\tr.tif\n"
    )
    both = with_inputs(config, sentinel2=str(sentinel2), spot=str(spot))
    scenes = catalogue(both)
    assert [(s.tile, s.date) for s in scenes.sentinel2] == [
        ("31TDH", "20160518"),
        ("31TCH", "20190131"),
    ]
    assert [(s.path, s.role, s.reference) for s in scenes.spot] == [("x.zip", "evaluate", "r.tif")]


def test_scene_of_the_table_can_be_excluded(config: Config) -> None:
    without = config.model_copy(update={"exclude": ("31TCH/20190131",)})
    assert catalogue(without).sentinel2 == ()


@pytest.mark.parametrize(
    ("products", "message"),
    [
        ([L1C, SNOW], "31TCH/20190131 has no l2a"),
        ([L1C, L2A, SNOW, replace(L2A, product_id="B")], "two products of kind l2a"),
        ([replace(L1C, tile="32TLS")], "tile 32TLS is in no area"),
        ([replace(SPOT, area="alps")], "is of area alps, which is not among pyrenees"),
        ([replace(SPOT, platform="SPOT9")], "SPOT9|spot9"),
    ],
)
def test_tables_that_do_not_fit_the_configuration(config: Config, products, message: str) -> None:
    write_products(config.acquisition.scenes, products, [])
    with pytest.raises(ConfigError, match=message):
        catalogue(config)


def test_elevation_is_the_mosaic_of_the_tiles(tmp_path: Path) -> None:
    config = configuration(tmp_path, folder="archive", dem="https://example.org/dem")
    assert auxiliary_path(config, "dem", "31TCH") == "d.tif", "unless inputs have one"
    without = with_inputs(config, dem=None)
    assert auxiliary_path(without, "dem", "31TCH") == "archive/dem/scenes.vrt"


def test_inputs_that_nothing_fetches_must_be_given(tmp_path: Path) -> None:
    content = configuration(tmp_path, dem="https://example.org/dem").model_dump(mode="json")
    content["inputs"] = {"tree_cover": "t.tif"}
    with pytest.raises(ConfigError, match=r"inputs\.water: must be given") as caught:
        parse_config(content)
    assert "inputs.dem" not in str(caught.value)
    content["acquisition"]["dem"] = None
    with pytest.raises(ConfigError, match=r"inputs\.dem, inputs\.water: must be given"):
        parse_config(content)
