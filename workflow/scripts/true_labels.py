"""Write labels that are the truth of a virtual scene."""

from snakemake.iocontainers import Snakemake

from firn.labels import write_true_labels
from rule_log import start_log


def main(snakemake: Snakemake) -> None:
    """Run the rule."""
    source = snakemake.input
    write_true_labels(source.truth, source.exclusion, snakemake.output.labels)


if __name__ == "__main__":
    start_log(snakemake.rule, snakemake.log[0], snakemake.wildcards)
    main(snakemake)
