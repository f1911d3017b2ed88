"""pyproject.toml, environment.yml, constraints.txt and the imports say the same."""

import ast
import re
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]
#: Distributions whose conda package or import has another name.
CONDA_NAMES = {"torch": "pytorch"}
IMPORT_NAMES = {"skimage": "scikit-image", "yaml": "pyyaml"}


def declared() -> dict[str, str]:
    """Bound of each dependency in pyproject.toml, by lower-case name."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    lines = project["dependencies"] + extras["download"] + extras["test"]
    # The extra "test" holds "download", so that nothing of it goes untested.
    lines.remove("firn[download]")
    return dict(split(line) for line in lines)


def split(requirement: str) -> tuple[str, str]:
    match = re.fullmatch(r"([A-Za-z0-9_-]+)(.*)", requirement)
    assert match, requirement
    return match[1].lower(), match[2]


def test_conda_environment_equals_pyproject() -> None:
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    lines = [line for line in environment["dependencies"] if isinstance(line, str)]
    conda = dict(split(line) for line in lines)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert conda.pop("python") == project["requires-python"]
    conda.pop("pip")
    assert conda == {CONDA_NAMES.get(name, name): bound for name, bound in declared().items()}


def test_constraints_pin_every_dependency_without_a_local_label() -> None:
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pins = dict(line.lower().split("==") for line in lines if not line.startswith("#"))
    assert set(declared()) <= set(pins)
    assert not [pin for pin in pins.values() if "+" in pin]
    assert pins["torch"] == "2.13.0"


def third_party(folder: str) -> set[str]:
    names = set()
    for path in (ROOT / folder).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                names |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                names.add(node.module.split(".")[0])
    local = {"firn", *(path.stem for path in (ROOT / "workflow/scripts").glob("*.py"))}
    return {IMPORT_NAMES.get(n, n) for n in names - local - sys.stdlib_module_names}


@pytest.mark.parametrize("folder", ["src/firn", "workflow/scripts"])
def test_every_import_is_declared(folder: str) -> None:
    assert third_party(folder) <= set(declared())
