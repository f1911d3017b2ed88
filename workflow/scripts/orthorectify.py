"""Put a SPOT Level-1A scene on the map."""

import logging

from snakemake.iocontainers import Snakemake

from firn.orthorectification import orthorectify
from rule_log import start_log


def main(snakemake: Snakemake) -> None:
    """Run the rule."""
    source = snakemake.input
    agreement = orthorectify(
        source.product,
        source.dem,
        source.references,
        snakemake.output.ortho,
        band_order=snakemake.params.band_order,
    )
    logging.getLogger(__name__).info(
        "%d of %d windows agree to %.1f m", agreement.used, agreement.windows, agreement.rms
    )


if __name__ == "__main__":
    start_log(snakemake.rule, snakemake.log[0], snakemake.wildcards)
    main(snakemake)
