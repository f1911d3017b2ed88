"""Level-1A scenes among the scenes of a run."""

from pathlib import Path

import pytest
import yaml
from simulator.small_world import simulation

from firn.catalogue import Catalogue, catalogue
from firn.config import Config, parse_config

RAW = "40482580307151018492I"


def virtual(*spot: dict[str, object], dates: list[str]) -> Config:
    world = simulation(spot=list(spot), sentinel2={"32TPT": dates})
    content = {
        "run": "raw",
        "areas": {"alps": {"tiles": ["32TPT"]}},
        "sensors": ["spot4"],
        "simulation": world.model_dump(mode="json"),
    }
    return parse_config(content)


def oblique(date: str) -> dict[str, object]:
    return {"sensor": "spot4", "tile": "32TPT", "date": date, "incidence": 20.0}


def scenes(dates: list[str], date: str = "20030715") -> Catalogue:
    return catalogue(virtual(oblique(date), dates=dates))


def test_a_virtual_scene_with_an_incidence_is_raw() -> None:
    level1c = {"sensor": "spot4", "tile": "32TPT", "date": "20030716"}
    found = catalogue(virtual(oblique("20030715"), level1c, dates=["20190722"]))
    raw, ortho = (s for s in found.spot if s.role == "evaluate")
    assert raw.is_raw
    assert raw.scene_id[:13] == "4048258030715"
    assert not ortho.is_raw
    assert not [s for s in found.spot if s.role == "kde" and s.is_raw]


def test_references_are_the_three_nearest_in_season() -> None:
    """Days from 15 July, over the turn of the year: 1, 14, 30, 100, 166 and 180."""
    dates = ["20170101", "20180406", "20190714", "20200729", "20210615", "20221228"]
    found = scenes(dates)
    (raw,) = (s for s in found.spot if s.is_raw)
    assert [s.date for s in found.references(raw)] == ["20190714", "20200729", "20210615"]
    winter = scenes(["20170601", "20180110", "20191225"], "20030103")
    (raw,) = (s for s in winter.spot if s.is_raw)
    assert [s.date for s in winter.references(raw)] == ["20180110", "20191225", "20170601"]


def tables(folder: Path, tile: str, role: str) -> Config:
    (folder / "sentinel2.tsv").write_text("tile\tdate\tl1c\tl2a\tsnow\n32TPT\t20190714\ta\tb\tc\n")
    (folder / "spot.tsv").write_text(
        "scene_id\tsensor\tarea\tpath\trole\treference\ttile\n"
        f"{RAW}\tspot4\talps\tscene.zip\t{role}\t\t{tile}\n"
    )
    content = f"""
        run: raw
        areas: {{alps: {{tiles: [32TPT]}}}}
        sensors: [spot4]
        inputs:
          sentinel2: {folder}/sentinel2.tsv
          spot: {folder}/spot.tsv
          dem: dem.tif
          tree_cover: tree_cover.tif
          water: water.tif
    """
    return parse_config(yaml.safe_load(content))


@pytest.mark.parametrize(("tile", "dates"), [("32TPT", ["20190714"]), ("", []), ("31TCH", [])])
def test_references_are_those_of_the_tile(tmp_path: Path, tile: str, dates: list[str]) -> None:
    """A scene without any costs itself, when it is put on the map, and not the run."""
    found = catalogue(tables(tmp_path, tile, "classify"))
    assert [s.date for s in found.references(found.spot_scene(RAW))] == dates
