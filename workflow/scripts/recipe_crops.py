"""Put the models of all recipes of the ablation before the real crops that come with firn."""

from snakemake.iocontainers import Snakemake

from firn.config import EmulationSettings
from firn.crops import load_crops
from firn.evaluation.crops import compare_crops, view_crop
from firn.files import write_json
from firn.methods import load_model
from firn.provenance import provenance
from firn.saturation import Saturations
from firn.sensors import Sensor
from rule_log import start_log


def main(snakemake: Snakemake) -> None:
    """Run the rule."""
    source, params = snakemake.input, snakemake.params
    sensor, saturations = Sensor.model_validate(params.sensor), Saturations.load(source.kde)
    emulation = EmulationSettings.model_validate(params.emulation)
    views = [view_crop(crop, sensor, saturations, emulation, params.seed) for crop in load_crops()]
    # Each model is read when its turn comes.
    recipes = {recipe: map(load_model, paths) for recipe, paths in params.models.items()}
    shares = compare_crops(views, recipes, sensor.band_names)
    settings = {"sensor": sensor, "emulation": emulation, "seed": params.seed}
    names = [view.crop.name for view in views]
    write_json(snakemake.output.crops, {"crops": shares, "provenance": provenance(names, settings)})


if __name__ == "__main__":
    start_log(snakemake.rule, snakemake.log[0], snakemake.wildcards)
    main(snakemake)
