"""A run on products from disk: no snow product, elevation in tiles, water as polygons."""

from pathlib import Path

import minimal_products
import numpy as np
import pyogrio
import pytest
import shapely
import yaml
from minimal_products import EPSG, LEFT, SIDE, TOP, full
from rasterio.crs import CRS

from firn import raster
from firn.grid import Grid

from .conftest import ROOT, Snakemake

pytestmark = pytest.mark.slow

FINE, COARSE = (SIDE // 10, SIDE // 10), (SIDE // 20, SIDE // 20)
GRID = Grid(CRS.from_epsg(EPSG), minimal_products.transform(20), *COARSE)


@pytest.fixture
def configuration(tmp_path: Path) -> Path:
    """Snow in the left half of the image, soil in the right, on a slope of 100 m a row."""
    l1c = minimal_products.sentinel2(tmp_path, {"B02": full(FINE, 1000, "uint16")})
    bands = {}
    for band, shape, snow, soil in (
        ("B3", FINE, 9000, 1400), ("B4", FINE, 8000, 1800), ("B11", COARSE, 1000, 2600)
    ):  # fmt: skip
        values = full(shape, soil, "int16")
        values[:, : shape[1] // 2] = snow
        bands[f"FRE_{band}"] = values
    l2a = minimal_products.maja(tmp_path, {**bands, "MASKS/CLM_R2": full(COARSE, 0, "uint8")})
    # Two tiles that meet at the twelfth column.
    heights = np.repeat(np.arange(44.0)[:, None] * 100, 44, axis=1).astype(np.float32)
    for name, first in (("west", 0), ("east", 22)):
        part = GRID.crop(-10, first - 10, 44, 22)
        raster.write(tmp_path / "dem" / f"{name}.tif", heights[:, first : first + 22], part)
    raster.write(tmp_path / "tcd.tif", full(COARSE, 0, "uint8"), GRID)
    pyogrio.raw.write(
        tmp_path / "water.gpkg",
        geometry=shapely.to_wkb(np.array([shapely.box(LEFT, TOP - 100, LEFT + 480, TOP)])),
        field_data=[],
        fields=[],
        geometry_type="Polygon",
        crs=f"EPSG:{EPSG}",
    )
    table = tmp_path / "sentinel2.tsv"
    # Files to hand over: Snakemake compares their content, of folders only their time.
    zips = [minimal_products.zip_folder(folder) for folder in (l1c, l2a)]
    table.write_text(f"tile\tdate\tl1c\tl2a\tsnow\n32TPT\t20180314\t{zips[0]}\t{zips[1]}\t\n")
    spot = tmp_path / "spot.tsv"
    spot.write_text("scene_id\tsensor\tarea\tpath\trole\treference\n")
    config = tmp_path / "config.yaml"
    config.write_text(
        yaml.safe_dump(
            {
                "run": "real",
                "areas": {"alps": {"tiles": ["32TPT"]}},
                "sensors": ["spot4"],
                "inputs": {
                    "sentinel2": str(table),
                    "spot": str(spot),
                    "dem": str(tmp_path / "dem"),
                    "tree_cover": str(tmp_path / "tcd.tif"),
                    "water": str(tmp_path / "water.gpkg"),
                },
            }
        )
    )
    return config


def test_labels_of_a_scene_without_snow_product(
    tmp_path: Path, configuration: Path, snakemake: Snakemake
) -> None:
    scene = tmp_path / "real/stacks/32TPT/20180314"
    profile = ("--configfile", configuration, "--profile", ROOT / "workflow/profiles/local")
    call = snakemake(*profile, scene / "labels.tif", folder=tmp_path)
    assert call.code == 0, call.text
    assert call.jobs().keys() == {"labels", "snow_map", "terrain", "tile_grid"}
    labels = raster.read(scene / "labels.tif").values[0]
    # 100 m of water along the upper edge.
    assert (labels[:5] == 255).all()
    assert (labels[5:, :11] == 1).all()
    assert (labels[5:, 13:] == 0).all()
    terrain = tmp_path / "real/terrain/32TPT"
    dem = raster.read(terrain / "dem.tif").values[0]
    np.testing.assert_allclose(dem[:, 3], np.arange(10, 34) * 100.0)
    np.testing.assert_array_equal(dem, np.repeat(dem[:, 3:4], 24, axis=1))
    assert (raster.read(terrain / "dem_origin.tif").values == 1).all()
    assert (raster.read(scene / "snow.tif").values[0, :, :11] == 100).all()


def test_situations_beside_a_reference_are_an_input_of_its_scores(
    tmp_path: Path, configuration: Path, snakemake: Snakemake
) -> None:
    """The first of two references has a raster of situations beside it."""
    names = [f"SPOT4-HRVIR1-XS_2001061{day}-110246-780_L1C_039-264-0_D_V1-0" for day in (4, 5)]
    files = [f"S{day}.tif" for day in (4, 5)]
    for file in (*files, *(f"{name}.zip" for name in names), "S4_strata.tif"):
        (tmp_path / file).touch()
    rows = [
        f"{name}\tspot4\talps\t{tmp_path}/{name}.zip\tevaluate\t{tmp_path}/{file}\n"
        for name, file in zip(names, files, strict=True)
    ]
    with (tmp_path / "spot.tsv").open("a") as table:
        table.writelines(rows)
    target = tmp_path / "real/evaluation/unet-spot4/historical.json"
    profile = ("--configfile", configuration, "--profile", ROOT / "workflow/profiles/local")
    call = snakemake(*profile, "-n", target, folder=tmp_path)
    assert call.code == 0, call.text
    (job,) = (text for text in call.text.split("rule ") if text.startswith("evaluate_historical:"))
    assert str(tmp_path / "S4_strata.tif") in job
    assert "S5_strata.tif" not in job


def test_companions_are_trained_and_scored_on_real_scenes_with_masks_of_alcd(
    tmp_path: Path, configuration: Path, snakemake: Snakemake
) -> None:
    days = ("20170720", "20170809", "20170918")
    for day in days:
        name = f"S2A_MSIL1C_{day}T101031_N0205_R022_T32TPT_{day}T101405"
        (tmp_path / "alcd/Reference_dataset" / name / "Classification").mkdir(parents=True)
        for kind in ("l1c", "l2a"):
            (tmp_path / f"{kind}_{day}.zip").touch()
    with (tmp_path / "sentinel2.tsv").open("a") as table:
        for day in days:
            table.write(f"32TPT\t{day}\t{tmp_path}/l1c_{day}.zip\t{tmp_path}/l2a_{day}.zip\t\n")
    content = yaml.safe_load(configuration.read_text())
    content["exclude"] = ["32TPT/20180314"]
    content["companions"] = {"tuning": [f"32TPT/{days[1]}"], "evaluation": [f"32TPT/{days[2]}"]}
    profile = ("--configfile", configuration, "--profile", ROOT / "workflow/profiles/local")
    configuration.write_text(yaml.safe_dump(content))
    call = snakemake(*profile, "-n", "companions", folder=tmp_path)
    assert "companions: needs a simulation, or the masks of ALCD" in call.text
    content["companions"]["alcd"] = str(tmp_path / "alcd")
    configuration.write_text(yaml.safe_dump(content))
    call = snakemake(*profile, "-n", "companions", folder=tmp_path)
    assert call.code == 0, call.text
    jobs = call.jobs()
    assert (jobs["companion_stack"], jobs["companion_truth"], jobs["companion_maps"]) == (3, 3, 1)
    assert jobs["train_som"] == jobs["train_patch_cnn"] == jobs["companion_scores"] == 1
    content["companions"]["alcd"] = str(tmp_path / "nowhere")
    configuration.write_text(yaml.safe_dump(content))
    call = snakemake(*profile, "-n", "companions", folder=tmp_path)
    assert call.code != 0 and "holds no ALCD mask of 32TPT, 2017" in call.text
