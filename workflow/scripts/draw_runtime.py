"""Draw the run time and memory of every rule."""

from snakemake.iocontainers import Snakemake

from firn.job_times import read_benchmarks
from firn.plots.runtime import runtime_figure
from firn.plots.style import save
from rule_log import start_log


def main(snakemake: Snakemake) -> None:
    """Run the rule."""
    save(runtime_figure(read_benchmarks(snakemake.params.benchmarks)), snakemake.output.figure)


if __name__ == "__main__":
    start_log(snakemake.rule, snakemake.log[0], snakemake.wildcards)
    main(snakemake)
