"""Classify the scenes of a batch with every model of their target."""

from pathlib import Path

from snakemake.iocontainers import Snakemake

from firn.batch_maps import BatchClassifier, SceneTask
from firn.batches import write_outcomes
from firn.config import InferenceSettings
from firn.inference import Surroundings
from firn.methods import load_model
from firn.sensors import Sensor
from rule_log import start_log


def main(snakemake: Snakemake) -> None:
    """Run the rule."""
    params = snakemake.params
    models = map(load_model, snakemake.input.models)
    classifier = BatchClassifier(
        dict(zip(params.experiments, models, strict=True)),
        Sensor.model_validate(params.sensor),
        InferenceSettings.model_validate(params.settings),
        params.code,
        Path(params.root),
        Path(params.root) / "logs" / "classify_scene",
        snakemake.threads,
    )
    tasks = [
        SceneTask(scene_id, product, Surroundings(*around, params.tree_cover_max))
        for scene_id, product, *around in params.scenes
    ]
    write_outcomes(snakemake.output.table, classifier.classify(tasks))


if __name__ == "__main__":
    start_log(snakemake.rule, snakemake.log[0], snakemake.wildcards)
    main(snakemake)
