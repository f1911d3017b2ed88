"""Measure what the models of a target cost: training, application and size."""

from snakemake.iocontainers import Snakemake

from firn.evaluation.costs import model_costs, training_seconds
from firn.files import write_json
from rule_log import start_log


def main(snakemake: Snakemake) -> None:
    """Run the rule."""
    for model, benchmarks, output in zip(
        snakemake.input.models, snakemake.params.benchmarks, snakemake.output.costs, strict=True
    ):
        costs = model_costs(model) | {"training_seconds": training_seconds(benchmarks)}
        write_json(output, costs)


if __name__ == "__main__":
    start_log(snakemake.rule, snakemake.log[0], snakemake.wildcards)
    main(snakemake)
