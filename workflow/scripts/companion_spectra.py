"""Gather labelled spectra: of the training scenes, or of the Hollstein database."""

from snakemake.iocontainers import Snakemake

from firn.companions.som_training import spectra_of_scenes
from firn.companions.spectra import joined, read_hollstein, sources_of, write_spectra
from rule_log import start_log


def main(snakemake: Snakemake) -> None:
    """Run the rule."""
    source, params = snakemake.input, snakemake.params
    if source.hollstein:
        spectra, sources = read_hollstein(source.hollstein), sources_of(source.hollstein)
    else:
        paths = source.stacks, source.truths
        spectra = joined(spectra_of_scenes(params.scenes, *paths, params.most, params.seed))
        sources = params.scenes
    write_spectra(snakemake.output.spectra, spectra, sources)


if __name__ == "__main__":
    start_log(snakemake.rule, snakemake.log[0], snakemake.wildcards)
    main(snakemake)
