"""Set the scores of all experiments side by side."""

from snakemake.iocontainers import Snakemake

from firn.evaluation.comparison import comparison_table, write_table
from firn.files import read_json
from rule_log import start_log


def main(snakemake: Snakemake) -> None:
    """Run the rule."""
    params = snakemake.params
    metrics = [read_json(path) for path in (*snakemake.input.pseudo, *snakemake.input.historical)]
    rows = comparison_table(metrics, count=params.bootstrap, seed=params.seed)
    write_table(snakemake.output.table, rows)


if __name__ == "__main__":
    start_log(snakemake.rule, snakemake.log[0], snakemake.wildcards)
    main(snakemake)
