from pathlib import Path

import pytest

from firn import code_digest as cd


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package named firn: stacks uses raster, which uses errors; nothing uses plots."""
    root = tmp_path / "firn"
    (root / "methods").mkdir(parents=True)
    sources = {
        "__init__.py": "from firn.errors import FirnError\n",
        "errors.py": "class FirnError(Exception): pass\n",
        "raster.py": "import numpy\nfrom firn.errors import FirnError\n",
        "stacks.py": "from firn import raster\nfrom firn.config import Settings\n",
        "plots.py": "import firn.errors\n",
        "config.py": "Settings = 1\n",
        "methods/__init__.py": "",
        "methods/unet.py": "def build():\n    from firn import stacks\n",
    }
    for name, source in sources.items():
        (root / name).write_text(source)
    monkeypatch.setattr(cd, "PACKAGE", root)
    clear()
    yield root
    clear()


def clear() -> None:
    for function in (cd.module_path, cd.imported, cd.used_modules, cd.code_digest):
        function.cache_clear()


def script(folder: Path, source: str) -> Path:
    path = folder / "script.py"
    path.write_text(source)
    return path


def test_follows_imports_of_modules_functions_and_inside_functions(package: Path) -> None:
    path = script(package.parent, "from firn.methods.unet import build\n")
    assert cd.used_modules(path) == {
        "firn",
        "firn.errors",
        "firn.methods",
        "firn.methods.unet",
        "firn.raster",
        "firn.stacks",
    }


@pytest.mark.parametrize(
    ("edited", "changes"),
    [("raster.py", True), ("errors.py", True), ("plots.py", False), ("config.py", False)],
)
def test_changes_only_with_the_code_that_is_used(package: Path, edited: str, changes: bool) -> None:
    path = script(package.parent, "from firn.stacks import *\n")
    before = cd.code_digest(path)
    with (package / edited).open("a") as stream:
        stream.write("# edited\n")
    clear()
    assert (cd.code_digest(path) != before) is changes


def test_methods_count_where_the_package_is_used(package: Path) -> None:
    methods = ("firn.methods.unet",)
    loads = script(package.parent, "from firn.methods import load_model\n")
    other = package.parent / "other.py"
    other.write_text("import firn.errors\n")
    assert cd.code_digest(other, methods) == cd.code_digest(other)
    before = cd.code_digest(loads), cd.code_digest(loads, methods)
    assert before[0] != before[1]
    # The network uses stacks, which use this.
    (package / "raster.py").write_text("# edited\n")
    clear()
    assert cd.code_digest(loads) == before[0]
    assert cd.code_digest(loads, methods) != before[1]


def test_real_package_is_followed() -> None:
    path = Path(cd.__file__).with_name("patches.py")
    used = cd.used_modules(path)
    assert {"firn.raster", "firn.netcdf", "firn.files", "firn.errors"} <= used
    assert not used & {"firn.config", "firn.emulation.patches", "firn.methods"}
