"""Say that files are not there: this costs the scenes that need them, and no others."""

from snakemake.iocontainers import Snakemake

from firn.errors import DataError
from rule_log import start_log


def main(snakemake: Snakemake) -> None:
    """Run the rule."""
    first, *others = snakemake.output
    more = f" and {len(others)} more" if others else ""
    raise DataError(
        f"{first}{more}: the configuration or a scene table names this file, but it is "
        "not there; put it there, correct its path, or add its scene to `exclude:`"
    )


if __name__ == "__main__":
    start_log(snakemake.rule, snakemake.log[0])
    main(snakemake)
