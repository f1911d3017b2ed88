"""Score Let-it-snow on the scenes that the methods of a target are judged on."""

from snakemake.iocontainers import Snakemake

from firn.config import EvaluationSettings, Experiment
from firn.evaluation.let_it_snow import evaluate_let_it_snow
from firn.evaluation.maps import judged_maps
from firn.files import write_json
from firn.products.scene import open_scene
from firn.sensors import Sensor
from rule_log import start_log


def main(snakemake: Snakemake) -> None:
    """Run the rule."""
    source, params = snakemake.input, snakemake.params
    sensor = Sensor.model_validate(params.sensor)
    metrics = evaluate_let_it_snow(
        judged_maps(source),
        [open_scene(product, sensor) for product in source.product],
        tuple(params.bands),
        f"{params.experiment['method']}-{snakemake.wildcards.target}",
        Experiment.model_validate(params.experiment),
        EvaluationSettings.model_validate(params.settings),
        seed=params.seed,
    )
    write_json(snakemake.output.metrics, metrics)


if __name__ == "__main__":
    start_log(snakemake.rule, snakemake.log[0], snakemake.wildcards)
    main(snakemake)
