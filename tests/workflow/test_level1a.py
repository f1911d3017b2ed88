"""A Level-1A scene in a run: put on the map before it is classified."""

import json
import re
from pathlib import Path

import pytest
import yaml

from firn import raster
from firn.catalogue import catalogue
from firn.config import parse_config

from .conftest import ROOT, Call, Snakemake, make_archive

PROFILE = ("--profile", "workflow/profiles/local")


def configuration(folder: Path) -> tuple[Path, str, Path]:
    """The smallest run with a raw scene; its file, the scene's identifier, and its folder."""
    content = yaml.safe_load((ROOT / "tests/workflow/tiny.yaml").read_text())
    content |= {"run": "raw", "methods": ["baseline-majority"]}
    simulation = content["simulation"]
    place = {"left": 626040, "top": 5188800, "size": 480}
    simulation["tiles"]["32TPT"] |= place
    simulation["spot"] = [
        {"sensor": "spot4", "tile": "32TPT", "date": "20010914", "incidence": -20.0}
    ]
    simulation["sentinel2"] = {"32TPT": ["20180118", "20190921"]}
    simulation["climate"] = {"snow_line_summer": 3400, "cloud_cover": [0, 0.2]}
    path = folder / "raw.yaml"
    path.write_text(yaml.safe_dump(content))
    (scene,) = (s for s in catalogue(parse_config(content)).spot if s.is_raw)
    return path, scene.scene_id, folder / "raw"


def inputs(call: Call, rule: str) -> list[str]:
    """Inputs of the only job of a rule."""
    (line,) = re.findall(rf"rule {rule}:\n    input: (.+)\n", call.text)
    return str(line).split(", ")


def test_map_comes_before_classification_and_figures(snakemake: Snakemake, tmp_path: Path) -> None:
    path, scene, run = configuration(tmp_path)
    call = snakemake("--configfile", path, *PROFILE, "-n", folder=tmp_path)
    assert call.code == 0, call.text
    assert call.jobs()["orthorectify"] == call.jobs()["classify"] == 1
    ortho = f"{run}/ortho/{scene}.tif"
    assert ortho in call.outputs()
    stacks = [f"{run}/stacks/32TPT/{date}/toa_20m.tif" for date in ("20190921", "20180118")]
    product, dem = f"{run}/archive/spot/{scene}.zip", f"{run}/archive/auxiliary/32TPT/dem.tif"
    assert inputs(call, "orthorectify") == [product, dem, *stacks]
    for rule in ("classify", "draw_maps"):
        assert ortho in inputs(call, rule)
        assert product not in inputs(call, rule)


@pytest.mark.slow
def test_a_raw_scene_is_put_on_the_map(snakemake: Snakemake, tmp_path: Path) -> None:
    path, scene, run = configuration(tmp_path)
    make_archive(path, tmp_path)
    ortho = run / "ortho" / f"{scene}.tif"
    call = snakemake("--configfile", path, *PROFILE, ortho, folder=tmp_path)
    assert call.code == 0, call.text
    told = json.loads(raster.tags(ortho)["FIRN_GEOLOCATION"])
    assert told["used"] >= 30
    assert told["rms"] < 5
    again = snakemake("--configfile", path, *PROFILE, "-n", ortho, folder=tmp_path)
    assert "Nothing to be done" in again.text
