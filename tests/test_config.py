"""The configuration and the scene catalogue."""

from pathlib import Path

import pytest
import yaml

from firn.catalogue import auxiliary_path, catalogue
from firn.config import Config, load_config, parse_config
from firn.errors import ConfigError

ROOT = Path(__file__).parents[1]
DEMO = ROOT / "config" / "demo.yaml"


def demo(**changes: object) -> Config:
    return parse_config({**yaml.safe_load(DEMO.read_text()), **changes})


def test_unknown_keys_are_named_with_their_path() -> None:
    content = yaml.safe_load(DEMO.read_text())
    content["patches"]["sise"] = 3
    content["simulation"]["climate"]["snow"] = 1
    with pytest.raises(ConfigError) as caught:
        parse_config(content)
    assert "patches.sise: Extra" in str(caught.value)
    assert "simulation.climate.snow: Extra" in str(caught.value)


@pytest.mark.parametrize("text", ["", "- a\n", "a: [", "run: ../x\n"])
def test_files_that_are_no_configuration(tmp_path, text: str) -> None:
    path = tmp_path / "c.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=r"c\.yaml"):
        load_config(path)
    with pytest.raises(ConfigError, match="absent"):
        load_config(tmp_path / "absent.yaml")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("sensors", ["spot2.yaml"]),
        ("emulated_sensors", ["../spot1"]),
        ("areas", {"a|b": {"tiles": ["32TPT"]}}),
    ],
)
def test_names_become_parts_of_paths(key: str, value: object) -> None:
    with pytest.raises(ConfigError, match=rf"{key}\..*should match pattern"):
        demo(**{key: value})


def test_dates_are_days_of_the_calendar() -> None:
    content = yaml.safe_load(DEMO.read_text())
    content["simulation"]["sentinel2"]["32TPT"] = ["20180230"]
    with pytest.raises(ConfigError, match=r"sentinel2\.32TPT\.0: .*20180230 is no day"):
        parse_config(content)


def test_real_inputs_are_asked_for() -> None:
    with pytest.raises(ConfigError, match=r"inputs\.sentinel2, inputs\.spot"):
        demo(simulation=None)


def test_experiment_names_carry_the_area_only_where_there_are_several() -> None:
    assert "unet-spot2" in demo().experiments()
    two = demo(areas={"alps": {"tiles": ["32TPT"]}, "pyrenees": {"tiles": ["32TPS"]}})
    assert "unet-spot2-pyrenees" in two.experiments()
    assert two.experiments()["baseline-pixel-spot4-alps"].area == "alps"


def test_virtual_catalogue_is_stable_and_keeps_evaluation_apart() -> None:
    scenes = catalogue(demo())
    assert scenes == catalogue(demo())
    evaluated = {s.scene_id for s in scenes.spot_scenes("spot2", "alps", "evaluate")}
    density = {s.scene_id for s in scenes.spot_scenes("spot2", "alps", "kde", "classify")}
    assert len(evaluated) == 12
    assert len(density) == 30
    assert not evaluated & density
    assert scenes.spot_scenes("spot4-noswir", "alps") == scenes.spot_scenes("spot4", "alps")


def test_excluded_scenes_are_gone_and_must_exist() -> None:
    everything = catalogue(demo())
    scene = everything.spot[0].scene_id
    fewer = catalogue(demo(exclude=["32TPT/20180118", scene]))
    assert len(fewer.sentinel2) == len(everything.sentinel2) - 1
    with pytest.raises(ConfigError, match="not in the table"):
        fewer.spot_scene(scene)
    with pytest.raises(ConfigError, match="31ABC/20200101"):
        catalogue(demo(exclude=["31ABC/20200101"]))


def tables(tmp_path: Path, sentinel2: str, spot: str) -> Config:
    (tmp_path / "s2.tsv").write_text(sentinel2)
    (tmp_path / "spot.tsv").write_text(spot)
    inputs = {
        "sentinel2": str(tmp_path / "s2.tsv"),
        "spot": str(tmp_path / "spot.tsv"),
        "dem": "dem_{tile}.tif",
        "tree_cover": "tcd.tif",
        "water": "water.tif",
    }
    return demo(simulation=None, inputs=inputs)


S2 = "tile\tdate\tl1c\tl2a\tsnow\n32TPT\t20190101\ta.zip\tb.zip\tc.zip\n"
SPOT = (
    "# a comment\nscene_id\tsensor\tarea\tpath\trole\treference\n"
    "X1\tspot2\talps\tx1.zip\tkde\t\nX2\tspot2\talps\tx2.zip\tevaluate\tr.tif\n"
)


def test_scene_tables(tmp_path) -> None:
    config = tables(tmp_path, S2, SPOT)
    scenes = catalogue(config)
    assert scenes.sentinel2_scene("32TPT", "20190101").l2a == "b.zip"
    assert scenes.spot_scene("X2").reference == "r.tif"
    assert scenes.spot_scene("X2").platform == "SPOT2"
    assert scenes.sentinel2_scene("32TPT", "20190101").snow == "c.zip"
    assert auxiliary_path(config, "dem", "32TPT") == "dem_32TPT.tif"
    with pytest.raises(ConfigError, match="mosaic"):
        auxiliary_path(config, "dem", None)


@pytest.mark.parametrize(
    "table",
    [S2.replace("c.zip", ""), "\n".join(line.rpartition("\t")[0] for line in S2.splitlines())],
)
def test_a_scene_without_snow_product(tmp_path, table: str) -> None:
    (scene,) = catalogue(tables(tmp_path, table, SPOT)).sentinel2
    assert (scene.l2a, scene.snow) == ("b.zip", "")


@pytest.mark.parametrize(
    ("sentinel2", "spot", "message"),
    [
        (S2.replace("tile\tdate", "tile"), SPOT, "columns"),
        (S2.replace("20190101", "2019-01-01"), SPOT, r"s2\.tsv, line 2: date"),
        (S2 + S2.splitlines()[1] + "\n", SPOT, "32TPT/20190101: occurs twice"),
        (S2.replace("b.zip", ""), SPOT, "line 2: has no l2a"),
        (S2.replace("32TPT", "31TCH"), SPOT, "line 2: tile 31TCH is in no area"),
        (S2, SPOT.replace("kde", "train"), r"spot\.tsv, line 3: role 'train'"),
        (S2, SPOT.replace("alps\tx2", "alpes\tx2"), "line 4: area 'alpes' is none of alps"),
        (S2, SPOT.replace("spot2\talps\tx2", "spto2\talps\tx2"), "line 4: sensor spto2: unknown"),
        (S2, SPOT.replace("X2\t", "# why\n\nX/2\t"), "line 6: scene_id 'X/2'"),
        (S2, SPOT.replace("r.tif", ""), "reference"),
    ],
)
def test_wrong_tables(tmp_path, sentinel2: str, spot: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        catalogue(tables(tmp_path, sentinel2, spot))
