"""Networks in bfloat16: how far their maps are from those in float32, and what they tell of it."""

import json
from pathlib import Path

import numpy as np
import pytest

from firn import raster
from firn.classes import CLASS_NAMES, from_published
from firn.config import InferenceSettings, NetworkSettings
from firn.confusion import confusion_matrix, kappa
from firn.files import read_json
from firn.inference import Surroundings, classify_scene
from firn.methods import Model, load_model
from firn.methods.base import ModelCard
from firn.methods.shipped import shipped_model
from firn.methods.threshold import ThresholdModel
from firn.methods.unet import UNetModel
from firn.products import Scene
from firn.products.swh import open_swh
from firn.sensors import load_sensor, packaged
from firn.simulation_config import Simulation
from firn.simulator.archive import simulate_spot
from firn.simulator.plan import spot_plans

#: How much agreement in class bfloat16 may cost.
TOLERANCE = 0.002


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Scene:
    """A virtual SPOT4 scene in summer: ground, snow and clouds, none of which is rare."""
    tile = {"relief": "o", "crs": "EPSG:32632", "left": 633000, "top": 5199000, "size": 240}
    simulation = Simulation.model_validate(
        {
            "reliefs": {"o": {"dem": "srtm_oetztal"}},
            "tiles": {"32TPT": tile | {"latitude": 46.9, "longitude": 10.8}},
            "sentinel2": {},
            "spot": [{"sensor": "spot4", "tile": "32TPT", "date": "20010814"}],
        }
    )
    product = tmp_path_factory.mktemp("spot") / "scene.zip"
    simulate_spot(simulation, spot_plans(simulation, 7, [])[0], 7, product=product, truth=None)
    return open_swh(product)


def maps(scene: Scene, model: Model, folder: Path) -> list[Path]:
    """Maps of a scene in float32 and in bfloat16."""
    surroundings = Surroundings(packaged("relief/srtm_oetztal.tif"))
    folders = []
    for precision in ("float32", "bfloat16"):
        folders.append(folder / precision)
        settings = InferenceSettings.model_validate({"precision": precision})
        classify_scene(scene, {folders[-1]: model}, surroundings, settings)
    return folders


def precision_of(folder: Path) -> str:
    """Precision that a map tells of, in its item and in its rasters."""
    told = read_json(folder / "item.json")["properties"]["firn:provenance"]
    assert json.loads(raster.tags(folder / "snow.tif")["FIRN_PROVENANCE"]) == told
    return str(told["precision"])


@pytest.mark.parametrize("bands", [("XS1", "XS2", "XS3"), ("XS1", "XS2", "XS3", "SWIR")])
def test_shipped_models_give_the_same_classes_in_both_precisions(
    tmp_path: Path, scene: Scene, bands: tuple[str, ...]
) -> None:
    model = load_model(shipped_model(bands))
    exact, fast = maps(scene, model, tmp_path)
    assert (precision_of(exact), precision_of(fast)) == ("float32", "bfloat16")
    assert model.precision == "float32", "the model that was given stays as it was"
    classes = [from_published(raster.read(m / "snow.tif").values[0]) for m in (exact, fast)]
    matrix = confusion_matrix(*classes)
    assert (matrix.sum(axis=1) > 500).sum() >= 2, "several classes occur"
    assert kappa(matrix) > 1 - TOLERANCE
    probability = [raster.read(m / "probability.tif").values.astype(int) for m in (exact, fast)]
    difference = np.abs(probability[0] - probability[1])
    assert 0 < difference.max() <= 10


def test_a_method_without_a_network_computes_in_float32(tmp_path: Path, scene: Scene) -> None:
    sensor = load_sensor("spot4")
    card = ModelCard(
        method="baseline-threshold",
        sensor="spot4",
        bands=sensor.band_names,
        channels=(*sensor.band_names, "hillshade", "dem"),
        mean=[0.0] * 6,
        std=[1.0] * 6,
        architecture=ThresholdModel.architecture(sensor),
    )
    exact, asked = maps(scene, ThresholdModel(card, 0.3, 0.4, 0.0), tmp_path)
    assert precision_of(asked) == "float32"
    assert (exact / "snow.tif").read_bytes() == (asked / "snow.tif").read_bytes()


def test_channels_are_not_rounded_to_bfloat16() -> None:
    """An elevation that is the same everywhere moves no logit by its rounding: 1.004 is 1 there."""
    card = ModelCard(
        method="unet",
        sensor="spot2",
        bands=("XS1",),
        channels=("XS1", "hillshade", "dem"),
        mean=[0.0] * 3,
        std=[1.0] * 3,
        architecture=UNetModel.architecture(NetworkSettings(widths=(4, 4), padding="same")),
    )
    model = UNetModel(card).prepared("bfloat16")
    image = np.ones((3, 8, 8), np.float32)
    predicted = model.predict(image)
    image[2] = 1.003
    assert predicted.shape == (len(CLASS_NAMES), 8, 8)
    assert (model.predict(image) != predicted).any()
