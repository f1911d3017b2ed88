"""Search pairs of dates over an area, for someone to look at."""

from snakemake.iocontainers import Snakemake

from firn.cloud_removal.search import choose_pairs, write_pairs
from firn.cloud_removal_config import PairSearch
from rule_log import start_log


def main(snakemake: Snakemake) -> None:
    """Run the rule."""
    settings = PairSearch.model_validate(snakemake.params.settings)
    pairs, notes = choose_pairs(settings)
    write_pairs(snakemake.output.table, pairs, notes, settings)


if __name__ == "__main__":
    start_log(snakemake.rule, snakemake.log[0], snakemake.wildcards)
    main(snakemake)
