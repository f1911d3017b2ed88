"""Score the maps of the companion methods."""

from itertools import product

from snakemake.iocontainers import Snakemake

from firn.companions.plan import MAPPED
from firn.companions.scoring import write_scores
from rule_log import start_log


def main(snakemake: Snakemake) -> None:
    """Run the rule."""
    source, params = snakemake.input, snakemake.params
    pairs = ((method, scene) for scene, method in product(params.scenes, MAPPED))
    write_scores(
        dict(zip(pairs, source.maps, strict=True)),
        dict(zip(params.scenes, source.truths, strict=True)),
        source.som,
        params.bootstrap,
        params.seed,
        snakemake.output.scores,
    )


if __name__ == "__main__":
    start_log(snakemake.rule, snakemake.log[0], snakemake.wildcards)
    main(snakemake)
