"""Mean and standard deviation, gathered piece by piece."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]


@dataclass
class Moments:
    """Running count, sum and sum of squares of rows of values.

    A row may be a channel, so that the moments of all channels are gathered at once.
    """

    count: int = 0
    total: FloatArray | float = 0.0
    squares: FloatArray | float = 0.0

    def add(self, values: npt.NDArray[Any]) -> None:
        """Add values along the last axis, (..., value)."""
        exact = values.astype(np.float64)
        self.count += exact.shape[-1]
        self.total = self.total + exact.sum(axis=-1)
        self.squares = self.squares + np.square(exact).sum(axis=-1)

    def mean(self) -> FloatArray:
        """Mean of each row; there must be a value."""
        return np.asarray(self.total / self.count)

    def std(self) -> FloatArray:
        """Give the population standard deviation of each row; there must be a value."""
        return np.sqrt(np.maximum(self.squares / self.count - self.mean() ** 2, 0))
