"""Write the cloud labels of a Sentinel-2 scene by each policy."""

from snakemake.iocontainers import Snakemake

from firn.cloud_labels import write_cloud_labels
from firn.products.identity import TileDate
from rule_log import start_log


def main(snakemake: Snakemake) -> None:
    """Run the rule."""
    source, params = snakemake.input, snakemake.params
    row = TileDate(snakemake.wildcards.tile, snakemake.wildcards.date)
    for policy, labels in zip(params.policies, snakemake.output.labels, strict=True):
        write_cloud_labels(
            source.l2a, source.fmask, source.grid, row, policy, params.layout, labels
        )


if __name__ == "__main__":
    start_log(snakemake.rule, snakemake.log[0], snakemake.wildcards)
    main(snakemake)
