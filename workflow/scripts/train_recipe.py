"""Train and score one row of the ablation."""

from snakemake.iocontainers import Snakemake

from firn.ablation.plan import Row
from firn.ablation.row import JudgedScene, run_row
from firn.files import write_json
from rule_log import start_log


def main(snakemake: Snakemake) -> None:
    """Run the rule."""
    source, output = snakemake.input, snakemake.output
    surroundings = source.dem, source.tree_cover, source.water
    judged = zip(source.products, source.references, *surroundings, strict=True)
    result = run_row(
        Row.model_validate(snakemake.params.row),
        source.patches,
        source.images,
        [JudgedScene(*files) for files in judged],
        model=output.model,
        history=output.history,
    )
    write_json(output.row, result)


if __name__ == "__main__":
    start_log(snakemake.rule, snakemake.log[0], snakemake.wildcards)
    main(snakemake)
