"""Scenes that share a job: what fails costs itself, and nothing that is finished is made again."""

import csv
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import minimal_products
import numpy as np
import pystac
import pytest
import yaml
from minimal_products import EPSG, full
from rasterio.crs import CRS

from firn import raster
from firn.batch_maps import FILES
from firn.grid import Grid

from .conftest import ENVIRONMENT, ROOT, Snakemake, command

pytestmark = pytest.mark.slow

SIDE = 24
GRID = Grid(CRS.from_epsg(EPSG), minimal_products.transform(20), SIDE, SIDE)
BANDS = ("XS1", "XS2", "XS3")
SCENES = [f"SPOT2-HRV1-XS_1990061{day}-110246-780_L1C_039-264-0_D_V1-0" for day in (4, 5, 6)]
RULES = (
    "--allowed-rules",
    *("maps", "stac_catalogue", "batch_summary", "batch_outcomes", "classify_batch", "classify"),
)


@pytest.fixture
def run(tmp_path: Path, snowy_model: Path) -> Path:
    """Folder of a run that has its model, and three scenes of which the second is damaged."""
    bands = {name: full((SIDE, SIDE), 300, "uint16") for name in BANDS}
    rows = []
    for name in SCENES:
        folder = minimal_products.swh(tmp_path, bands, dict.fromkeys(BANDS, 0.6), name=name)
        rows.append(f"{name}\tspot2\talps\t{minimal_products.zip_folder(folder)}\tclassify\t\n")
        shutil.rmtree(folder)
    shutil.copy(tmp_path / f"{SCENES[1]}.zip", tmp_path / "whole.zip")
    damage(tmp_path / f"{SCENES[1]}.zip")
    for name, value in (("dem", 2000.0), ("cover", 0), ("water", 0)):
        values = np.full((SIDE, SIDE), value, "float32" if name == "dem" else "uint8")
        raster.write(tmp_path / f"{name}.tif", values, GRID)
    spot, sentinel2 = tmp_path / "spot.tsv", tmp_path / "sentinel2.tsv"
    spot.write_text("scene_id\tsensor\tarea\tpath\trole\treference\n" + "".join(rows))
    sentinel2.write_text("tile\tdate\tl1c\tl2a\tsnow\n")
    inputs = {"sentinel2": sentinel2, "spot": spot, "dem": tmp_path / "dem.tif"}
    inputs |= {"tree_cover": tmp_path / "cover.tif", "water": tmp_path / "water.tif"}
    content = {
        "run": "batches",
        "areas": {"alps": {"tiles": ["32TPT"]}},
        "sensors": ["spot2"],
        "methods": ["baseline-majority"],
        "inputs": {name: str(path) for name, path in inputs.items()},
        "inference": {"scenes_per_job": 3, "nodata_buffer": 0},
    }
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(content))
    model = tmp_path / "batches/models/baseline-majority-spot2/model.safetensors"
    model.parent.mkdir(parents=True)
    shutil.copy(snowy_model, model)
    return tmp_path / "batches"


def damage(product: Path) -> None:
    """Cut a product in half."""
    product.write_bytes(product.read_bytes()[: product.stat().st_size // 2])


def options(run: Path, target: str | Path = "maps") -> tuple[str | Path, ...]:
    config = run.parent / "config.yaml"
    return (target, "--configfile", config, "--profile", "workflow/profiles/local", *RULES)


def rows(table: Path, delimiter: str = "\t") -> list[dict[str, str]]:
    with open(table, newline="") as file:
        return list(csv.DictReader(file, delimiter=delimiter))


def catalogued(run: Path) -> list[pystac.Item]:
    return list(pystac.Catalog.from_file(run / "catalog.json").get_items(recursive=True))


def map_files(run: Path, scene: str) -> list[Path]:
    return [run / "maps/baseline-majority-spot2" / scene / name for name in FILES]


def times(run: Path) -> dict[str, int]:
    """When the map of each scene was written."""
    paths = {scene: map_files(run, scene)[0] for scene in SCENES}
    return {scene: path.stat().st_mtime_ns for scene, path in paths.items() if path.exists()}


def repair(run: Path) -> None:
    """Replace the damaged product."""
    (run.parent / f"{SCENES[1]}.zip").write_bytes((run.parent / "whole.zip").read_bytes())


def test_a_damaged_scene_costs_itself_and_is_tried_again_alone(
    run: Path, snakemake: Snakemake
) -> None:
    first = snakemake(*options(run), folder=run.parent)
    assert first.code != 0
    jobs = ("batch_outcomes", "batch_summary", "classify_batch", "maps", "stac_catalogue")
    assert first.jobs() == dict.fromkeys(jobs, 1)
    whole = [SCENES[0], SCENES[2]]
    assert [row["product"] for row in rows(run / "scenes.csv", ",")] == whole
    assert [item.properties["firn:product"] for item in catalogued(run)] == whole
    assert not (run / "maps/mapped.tsv").exists()
    (failed,) = rows(run / "maps/failed.tsv")
    assert (failed["scene_id"], failed["batch"]) == (SCENES[1], "039-264_1990")
    assert f"{SCENES[1]}.zip" in failed["reason"]
    assert "Traceback" in Path(failed["log"]).read_text()
    assert f"1 of 3 scenes failed, with reason and log in that table: {SCENES[1]}" in first.err
    made = times(run)
    assert made.keys() == {SCENES[0], SCENES[2]}

    repair(run)
    second = snakemake(*options(run), folder=run.parent)
    assert second.code == 0, second.text
    assert second.jobs() == first.jobs()
    assert times(run).items() > made.items(), "finished maps are found, not made again"
    assert [row["state"] for row in rows(run / "maps/mapped.tsv")] == ["mapped"] * 3
    assert not (run / "maps/failed.tsv").exists()
    assert all(path.is_file() for scene in SCENES for path in map_files(run, scene))
    assert [row["product"] for row in rows(run / "scenes.csv", ",")] == SCENES
    assert len(catalogued(run)) == 3
    third = snakemake(*options(run), "-n", folder=run.parent)
    assert "Nothing to be done" in third.text

    lost = map_files(run, SCENES[0])[0]
    lost.unlink()
    fourth = snakemake(*options(run), folder=run.parent)
    assert fourth.jobs() == {"classify": 1, "maps": 1, "stac_catalogue": 1}
    assert lost.is_file()


def test_a_single_map_is_made_by_its_name(run: Path, snakemake: Snakemake) -> None:
    target = map_files(run, SCENES[2])[0]
    call = snakemake(*options(run, target), folder=run.parent)
    assert call.code == 0, call.text
    assert call.jobs() == {"classify": 1}
    assert times(run).keys() == {SCENES[2]}


def test_a_killed_batch_continues(run: Path, snakemake: Snakemake) -> None:
    repair(run)
    line = command(*options(run), folder=run.parent)
    process = subprocess.Popen(line, cwd=ROOT, env=ENVIRONMENT, start_new_session=True)
    deadline = time.monotonic() + 120
    while not times(run) and time.monotonic() < deadline:
        assert process.poll() is None
        time.sleep(0.001)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    made = times(run)
    assert 1 <= len(made) < len(SCENES)

    call = snakemake(*options(run), folder=run.parent)
    assert call.code == 0, call.text
    assert times(run).items() > made.items()
