"""Put the tables of all batches into one."""

from snakemake.iocontainers import Snakemake

from firn.batches import write_summary
from rule_log import start_log


def main(snakemake: Snakemake) -> None:
    """Run the rule."""
    write_summary(snakemake.output.outcomes, snakemake.input.tables)


if __name__ == "__main__":
    start_log(snakemake.rule, snakemake.log[0])
    main(snakemake)
