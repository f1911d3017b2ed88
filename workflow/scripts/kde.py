"""Collect the gains of the SPOT scenes of an area and sensor."""

from snakemake.iocontainers import Snakemake

from firn.gains import collect
from firn.sensors import Sensor
from rule_log import start_log


def main(snakemake: Snakemake) -> None:
    """Run the rule."""
    params = snakemake.params
    sensor = Sensor.model_validate(params.sensor)
    gains = collect(snakemake.input.products, sensor, snakemake.wildcards.area, params.bandwidth)
    gains.save(snakemake.output.kde)


if __name__ == "__main__":
    start_log(snakemake.rule, snakemake.log[0], snakemake.wildcards)
    main(snakemake)
