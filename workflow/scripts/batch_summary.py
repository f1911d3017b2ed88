"""List what became of all scenes, and fail if one failed."""

from snakemake.iocontainers import Snakemake

from firn.batches import summarise
from rule_log import start_log


def main(snakemake: Snakemake) -> None:
    """Run the rule."""
    summarise(snakemake.input.tables, snakemake.output.mapped, snakemake.params.failed)


if __name__ == "__main__":
    start_log(snakemake.rule, snakemake.log[0])
    main(snakemake)
