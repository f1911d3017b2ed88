"""Model files: safetensors with the model's card as metadata. Nothing is ever unpickled."""

import json
import os
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from firn import __version__
from firn.errors import ModelError
from firn.files import atomic_path
from firn.methods.base import ModelCard, Tensors
from firn.provenance import digest

#: Metadata entries that hold JSON; the others are plain text.
_JSON_FIELDS = (
    "bands",
    "channels",
    "mean",
    "std",
    "classes",
    "architecture",
    "training",
    "provenance",
)
#: Entries, JSON too, that files of older versions lack, with the value that they stand for.
_LATER_FIELDS = {"temperature": "1.0"}


def write_tensors(
    path: str | os.PathLike[str], tensors: Tensors, metadata: Mapping[str, str]
) -> None:
    """Write a safetensors file atomically, the same bytes for the same content.

    The library writes the metadata in an order that changes from process to process, so the header
    is sorted here. Layout: 8 bytes of little-endian header length, the JSON header padded with
    spaces to a multiple of 8 bytes, the data (safetensors format description, section "Format").
    """
    content = save(tensors, metadata=dict(metadata))
    (length,) = struct.unpack("<Q", content[:8])
    header = json.loads(content[8 : 8 + length])
    text = json.dumps(header, sort_keys=True, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with atomic_path(path) as temporary:
        temporary.write_bytes(struct.pack("<Q", len(text)) + text + content[8 + length :])


def read_tensors(path: str | os.PathLike[str]) -> tuple[Tensors, dict[str, str]]:
    """Read a safetensors file: its tensors and its metadata.

    Raises
    ------
    ModelError
        The file is missing or damaged.
    """
    if not Path(path).is_file():
        raise ModelError(f"{path}: no such model file; train the model or correct the path")
    try:
        with safe_open(path, framework="numpy") as file:
            return {name: file.get_tensor(name) for name in file.keys()}, file.metadata() or {}  # noqa: SIM118
    except (SafetensorError, OSError, ValueError) as error:
        raise ModelError(
            f"{path}: is not a whole safetensors file ({error}); copy or train the model again"
        ) from error


def card_metadata(card: ModelCard) -> dict[str, str]:
    """Metadata of a card: text, with JSON where a field is not text."""
    fields: dict[str, Any] = {n: getattr(card, n) for n in (*_JSON_FIELDS, *_LATER_FIELDS)}
    metadata = {name: json.dumps(value, sort_keys=True) for name, value in fields.items()}
    metadata |= {"method": card.method, "sensor": card.sensor, "firn_version": __version__}
    return metadata | {"digest": digest(metadata)}


def card_digest(card: ModelCard) -> str:
    """Digest by which provenance names a model."""
    return card_metadata(card)["digest"]


def card_of(metadata: Mapping[str, str], path: str | os.PathLike[str]) -> ModelCard:
    """Card in the metadata of the model file ``path``.

    Raises
    ------
    ModelError
        The metadata are not those of a model that firn wrote.
    """
    try:
        whole = {**_LATER_FIELDS, **metadata}
        fields = {name: json.loads(whole[name]) for name in (*_JSON_FIELDS, *_LATER_FIELDS)}
        return ModelCard(method=metadata["method"], sensor=metadata["sensor"], **fields)
    except (KeyError, ValueError) as error:
        raise ModelError(
            f"{path}: its metadata are not those of a firn model ({error}); give a "
            "model.safetensors that firn trained"
        ) from error
