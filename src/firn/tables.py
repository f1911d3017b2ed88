"""Tab-separated tables that people edit: lines that begin with # are comments."""

import csv
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from firn.errors import ConfigError


@dataclass(frozen=True)
class Row:
    """A row of a table, and where it stands."""

    place: str
    values: dict[str, str]

    def __getitem__(self, column: str) -> str:
        return self.values[column]

    def optional(self, column: str) -> str | None:
        """Value of a column that may be empty or missing."""
        return self.values.get(column) or None

    def matching(self, column: str, pattern: str, example: str) -> str:
        """Value that must look like an example."""
        if not re.fullmatch(pattern, self[column]):
            raise self.error(f"{column} {self[column]!r} should look like {example}")
        return self[column]

    def error(self, message: str) -> ConfigError:
        """Error that names the table and the line."""
        return ConfigError(f"{self.place}: {message}")


def read_rows(path: str, columns: Sequence[str], optional: Collection[str]) -> list[Row]:
    """Rows of a table with a line of column names.

    Parameters
    ----------
    path : str
    columns : sequence of str
        All that there may be, in any order.
    optional : collection of str
        Those that may be missing, or empty in a row.

    Raises
    ------
    ConfigError
        The table cannot be read, has other columns, or a row lacks a value.
    """
    try:
        with open(path, encoding="utf-8", newline="") as stream:
            lines = [(n, line) for n, line in enumerate(stream, 1) if not line.startswith("#")]
        reader = csv.DictReader((line for _, line in lines), delimiter="\t")
        header = tuple(reader.fieldnames or ())
        rows = [Row(f"{path}, line {lines[reader.line_num - 1][0]}", row) for row in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ConfigError(f"{path}: the scene table cannot be read ({error})") from error
    if not set(columns) - set(optional) <= set(header) <= set(columns):
        raise ConfigError(
            f"{path}: has the columns {list(header)}; expected, separated by tabs: {list(columns)}"
        )
    for row in rows:
        for column in columns:
            if column not in optional and not row[column]:
                raise row.error(f"has no {column}")
    return rows
