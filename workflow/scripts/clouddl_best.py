"""Rank the trials of a search."""

from snakemake.iocontainers import Snakemake

from firn.clouddl.search import best
from firn.files import read_json, write_json
from rule_log import start_log


def main(snakemake: Snakemake) -> None:
    """Run the rule."""
    write_json(snakemake.output.best, best(read_json(path) for path in snakemake.input.trials))


if __name__ == "__main__":
    start_log(snakemake.rule, snakemake.log[0], snakemake.wildcards)
    main(snakemake)
