"""Download and verify a product of a pair."""

from pathlib import Path

from snakemake.iocontainers import Snakemake

from firn.acquisition_config import Retries
from firn.cloud_removal.fetch import fetch_pair_product
from firn.cloud_removal.pair_table import PairProduct
from rule_log import start_log


def main(snakemake: Snakemake) -> None:
    """Run the rule."""
    params = snakemake.params
    fetch_pair_product(
        PairProduct(**params.product),
        params.area,
        Retries.model_validate(params.retries),
        Path(snakemake.output.product),
    )


if __name__ == "__main__":
    start_log(snakemake.rule, snakemake.log[0], snakemake.wildcards)
    main(snakemake)
