"""Set the rows of the ablation side by side."""

from pathlib import Path

from snakemake.iocontainers import Snakemake

from firn.evaluation.ablation import summarise
from firn.files import read_json, write_json
from firn.plots.ablation import ablation_figure, losses_figure, write_ablation_html
from firn.plots.style import save
from firn.provenance import provenance
from rule_log import start_log


def main(snakemake: Snakemake) -> None:
    """Run the rule."""
    source, output, params = snakemake.input, snakemake.output, snakemake.params
    rows = [read_json(path) for path in source.rows]
    distances = {Path(path).stem: read_json(path)["distances"] for path in source.distances}
    crops = {Path(path).stem: read_json(path)["crops"] for path in source.crops}
    summary = summarise(rows, params.upper_bound, count=params.bootstrap, seed=params.seed)
    sources = [row["metrics"]["experiment"]["name"] for row in rows]
    content = {"rows": rows, "summary": summary, "distances": distances, "crops": crops}
    write_json(output.table, content | {"provenance": provenance(sources, {"seed": params.seed})})
    write_ablation_html(output.page, summary, distances, crops)
    save(ablation_figure(summary), output.figure)
    for path in output.losses:
        histories: dict[str, list[str]] = {}
        for row, history in zip(rows, source.histories, strict=True):
            if row["sensor"] == Path(path).stem:
                histories.setdefault(row["recipe"], []).append(history)
        save(losses_figure(histories), path)


if __name__ == "__main__":
    start_log(snakemake.rule, snakemake.log[0], snakemake.wildcards)
    main(snakemake)
