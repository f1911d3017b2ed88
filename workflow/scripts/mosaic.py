"""Write the mosaic of the elevation tiles."""

from pathlib import Path

from snakemake.iocontainers import Snakemake

from firn.config import Area
from firn.download.elevation import dem_box, write_mosaic
from rule_log import start_log


def main(snakemake: Snakemake) -> None:
    """Run the rule."""
    params = snakemake.params
    areas = [Area.model_validate(area) for area in params.areas.values()]
    tiles = map(Path, snakemake.input.tiles)
    write_mosaic(tiles, dem_box(areas, params.with_spot), snakemake.output.mosaic)


if __name__ == "__main__":
    start_log(snakemake.rule, snakemake.log[0])
    main(snakemake)
