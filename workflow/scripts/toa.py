"""Write the reflectance stack of a Sentinel-2 scene."""

from snakemake.iocontainers import Snakemake

from firn.products.identity import TileDate
from firn.stacks import write_toa
from rule_log import start_log


def main(snakemake: Snakemake) -> None:
    """Run the rule."""
    row = TileDate(snakemake.wildcards.tile, snakemake.wildcards.date)
    write_toa(snakemake.input.l1c, row, snakemake.output.toa)


if __name__ == "__main__":
    start_log(snakemake.rule, snakemake.log[0], snakemake.wildcards)
    main(snakemake)
