"""Put simulated tiles back on the map."""

from snakemake.iocontainers import Snakemake

from firn.cloud_removal.model import load_model
from firn.cloud_removal.mosaic import write_mosaics
from firn.cloud_removal.severity import severity_index
from rule_log import start_log


def main(snakemake: Snakemake) -> None:
    """Run the rule."""
    source, output = snakemake.input, snakemake.output
    model = load_model(source.model)
    write_mosaics(
        model,
        source.tiles,
        snakemake.wildcards.pair,
        output.image,
        output.severity,
        severity_index(model.card.bands),
        {"generator": model.card.name, **model.card.provenance},
    )


if __name__ == "__main__":
    start_log(snakemake.rule, snakemake.log[0], snakemake.wildcards)
    main(snakemake)
