"""Draw the densities of saturation and minimum reflectance."""

from snakemake.iocontainers import Snakemake

from firn.plots.kde import saturation_figure
from firn.plots.style import save
from firn.saturation import Saturations
from rule_log import start_log


def main(snakemake: Snakemake) -> None:
    """Run the rule."""
    for kde, figure in zip(snakemake.input.kde, snakemake.output.figures, strict=True):
        save(saturation_figure(Saturations.load(kde), snakemake.params.seed), figure)


if __name__ == "__main__":
    start_log(snakemake.rule, snakemake.log[0], snakemake.wildcards)
    main(snakemake)
