"""Rows of the ablation from a small virtual archive to their scores."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from firn import netcdf, raster
from firn.ablation.fidelity import distances
from firn.ablation.plan import Row, label_set, plan_row
from firn.ablation.row import JudgedScene, run_row
from firn.classes import from_published
from firn.config import Config, LabelSettings, PatchSettings, parse_config
from firn.errors import ConfigError
from firn.gains import collect
from firn.labels import write_labels, write_true_labels
from firn.patches import Stack, write_patches
from firn.products.identity import TileDate
from firn.sensors import load_sensor
from firn.simulator import archive
from firn.simulator.plan import sentinel2_plans, spot_plans
from firn.simulator.twins import simulate_twins
from firn.spot_patches import write_spot_patches
from firn.stacks import write_hillshade, write_terrain, write_toa

TILE, SENSOR = "32TPT", load_sensor("spot4")
RECIPES = {
    "reference": {
        "labels": {"filter": "tcd-only"},
        "training": {"augment": False, "emulation": "stored"},
    },
    "full": {},
    "upper-bound": {"truth": True},
}


def content(**changes: Any) -> dict[str, Any]:
    """A configuration of one small tile."""
    tile = {"relief": "o", "crs": "EPSG:32632", "left": 633000, "top": 5199000, "size": 192}
    return {
        "run": "small",
        "seed": 3,
        "areas": {"alps": {"tiles": [TILE]}},
        "sensors": ["spot4"],
        "simulation": {
            "reliefs": {"o": {"dem": "srtm_oetztal"}},
            "tiles": {TILE: {**tile, "latitude": 46.9, "longitude": 10.8}},
            "sentinel2": {TILE: ["20180315", "20190516", "20201008"]},
            "spot": [{"sensor": "spot4", "tile": TILE, "date": "20010514"}],
            "spot_archive": {"scenes_per_sensor": 12, "size": 24},
        },
        "patches": {"size": 64, "overlap": 0, "minimum_mean_elevation": 500},
        "split": {"kind": "random-patch"},
        "network": {"widths": [4, 8], "padding": "same"},
        "emulation": {"gains": "joint", "noise": True, "haze": 0.05, "mixed": 0.6},
        "training": {"augment": True, "emulation": "every-epoch", "device": "cpu"},
        "inference": {"window": 64, "nodata_buffer": 100},
        "evaluation": {"bootstrap": 20},
        "ablation": {"recipes": RECIPES, "seeds": [1], "epochs": 2},
        **changes,
    }


def config(**changes: Any) -> Config:
    return parse_config(content(**changes))


class World:
    """Files of the small archive, as the rules make them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.config = config()
        simulation, seed = self.config.simulation, self.config.seed
        assert simulation
        self.auxiliary = [folder / f"{name}.tif" for name in ("dem", "tree_cover", "water")]
        archive.simulate_auxiliary(simulation, TILE, seed, *self.auxiliary)
        kde = []
        for plan in spot_plans(simulation, seed, ["SPOT4"]):
            product = folder / f"{plan.scene_id}.zip"
            judged = plan.role == "evaluate"
            truth = folder / plan.scene_id if judged else None
            archive.simulate_spot(simulation, plan, seed, product=product, truth=truth)
            if judged:
                reference = folder / plan.scene_id / "class.tif"
                self.scene = JudgedScene(product, reference, *self.auxiliary)
            else:
                kde.append(product)
        collect(kde, SENSOR, "alps", 0.1).save(folder / "kde.nc")
        self.plans = sentinel2_plans(simulation, seed)
        for scene in self.plans:
            self._scene(scene.date)

    def _scene(self, date: str) -> None:
        simulation, seed, home = self.config.simulation, self.config.seed, self.folder / date
        assert simulation
        (plan,) = (plan for plan in self.plans if plan.date == date)
        products = {name: home / f"{name}.zip" for name in ("l1c", "l2a", "snow")}
        archive.simulate_sentinel2(simulation, plan, seed, truth=home / "truth", **products)
        twins = {name: home / f"{name}.zip" for name in ("first", "second")}
        simulate_twins(simulation, plan, "SPOT4", seed, **twins)
        row, toa, dem, excluded = (
            TileDate(TILE, date),
            home / "toa.tif",
            home / "d.tif",
            home / "e.tif",
        )
        write_toa(products["l1c"], row, toa)
        write_terrain(toa, *self.auxiliary, 50, dem, home / "o.tif", excluded)
        write_hillshade(dem, toa, home / "hillshade.tif")
        write_true_labels(home / "truth/class.tif", excluded, home / "truth.tif")
        for name in ("tcd-only", "tcd-blue"):
            labels = LabelSettings(filter=name)
            write_labels(
                products["snow"], products["l2a"], excluded, row, labels, home / f"{name}.tif"
            )
        for name in ("tcd-only", "tcd-blue", "truth"):
            stack = Stack(TILE, date, toa, home / f"{name}.tif", home / "hillshade.tif", dem)
            write_patches(stack, self.config.patches, home / f"{name}.nc")
        for name, product in twins.items():
            write_spot_patches(product, home / "truth.nc", SENSOR, home / f"{name}.nc")

    def files(self, name: str) -> list[Path]:
        """A file of every Sentinel-2 scene."""
        return [self.folder / plan.date / name for plan in self.plans]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return World(tmp_path_factory.mktemp("ablation"))


@pytest.fixture(scope="module")
def run(world: World, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], dict[str, Any]]:
    """Run a recipe with seed 1."""

    def call(recipe: str) -> dict[str, Any]:
        folder = tmp_path_factory.mktemp(recipe)
        row = plan_row(world.config, recipe, "spot4", 1)
        return run_row(
            Row.model_validate(row.model_dump(mode="json")),
            world.files(f"{label_set(world.config, recipe)}.nc"),
            world.files("first.nc") if row.truth else [world.folder / "kde.nc"],
            [world.scene],
            model=folder / "model.safetensors",
            history=folder / "history.csv",
        )

    return call


@pytest.mark.parametrize("recipe", RECIPES)
def test_each_kind_of_recipe_is_trained_and_scored(
    run: Callable[[str], dict[str, Any]], recipe: str
) -> None:
    result = run(recipe)
    metrics = result["metrics"]
    assert (result["recipe"], result["sensor"], result["seed"]) == (recipe, "spot4", 1)
    assert metrics["n_pixels"] == sum(map(sum, metrics["confusion_matrix"])) > 5000
    # 27 patches, of which a fifth is evaluated and a tenth of the others validates: 20 train.
    assert result["steps"] == 2 * 2


def test_the_same_row_gives_the_same_scores(run: Callable[[str], dict[str, Any]]) -> None:
    assert run("full") == run("full")


def test_twins_lie_under_the_labels(world: World) -> None:
    """Snow reflects green light rather than short-wave infrared, ground the other way round."""
    greener: dict[int, list[float]] = {0: [], 1: []}
    for twin, patches in zip(world.files("first.nc"), world.files("truth.nc"), strict=True):
        dn, valid, saturation, minimum = netcdf.arrays(twin, "dn", "valid", "saturation", "minimum")
        (label,) = netcdf.arrays(patches, "label")
        low, step = minimum[..., None, None], (saturation - minimum)[..., None, None] / 255
        reflectance = low + dn * step
        difference = reflectance[:, 0] - reflectance[:, 3]
        for surface, values in greener.items():
            values += difference[(valid == 1) & (label == surface)].tolist()
    assert np.median(greener[1]) > 0.1
    assert np.median(greener[0]) < 0


def test_true_labels_are_the_truth_but_for_forest_and_water(world: World) -> None:
    home = world.folder / "20190516"
    truth = from_published(raster.read(home / "truth/class.tif").values[0])
    labels = raster.read(home / "truth.tif").values[0]
    excluded = raster.read(home / "e.tif").values[0] != 0
    assert (labels[excluded] == 255).all()
    assert (labels[~excluded] == truth[~excluded]).all()
    assert {0, 1} <= set(np.unique(labels).tolist())


def test_distances_have_a_null(world: World) -> None:
    emulation = world.config.emulation
    found = distances(
        SENSOR,
        {"full": emulation},
        world.files("truth.nc"),
        world.files("first.nc"),
        world.files("second.nc"),
        seed=1,
    )
    assert found.keys() == {"null", "full"}
    assert all(0 <= entry["auc"] <= 1 for entry in found.values())
    assert found["full"]["n_windows"] > 50


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"recipes": {**RECIPES, "bad": {"emulation": {"blurr": True}}}}, "recipes.bad"),
        ({"recipes": {**RECIPES, "bad": {"training": {"batch_size": 3}}}}, "batch_size"),
        ({"recipes": {"full": {}, "upper-bound": {"truth": True}}}, "reference must be among"),
        ({"recipes": {"full": {}, "reference": {}}}, "one recipe must have truth"),
    ],
)
def test_recipes_that_cannot_be(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        config(ablation=changes)


def test_an_ablation_needs_the_truth_of_a_simulation() -> None:
    inputs = dict.fromkeys(("sentinel2", "spot", "dem", "tree_cover", "water"), "x.tsv")
    with pytest.raises(ConfigError, match="needs a simulation"):
        config(simulation=None, inputs=inputs)


def test_a_recipe_changes_what_it_names_and_nothing_else() -> None:
    whole = config()
    changed = whole.with_recipe("reference")
    assert changed.labels.filter == "tcd-only"
    assert not changed.training.augment
    assert (
        changed.patches
        == whole.patches
        == PatchSettings(size=64, overlap=0, minimum_mean_elevation=500)
    )
    rows = [plan_row(whole, recipe, "spot4", 1) for recipe in RECIPES]
    shared = {"recipe", "truth", "training", "emulation"}
    assert len({row.model_dump_json(exclude=shared) for row in rows}) == 1
    assert [label_set(whole, recipe) for recipe in RECIPES] == ["tcd-only", "tcd-blue", "truth"]
