"""Where an artefact comes from: written into every file that firn makes."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel

from firn import __version__


def canonical(content: Any) -> str:
    """Canonical JSON of plain data or of pydantic models, wherever they are nested."""
    return json.dumps(
        content,
        sort_keys=True,
        separators=(",", ":"),
        default=lambda o: o.model_dump(mode="json") if isinstance(o, BaseModel) else str(o),
    )


def digest(content: Any) -> str:
    """First 16 hexadecimal digits of the SHA-256 of the canonical JSON of ``content``."""
    return hashlib.sha256(canonical(content).encode()).hexdigest()[:16]


def provenance(
    sources: Sequence[str], settings: Mapping[str, Any] | BaseModel | None = None
) -> dict[str, Any]:
    """Provenance block of an artefact: firn's version, its sources and the digest of its settings.

    It holds no time of day: the same inputs give the same bytes.
    """
    return {
        "firn_version": __version__,
        "sources": sorted(sources),
        "settings_digest": digest(settings if settings is not None else {}),
    }
