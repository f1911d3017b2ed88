"""Train a network, from fresh weights or from those that were selected."""

from snakemake.iocontainers import Snakemake

from firn.training.job import Job, run
from firn.training.selection import selected
from rule_log import start_log


def main(snakemake: Snakemake) -> None:
    """Run the rule."""
    source, output, params = snakemake.input, snakemake.output, snakemake.params
    selection = source.get("selection")
    job = Job(
        method=params.method,
        name=params.name,
        seed=params.seed,
        network=params.network,
        settings=params.settings,
        step=params.step,
        start=selected(selection) if selection else None,
        samples=source.samples,
        statistics=source.statistics,
        patches=source.patches,
        pseudo=source.pseudo,
        sensor=params.sensor,
        emulation=params.emulation,
        # An empty list where no gains are drawn.
        kde=source.kde or None,
        model=output.model,
        history=output.history,
    )
    run(job)


if __name__ == "__main__":
    start_log(snakemake.rule, snakemake.log[0], snakemake.wildcards)
    main(snakemake)
