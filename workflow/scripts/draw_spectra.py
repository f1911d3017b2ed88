"""Draw surface spectra above the responses of the sensors."""

from snakemake.iocontainers import Snakemake

from firn.plots.spectra import spectra_figure
from firn.plots.style import save
from firn.sensors import Sensor
from rule_log import start_log


def main(snakemake: Snakemake) -> None:
    """Run the rule."""
    source = Sensor.model_validate(snakemake.params.source)
    sensors = map(Sensor.model_validate, snakemake.params.sensors)
    for sensor, figure in zip(sensors, snakemake.output.figures, strict=True):
        save(spectra_figure(sensor, source), figure)


if __name__ == "__main__":
    start_log(snakemake.rule, snakemake.log[0], snakemake.wildcards)
    main(snakemake)
