"""Perform a trial of the search."""

from snakemake.iocontainers import Snakemake

from firn.ablation.plan import Row
from firn.clouddl.search import run_trial
from firn.clouddl_config import Search
from firn.files import write_json
from rule_log import start_log


def main(snakemake: Snakemake) -> None:
    """Run the rule."""
    source, params = snakemake.input, snakemake.params
    result = run_trial(
        Row.model_validate(params.row),
        Search.model_validate(params.search),
        source.patches,
        source.images,
        params.journal,
        int(snakemake.wildcards.trial),
    )
    write_json(snakemake.output.trial, result)


if __name__ == "__main__":
    start_log(snakemake.rule, snakemake.log[0], snakemake.wildcards)
    main(snakemake)
