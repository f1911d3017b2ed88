"""The configuration explained: a table of every key, made from the model that checks it."""

from collections.abc import Iterator
from datetime import date
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from firn.config import Config

#: Types of single values as a user reads them.
_NAMES = {
    str: "text",
    int: "integer",
    float: "number",
    bool: "true or false",
    date: "date",
    Any: "any value",
}


def _variants(kind: Any) -> list[Any]:
    """Alternatives of a type, without the metadata of Annotated."""
    while get_origin(kind) is Annotated:
        kind = get_args(kind)[0]
    if get_origin(kind) in (Union, UnionType):
        return [variant for part in get_args(kind) for variant in _variants(part)]
    return [kind]


def type_name(kind: Any) -> str:
    """Type as a user reads it."""
    names = []
    for variant in _variants(kind):
        origin, parts = get_origin(variant), get_args(variant)
        if origin is Literal:
            names.append(" or ".join(f"`{value}`" for value in parts))
        elif origin is tuple:
            many = len(parts) == 2 and parts[1] is Ellipsis
            names.append(
                f"list of {type_name(parts[0])}" if many else f"{len(parts)} {type_name(parts[0])}s"
            )
        elif origin is dict:
            names.append(f"mapping of {type_name(parts[0])} to {type_name(parts[1])}")
        elif variant is NoneType:
            names.append("null")
        elif isinstance(variant, type) and issubclass(variant, BaseModel):
            names.append("section")
        else:
            names.append(_NAMES[variant])
    return " or ".join(dict.fromkeys(names))


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        return "null"
    if isinstance(value, tuple | list):
        return "[" + ", ".join(map(_plain, value)) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_plain(item)}" for key, item in value.items()) + "}"
    return str(value)


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    value = field.get_default(call_default_factory=True)
    return "" if isinstance(value, BaseModel) else f"`{_plain(value)}`"


def _sections(kind: Any, key: str) -> Iterator[tuple[str, type[BaseModel]]]:
    """Sections that a field holds, with the key that each is reached by."""
    for variant in _variants(kind):
        origin, parts = get_origin(variant), get_args(variant)
        if origin is dict:
            yield from _sections(parts[1], f"{key}.*")
        elif origin is tuple:
            yield from _sections(parts[0], f"{key}[]")
        elif isinstance(variant, type) and issubclass(variant, BaseModel):
            yield key, variant


def _rows(model: type[BaseModel], prefix: str) -> Iterator[tuple[str, str, str, str]]:
    for name, field in model.model_fields.items():
        key = f"{prefix}{name}"
        sections = list(_sections(field.annotation, key))
        text = field.description or " ".join((s.__doc__ or "").split("\n")[0] for _, s in sections)
        yield key, type_name(field.annotation), _default(field), text
        for section_key, section in sections:
            yield from _rows(section, f"{section_key}.")


def config_table() -> str:
    """Markdown table of every key, its type, its default and what it means.

    ``*`` stands for a name that the user chooses, ``[]`` for the entries of a list.
    """
    lines = ["| key | type | default | meaning |", "|---|---|---|---|"]
    lines += [
        f"| `{key}` | {kind} | {default} | {text} |".replace("  ", " ")
        for key, kind, default, text in _rows(Config, "")
    ]
    return "\n".join(lines) + "\n"
