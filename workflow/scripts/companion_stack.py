"""Write a Sentinel-2 scene in 13 bands at 60 m."""

from snakemake.iocontainers import Snakemake

from firn.companions.scenes import write_stack
from firn.products.identity import TileDate
from rule_log import start_log


def main(snakemake: Snakemake) -> None:
    """Run the rule."""
    row = TileDate(snakemake.wildcards.tile, snakemake.wildcards.date)
    write_stack(snakemake.input.l1c, row, snakemake.output.stack)


if __name__ == "__main__":
    start_log(snakemake.rule, snakemake.log[0], snakemake.wildcards)
    main(snakemake)
