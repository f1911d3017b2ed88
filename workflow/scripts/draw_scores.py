"""Draw confusion matrices and scores by stratum."""

from snakemake.iocontainers import Snakemake

from firn.files import read_json
from firn.plots.evaluation import confusion_figure, strata_figure
from firn.plots.style import save
from rule_log import start_log


def main(snakemake: Snakemake) -> None:
    """Run the rule."""
    output = snakemake.output
    files = zip(snakemake.input.metrics, output.confusion, output.strata, strict=True)
    for path, confusion, strata in files:
        metrics = read_json(path)
        save(confusion_figure(metrics), confusion)
        save(strata_figure(metrics), strata)


if __name__ == "__main__":
    start_log(snakemake.rule, snakemake.log[0], snakemake.wildcards)
    main(snakemake)
