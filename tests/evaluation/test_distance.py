"""Distance of two sources of images, on windows made by hand."""

import numpy as np
import pytest

from firn.errors import DataError
from firn.evaluation.distance import Windows, area_under_roc, distance, windows_of
from firn.samples import StoredSamples

RNG = np.random.default_rng(3)


def noise(count: int, spread: float = 0.05) -> np.ndarray:
    return RNG.normal(0.3, spread, (count, 3, 32, 32)).astype(np.float32)


BLOCKS = np.arange(120) // 6


@pytest.mark.parametrize(
    ("positive", "negative", "area"),
    [
        ([3, 4], [1, 2], 1.0),
        ([1, 2], [3, 4], 0.0),
        ([1, 1], [1, 1], 0.5),
        # Of six pairs four are in order and one is a tie.
        ([2, 3], [1, 2, 4], (1 + 0.5 + 0 + 1 + 1 + 0) / 6),
    ],
)
def test_area_under_roc_by_hand(positive: list[int], negative: list[int], area: float) -> None:
    assert area_under_roc(np.array(positive, float), np.array(negative, float)) == area


def test_images_of_one_source_cannot_be_told_apart() -> None:
    result = distance(Windows(noise(120), noise(120), BLOCKS), seed=1)
    assert result["auc"] == pytest.approx(0.5, abs=0.12)
    assert result["n_windows"] == 120


def test_brighter_and_smoother_images_can() -> None:
    plain = noise(120)
    assert distance(Windows(plain, noise(120) + 0.05, BLOCKS), seed=1)["auc"] > 0.95
    # The same mean and deviation, but each pixel is half its left neighbour.
    drawn = noise(120, 0.05 * np.sqrt(2))
    smooth = (drawn + np.roll(drawn, 1, axis=-1)) / 2
    assert smooth.std() == pytest.approx(plain.std(), rel=0.02)
    assert distance(Windows(plain, smooth, BLOCKS), seed=1)["auc"] > 0.95


def test_the_same_seed_gives_the_same_distance() -> None:
    windows = Windows(noise(48), noise(48) + 0.01, BLOCKS[:48])
    assert distance(windows, seed=5) == distance(windows, seed=5)


def test_one_block_of_ground_cannot_be_split() -> None:
    with pytest.raises(DataError, match="1 block"):
        distance(Windows(noise(4), noise(4), np.zeros(4, int)), seed=1)


def samples(valid: np.ndarray, level: int) -> StoredSamples:
    """Two samples of 64 x 64 pixels of one band that saturates at 2.55, of digital number level."""
    shape = (2, 64, 64)
    return StoredSamples(
        dn=np.full((2, 1, 64, 64), level, np.uint8),
        valid=valid,
        saturation=np.full((2, 1), 2.55, np.float32),
        minimum=np.zeros((2, 1), np.float32),
        patch=np.arange(2),
        hillshade=np.full(shape, 100, np.uint8),
        label=np.zeros(shape, np.uint8),
        dem=np.zeros(shape, np.float32),
        bits=8,
    )


def test_windows_need_data_of_both_sources() -> None:
    everywhere = np.ones((2, 64, 64), np.uint8)
    holed = everywhere.copy()
    holed[1, 40, 5] = 0
    windows = windows_of(samples(everywhere, 20), samples(holed, 30), np.array([7, 9]))
    # Eight windows, less the lower left one of the second sample.
    assert windows.block.tolist() == [7, 7, 7, 7, 9, 9, 9]
    assert windows.first.shape == windows.second.shape == (7, 1, 32, 32)
    np.testing.assert_allclose(windows.first, 0.2, rtol=1e-6)
    np.testing.assert_allclose(windows.second, 0.3, rtol=1e-6)


def test_windows_lie_as_in_the_image() -> None:
    rows = samples(np.ones((2, 64, 64), np.uint8), 0)
    rows.dn[:] = np.arange(64, dtype=np.uint8)[:, None]
    windows = windows_of(rows, rows, np.array([0, 1]))
    top = [float(window[0, 0, 0]) for window in windows.first]
    np.testing.assert_allclose(top, [0, 0, 0.32, 0.32] * 2, atol=1e-6)
