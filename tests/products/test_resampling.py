"""Change of resolution within a tile."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rasterio.crs import CRS

from firn.grid import Grid
from firn.products.resampling import any_to_grid, kernel, to_grid, to_half

NODATA, SATURATED = 0, 65535


def test_kernel() -> None:
    assert [kernel(10, 20), kernel(20, 20), kernel(30, 20), kernel(60, 20)] == [
        "bilinear",
        "bilinear",
        "cubic",
        "cubic",
    ]


@given(
    st.integers(1, 80),
    st.integers(1, 9),
    st.sampled_from([0.0, 0.02, 0.5]),
    st.integers(0, 2**32 - 1),
)
def test_half_is_what_gdal_makes_of_it(height: int, width: int, share: float, seed: int) -> None:
    """Where GDAL gives a value, it is the same; it gives none where one certain pixel has none."""
    rng = np.random.default_rng(seed)
    numbers = rng.integers(1, 32768, (2 * height, 2 * width)).astype(np.uint16)
    numbers[rng.random(numbers.shape) < share] = NODATA
    numbers[rng.random(numbers.shape) < share] = SATURATED
    fine = Grid.from_bounds(CRS.from_epsg(32632), 0, 0, 20 * width, 20 * height, 10)
    coarse = fine.with_resolution(20)
    mean, flags = to_half(numbers, NODATA, SATURATED)

    used = (numbers != NODATA) & (numbers != SATURATED)
    expected = to_grid(np.where(used, numbers, np.nan), fine, coarse)
    judged = np.isfinite(expected)
    np.testing.assert_allclose(mean[judged], expected[judged], rtol=1e-5)
    own = used.reshape(height, 2, width, 2).any(axis=(1, 3))
    np.testing.assert_array_equal(np.isfinite(mean), own)
    np.testing.assert_array_equal(flags, any_to_grid(numbers == SATURATED, fine, coarse))


def test_half_beside_the_border_and_beside_no_data() -> None:
    """Weights 3, 3, 1 of 7 along the border; without the first column, 3 and 1 of 4."""
    numbers = np.array([[100, 200, 400, 800]] * 2, np.uint16)
    mean, _ = to_half(numbers, NODATA, SATURATED)
    assert mean[0].tolist() == pytest.approx([1300 / 7, (200 + 3 * 400 + 3 * 800) / 7])
    numbers[:, 0] = NODATA
    mean, _ = to_half(numbers, NODATA, SATURATED)
    assert mean[0].tolist() == pytest.approx([(3 * 200 + 400) / 4, 3800 / 7])
    numbers[:, 1] = NODATA
    mean, _ = to_half(numbers, NODATA, SATURATED)
    assert np.isnan(mean[0, 0])
    assert mean[0, 1] == pytest.approx((3 * 400 + 3 * 800) / 6)
