"""Change detection: what burned is found, however much of the ground it is."""

import numpy as np
import pytest

from firn.cloud_removal.change import ChangeDetector
from firn.errors import DataError

BANDS, SIZE = 4, 64


def pair(burned: np.ndarray, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """An image and the same later, darker by 0.2 where it burned, both with noise."""
    rng = np.random.default_rng(seed)
    before = rng.uniform(0.1, 0.5, (BANDS, 1, 1)) + rng.normal(0, 0.01, (BANDS, SIZE, SIZE))
    after = before + rng.normal(0, 0.01, before.shape) - 0.2 * burned
    return before.astype(np.float32), after.astype(np.float32)


def burn(share: float) -> np.ndarray:
    return np.indices((SIZE, SIZE))[0] < share * SIZE


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_burned_ground_is_found_however_much_it_is(share: float) -> None:
    """The smaller cluster is what stayed where most of the ground burned."""
    burned = burn(share)
    detector = ChangeDetector.fit([pair(burned)])
    found = detector.detect(*pair(burned, seed=2))
    # A neighbourhood of four pixels cannot place an edge better than by two.
    inside = np.abs(np.indices((SIZE, SIZE))[0] - share * SIZE) > 3
    assert (found[inside] == burned[inside]).all()


def test_where_nothing_changed_nothing_is_found() -> None:
    detector = ChangeDetector.fit([pair(burn(0.5))])
    assert not detector.detect(*pair(burn(0), seed=3)).any()


def test_a_brighter_image_is_a_change_as_well() -> None:
    detector = ChangeDetector.fit([pair(burn(0.5))])
    before, after = pair(burn(0.5), seed=4)
    np.testing.assert_array_equal(detector.detect(after, before), detector.detect(before, after))


def test_specks_are_left_out() -> None:
    speck = np.zeros((SIZE, SIZE), bool)
    speck[20, 20] = True
    before, after = pair(speck, seed=5)
    after[:, 20, 20] -= 0.3
    assert not ChangeDetector.fit([pair(burn(0.5))]).detect(before, after).any()


def test_pixels_without_data_are_unknown() -> None:
    detector = ChangeDetector.fit([pair(burn(0.5))])
    before, after = pair(burn(0.5), seed=6)
    after[2, 40, 40] = np.nan
    found = detector.detect(before, after)
    # One pixel before and two after: all whose neighbourhood holds the hole.
    unknown = np.zeros((SIZE, SIZE), bool)
    unknown[38:42, 38:42] = True
    assert ((found == 255) == unknown).all()


def test_fit_leaves_out_blocks_without_data() -> None:
    before, after = pair(burn(0.5))
    holed = after.copy()
    holed[:, :32] = np.nan
    with_holes = ChangeDetector.fit([(before, after), (before, holed)])
    lower = ChangeDetector.fit([(before, after), (before[:, 32:], after[:, 32:])])
    np.testing.assert_allclose(with_holes.centres, lower.centres)


def test_without_a_difference_nothing_can_be_fitted() -> None:
    before, _ = pair(burn(0.5))
    for after in (before, np.full_like(before, np.nan)):
        with pytest.raises(DataError, match="no block that differs"):
            ChangeDetector.fit([(before, after)])


def test_components_are_those_of_the_covariance() -> None:
    """Components are orthonormal, and hold as much of the spread as any three directions can."""
    before, after = pair(burn(0.4))
    detector = ChangeDetector.fit([(before, after)])
    np.testing.assert_allclose(detector.components @ detector.components.T, np.eye(3), atol=1e-9)
    blocks = np.abs(after - before).reshape(BANDS, 16, 4, 16, 4).transpose(1, 3, 0, 2, 4)
    features = blocks.reshape(256, -1).astype(np.float64)
    largest = np.linalg.svd(features - features.mean(axis=0), compute_uv=False)[:3]
    kept = (features - detector.mean) @ detector.components.T
    np.testing.assert_allclose(np.linalg.norm(kept, axis=0), largest, rtol=1e-6)


def test_a_detector_survives_being_written() -> None:
    detector = ChangeDetector.fit([pair(burn(0.4))])
    again = ChangeDetector.from_dict(detector.as_dict())
    images = pair(burn(0.4), seed=7)
    np.testing.assert_array_equal(again.detect(*images), detector.detect(*images))
