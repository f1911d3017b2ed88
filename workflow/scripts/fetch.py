"""Download and verify a product."""

from pathlib import Path

from snakemake.iocontainers import Snakemake

from firn.acquisition_config import Acquisition
from firn.config import Area
from firn.download.fetch import fetch_product
from firn.download.table import Product
from rule_log import start_log


def main(snakemake: Snakemake) -> None:
    """Run the rule."""
    params = snakemake.params
    areas = {name: Area.model_validate(area) for name, area in params.areas.items()}
    settings = Acquisition.model_validate(params.acquisition)
    fetch_product(Product(**params.product), settings, areas, Path(snakemake.output.product))


if __name__ == "__main__":
    start_log(snakemake.rule, snakemake.log[0], snakemake.wildcards)
    main(snakemake)
