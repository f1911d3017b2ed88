"""Score Let-it-snow on the scenes that the methods of a target are judged on."""

from snakemake.iocontainers import Snakemake

from firn.config import EvaluationSettings, Experiment
from firn.evaluation.let_it_snow import with_let_it_snow
from firn.evaluation.maps import evaluate_maps, judged_maps
from firn.files import scratch_folder, write_json
from firn.products.scene import open_scene
from firn.provenance import provenance
from firn.sensors import Sensor
from firn.snow_bands import LET_IT_SNOW
from rule_log import start_log


def main(snakemake: Snakemake) -> None:
    """Run the rule."""
    params = snakemake.params
    sensor = Sensor.model_validate(params.sensor)
    with scratch_folder() as scratch:
        maps = [
            with_let_it_snow(one, open_scene(product, sensor), params.bands, scratch / one.scene)
            for one, product in zip(
                judged_maps(snakemake.input), snakemake.input.product, strict=True
            )
        ]
        metrics = evaluate_maps(
            maps,
            f"{LET_IT_SNOW}-{snakemake.wildcards.target}",
            Experiment.model_validate(params.experiment),
            EvaluationSettings.model_validate(params.settings),
            seed=params.seed,
        )
    # The maps have no model; that of the map whose grid and quality they share is not theirs.
    source = provenance([one.scene for one in maps], {"method": LET_IT_SNOW, "seed": params.seed})
    write_json(snakemake.output.metrics, metrics | {"provenance": source})


if __name__ == "__main__":
    start_log(snakemake.rule, snakemake.log[0], snakemake.wildcards)
    main(snakemake)
