"""Write the hillshade of a Sentinel-2 scene."""

from snakemake.iocontainers import Snakemake

from firn.stacks import write_hillshade
from rule_log import start_log


def main(snakemake: Snakemake) -> None:
    """Run the rule."""
    write_hillshade(snakemake.input.dem, snakemake.input.toa, snakemake.output.hillshade)


if __name__ == "__main__":
    start_log(snakemake.rule, snakemake.log[0], snakemake.wildcards)
    main(snakemake)
