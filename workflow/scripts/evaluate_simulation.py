"""Judge simulated Sentinel-2 images."""

from snakemake.iocontainers import Snakemake

from firn.cloud_removal.report import evaluate_models
from firn.files import write_json
from rule_log import start_log


def main(snakemake: Snakemake) -> None:
    """Run the rule."""
    source, params = snakemake.input, snakemake.params
    content = evaluate_models(
        source.models,
        source.train,
        source.test,
        source.normalisation,
        source.get("other_dates"),
        truth_under_cloud=params.truth_under_cloud,
        bootstrap=params.bootstrap,
        seed=params.seed,
    )
    write_json(snakemake.output.evaluation, content)


if __name__ == "__main__":
    start_log(snakemake.rule, snakemake.log[0], snakemake.wildcards)
    main(snakemake)
