"""Write the cloud labels of a Sentinel-2 scene."""

from snakemake.iocontainers import Snakemake

from firn.cloud_labels import write_cloud_labels
from firn.products.identity import TileDate
from rule_log import start_log


def main(snakemake: Snakemake) -> None:
    """Run the rule."""
    source, place = snakemake.input, snakemake.wildcards
    write_cloud_labels(
        source.l2a,
        source.fmask,
        source.grid,
        TileDate(place.tile, place.date),
        place.policy,
        snakemake.params.layout,
        snakemake.output.labels,
    )


if __name__ == "__main__":
    start_log(snakemake.rule, snakemake.log[0], snakemake.wildcards)
    main(snakemake)
