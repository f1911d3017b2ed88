"""Classify a SPOT scene with every model of its target."""

from pathlib import Path

from snakemake.iocontainers import Snakemake

from firn.config import InferenceSettings
from firn.inference import Surroundings, classify_scene
from firn.methods import load_model
from firn.products.identity import check_scene
from firn.products.scene import open_scene
from firn.sensors import Sensor
from rule_log import start_log


def main(snakemake: Snakemake) -> None:
    """Run the rule."""
    source, params = snakemake.input, snakemake.params
    models = {
        Path(snow).parent: load_model(model)
        for snow, model in zip(snakemake.output.snow, source.models, strict=True)
    }
    surroundings = Surroundings(source.dem, source.tree_cover, source.water, params.tree_cover_max)
    sensor = Sensor.model_validate(params.sensor)
    scene = open_scene(source.product, sensor)
    check_scene(source.product, scene, snakemake.wildcards.scene, sensor.platform)
    classify_scene(scene, models, surroundings, InferenceSettings.model_validate(params.settings))


if __name__ == "__main__":
    start_log(snakemake.rule, snakemake.log[0], snakemake.wildcards)
    main(snakemake)
