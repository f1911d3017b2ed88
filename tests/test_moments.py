"""Mean and standard deviation, gathered piece by piece."""

import numpy as np

from firn.moments import Moments


def test_pieces_by_hand() -> None:
    """1, 3 and 5, 7: mean 4, variance (9 + 1 + 1 + 9) / 4 = 5; the other row is constant."""
    moments = Moments()
    for piece in ([[1, 3], [2, 2]], [[5, 7], [2, 2]]):
        moments.add(np.array(piece, np.uint8))
    assert moments.count == 4
    np.testing.assert_allclose(moments.mean(), [4, 2])
    np.testing.assert_allclose(moments.std(), [np.sqrt(5), 0])


def test_one_row_gives_numbers() -> None:
    moments = Moments()
    moments.add(np.array([2.0, 4.0]))
    assert (float(moments.mean()), float(moments.std())) == (3, 1)
