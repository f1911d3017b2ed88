"""Write the catalogue and the table of all maps."""

from pathlib import Path

from snakemake.iocontainers import Snakemake

from firn.batches import mapped_scenes
from firn.published_maps import read_maps
from firn.scene_table import write_tables
from firn.stac_catalogue import write_catalogue
from rule_log import start_log


def main(snakemake: Snakemake) -> None:
    """Run the rule."""
    source, output, params = snakemake.input, snakemake.output, snakemake.params
    # The maps of batches are no files of a rule; their table tells of them.
    items = {Path(item) for item in source.single} | {
        Path(params.maps, f"{method}-{target}", scene, "item.json")
        for table in source.outcomes
        for target, scene in mapped_scenes(table)
        for method in params.methods
    }
    maps = read_maps(items)
    write_tables(maps, output.parquet, output.table)
    write_catalogue(maps, output.catalogue, output.collections)


if __name__ == "__main__":
    start_log(snakemake.rule, snakemake.log[0])
    main(snakemake)
