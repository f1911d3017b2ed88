"""Digest of the library code that a script uses, so that a workflow knows when to run it again.

Snakemake sees that a script has changed, but not that a module which it imports has. The rules
therefore carry this digest among their parameters. Only the standard library is used, and nothing
is imported: the import statements are read from the source.
"""

import ast
import hashlib
import os
from functools import cache
from pathlib import Path

PACKAGE = Path(__file__).parent

#: What these decide reaches a rule as its parameters and paths, and Snakemake compares those.
#: Counting them too would train every model again when a configuration key is added.
CONFIGURATION = frozenset(
    {
        "firn.config",
        "firn.config_section",
        "firn.companions_config",
        "firn.clouddl_config",
        "firn.cloud_removal_config",
        "firn.cloud_removal_training_config",
        "firn.simulation_config",
        "firn.catalogue",
    }
)


@cache
def module_path(module: str) -> Path | None:
    """Source of a module of firn by its dotted name; None where there is no such module."""
    base = PACKAGE.joinpath(*module.split(".")[1:])
    for path in (base.with_suffix(".py"), base / "__init__.py"):
        if module.split(".")[0] == PACKAGE.name and path.is_file():
            return path
    return None


@cache
def imported(path: Path) -> frozenset[str]:
    """Modules of firn that a source file imports, anywhere in it, with the packages they lie in."""
    names: set[str] = set()
    nodes: list[ast.AST] = [ast.parse(path.read_bytes())]
    for node in nodes:
        # No expression holds an import, and they are most of the source.
        nodes += [c for c in ast.iter_child_nodes(node) if not isinstance(c, ast.expr)]
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module)
            # `from firn import raster` imports a module, `from firn.raster import read` a function.
            names.update(f"{node.module}.{alias.name}" for alias in node.names)
    parts = [name.split(".") for name in names]
    packages = {".".join(part[:end]) for part in parts for end in range(1, len(part) + 1)}
    return frozenset(name for name in packages if module_path(name))


@cache
def used_modules(script: Path) -> frozenset[str]:
    """Modules of firn that a script uses, directly or not, the configuration left out."""
    found: set[str] = set()
    waiting = [script]
    while waiting:
        new = imported(waiting.pop()) - found - CONFIGURATION
        found |= new
        waiting += [path for name in new if (path := module_path(name))]
    return frozenset(found)


@cache
def code_digest(script: str | os.PathLike[str], methods: tuple[str, ...] = ()) -> str:
    """First 16 hexadecimal digits of the SHA-256 of the modules of firn that ``script`` uses.

    Parameters
    ----------
    script : path
    methods : tuple of str
        Modules of methods that it may come to use: `firn.methods` imports them by their names.
    """
    used = used_modules(Path(script))
    if "firn.methods" in used:
        for module in methods:
            path = module_path(module)
            assert path is not None
            used |= {module} | used_modules(path)
    total = hashlib.sha256()
    for name in sorted(used):
        path = module_path(name)
        assert path is not None
        total.update(f"{name}\0{hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    return total.hexdigest()[:16]
