"""Scenes in 13 bands at 60 m, and the truth of virtual ones."""

from pathlib import Path

import numpy as np
import pytest
from simulator.small_world import simulation

from firn import raster
from firn.classes import IGNORE, SurfaceClass
from firn.companions.plan import alcd_folder
from firn.companions.scenes import (
    BRIGHT,
    CIRRUS,
    FIELDS,
    SNOW,
    SceneTruth,
    Surface,
    bands,
    classes,
    read_stack,
    strata,
    surfaces,
    write_alcd_truth,
    write_scene_truth,
    write_stack,
)
from firn.errors import DataError, GridError
from firn.grid import Grid
from firn.products.identity import TileDate
from firn.products.sentinel2 import open_l1c
from firn.simulator.archive import simulate_sentinel2
from firn.simulator.plan import sentinel2_plans

GRID = Grid.from_bounds("EPSG:32632", 600000, 5190000, 600240, 5190120, 60)
LIT = {"cast_shadow": 0.0, "cloud_shadow": 0.0, "green_reflectance": 0.1}
CLEAR = {"snow_fraction": 0.0, "optical_thickness": 0.0, "cirrus_thickness": 0.0, "water": 0.0}
#: What is different from clear, lit, dark ground; the surface; the class; the strata.
PIXELS = [
    ({}, Surface.LAND, SurfaceClass.GROUND, set()),
    ({"green_reflectance": 0.3}, Surface.LAND, SurfaceClass.GROUND, {BRIGHT}),
    ({"water": 1.0}, Surface.WATER, SurfaceClass.GROUND, set()),
    ({"water": 0.5}, 0, SurfaceClass.GROUND, set()),
    ({"cast_shadow": 1.0}, Surface.SHADOW, SurfaceClass.GROUND, set()),
    ({"cloud_shadow": 9.0}, Surface.SHADOW, SurfaceClass.GROUND, set()),
    ({"cloud_shadow": 1.0}, 0, SurfaceClass.GROUND, set()),
    ({"snow_fraction": 0.9}, Surface.SNOW, SurfaceClass.SNOW, {SNOW}),
    ({"snow_fraction": 0.9, "cast_shadow": 1.0}, Surface.SNOW, SurfaceClass.SNOW, {SNOW}),
    ({"snow_fraction": 0.5}, 0, IGNORE, set()),
    ({"optical_thickness": 0.3}, 0, IGNORE, set()),
    ({"optical_thickness": 2.0}, 0, SurfaceClass.CLOUD, set()),
    ({"optical_thickness": 9.0}, Surface.OPAQUE_CLOUD, SurfaceClass.CLOUD, set()),
    (
        {"optical_thickness": 2.0, "cirrus_thickness": 1.9},
        Surface.CIRRUS,
        SurfaceClass.CLOUD,
        {CIRRUS},
    ),
    (
        {"optical_thickness": 5.0, "cirrus_thickness": 4.9},
        Surface.CIRRUS,
        SurfaceClass.CLOUD,
        set(),
    ),
]


@pytest.mark.parametrize(("changes", "surface", "known", "cases"), PIXELS)
def test_classes_by_hand(
    changes: dict[str, float], surface: int, known: int, cases: set[str]
) -> None:
    fields = {n: np.full((1, 1), v, np.float32) for n, v in {**LIT, **CLEAR, **changes}.items()}
    assert set(fields) == set(FIELDS)
    assert surfaces(fields)[0, 0] == surface
    assert classes(fields)[0, 0] == known
    assert {name for name, flags in strata(fields).items() if flags[0, 0]} == cases


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A virtual scene of two kilometres, and its truth."""
    folder = tmp_path_factory.mktemp("product")
    world = simulation()
    paths = {name: folder / f"{name}.zip" for name in ("l1c", "l2a", "snow")}
    plan = sentinel2_plans(world, 1)[0]
    simulate_sentinel2(world, plan, 1, **paths, truth=folder / "truth")
    write_stack(paths["l1c"], TileDate(plan.tile, plan.date), folder / "stack.tif")
    return folder


def test_stack_has_the_reflectance_of_the_product(product: Path) -> None:
    values, grid = read_stack(product / "stack.tif")
    expected = open_l1c(product / "l1c.zip").read(bands(), 60)[0]
    assert grid.resolution == 60 and values.shape == (13, 32, 32)
    np.testing.assert_allclose(values, np.minimum(expected.values, 2), atol=6e-5)


def test_truth_of_a_scene_is_that_of_its_fields(product: Path, tmp_path: Path) -> None:
    write_scene_truth(product / "truth/fields.tif", product / "stack.tif", tmp_path / "truth.tif")
    found = SceneTruth(tmp_path / "truth.tif")
    thickness = raster.read(product / "truth/fields.tif").sel(band="optical_thickness").values
    mean = thickness.reshape(32, 3, 32, 3).mean(axis=(1, 3))
    sure = np.abs(mean - 0.5) > 1e-3
    np.testing.assert_array_equal((found.classes == SurfaceClass.CLOUD)[sure], (mean >= 0.5)[sure])
    cloudy = np.isin(found.surfaces, (Surface.CIRRUS, Surface.OPAQUE_CLOUD))
    assert (found.classes[cloudy] == SurfaceClass.CLOUD).all()
    np.testing.assert_array_equal(found.strata[SNOW], found.classes == SurfaceClass.SNOW)
    assert len(np.unique(found.surfaces)) > 2


def stack(path: Path, numbers: np.ndarray, names: tuple[str, ...]) -> Path:
    raster.write(path, numbers.astype(np.uint16), GRID, nodata=0, band_names=names)
    return path


def test_a_band_without_data_takes_the_pixel_from_all(tmp_path: Path) -> None:
    numbers = np.full((13, *GRID.shape), 5000)
    numbers[4, 1, 2] = 0
    numbers[6, 0, 0] = 65535
    values, _ = read_stack(stack(tmp_path / "stack.tif", numbers, bands()))
    assert np.isnan(values[:, 1, 2]).all() and np.isnan(values).sum() == 13
    assert values[6, 0, 0] == 2
    fields = np.zeros((len(FIELDS), 6, 12), np.float32)
    grid = GRID.with_resolution(20)
    raster.write(tmp_path / "fields.tif", fields, grid, band_names=FIELDS)
    write_scene_truth(tmp_path / "fields.tif", tmp_path / "stack.tif", tmp_path / "truth.tif")
    truth = SceneTruth(tmp_path / "truth.tif")
    assert truth.classes[1, 2] == IGNORE and truth.surfaces[1, 2] == 0
    assert (truth.surfaces == Surface.LAND).sum() == GRID.height * GRID.width - 1


def test_files_that_do_not_belong_together_are_told(tmp_path: Path) -> None:
    numbers = np.full((13, *GRID.shape), 5000)
    good = stack(tmp_path / "stack.tif", numbers, bands())
    bad = stack(tmp_path / "bad.tif", numbers[:5], bands()[:5])
    with pytest.raises(DataError, match=r"bad\.tif: has the bands B01, B02"):
        read_stack(bad)
    grid = GRID.with_resolution(20)
    moved = Grid.from_bounds("EPSG:32632", 0, 0, 240, 120, 20)
    zeros = np.zeros((len(FIELDS), 6, 12), np.float32)
    raster.write(tmp_path / "elsewhere.tif", zeros, moved, band_names=FIELDS)
    with pytest.raises(GridError, match=r"elsewhere\.tif: is not of the ground"):
        write_scene_truth(tmp_path / "elsewhere.tif", good, tmp_path / "out.tif")
    raster.write(tmp_path / "old.tif", zeros[:3], grid, band_names=FIELDS[:3])
    with pytest.raises(DataError, match=r"old\.tif: lacks cirrus_thickness"):
        write_scene_truth(tmp_path / "old.tif", good, tmp_path / "out.tif")
    with pytest.raises(DataError, match="does not have the bands"):
        SceneTruth(good)


def test_masks_of_alcd_are_the_truth_of_real_scenes(tmp_path: Path) -> None:
    """Codes 0 to 7 in the first row, at 60 m as they are published; the last pixel has no data."""
    grid = Grid.from_bounds("EPSG:32632", 600000, 5190000, 600480, 5190060, 60)
    folder = tmp_path / "S2A_MSIL1C_20170720T101031_N0205_R022_T32TPT_20170720T101405"
    codes = np.arange(8, dtype=np.uint8)[None]
    raster.write(folder / "Classification/classification_map.tif", codes, grid)
    numbers = np.full((13, 1, 8), 1500, np.uint16)
    numbers[2, 0, 5] = 2500
    numbers[2, 0, 7] = 0
    raster.write(tmp_path / "stack.tif", numbers, grid, nodata=0, band_names=bands())
    write_alcd_truth(folder, tmp_path / "stack.tif", tmp_path / "truth.tif")
    found = SceneTruth(tmp_path / "truth.tif")
    assert found.classes.tolist() == [[255, 255, 2, 2, 0, 0, 0, 255]]
    assert found.surfaces.tolist() == [[0, 0, 50, 40, 30, 10, 20, 0]]
    shown = {name: np.flatnonzero(flags).tolist() for name, flags in found.strata.items()}
    assert shown == {BRIGHT: [5], CIRRUS: [3], SNOW: []}
    raster.write(folder / "Classification/classification_map.tif", codes + 1, grid)
    with pytest.raises(DataError, match=r"holds the codes \[8\], which ALCD does not have"):
        write_alcd_truth(folder, tmp_path / "stack.tif", tmp_path / "truth.tif")


def test_mask_of_a_scene_is_found_by_its_tile_and_date(tmp_path: Path) -> None:
    name = "S2A_MSIL1C_20170720T101031_N0205_R022_T32TPT_20170720T101405"
    for group in ("Hollstein", "Reference_dataset"):
        (tmp_path / group / name / "Classification").mkdir(parents=True)
    expected = tmp_path / "Reference_dataset" / name
    assert alcd_folder(str(tmp_path), "32TPT", "20170720") == str(expected)
    for tile, date in (("32TPT", "20170721"), ("32TPS", "20170720")):
        with pytest.raises(DataError, match=f"holds no ALCD mask of {tile}, {date}"):
            alcd_folder(str(tmp_path), tile, date)
