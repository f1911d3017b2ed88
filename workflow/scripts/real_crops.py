"""Put all methods of a target before the real crops that come with firn."""

from snakemake.iocontainers import Snakemake

from firn.config import EmulationSettings, Experiment
from firn.crops import load_crops
from firn.evaluation.crops import classify_views, judge_crops, view_crop
from firn.files import write_json
from firn.methods import load_model
from firn.plots.crops import crops_figure
from firn.plots.style import save
from firn.saturation import Saturations
from firn.sensors import Sensor
from rule_log import start_log


def main(snakemake: Snakemake) -> None:
    """Run the rule."""
    source, output, params = snakemake.input, snakemake.output, snakemake.params
    sensor, saturations = Sensor.model_validate(params.sensor), Saturations.load(source.kde)
    emulation = EmulationSettings.model_validate(params.emulation)
    views = [view_crop(crop, sensor, saturations, emulation, params.seed) for crop in load_crops()]
    classes = {}
    for (name, content), path, metrics in zip(
        params.experiments.items(), source.models, output.metrics, strict=True
    ):
        model, experiment = load_model(path), Experiment.model_validate(content)
        found = classify_views(model, views, sensor.band_names)
        write_json(metrics, judge_crops(name, experiment, model, views, found, params.seed))
        classes[experiment.method] = found
    save(crops_figure(views, classes), output.figure)


if __name__ == "__main__":
    start_log(snakemake.rule, snakemake.log[0], snakemake.wildcards)
    main(snakemake)
