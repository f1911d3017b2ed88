"""Draw surface spectra above the responses of the sensors."""

from snakemake.iocontainers import Snakemake

from firn.plots.spectra import spectra_figure
from firn.plots.style import save
from firn.sensors import Sensor
from firn.simulation_config import Materials
from rule_log import start_log


def main(snakemake: Snakemake) -> None:
    """Run the rule."""
    params, spectra = snakemake.params, snakemake.input.spectra
    source = Sensor.model_validate(params.source)
    materials = Materials.model_validate(params.materials)
    sensors = map(Sensor.model_validate, params.sensors)
    for sensor, figure in zip(sensors, snakemake.output.figures, strict=True):
        save(spectra_figure(sensor, source, spectra, materials), figure)


if __name__ == "__main__":
    start_log(snakemake.rule, snakemake.log[0], snakemake.wildcards)
    main(snakemake)
