from pathlib import Path
from typing import Literal

import pytest

from firn.config import Area
from firn.config_table import config_table, type_name

README = Path(__file__).parents[1] / "config/README.md"


def test_readme_holds_the_table() -> None:
    _, table = README.read_text().split("<!-- table -->\n")
    assert table == config_table(), "run: firn config --table, and put it into config/README.md"


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        (int, "integer"),
        (str | None, "text or null"),
        (tuple[float, ...], "list of number"),
        (tuple[float, float], "2 numbers"),
        (Literal["a", "b"], "`a` or `b`"),
        (dict[str, Area], "mapping of text to section"),
    ],
)
def test_types_read_as_a_user_says_them(kind: object, name: str) -> None:
    assert type_name(kind) == name


def test_defaults_and_nested_keys_stand_in_the_table() -> None:
    rows = [line.split(" | ") for line in config_table().splitlines()[2:]]
    found = {row[0].strip("| `"): row for row in rows}
    assert found["patches.size"][2] == "`572`"
    assert found["run"][2] == "required"
    assert found["areas.*.tiles"][1] == "list of text"
    assert found["simulation.spot[].sensor"][2] == "required"
    assert found["training.preliminary.max_epochs"][2] == "`null`"
