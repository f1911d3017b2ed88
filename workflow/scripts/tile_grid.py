"""Write the 20 m grid of a tile as an empty raster."""

import logging

import numpy as np
from snakemake.iocontainers import Snakemake

from firn import raster
from firn.errors import ProductError
from firn.products.sentinel2 import open_l1c
from firn.stacks import RESOLUTION
from rule_log import start_log


def main(snakemake: Snakemake) -> None:
    """Run the rule: any product of the tile that can be read tells the grid."""
    for path in snakemake.input.l1c:
        try:
            grid = open_l1c(path, snakemake.wildcards.tile).grid(RESOLUTION)
        except ProductError as error:
            logging.warning("%s", error)
        else:
            raster.write(snakemake.output.grid, np.zeros(grid.shape, np.uint8), grid)
            return
    raise ProductError(
        f"tile {snakemake.wildcards.tile}: none of its {len(snakemake.input.l1c)} Level-1C "
        "products can be read; correct the scene table"
    )


if __name__ == "__main__":
    start_log(snakemake.rule, snakemake.log[0], snakemake.wildcards)
    main(snakemake)
