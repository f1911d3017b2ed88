"""Fit a baseline that needs no gradient."""

from snakemake.iocontainers import Snakemake

from firn.training.data import open_training_data
from firn.training.fitting import fit
from rule_log import start_log


def main(snakemake: Snakemake) -> None:
    """Run the rule."""
    source = snakemake.input
    data = open_training_data(source.samples, source.statistics, source.patches, source.pseudo)
    fit(snakemake.params.method, data, snakemake.output.model)


if __name__ == "__main__":
    start_log(snakemake.rule, snakemake.log[0], snakemake.wildcards)
    main(snakemake)
