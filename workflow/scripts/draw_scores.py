"""Draw confusion matrices, scores by stratum and the reliability of confidences."""

from snakemake.iocontainers import Snakemake

from firn.files import read_json
from firn.plots.calibration import reliability_figure
from firn.plots.evaluation import confusion_figure, strata_figure
from firn.plots.style import save
from rule_log import start_log


def main(snakemake: Snakemake) -> None:
    """Run the rule."""
    output = snakemake.output
    experiments = [read_json(path) for path in snakemake.input.metrics]
    for metrics, confusion, strata in zip(
        experiments, output.confusion, output.strata, strict=True
    ):
        save(confusion_figure(metrics), confusion)
        save(strata_figure(metrics), strata)
    save(reliability_figure(experiments), output.reliability)


if __name__ == "__main__":
    start_log(snakemake.rule, snakemake.log[0], snakemake.wildcards)
    main(snakemake)
