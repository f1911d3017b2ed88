"""Cut a Sentinel-2 scene into patches."""

from pathlib import Path

from snakemake.iocontainers import Snakemake

from firn.config import PatchSettings
from firn.patches import Stack, write_patches
from rule_log import start_log


def main(snakemake: Snakemake) -> None:
    """Run the rule."""
    source = snakemake.input
    rasters = map(Path, (source.toa, source.labels, source.hillshade, source.dem))
    stack = Stack(snakemake.wildcards.tile, snakemake.wildcards.date, *rasters)
    settings = PatchSettings.model_validate(snakemake.params.settings)
    write_patches(stack, settings, snakemake.output.patches)


if __name__ == "__main__":
    start_log(snakemake.rule, snakemake.log[0], snakemake.wildcards)
    main(snakemake)
