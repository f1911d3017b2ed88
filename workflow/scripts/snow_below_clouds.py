"""Score the snow below clouds that simulated images show, beside temporal gap filling."""

from snakemake.iocontainers import Snakemake

from firn.cloud_removal.model import load_model
from firn.cloud_removal.snow import score_fillings
from firn.cloud_removal.tiles import OTHER_DATES
from firn.config import SnowMapSettings
from firn.files import write_json
from rule_log import start_log


def main(snakemake: Snakemake) -> None:
    """Run the rule."""
    models = [load_model(path) for path in snakemake.input.models]
    fillings = {model.card.name: model.simulate for model in models}
    settings = SnowMapSettings.model_validate(snakemake.params.settings)
    scores = {}
    for split in ("test", OTHER_DATES):
        if path := snakemake.input.get(split):
            for model in models:
                model.require_bands(path)
            scores[split] = score_fillings(path, fillings, settings)
    write_json(snakemake.output.scores, scores)


if __name__ == "__main__":
    start_log(snakemake.rule, snakemake.log[0], snakemake.wildcards)
    main(snakemake)
