"""Set the scores of all experiments side by side."""

from snakemake.iocontainers import Snakemake

from firn.evaluation import comparison_table, situation_table, write_table
from firn.files import read_json
from firn.plots.evaluation import comparison_figure
from firn.plots.score_page import write_comparison_html
from firn.plots.situations import situations_figure
from firn.plots.style import save
from rule_log import start_log


def main(snakemake: Snakemake) -> None:
    """Run the rule."""
    params, output = snakemake.params, snakemake.output
    metrics = [read_json(path) for path in snakemake.input.metrics]
    rows = comparison_table(metrics, params.tells, count=params.bootstrap, seed=params.seed)
    situations = situation_table(metrics, params.tells)
    write_table(output.table, rows)
    write_table(output.situations, situations)
    write_comparison_html(output.page, rows, situations)
    save(comparison_figure(rows), output.figure)
    save(situations_figure(situations), output.situations_figure)


if __name__ == "__main__":
    start_log(snakemake.rule, snakemake.log[0], snakemake.wildcards)
    main(snakemake)
