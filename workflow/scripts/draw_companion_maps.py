"""Draw the cloud masks of a Sentinel-2 scene beside the truth."""

from snakemake.iocontainers import Snakemake

from firn.companions.plan import MAPPED
from firn.companions.scenes import SceneTruth, read_stack
from firn.companions.scoring import read_map
from firn.plots.som import masks_figure
from firn.plots.style import save
from rule_log import start_log


def main(snakemake: Snakemake) -> None:
    """Run the rule."""
    source = snakemake.input
    maps = {method: read_map(path) for method, path in zip(MAPPED, source.maps, strict=True)}
    reflectance, grid = read_stack(source.stack)
    truth = SceneTruth(source.truth).classes
    save(masks_figure(reflectance, truth, maps, grid.resolution), snakemake.output.figure)


if __name__ == "__main__":
    start_log(snakemake.rule, snakemake.log[0], snakemake.wildcards)
    main(snakemake)
