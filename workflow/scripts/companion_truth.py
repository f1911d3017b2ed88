"""Write what is true of a virtual Sentinel-2 scene at 60 m."""

from snakemake.iocontainers import Snakemake

from firn.companions.scenes import write_scene_truth
from rule_log import start_log


def main(snakemake: Snakemake) -> None:
    """Run the rule."""
    source = snakemake.input
    write_scene_truth(source.fields, source.stack, snakemake.output.truth)


if __name__ == "__main__":
    start_log(snakemake.rule, snakemake.log[0], snakemake.wildcards)
    main(snakemake)
