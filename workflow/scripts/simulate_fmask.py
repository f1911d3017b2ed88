"""Write the Fmask-like mask of a virtual Sentinel-2 scene."""

from snakemake.iocontainers import Snakemake

from firn.simulator.fmask import write_fmask
from rule_log import start_log


def main(snakemake: Snakemake) -> None:
    """Run the rule."""
    write_fmask(snakemake.input.l1c, snakemake.output.fmask)


if __name__ == "__main__":
    start_log(snakemake.rule, snakemake.log[0], snakemake.wildcards)
    main(snakemake)
