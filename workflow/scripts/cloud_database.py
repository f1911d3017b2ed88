"""Cut a scene and its supplied mask into samples of the validation database."""

from snakemake.iocontainers import Snakemake

from firn.clouddl.database import write_database_scene
from firn.config import PatchSettings
from firn.inference.surroundings import Surroundings
from firn.sensors import Sensor
from rule_log import start_log


def main(snakemake: Snakemake) -> None:
    """Run the rule."""
    source, params, output = snakemake.input, snakemake.params, snakemake.output
    write_database_scene(
        source.product,
        source.mask,
        Surroundings(source.dem),
        Sensor.model_validate(params.sensor),
        PatchSettings.model_validate(params.patches),
        params.confidence,
        patches=output.patches,
        images=output.images,
    )


if __name__ == "__main__":
    start_log(snakemake.rule, snakemake.log[0], snakemake.wildcards)
    main(snakemake)
