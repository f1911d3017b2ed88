"""The registry: a module that states a method is one, and what it states is true."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from firn import registry
from firn.config import parse_config
from firn.errors import ConfigError, ModelError
from firn.methods import method_class
from firn.methods.base import FittedModel
from firn.methods.network import NetworkModel
from firn.registry import Method, known_method, known_methods

DEMO = Path(__file__).parents[2] / "config" / "demo.yaml"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of modules in place of that of firn."""
    monkeypatch.setattr(registry, "FOLDER", tmp_path)
    known_methods.cache_clear()
    yield tmp_path
    known_methods.cache_clear()


def test_firn_knows_its_own_methods() -> None:
    assert {"unet", "baseline-majority", "baseline-threshold", "baseline-pixel"} <= set(
        known_methods()
    )


@pytest.mark.parametrize("name", known_methods())
def test_classes_are_made_as_their_modules_state(name: str) -> None:
    kinds = {"fit": FittedModel, "train": NetworkModel}
    method, kind = known_method(name), method_class(name)
    assert kind.__module__ == method.module
    for made_by, base in kinds.items():
        assert issubclass(kind, base) is (method.made_by == made_by)


def test_only_assignments_of_the_module_itself_count(folder: Path) -> None:
    (folder / "helper.py").write_text('def f():\n    METHOD = "no"\n')
    (folder / "b.py").write_text('METHOD = "one"\nMADE_BY = "fit"\nMETHOD_COUNT = 3\n')
    (folder / "a.py").write_text(
        'import none_such\nMETHOD = "two"\nMADE_BY = "train"\nTELLS = "cloud"\n'
    )
    assert list(known_methods().values()) == [
        Method("one", "fit", "firn.methods.b"),
        Method("two", "train", "firn.methods.a", "cloud"),
    ]
    with pytest.raises(ModelError, match="method three: unknown; firn knows one, two"):
        known_method("three")


def test_incomplete_and_double_statements_are_refused(folder: Path) -> None:
    (folder / "a.py").write_text('METHOD = "one"\n')
    with pytest.raises(ModelError, match=r"a\.py: states a METHOD, but not what it is MADE_BY"):
        known_methods()
    (folder / "a.py").write_text('METHOD = "one"\nMADE_BY = "fit"\n')
    (folder / "b.py").write_text('METHOD = "two"\nMADE_BY = "fit"\nTELLS = "water"\n')
    with pytest.raises(ModelError, match=r"b\.py: TELLS water, which is none of classes, cloud"):
        known_methods()
    (folder / "b.py").write_text('METHOD = "one"\nMADE_BY = "fit"\n')
    with pytest.raises(ModelError, match=r"b\.py: one is the METHOD of firn\.methods\.a too"):
        known_methods()


def test_a_module_without_a_class_is_refused(folder: Path) -> None:
    """The name leads to a module of firn that holds no method."""
    (folder / "model_file.py").write_text('METHOD = "empty"\nMADE_BY = "fit"\n')
    with pytest.raises(ModelError, match=r"model_file\.py: holds 0 classes of models"):
        method_class("empty")


def test_configurations_name_known_methods() -> None:
    content = yaml.safe_load(DEMO.read_text()) | {"methods": ["unet", "u-net"]}
    with pytest.raises(
        ConfigError, match=r"methods\.1: Value error, unknown; firn knows baseline-.*, unet"
    ):
        parse_config(content)
