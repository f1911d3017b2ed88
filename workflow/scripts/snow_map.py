"""Write the snow map of a Sentinel-2 scene that has no snow product."""

from snakemake.iocontainers import Snakemake

from firn.config import SnowMapSettings
from firn.products.identity import TileDate
from firn.snow_maps import write_snow_map
from rule_log import start_log


def main(snakemake: Snakemake) -> None:
    """Run the rule."""
    source, output = snakemake.input, snakemake.output
    row = TileDate(snakemake.wildcards.tile, snakemake.wildcards.date)
    settings = SnowMapSettings.model_validate(snakemake.params.settings)
    write_snow_map(source.l2a, source.dem, row, settings, output.snow)


if __name__ == "__main__":
    start_log(snakemake.rule, snakemake.log[0], snakemake.wildcards)
    main(snakemake)
