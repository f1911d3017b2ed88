"""Draw quick-looks of the classified scenes beside their references."""

from pathlib import Path

from snakemake.iocontainers import Snakemake

from firn.evaluation import JudgedMap
from firn.plots.maps import quicklook_figure, read_quicklook
from firn.plots.style import save
from firn.products.scene import open_scene
from firn.sensors import Sensor
from rule_log import start_log


def main(snakemake: Snakemake) -> None:
    """Run the rule."""
    source = snakemake.input
    columns = (
        source.snow,
        source.probability,
        source.quality,
        source.item,
        source.reference,
        source.dem,
    )
    sensor = Sensor.model_validate(snakemake.params.sensor)
    folder = Path(snakemake.output.figures)
    for product, *row in zip(source.products, *columns, strict=True):
        scene = Path(row[0]).parent.name
        judged_map = JudgedMap(scene, *map(Path, row))
        look = read_quicklook(open_scene(product, sensor), judged_map)
        save(quicklook_figure(look), folder / f"{scene}.png")


if __name__ == "__main__":
    start_log(snakemake.rule, snakemake.log[0], snakemake.wildcards)
    main(snakemake)
