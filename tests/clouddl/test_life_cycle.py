"""The validation database, and the periodic check that keeps a good model."""

import json
from pathlib import Path

import minimal_products
import numpy as np
import pytest
from rasterio.warp import transform_geom

from firn import netcdf, raster
from firn.ablation.plan import Row
from firn.catalogue import SpotScene
from firn.clouddl.database import database_rows, judge_database, write_database_scene
from firn.clouddl.life_cycle import Stage, release
from firn.clouddl.plan import by_date, plan_release, portions
from firn.clouddl.report import write_history_html
from firn.clouddl_config import Gate
from firn.config import PatchSettings, load_config
from firn.errors import DataError
from firn.files import read_json, write_json
from firn.grid import Grid
from firn.inference import Surroundings
from firn.inference.image import map_grid
from firn.methods import ModelCard, load_model, save_model
from firn.methods.majority import MajorityModel
from firn.products.swh import open_swh
from firn.samples import SceneFiles, pair_scenes, read_samples
from firn.sensors import load_sensor

BANDS = ("XS1", "XS2", "XS3", "SWIR")
NAME = "SPOT4-HRVIR1-XS_20010614-110246-780_L1C_039-264-0_D_V1-0"
TINY = Path(__file__).parents[1] / "workflow" / "clouddl.yaml"
PATCHES = PatchSettings(size=16, overlap=0)


@pytest.fixture
def product(tmp_path: Path) -> Path:
    rng = np.random.default_rng(4)
    numbers = {b: rng.integers(50, 590, (64, 48)).astype(np.uint16) for b in BANDS}
    for values in numbers.values():
        values[:16, :16] = 0
    return minimal_products.swh(tmp_path, numbers, dict.fromkeys(BANDS, 0.6), name=NAME)


def database(tmp_path: Path, product: Path, mask: Path) -> SceneFiles:
    files = {name: tmp_path / "database" / f"{name}.nc" for name in ("patches", "images")}
    sensor = load_sensor("spot4")
    write_database_scene(product, mask, Surroundings(2000.0), sensor, PATCHES, 0, **files)
    (scene,) = pair_scenes([files["patches"]], [files["images"]])
    return scene


def mask_of(tmp_path: Path, product: Path) -> tuple[Path, np.ndarray, Grid]:
    """Cloud in the left half, ground in the right, the lower quarter not judged."""
    grid = map_grid(open_swh(product))
    classes = np.zeros(grid.shape, np.uint8)
    classes[:, : grid.width // 2] = 2
    classes[48:] = 255
    raster.write(tmp_path / "mask.tif", classes, grid)
    return tmp_path / "mask.tif", classes, grid


def test_scene_and_mask_become_samples(tmp_path: Path, product: Path) -> None:
    path, classes, grid = mask_of(tmp_path, product)
    scene = database(tmp_path, product, path)
    assert (scene.tile, scene.date) == (NAME, "20010614")
    rows, cols = netcdf.arrays(scene.patches, "row", "col")
    corners = list(zip(rows.tolist(), cols.tolist(), strict=True))
    # Neither the corner without data nor the rows without a label make a patch.
    assert corners == [
        (r, c)
        for r in (0, 16, 32)
        for c in (0, 16, 32)
        if (r, c) != (0, 0) and c + 16 <= grid.width
    ]
    stored = read_samples(scene, list(range(len(corners))), list(range(len(corners))))
    reflectance, _ = open_swh(product).read(BANDS, grid)
    step = (stored.saturation - stored.minimum).max() / 255
    for index, (row, col) in enumerate(corners):
        sample = stored.sample(index)
        here = np.s_[row : row + 16, col : col + 16]
        assert (sample.labels == classes[here]).all()
        seen = reflectance.values[:, *here]
        np.testing.assert_allclose(sample.channels[:4], seen, atol=0.51 * step)
        assert (sample.channels[5] == 2000).all()
    counted = database_rows(scene, "validation")
    assert [row.split for row in counted] == ["validation"] * len(corners)
    assert sum(row.n_cloud for row in counted) == (classes[:48] == 2).sum() - 256


def test_polygons_of_a_person_make_a_database_too(tmp_path: Path, product: Path) -> None:
    grid = map_grid(open_swh(product))
    left, top = grid.bounds[0], grid.bounds[3]
    ring = [(left + 20 * x, top - 20 * y) for x, y in ((20, 20), (30, 20), (30, 30), (20, 30))]
    shape = {"type": "Polygon", "coordinates": [[*ring, ring[0]]]}
    geometry = transform_geom(grid.crs, "EPSG:4326", shape)
    feature = {"type": "Feature", "properties": {"class": "cloud"}, "geometry": geometry}
    path = tmp_path / "drawn.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}))
    (row,) = database_rows(database(tmp_path, product, path), "train")
    assert (row.n_cloud, row.n_ground, row.n_ignore) == (100, 0, 156)


def test_mask_without_a_label_is_refused(tmp_path: Path, product: Path) -> None:
    path, classes, grid = mask_of(tmp_path, product)
    raster.write(path, np.full_like(classes, 255), grid)
    with pytest.raises(DataError, match="labels no pixel of a whole patch of 16"):
        database(tmp_path, product, path)


def test_scenes_are_looked_at_in_portions() -> None:
    assert portions(12, 4, 4) == [slice(0, 4), slice(4, 8), slice(8, 12)]
    assert portions(11, 4, 4) == [slice(0, 4), slice(4, 8)]
    assert portions(3, 4, 4) == []


def test_scenes_are_sorted_by_day_and_not_by_camera() -> None:
    names = [
        "SPOT4-HRVIR2-XS_19990614-110246-780_L1C_039-264-0_D_V1-0",
        "SPOT4-HRVIR1-XS_20010614-110246-780_L1C_039-264-0_D_V1-0",
        "named-otherwise",
    ]
    scenes = [SpotScene(name, "spot4", "alps", "p", "evaluate", "r") for name in names]
    assert [scene.scene_id for scene in by_date(scenes)] == [names[2], names[0], names[1]]


def row() -> Row:
    return plan_release(load_config(TINY), "spot4", "alps", 2)


def test_later_releases_are_trained_with_another_step() -> None:
    config = load_config(TINY)
    first, later = (plan_release(config, "spot4", "alps", stage) for stage in (0, 1))
    assert (first.step.learning_rate, later.step.learning_rate) == (4e-3, 2e-3)
    assert first.training.emulation == later.training.emulation == "stored"


def test_model_that_passes_its_check_is_kept(tmp_path: Path, product: Path) -> None:
    path, _, _ = mask_of(tmp_path, product)
    scene = database(tmp_path, product, path)
    card = ModelCard(
        method="baseline-majority",
        sensor="spot4",
        bands=BANDS,
        channels=(*BANDS, "hillshade", "dem"),
        mean=[0.0] * 6,
        std=[1.0] * 6,
    )
    before, after = tmp_path / "1", tmp_path / "2"
    after.mkdir()
    save_model(MajorityModel(card, np.array([1, 1, 8])), before / "model.safetensors")
    (before / "history.csv").write_text("epoch\n")
    write_json(before / "release.json", {"stage": "refined", "number": 1, "lineage": []})
    # It calls all cloud: everything is found, at the precision of the share of cloud.
    scores = judge_database(before / "model.safetensors", [scene])
    assert scores["pooled"]["recall"] == 1
    assert 0.3 < scores["pooled"]["precision"] < 0.7

    stage = Stage(row(), 2, Gate(f2=0.5, recall=1.0), [], [], new=[scene])
    files = {
        "model": after / "model.safetensors",
        "history": after / "history.csv",
        "card": after / "release.json",
    }
    release(stage, before, **files)
    content = read_json(files["card"])
    assert content["retrained"] is False
    assert content["gate"]["released"] is True
    assert content["check"]["scores"] == scores
    assert [entry["stage"] for entry in content["lineage"]] == ["refined"]
    assert load_model(files["model"]).card.released is True


def test_page_tells_what_became_of_each_release(tmp_path: Path) -> None:
    def gate(f2: float) -> dict[str, object]:
        check = {"score": "f2", "value": f2, "at_least": 0.8, "passed": f2 >= 0.8}
        none = {"score": "recall", "value": 0.3, "at_least": 0.0, "passed": True}
        return {"released": f2 >= 0.8, "checks": [check, none]}

    common = {"sensor": "spot4", "retrained": True}
    cards = [
        common | {"number": 0, "stage": "pre-flight", "data": ["a", "b"], "gate": gate(0.7)},
        common | {"number": 1, "stage": "refined", "data": ["a", "b", "c"], "gate": gate(0.9)},
        common | {"number": 2, "stage": "quality check", "data": [], "gate": gate(0.85)},
    ]
    cards[1]["check"] = {"gate": gate(0.6)}
    cards[2] |= {"check": {"gate": gate(0.85)}, "retrained": False}
    for card in cards:
        card["scores"] = {"mean_f2": 0.5}
    write_history_html(tmp_path / "history.html", cards)
    page = (tmp_path / "history.html").read_text()
    lines = [
        line for line in page.splitlines() if line.startswith("<tr><td>") or "<tr><td>" in line
    ]
    assert len(lines) == 3
    for line, parts in zip(
        lines,
        (
            ("0: pre-flight</td><td>-", "2 scenes", "missed: f2 70.0 (80.0 asked)", "<td>no</td>"),
            ("missed: f2 60.0 (80.0 asked)</td><td>yes", "3 scenes", "passed: f2 90.0", "50.0"),
            ("passed: f2 85.0 (80.0 asked)</td><td>no, kept</td><td>-", "<td>yes</td></tr>"),
        ),
        strict=True,
    ):
        assert all(part in line for part in parts), (line, parts)
