"""Train a generator of Sentinel-2 images."""

from snakemake.iocontainers import Snakemake

from firn.cloud_removal.training import SimulationJob, run
from rule_log import start_log


def main(snakemake: Snakemake) -> None:
    """Run the rule."""
    source, output, params = snakemake.input, snakemake.output, snakemake.params
    job = SimulationJob(
        architecture=params.architecture,
        discriminator=params.discriminator,
        settings=params.settings,
        seed=params.seed,
        train=source.train,
        validation=source.validation,
        normalisation=source.normalisation,
        model=output.model,
        history=output.history,
    )
    run(job)


if __name__ == "__main__":
    start_log(snakemake.rule, snakemake.log[0], snakemake.wildcards)
    main(snakemake)
