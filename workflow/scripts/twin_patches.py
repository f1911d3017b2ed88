"""Cut the SPOT twin of a Sentinel-2 scene into that scene's patches."""

from snakemake.iocontainers import Snakemake

from firn.sensors import Sensor
from firn.spot_patches import write_spot_patches
from rule_log import start_log


def main(snakemake: Snakemake) -> None:
    """Run the rule."""
    source, output = snakemake.input, snakemake.output
    # The sensors of the first cameras, then those of the second.
    sensors = [Sensor.model_validate(sensor) for sensor in 2 * snakemake.params.sensors]
    for product, sensor, patches in zip(source.products, sensors, output.patches, strict=True):
        write_spot_patches(product, source.patches, sensor, patches)


if __name__ == "__main__":
    start_log(snakemake.rule, snakemake.log[0], snakemake.wildcards)
    main(snakemake)
