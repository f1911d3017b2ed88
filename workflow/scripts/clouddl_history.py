"""Write the page of the releases of a sensor."""

from snakemake.iocontainers import Snakemake

from firn.clouddl.report import write_history_html
from firn.files import read_json
from rule_log import start_log


def main(snakemake: Snakemake) -> None:
    """Run the rule."""
    write_history_html(snakemake.output.page, [read_json(path) for path in snakemake.input.cards])


if __name__ == "__main__":
    start_log(snakemake.rule, snakemake.log[0], snakemake.wildcards)
    main(snakemake)
