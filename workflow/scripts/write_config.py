"""Write the whole configuration of a run, defaults included."""

import yaml
from snakemake.iocontainers import Snakemake

from firn.files import write_text
from rule_log import start_log


def main(snakemake: Snakemake) -> None:
    """Run the rule."""
    text = yaml.safe_dump(snakemake.params.config, sort_keys=False, allow_unicode=True)
    write_text(snakemake.output.config, text)


if __name__ == "__main__":
    start_log(snakemake.rule, snakemake.log[0], snakemake.wildcards)
    main(snakemake)
