"""Score the snow below clouds that simulated images show, beside temporal gap filling."""

from snakemake.iocontainers import Snakemake

from firn.cloud_removal.model import load_model
from firn.cloud_removal.snow import score_fillings
from firn.config import SnowMapSettings
from firn.files import write_json
from rule_log import start_log


def main(snakemake: Snakemake) -> None:
    """Run the rule."""
    models = [load_model(path) for path in snakemake.input.models]
    for model in models:
        model.require_bands(snakemake.input.test)
    settings = SnowMapSettings.model_validate(snakemake.params.settings)
    scores = score_fillings(
        snakemake.input.test, {model.card.name: model.simulate for model in models}, settings
    )
    write_json(snakemake.output.scores, scores)


if __name__ == "__main__":
    start_log(snakemake.rule, snakemake.log[0], snakemake.wildcards)
    main(snakemake)
