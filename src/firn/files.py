"""Files that appear whole or not at all."""

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from firn.errors import DataError


@contextmanager
def atomic_path(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Give a temporary path in the target's folder and rename it to ``path`` on success.

    The temporary file lives in a folder of its own beside the target, so that side-car files which
    a driver may write go with it, and has the target's name, so that a driver sees its suffix.

    Raises
    ------
    DataError
        The disk is full or lets nothing be written.
    """
    target = Path(path)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
        try:
            temporary = folder / target.name
            yield temporary
            os.replace(temporary, target)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    except OSError as error:
        raise DataError(
            f"{target}: cannot be written ({_reason(error)}); see that its disk has space and lets "
            "you write, and call again"
        ) from error


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """Give a temporary folder on the scratch disk, ``$TMPDIR``.

    Where ``$TMPDIR`` is not there, Python by itself takes another disk, which may be too small;
    here that is an error.

    Raises
    ------
    DataError
        The scratch disk is full, not there, or was taken away.
    """
    scratch = os.environ.get("TMPDIR") or tempfile.gettempdir()
    try:
        with tempfile.TemporaryDirectory(
            prefix="firn-", dir=scratch, ignore_cleanup_errors=True
        ) as folder:
            yield Path(folder)
    except OSError as error:
        raise DataError(
            f"{scratch}: cannot be used as scratch folder ({_reason(error)}); set TMPDIR to one "
            "that is there, has space and lets you write, and call again"
        ) from error


def _reason(error: OSError) -> str:
    """Say in the words of the system what failed, or in those of a library that hides them."""
    return os.strerror(error.errno) if error.errno else str(error)


def write_text(path: str | os.PathLike[str], text: str) -> None:
    """Write a UTF-8 text file atomically."""
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: str | os.PathLike[str], content: Any) -> None:
    """Write JSON atomically, with sorted keys; NaN is refused (use None)."""
    write_text(path, json.dumps(content, indent=2, sort_keys=True, allow_nan=False) + "\n")


def read_json(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Read a JSON object.

    Raises
    ------
    DataError
        When the file is missing, not JSON or not an object.
    """
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(
            f"{path}: cannot be read as JSON ({error}); delete it and run its rule again"
        ) from error
    if not isinstance(content, dict):
        raise DataError(f"{path}: a JSON object was expected; delete it and run its rule again")
    return content


def strata_path(reference: str | os.PathLike[str]) -> Path:
    """Path of the raster of situations that may stand beside a reference raster."""
    return Path(reference).with_name(f"{Path(reference).stem}_strata.tif")
