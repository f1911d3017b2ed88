"""Train the self-organising map on labelled spectra and fine-tune it on scenes."""

from snakemake.iocontainers import Snakemake

from firn.companions.som_training import train_som, tuning_of_scenes
from firn.companions.spectra import read_spectra, sources_of
from firn.companions_config import SomSettings
from rule_log import start_log


def main(snakemake: Snakemake) -> None:
    """Run the rule."""
    source, params = snakemake.input, snakemake.params
    train_som(
        read_spectra(source.spectra),
        tuning_of_scenes(source.stacks, source.truths),
        SomSettings.model_validate(params.settings),
        params.seed,
        params.device,
        snakemake.output.model,
        sources_of([source.spectra, *source.stacks]),
    )


if __name__ == "__main__":
    start_log(snakemake.rule, snakemake.log[0], snakemake.wildcards)
    main(snakemake)
