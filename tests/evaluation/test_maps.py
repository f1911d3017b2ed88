"""Scores of published maps."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from affine import Affine
from rasterio.crs import CRS

from firn import raster
from firn.classes import Quality
from firn.config import EvaluationSettings, Experiment
from firn.errors import DataError, GridError
from firn.evaluation import JudgedMap, evaluate_maps, situation_table
from firn.evaluation.maps import judged_maps, read_reference, reference_classes
from firn.files import read_json, strata_path, write_json
from firn.grid import Grid

EXPERIMENT = Experiment(method="unet", sensor="spot2", area="alps")
SETTINGS = EvaluationSettings(bootstrap=20)
GRID = Grid(CRS.from_epsg(32632), Affine(20, 0, 600000, 0, -20, 5200020), 8, 8)


def write_map(
    folder: Path,
    codes: np.ndarray,
    quality: np.ndarray,
    reference: np.ndarray,
    reference_grid: Grid = GRID,
) -> JudgedMap:
    names = ("snow", "probability", "quality", "reference", "dem")
    paths = {name: folder / f"{name}.tif" for name in names}
    raster.write(paths["snow"], codes, GRID, nodata=254)
    probability = np.zeros((3, 8, 8), np.uint8)
    probability[0] = 200
    raster.write(paths["probability"], probability, GRID, nodata=255)
    raster.write(paths["quality"], quality, GRID)
    raster.write(paths["reference"], reference, reference_grid)
    # Flat ground at 2200 m under a sun 30 degrees high: hillshade 1 + 254 x 0.5 = 128.
    raster.write(paths["dem"], np.full((8, 8), 2200, np.float32), GRID, nodata=-9999)
    item = folder / "item.json"
    write_json(
        item,
        {"properties": {"view:sun_elevation": 30, "view:sun_azimuth": 150, "firn:model": "1f"}},
    )
    return JudgedMap(scene="S1", item=item, **paths)


def test_scores_by_hand(tmp_path: Path) -> None:
    codes = np.zeros((8, 8), np.uint8)
    codes[0] = 254
    codes[1] = 100
    quality = np.zeros((8, 8), np.uint8)
    quality[:2, 0] = Quality.NODATA_BUFFER
    quality[2] = Quality.WATER | Quality.FOREST
    quality[3] = Quality.FOREST
    quality[4, :2] = Quality.SATURATED | Quality.LOW_CONFIDENCE
    reference = np.zeros((8, 8), np.uint8)
    reference[1, :4] = 1
    reference[5:] = 255
    metrics = evaluate_maps(
        [write_map(tmp_path, codes, quality, reference)],
        "unet-spot2",
        EXPERIMENT,
        SETTINGS,
        seed=1,
    )
    assert metrics["excluded"] == {
        "nodata_buffer": 2,
        "no_data": 7,
        "water": 8,
        "reference": 24,
        "forest": 8,
    }
    # Row 1 but its first pixel: 3 snow found, 4 ground taken for snow; row 4: 8 ground.
    assert metrics["confusion_matrix"] == [[8, 4, 0], [0, 3, 0], [0, 0, 0]]
    strata = metrics["by_stratum"]
    assert strata["forest"]["forest"]["confusion_matrix"] == [[8, 0, 0], [0, 0, 0], [0, 0, 0]]
    assert strata["forest"]["open"]["n_pixels"] == 15
    assert strata["saturation"]["saturated"]["n_pixels"] == 2
    assert strata["elevation"]["2000-2500 m"]["n_pixels"] == 15
    assert strata["hillshade"]["120-180"]["n_pixels"] == 15
    assert strata["sun_elevation"]["25-40°"]["n_pixels"] == 15
    assert metrics["expected_calibration_error"] == pytest.approx(1 - 11 / 15)
    assert metrics["experiment"]["judged_on"] == "historical"
    reference_name = f"{tmp_path.name}/reference.tif"
    assert metrics["provenance"]["sources"] == sorted(["S1", "model 1f", reference_name])


def test_situations_count_judged_pixels_only(tmp_path: Path) -> None:
    """A band of moraine, half of it in water; snow that is saturated, half of it found."""
    codes, quality, reference = (np.zeros((8, 8), np.uint8) for _ in range(3))
    quality[0, :4], quality[3] = Quality.WATER, Quality.SATURATED
    reference[3], codes[3, 4:] = 1, 100
    judged = write_map(tmp_path, codes, quality, reference)
    flags = np.zeros((1, 8, 8), np.uint8)
    flags[0, 0] = 1
    raster.write(strata_path(judged.reference), flags, GRID, band_names=("moraine",))
    metrics = evaluate_maps([judged], "unet-spot2", EXPERIMENT, SETTINGS, seed=1)
    situations = metrics["by_stratum"]["situation"]
    assert situations.keys() == {
        "forest edge",
        "low sun",
        "moraine",
        "saturated snow",
        "shaded snow",
    }
    assert situations["moraine"]["n_pixels"] == 4
    assert situations["saturated snow"]["confusion_matrix"][1] == [4, 4, 0]
    assert situations["low sun"]["n_pixels"] == 0
    # The rule reads the metrics from their file, where the keys are sorted.
    write_json(tmp_path / "historical.json", metrics)
    rows = situation_table([read_json(tmp_path / "historical.json")], {})
    row = next(row for row in rows if row["situation"] == "saturated snow")
    assert (row["n_pixels"], row["n_snow"], row["right"], row["right_snow"]) == (8, 8, 0.5, 0.5)
    assert row["right_cloud"] is None


def test_maps_are_gathered_by_name() -> None:
    names = ("dem", "item", "quality", "snow", "probability", "reference")
    files = SimpleNamespace(**{n: [f"maps/unet/{s}/{n}" for s in ("S1", "S2")] for n in names})
    first, second = judged_maps(files)
    assert (first.scene, second.scene) == ("S1", "S2")
    assert all(getattr(second, name) == Path(f"maps/unet/S2/{name}") for name in names)


def test_reference_that_covers_a_part_judges_that_part(tmp_path: Path) -> None:
    """A published map on the lower left quarter, two pixels of it without data."""
    half = GRID.crop(4, 0, 4, 4)
    reference = np.full((4, 4), 100, np.uint8)
    reference[0, :2] = 254, 255
    clear = np.zeros((8, 8), np.uint8)
    judged = write_map(tmp_path, clear, clear, reference, half)
    metrics = evaluate_maps([judged], "unet-spot2", EXPERIMENT, SETTINGS, seed=1)
    assert metrics["n_pixels"] == 14
    assert metrics["confusion_matrix"][1] == [14, 0, 0]
    assert metrics["excluded"]["reference"] == 64 - 14


def test_reference_codes() -> None:
    path = Path("reference.tif")
    published = np.array([0, 100, 205, 254, 255], np.uint8)
    assert reference_classes(published, path).tolist() == [0, 1, 2, 255, 255]
    classes = np.array([0, 1, 2, 255], np.uint8)
    assert reference_classes(classes, path).tolist() == [0, 1, 2, 255]
    with pytest.raises(DataError, match=r"reference\.tif: holds the values \[0, 7\]"):
        reference_classes(np.array([0, 7], np.uint8), path)


def test_reference_elsewhere_is_refused(tmp_path: Path) -> None:
    clear = np.zeros((8, 8), np.uint8)
    far = Grid(GRID.crs, Affine(20, 0, 700000, 0, -20, 5200020), 8, 8)
    judged = write_map(tmp_path, clear, clear, clear, far)
    with pytest.raises(GridError, match=r"reference\.tif"):
        evaluate_maps([judged], "unet-spot2", EXPERIMENT, SETTINGS, seed=1)


def test_item_without_sun_is_named(tmp_path: Path) -> None:
    clear = np.zeros((8, 8), np.uint8)
    judged = write_map(tmp_path, clear, clear, clear)
    write_json(judged.item, {"properties": {}})
    with pytest.raises(DataError, match=r"item\.json.*view:sun_elevation"):
        evaluate_maps([judged], "unet-spot2", EXPERIMENT, SETTINGS, seed=1)


def test_reference_may_be_a_mask_of_alcd(tmp_path: Path) -> None:
    codes = np.full((8, 8), 5, np.uint8)
    codes[0, :3] = [2, 7, 0]
    folder = tmp_path / "S2A_MSIL1C_20180115"
    raster.write(folder / "Classification/classification_map.tif", codes, GRID)
    assert read_reference(folder, GRID)[0, :4].tolist() == [2, 1, 255, 0]
