"""Train the selected network further."""

from snakemake.iocontainers import Snakemake

from firn.config import NetworkSettings, TrainingSettings, TrainingStep
from firn.training.data import open_training_data
from firn.training.loop import train
from firn.training.run import Run
from firn.training.selection import selected
from firn.training.sentinel2 import emulation_of
from rule_log import start_log


def main(snakemake: Snakemake) -> None:
    """Run the rule."""
    source, output, params = snakemake.input, snakemake.output, snakemake.params
    run = Run(
        method=params.method,
        name="intensive",
        seed=params.seed,
        network=NetworkSettings.model_validate(params.network),
        settings=TrainingSettings.model_validate(params.settings),
        step=TrainingStep.model_validate(params.step),
        start=selected(source.selection),
    )
    files = source.samples, source.statistics, source.patches, source.pseudo
    emulation = emulation_of(source.kde, params.sensor, params.emulation)
    data = open_training_data(*files, emulation)
    train(run, data, output.model, output.history)


if __name__ == "__main__":
    start_log(snakemake.rule, snakemake.log[0], snakemake.wildcards)
    main(snakemake)
