"""Emulate the patches of a Sentinel-2 scene as every sensor sees them."""

from pathlib import Path

from snakemake.iocontainers import Snakemake

from firn.config import EmulationSettings
from firn.emulation.patches import Target, write_pseudo
from firn.saturation import Saturations
from firn.sensors import Sensor
from rule_log import start_log


def main(snakemake: Snakemake) -> None:
    """Run the rule."""
    params = snakemake.params
    files = zip(params.sensors, snakemake.input.kde, snakemake.output.pseudo, strict=True)
    targets = [
        Target(
            snakemake.wildcards.area,
            Sensor.model_validate(sensor),
            Saturations.load(kde),
            Path(pseudo),
        )
        for sensor, kde, pseudo in files
    ]
    settings = EmulationSettings.model_validate(params.emulation)
    write_pseudo(snakemake.input.patches, targets, settings, seed=params.seed)


if __name__ == "__main__":
    start_log(snakemake.rule, snakemake.log[0], snakemake.wildcards)
    main(snakemake)
