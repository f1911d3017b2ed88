"""A server that plays the providers, and eodag told to ask it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from server import Server, configure_eodag


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as running:
        yield running


@pytest.fixture
def eodag(
    server: Server, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """Folder of eodag's configuration; the key is in the environment."""
    return configure_eodag(server, tmp_path_factory.mktemp("eodag"), monkeypatch.setenv)
