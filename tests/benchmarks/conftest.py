import pickle
from collections.abc import Callable
from typing import Any

import pytest

from benchmarks import classification, cost, emulation, growth, network, som


@pytest.fixture
def one_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Measure functions here, but as they would arrive in a process of their own.

    Such a process takes seconds to import what it needs. The benchmarks of the memory and of the
    stacks are tested with theirs.
    """

    def measure(function: Callable[..., Any], *arguments: Any) -> cost.Cost:
        return cost._measured(*pickle.loads(pickle.dumps((function, arguments))))

    for module in (classification, emulation, growth, network, som):
        monkeypatch.setattr(module, "measure", measure)
