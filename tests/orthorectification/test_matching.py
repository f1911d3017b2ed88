"""Offsets between images, and the correction that takes them away."""

import numpy as np
import pytest
from scipy import ndimage

from firn.errors import DataError
from firn.orthorectification.adjustment import adjust, distance
from firn.orthorectification.mapping import Correction
from firn.orthorectification.matching import Detail, Offsets, refine, search

SIDE = 640
HEIGHT = np.full((SIDE, SIDE), 1500, np.float32)


def texture(seed: int = 0) -> np.ndarray:
    """Structure of all sizes from two pixels on."""
    rng = np.random.default_rng(seed)
    noise = rng.standard_normal((SIDE, SIDE))
    return sum(ndimage.gaussian_filter(noise, s) * s for s in (1.2, 3, 8, 20))  # type: ignore[return-value]


def moved(values: np.ndarray, down: float, right: float) -> np.ndarray:
    return np.asarray(ndimage.shift(values, (down, right), order=5, mode="nearest"))


def everywhere(values: np.ndarray) -> Detail:
    return Detail.of(values, np.ones(values.shape, bool))


def test_search_finds_a_large_offset() -> None:
    found = search(everywhere(moved(texture(), 37, -61)), everywhere(texture()), HEIGHT)
    assert len(found) > 8
    assert set(found.down) == {37}
    assert set(found.right) == {-61}
    assert set(found.height) == {1500}


@pytest.mark.parametrize(("down", "right"), [(0.0, 0.0), (0.3, -1.6), (-2.5, 0.8)])
def test_refinement_is_good_to_a_tenth_of_a_pixel(down: float, right: float) -> None:
    found = refine(everywhere(moved(texture(), down, right)), everywhere(texture()), HEIGHT)
    assert len(found) == 12 * 12
    np.testing.assert_allclose(found.down, down, atol=0.1)
    np.testing.assert_allclose(found.right, right, atol=0.1)


def test_windows_know_where_they_are() -> None:
    """Half-overlapping windows of 96 pixels: centres at 47.5, 95.5, ..."""
    height = np.broadcast_to(np.arange(SIDE, dtype=np.float32), (SIDE, SIDE))
    found = refine(everywhere(texture()), everywhere(texture()), height)
    assert found.row[:13:12].tolist() == [47.5, 95.5]
    assert found.col[:2].tolist() == [47.5, 95.5]
    np.testing.assert_allclose(found.height, found.col)


def test_brightness_and_slow_shading_do_not_matter() -> None:
    shaded = 400 - 3 * moved(texture(), 1.0, 2.0) + np.linspace(0, 50, SIDE)
    found = refine(everywhere(-shaded), everywhere(texture()), HEIGHT)
    np.testing.assert_allclose(found.down, 1, atol=0.1)
    np.testing.assert_allclose(found.right, 2, atol=0.1)


def test_saturated_pixels_leave_no_trace() -> None:
    """Two fifths of the image are cut off at its own level, and masked: no pull towards 0."""
    reference, image = texture(), moved(texture(), 2.4, -1.7)
    level = float(np.quantile(image, 0.6))
    cut = Detail.of(np.minimum(image, level), image < level)
    found = refine(cut, everywhere(reference), HEIGHT)
    assert len(found) > 10
    assert np.median(found.down) == pytest.approx(2.4, abs=0.15)
    assert np.median(found.right) == pytest.approx(-1.7, abs=0.15)


def test_too_few_valid_pixels_make_no_window() -> None:
    valid = np.zeros((SIDE, SIDE), bool)
    valid[:, ::4] = True
    nothing = Detail.of(texture(), valid)
    assert len(refine(nothing, everywhere(texture()), HEIGHT)) == 0
    assert len(search(nothing, everywhere(texture()), HEIGHT)) == 0


def test_images_that_have_nothing_in_common_are_refused() -> None:
    found = search(everywhere(texture(1)), everywhere(texture(2)), HEIGHT)
    assert len(found) > 8
    with pytest.raises(DataError, match=r"\d of \d+ windows agree .* less cloud and snow"):
        adjust(Correction.none(), found, (SIDE, SIDE), 20)


def offsets(n: int, wrong: int = 0, seed: int = 0) -> Offsets:
    """Windows over an image of 1000 x 2000 pixels between 1000 and 3000 m.

    Down: 12 + 2 (row / 500 - 1) + 0.5 height / km; right: -8 + 3 (col / 1000 - 1).
    """
    rng = np.random.default_rng(seed)
    row, col, height = rng.uniform(0, 1000, n), rng.uniform(0, 2000, n), rng.uniform(1e3, 3e3, n)
    down = 12 + 2 * (row / 500 - 1) + 0.5 * height / 1000
    right = -8 + 3 * (col / 1000 - 1)
    down[:wrong], right[:wrong] = rng.uniform(-90, 90, (2, wrong))
    return Offsets(row, col, height, down, right)


@pytest.mark.parametrize("wrong", [0, 60])
def test_correction_is_fitted_to_the_windows_that_agree(wrong: int) -> None:
    start = Correction(np.ones((2, 4)))
    correction, agreement = adjust(start, offsets(200, wrong), (1000, 2000), 20)
    expected = np.array([[12, 2, 0, 0.5], [-8, 0, 3, 0]])
    np.testing.assert_allclose(correction.coefficients - 1, expected, atol=1e-6)
    assert agreement.windows == 200
    assert 200 - wrong <= agreement.used <= 202 - wrong
    assert agreement.rms < 1.0
    assert agreement.terms == ("shift", "row", "column", "height")


def test_rms_by_hand() -> None:
    """Offsets of 0.1 pixel up and down in turn, of pixels of 20 m: 2 m."""
    n = 12
    signs = np.where(np.arange(n) % 2, 0.1, -0.1)
    place = np.full(n, 500.0)
    _, agreement = adjust(
        Correction.none(), Offsets(place, place, place, 3 + signs, 0 * signs), (1000, 1000), 20
    )
    assert agreement.rms == pytest.approx(2.0)
    assert agreement.terms == ("shift",)


def test_distance_of_corrections_by_hand() -> None:
    """A shift of 3 and 4 pixels is 5 everywhere; 6 pixels per km are 0 at sea and 6 at 1000 m."""
    here = np.full(2, 500.0)
    windows = Offsets(here, here, np.array([0.0, 1000.0]), *np.zeros((2, 2)))
    start = np.arange(8.0).reshape(2, 4)
    shift, slope = np.zeros((2, 2, 4))
    shift[:, 0], slope[1, 3] = (3, 4), 6
    for added, expected in ((shift, 5.0), (slope, np.sqrt(6**2 / 2))):
        before, after = Correction(start), Correction(start + added)
        assert distance(before, after, windows, (1000, 1000)) == pytest.approx(expected)


def test_few_or_huddled_windows_give_a_shift_only() -> None:
    rng = np.random.default_rng(1)
    few = Offsets(*rng.uniform(0, 1000, (3, 15)), *np.ones((2, 15)))
    _, agreement = adjust(Correction.none(), few, (1000, 1000), 20)
    assert agreement.terms == ("shift",)
    corner = Offsets(
        rng.uniform(0, 300, 50), rng.uniform(0, 600, 50), np.full(50, 900.0), *np.ones((2, 50))
    )
    _, agreement = adjust(Correction.none(), corner, (1000, 2000), 20)
    assert agreement.terms == ("shift",)


def test_windows_that_agree_but_roughly_are_refused() -> None:
    """A tilt of 3 pixels that 15 windows are too few to tell."""
    with pytest.raises(DataError, match=r"agree on where the scene lies, but only to 2\.\d pixels"):
        adjust(Correction.none(), offsets(15), (1000, 2000), 20)


def test_windows_that_scatter_are_refused() -> None:
    rng = np.random.default_rng(3)
    for n in (0, 6, 200):
        place = rng.uniform(0, 1000, n)
        scattered = Offsets(place, place, place, *rng.uniform(-90, 90, (2, n)))
        with pytest.raises(DataError, match=rf"of {n} windows agree"):
            adjust(Correction.none(), scattered, (1000, 1000), 20)
