"""Measure what a model costs: training, application and size."""

from snakemake.iocontainers import Snakemake

from firn.evaluation.costs import model_costs, training_seconds
from firn.files import write_json
from rule_log import start_log


def main(snakemake: Snakemake) -> None:
    """Run the rule."""
    costs = model_costs(snakemake.input.model)
    costs["training_seconds"] = training_seconds(snakemake.params.benchmarks)
    write_json(snakemake.output.costs, costs)


if __name__ == "__main__":
    start_log(snakemake.rule, snakemake.log[0], snakemake.wildcards)
    main(snakemake)
