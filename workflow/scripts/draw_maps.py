"""Draw quick-looks of the classified scenes beside their references."""

from pathlib import Path

from snakemake.iocontainers import Snakemake

from firn.evaluation.maps import judged_maps
from firn.plots.maps import quicklook_figure, read_quicklook
from firn.plots.style import save
from firn.products.scene import open_scene
from firn.sensors import Sensor
from rule_log import start_log


def main(snakemake: Snakemake) -> None:
    """Run the rule."""
    source = snakemake.input
    sensor = Sensor.model_validate(snakemake.params.sensor)
    folder = Path(snakemake.output.figures)
    for product, judged_map in zip(source.products, judged_maps(source), strict=True):
        look = read_quicklook(open_scene(product, sensor), judged_map)
        save(quicklook_figure(look), folder / f"{judged_map.scene}.png")


if __name__ == "__main__":
    start_log(snakemake.rule, snakemake.log[0], snakemake.wildcards)
    main(snakemake)
