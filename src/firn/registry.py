"""The methods that there are: every module of `firn.methods` that says so.

Such a module states in its first lines the name that configurations and model files know the method
by, and what makes a model of it:

``METHOD = "unet"``
``MADE_BY = "train"``

A method that does not tell all classes apart says which it does, ``TELLS = "cloud"`` or
``TELLS = "snow"``: its maps are judged on cloud alone, or on snow where there is no cloud.

``train`` are the rules that train a network by gradient descent, ``fit`` is the rule that looks at
the training pixels once; another word names a rule of the method's own. The module holds the
method's one class. Only these lines are read here, for the Snakefile asks for them, and to import a
network takes seconds.
"""

import ast
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from firn.errors import ModelError

#: Where the modules are.
FOLDER = Path(__file__).with_name("methods")
#: What maps may tell: snow, cloud and ground; cloud; snow where there is no cloud.
TELLS = ("classes", "cloud", "snow")


@dataclass(frozen=True)
class Method:
    """What a module says of its method.

    Parameters
    ----------
    name : str
        As in configurations, model files and names of experiments.
    made_by : str
        Rule of the workflow that makes a model.
    module : str
        Dotted name of the module.
    tells : str
        What its maps are judged on: ``classes``, or only ``cloud`` or ``snow``.
    """

    name: str
    made_by: str
    module: str
    tells: str = "classes"


@cache
def known_methods() -> dict[str, Method]:
    """Every method by its name, in the order of the names.

    Raises
    ------
    ModelError
        A module gives no rule that makes its models, or the name of another's method.
    """
    found: dict[str, Method] = {}
    for path in sorted(FOLDER.glob("*.py")):
        stated = _stated(path)
        if "METHOD" not in stated:
            continue
        if "MADE_BY" not in stated:
            raise ModelError(
                f'{path}: states a METHOD, but not what it is MADE_BY ("train", "fit")'
            )
        tells = stated.get("TELLS", "classes")
        if tells not in TELLS:
            raise ModelError(f"{path}: TELLS {tells}, which is none of {', '.join(TELLS)}")
        method = Method(stated["METHOD"], stated["MADE_BY"], f"firn.methods.{path.stem}", tells)
        if method.name in found:
            raise ModelError(
                f"{path}: {method.name} is the METHOD of {found[method.name].module} too; "
                "give it another name"
            )
        found[method.name] = method
    return dict(sorted(found.items()))


def known_method(name: str) -> Method:
    """Give a method by its name; `ModelError` that names all where there is none such."""
    methods = known_methods()
    if name not in methods:
        raise ModelError(f"method {name}: unknown; firn knows {', '.join(methods)}")
    return methods[name]


def _stated(path: Path) -> dict[str, str]:
    """Texts that a module assigns to names, outside of functions and classes."""
    text = path.read_text(encoding="utf-8")
    if "METHOD = " not in text:
        return {}
    return {
        target.id: node.value.value
        for node in ast.parse(text).body
        if isinstance(node, ast.Assign)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
