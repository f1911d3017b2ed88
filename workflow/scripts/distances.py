"""Measure how far emulated images of a sensor are from those of its cameras."""

from pathlib import Path

from snakemake.iocontainers import Snakemake

from firn.ablation.fidelity import distances
from firn.config import EmulationSettings
from firn.files import write_json
from firn.provenance import provenance
from firn.sensors import Sensor
from rule_log import start_log


def main(snakemake: Snakemake) -> None:
    """Run the rule."""
    source, params = snakemake.input, snakemake.params
    recipes = {
        name: EmulationSettings.model_validate(content) for name, content in params.recipes.items()
    }
    sensor = Sensor.model_validate(params.sensor)
    result = distances(sensor, recipes, source.patches, source.first, source.second, params.seed)
    scenes = ["/".join(Path(path).with_suffix("").parts[-2:]) for path in source.patches]
    settings = {"sensor": sensor, "recipes": recipes, "seed": params.seed}
    content = {"distances": result, "provenance": provenance(scenes, settings)}
    write_json(snakemake.output.distances, content)


if __name__ == "__main__":
    start_log(snakemake.rule, snakemake.log[0], snakemake.wildcards)
    main(snakemake)
