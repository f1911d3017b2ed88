"""Set every method beside every other on the same scenes."""

from pathlib import Path

from snakemake.iocontainers import Snakemake

from firn.companions.comparison import compared_with
from firn.evaluation.method_comparison import compare_methods
from firn.files import read_json, write_json
from firn.plots.method_comparison import cost_figure, strata_heat_map, write_method_page
from firn.plots.style import save
from firn.provenance import provenance
from rule_log import start_log


def main(snakemake: Snakemake) -> None:
    """Run the rule."""
    source, output, params = snakemake.input, snakemake.output, snakemake.params
    metrics = [read_json(path) for path in source.metrics]
    costs = {Path(path).stem: read_json(path) for path in source.costs}
    draws = {"count": params.bootstrap, "seed": params.seed}
    content = compare_methods(metrics, costs, params.tells, **draws)
    if source.companions:
        scored = read_json(source.companions)
        content = compared_with(content, scored, costs, params.companions, **draws)
    sources = [one["experiment"]["name"] for one in metrics]
    write_json(output.table, content | {"provenance": provenance(sources, {"seed": params.seed})})
    save(cost_figure(content), output.costs)
    for path in output.strata:
        end = f"-{Path(path).stem}"
        save(strata_heat_map([r for r in content["strata"] if r["name"].endswith(end)]), path)
    figures = {"Accuracy against cost": [output.costs], "Strata": list(output.strata)}
    write_method_page(output.page, content, figures)


if __name__ == "__main__":
    start_log(snakemake.rule, snakemake.log[0], snakemake.wildcards)
    main(snakemake)
