"""Write the table of F2 of CloudDL."""

from snakemake.iocontainers import Snakemake

from firn.clouddl.report import f2_table, write_f2_html
from firn.clouddl.scores import counts_of
from firn.files import read_json, write_json
from rule_log import start_log


def main(snakemake: Snakemake) -> None:
    """Run the rule."""
    source, output, params = snakemake.input, snakemake.output, snakemake.params
    # An empty list where there is no truth.
    judged = read_json(source.masks) if source.masks else {}
    masks = {name: counts_of(scenes) for name, scenes in judged.items()}
    rows = [read_json(path) for path in source.rows]
    table = f2_table(rows, masks, count=params.bootstrap, seed=params.seed)
    write_json(output.table, table)
    write_f2_html(output.page, table)


if __name__ == "__main__":
    start_log(snakemake.rule, snakemake.log[0], snakemake.wildcards)
    main(snakemake)
