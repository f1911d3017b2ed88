"""Write the relief of a tile and the pixels that take no part."""

from snakemake.iocontainers import Snakemake

from firn.stacks import write_terrain
from rule_log import start_log


def main(snakemake: Snakemake) -> None:
    """Run the rule."""
    source, output = snakemake.input, snakemake.output
    write_terrain(
        source.grid,
        source.dem,
        source.tree_cover,
        source.water,
        snakemake.params.tree_cover_max,
        output.dem,
        output.origin,
        output.exclusion,
    )


if __name__ == "__main__":
    start_log(snakemake.rule, snakemake.log[0], snakemake.wildcards)
    main(snakemake)
