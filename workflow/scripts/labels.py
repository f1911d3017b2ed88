"""Write the labels of a Sentinel-2 scene."""

from snakemake.iocontainers import Snakemake

from firn.config import LabelSettings
from firn.labels import write_labels
from firn.products.identity import TileDate
from rule_log import start_log


def main(snakemake: Snakemake) -> None:
    """Run the rule."""
    source, output = snakemake.input, snakemake.output
    row = TileDate(snakemake.wildcards.tile, snakemake.wildcards.date)
    settings = LabelSettings.model_validate(snakemake.params.settings)
    write_labels(source.snow, source.l2a, source.exclusion, row, settings, output.labels)


if __name__ == "__main__":
    start_log(snakemake.rule, snakemake.log[0], snakemake.wildcards)
    main(snakemake)
