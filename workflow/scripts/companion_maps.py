"""Classify a Sentinel-2 scene by every companion method."""

from snakemake.iocontainers import Snakemake

from firn.companions.plan import MAPPED
from firn.companions.scoring import write_maps
from rule_log import start_log


def main(snakemake: Snakemake) -> None:
    """Run the rule."""
    source, outputs = snakemake.input, dict(zip(MAPPED, snakemake.output.maps, strict=True))
    write_maps(source.stack, source.models, outputs)


if __name__ == "__main__":
    start_log(snakemake.rule, snakemake.log[0], snakemake.wildcards)
    main(snakemake)
