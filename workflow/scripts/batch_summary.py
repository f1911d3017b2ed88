"""List the scenes that failed, and fail if there is one."""

from snakemake.iocontainers import Snakemake

from firn.batches import check_all_mapped
from rule_log import start_log


def main(snakemake: Snakemake) -> None:
    """Run the rule."""
    check_all_mapped(snakemake.input.tables, snakemake.output.mapped, snakemake.params.failed)


if __name__ == "__main__":
    start_log(snakemake.rule, snakemake.log[0])
    main(snakemake)
