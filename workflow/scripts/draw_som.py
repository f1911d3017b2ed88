"""Draw the self-organising map, its turned neurons, and the scores of the companion methods."""

from snakemake.iocontainers import Snakemake

from firn.companions.spectra import read_spectra
from firn.files import read_json
from firn.methods import load_model
from firn.methods.som import SomModel
from firn.plots import som
from firn.plots.style import save
from rule_log import start_log


def main(snakemake: Snakemake) -> None:
    """Run the rule."""
    source, output = snakemake.input, snakemake.output
    model, spectra = load_model(source.model), read_spectra(source.spectra)
    assert isinstance(model, SomModel)
    save(som.hits_figure(model), output.hits)
    save(som.planes_figure(model), output.planes)
    save(som.distances_figure(model), output.distances)
    save(som.scatter_figure(model, spectra), output.scatter)
    save(som.turned_figure(model), output.turned)
    save(som.scores_figure(read_json(source.scores)["summary"]), output.scores)


if __name__ == "__main__":
    start_log(snakemake.rule, snakemake.log[0], snakemake.wildcards)
    main(snakemake)
