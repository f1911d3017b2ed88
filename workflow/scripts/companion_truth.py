"""Write what is true of a Sentinel-2 scene at 60 m."""

from pathlib import Path

from snakemake.iocontainers import Snakemake

from firn.companions.scenes import write_alcd_truth, write_scene_truth
from rule_log import start_log


def main(snakemake: Snakemake) -> None:
    """Run the rule."""
    source = snakemake.input
    # A folder is that of an ALCD mask.
    write = write_alcd_truth if Path(source.known).is_dir() else write_scene_truth
    write(source.known, source.stack, snakemake.output.truth)


if __name__ == "__main__":
    start_log(snakemake.rule, snakemake.log[0], snakemake.wildcards)
    main(snakemake)
