"""Say that a file is not there: this costs the scenes that need it, and no others."""

from snakemake.iocontainers import Snakemake

from firn.errors import DataError
from rule_log import start_log


def main(snakemake: Snakemake) -> None:
    """Run the rule."""
    raise DataError(
        f"{snakemake.output.file}: the configuration or a scene table names this file, but it is "
        "not there; put it there, correct its path, or add its scene to `exclude:`"
    )


if __name__ == "__main__":
    start_log(snakemake.rule, snakemake.log[0])
    main(snakemake)
