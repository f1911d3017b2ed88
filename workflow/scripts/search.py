"""Search the products of a run and write the table of those chosen."""

import logging

from snakemake.iocontainers import Snakemake

from firn.config import parse_config
from firn.download.plan import describe
from firn.download.search import choose_products
from firn.download.table import write_products
from rule_log import start_log


def main(snakemake: Snakemake) -> None:
    """Run the rule."""
    config = parse_config(snakemake.params.config)
    products, notes = choose_products(config)
    write_products(snakemake.output.scenes, products, notes)
    for line in (*notes, *describe(products, config.acquisition.folder).splitlines()):
        logging.info("%s", line)


if __name__ == "__main__":
    start_log(snakemake.rule, snakemake.log[0])
    main(snakemake)
