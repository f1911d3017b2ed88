"""Choose the preliminary training to continue."""

from snakemake.iocontainers import Snakemake

from firn.training.selection import select
from rule_log import start_log


def main(snakemake: Snakemake) -> None:
    """Run the rule."""
    select(snakemake.input.models, snakemake.output.selection)


if __name__ == "__main__":
    start_log(snakemake.rule, snakemake.log[0], snakemake.wildcards)
    main(snakemake)
