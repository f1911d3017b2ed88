"""Bring the images of a real pair of dates onto one grid of 10 m."""

from snakemake.iocontainers import Snakemake

from firn import raster
from firn.cloud_removal.pairs import PairFiles, prepare_sentinel2
from firn.cloud_removal.sentinel1 import prepare_sentinel1
from firn.cloud_removal_config import RealPair, SnapSettings
from rule_log import start_log


def main(snakemake: Snakemake) -> None:
    """Run the rule."""
    params = snakemake.params
    pair = RealPair.model_validate(params.pair)
    files = PairFiles(**dict(snakemake.output.items()))
    prepare_sentinel2(pair, params.bands, files)
    prepare_sentinel1(
        pair,
        raster.grid_of(files.sentinel2_t1),
        SnapSettings.model_validate(params.snap),
        (files.sentinel1_t0, files.sentinel1_t1),
    )


if __name__ == "__main__":
    start_log(snakemake.rule, snakemake.log[0], snakemake.wildcards)
    main(snakemake)
