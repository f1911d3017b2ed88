"""Score the maps of an experiment against their reference rasters."""

from pathlib import Path

from snakemake.iocontainers import Snakemake

from firn.config import EvaluationSettings, Experiment
from firn.evaluation.maps import JudgedMap, evaluate_maps
from firn.files import write_json
from rule_log import start_log


def main(snakemake: Snakemake) -> None:
    """Run the rule."""
    source, params = snakemake.input, snakemake.params
    columns = (
        source.snow,
        source.probability,
        source.quality,
        source.item,
        source.reference,
        source.dem,
    )
    maps = [
        JudgedMap(Path(row[0]).parent.name, *map(Path, row)) for row in zip(*columns, strict=True)
    ]
    metrics = evaluate_maps(
        maps,
        snakemake.wildcards.experiment,
        Experiment.model_validate(params.experiment),
        EvaluationSettings.model_validate(params.settings),
        seed=params.seed,
    )
    write_json(snakemake.output.metrics, metrics)


if __name__ == "__main__":
    start_log(snakemake.rule, snakemake.log[0], snakemake.wildcards)
    main(snakemake)
