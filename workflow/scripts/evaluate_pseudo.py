"""Score a model on the held-out pseudo-SPOT samples."""

from snakemake.iocontainers import Snakemake

from firn.config import EvaluationSettings, Experiment, NetworkSettings
from firn.evaluation.pseudo import evaluate_pseudo
from firn.files import read_json, write_json
from firn.methods import load_model
from firn.methods.edges import judged_edge
from firn.samples import Samples
from rule_log import start_log


def main(snakemake: Snakemake) -> None:
    """Run the rule."""
    source, params = snakemake.input, snakemake.params
    samples = Samples.open(source.samples, "evaluation", source.patches, source.pseudo)
    overlap = read_json(source.statistics)["patch_overlap"]
    metrics = evaluate_pseudo(
        load_model(source.model),
        samples,
        snakemake.wildcards.experiment,
        Experiment.model_validate(params.experiment),
        EvaluationSettings.model_validate(params.settings),
        edge=judged_edge(NetworkSettings.model_validate(params.network), overlap),
        seed=params.seed,
    )
    write_json(snakemake.output.metrics, metrics)


if __name__ == "__main__":
    start_log(snakemake.rule, snakemake.log[0], snakemake.wildcards)
    main(snakemake)
