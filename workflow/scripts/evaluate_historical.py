"""Score the maps of an experiment against their reference rasters."""

from snakemake.iocontainers import Snakemake

from firn.config import EvaluationSettings, Experiment
from firn.evaluation.maps import evaluate_maps, judged_maps
from firn.files import write_json
from rule_log import start_log


def main(snakemake: Snakemake) -> None:
    """Run the rule."""
    params = snakemake.params
    metrics = evaluate_maps(
        judged_maps(snakemake.input),
        snakemake.wildcards.experiment,
        Experiment.model_validate(params.experiment),
        EvaluationSettings.model_validate(params.settings),
        seed=params.seed,
    )
    write_json(snakemake.output.metrics, metrics)


if __name__ == "__main__":
    start_log(snakemake.rule, snakemake.log[0], snakemake.wildcards)
    main(snakemake)
