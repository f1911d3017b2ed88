"""Split the samples of a target and gather their statistics."""

from pydantic import TypeAdapter
from snakemake.iocontainers import Snakemake

from firn.config import Config
from firn.dataset import build_dataset
from firn.files import write_json
from firn.samples import pair_scenes, write_rows
from rule_log import start_log


def main(snakemake: Snakemake) -> None:
    """Run the rule."""
    params, output = snakemake.params, snakemake.output
    settings = TypeAdapter(Config.model_fields["split"].annotation).validate_python(params.split)
    scenes = pair_scenes(snakemake.input.patches, snakemake.input.pseudo)
    rows, content = build_dataset(snakemake.wildcards.target, scenes, settings, params.seed)
    write_rows(output.samples, rows)
    write_json(output.statistics, content)


if __name__ == "__main__":
    start_log(snakemake.rule, snakemake.log[0], snakemake.wildcards)
    main(snakemake)
