"""The LIS algorithm on arrays."""

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rasterio.crs import CRS
from rasterio.transform import Affine
from rasterio.warp import Resampling, reproject

from firn.snow_reference import LisParameters, coarse_mean, ndsi, snow_line, snow_map

#: One column per 100 m of elevation, 1000 to 1900 m, and 20 rows.
DEM = np.repeat(np.arange(1050.0, 2050, 100)[np.newaxis], 20, axis=0)
SHAPE = DEM.shape
ALL = np.ones(SHAPE, bool)

#: green, red, swir of surfaces: NDSI 0.8, 0.30, 0.1, and -0.3.
SNOW = 0.9, 0.8, 0.1
FAINT_SNOW = 0.13, 0.10, 0.07
NOT_SNOW = 0.11, 0.10, 0.09
SOIL = 0.14, 0.18, 0.26


def scene(
    *parts: tuple[tuple[slice, slice], tuple[float, float, float]],
) -> tuple[npt.NDArray[np.float32], ...]:
    """Soil with parts of another surface."""
    bands = [np.full(SHAPE, value, np.float32) for value in SOIL]
    for where, values in parts:
        for band, value in zip(bands, values, strict=True):
            band[where] = value
    return tuple(bands)


def clear() -> npt.NDArray[np.uint8]:
    return np.zeros(SHAPE, np.uint8)


ROWS = slice(None)


def test_published_defaults() -> None:
    limits = LisParameters()
    assert (limits.ndsi_pass1, limits.red_pass1) == (0.4, 0.2)
    assert (limits.ndsi_pass2, limits.red_pass2) == (0.15, 0.04)
    assert (limits.dz, limits.fsnow_lim, limits.fclear_lim) == (100, 0.1, 0.1)
    assert (limits.fsnow_total_lim, limits.red_block) == (0.001, 12)
    assert (limits.red_darkcloud, limits.red_backtocloud) == (0.3, 0.1)


def test_ndsi() -> None:
    np.testing.assert_allclose(
        ndsi(np.array([0.9, 0.1, 0.0]), np.array([0.1, 0.3, 0.0])), [0.8, -0.5, np.nan]
    )


def test_second_pass_begins_two_bands_below_the_lowest_snowy_one() -> None:
    """Snow from band 6 (1650 m) on: the line lies at the foot of band 4, 1050 + 400 m.

    Faint snow counts above 1450 m, that is from the column at 1550 m on (1450 is not above 1450).
    """
    green, red, swir = scene(
        ((slice(0, 10), slice(6, None)), SNOW), ((slice(10, 20), ROWS), FAINT_SNOW)
    )
    first = (red > 0.2) & (green > 0.5)
    assert snow_line(DEM, first, ALL, ALL) == 1450
    codes = snow_map(green, red, swir, DEM, clear(), ALL)
    assert (codes[:10, 6:] == 100).all()
    assert (codes[:10, :6] == 0).all()
    assert (codes[10:, :5] == 0).all()
    assert (codes[10:, 5:] == 100).all()


def test_the_snow_line_is_never_below_the_lowest_band() -> None:
    snow = np.zeros(SHAPE, bool)
    snow[:, 1:] = True
    assert snow_line(DEM, snow, ALL, ALL) == 1050


def test_bands_need_enough_clear_pixels_and_enough_snow() -> None:
    """Of 20 pixels a band: 2 snowy are 10 %, not more; 3 are. 2 clear ones are too few as well."""
    snow = np.zeros(SHAPE, bool)
    snow[:2, 5] = True
    snow[:3, 7] = True
    assert snow_line(DEM, snow, ALL, ALL) == 1050 + (7 - 2) * 100
    cloudy = ALL.copy()
    cloudy[2:, 7] = False
    assert snow_line(DEM, snow, cloudy, ALL) is None
    cloudy[2, 7] = True
    assert snow_line(DEM, snow, cloudy, ALL) == 1550


def test_the_highest_band_holds_the_remainder_above_it() -> None:
    """900 m of relief are 9 bands: 1850 and 1950 m share the last, 3 of its 40 are < 10 %."""
    snow = np.zeros(SHAPE, bool)
    snow[:3, 9] = True
    assert snow_line(DEM, snow, ALL, ALL) is None
    snow[:2, 8] = True
    assert snow_line(DEM, snow, ALL, ALL) == 1050 + (8 - 2) * 100


def test_hardly_any_snow_gives_no_second_pass() -> None:
    """0.1 % of the valid pixels is not more than 0.1 %."""
    dem = np.tile(DEM, (50, 1))
    snow = np.zeros(dem.shape, bool)
    everywhere = np.ones(dem.shape, bool)
    snow.ravel()[:10] = True
    assert snow.mean() == 0.001
    limits = LisParameters(fsnow_lim=0)
    assert snow_line(dem, snow, everywhere, everywhere, limits) is None
    snow.ravel()[10] = True
    assert snow_line(dem, snow, everywhere, everywhere, limits) is not None


def test_thresholds_of_both_passes() -> None:
    green, red, swir = scene(
        ((slice(0, 10), ROWS), SNOW),
        ((slice(10, 12), ROWS), NOT_SNOW),
        ((slice(12, 14), ROWS), (0.045, 0.039, 0.02)),
        ((slice(14, 16), ROWS), (0.045, 0.041, 0.02)),
    )
    codes = snow_map(green, red, swir, DEM, clear(), ALL)
    assert (codes[:10] == 100).all()
    assert (codes[10:14] == 0).all()
    # The line lies at 1050 m: the lowest column is not above it, and red is too dark for pass 1.
    assert (codes[14:16, 0] == 0).all()
    assert (codes[14:16, 1:] == 100).all()
    assert (codes[16:] == 0).all()


def test_dark_cloud_mask_is_released_to_snow_or_ground() -> None:
    """Cloud in dark surroundings: snow above the line, cloud if its red exceeds 0.1, else 0."""
    clm = clear()
    clm[10:] = 2
    green, red, swir = scene(
        ((slice(0, 10), ROWS), (0.5, 0.21, 0.1)),
        ((slice(10, 14), ROWS), FAINT_SNOW),
        ((slice(14, 17), ROWS), (0.10, 0.09, 0.12)),
        ((slice(17, 20), ROWS), (0.14, 0.12, 0.26)),
    )
    codes = snow_map(green, red, swir, DEM, clm, ALL)
    assert (codes[10:14, 1:] == 100).all()
    assert (codes[14:17] == 0).all()
    assert (codes[17:] == 205).all()


@pytest.mark.parametrize("bit", [32, 64, 128])
def test_shadows_and_high_clouds_stay_cloud(bit: int) -> None:
    clm = clear()
    clm[10:] = 1 | bit
    green, red, swir = scene(((slice(0, 20), ROWS), SNOW))
    codes = snow_map(green, red, swir, DEM, clm, ALL)
    assert (codes[:10] == 100).all()
    assert (codes[10:] == 205).all()


def test_cloud_in_bright_surroundings_stays_cloud() -> None:
    clm = clear()
    clm[10:] = 2
    green, red, swir = scene(((slice(0, 20), ROWS), SNOW))
    assert (snow_map(green, red, swir, DEM, clm, ALL)[10:] == 205).all()


def test_no_data() -> None:
    valid = ALL.copy()
    valid[:, 3] = False
    green, red, swir = scene(((ROWS, slice(6, None)), SNOW))
    codes = snow_map(
        np.where(valid, green, np.nan), np.where(valid, red, np.nan), swir, DEM, clear(), valid
    )
    assert (codes[:, 3] == 254).all()
    assert (np.delete(codes, 3, axis=1) != 254).all()
    nowhere = np.zeros(SHAPE, bool)
    assert (snow_map(green, red, swir, DEM, clear(), nowhere) == 254).all()


def test_coarse_mean_is_gdal_bilinear_down_and_nearest_up() -> None:
    values = np.random.default_rng(3).random((36, 60)).astype(np.float32)
    valid = np.ones(values.shape, bool)
    coarse = np.empty((3, 5), np.float32)
    grid = {"crs": CRS.from_epsg(32632)}
    reproject(
        values,
        coarse,
        src_transform=Affine(20, 0, 0, 0, -20, 0),
        src_crs=grid["crs"],
        dst_transform=Affine(240, 0, 0, 0, -240, 0),
        dst_crs=grid["crs"],
        resampling=Resampling.bilinear,
    )
    expected = np.repeat(np.repeat(coarse, 12, axis=0), 12, axis=1)
    np.testing.assert_allclose(coarse_mean(values, valid, 12), expected, atol=1e-5)


@given(
    st.integers(1, 40),
    st.integers(1, 40),
    st.integers(1, 13),
    st.floats(0.0, 1.0),
    st.integers(0, 9),
)
def test_coarse_mean_of_a_constant_is_the_constant(
    height: int, width: int, block: int, value: float, seed: int
) -> None:
    valid = np.random.default_rng(seed).random((height, width)) < 0.7
    values = np.where(valid, value, np.nan)
    coarse = coarse_mean(values, valid, block)
    assert coarse.shape == (height, width)
    np.testing.assert_allclose(coarse[np.isfinite(coarse)], value, atol=1e-5)
    assert np.isfinite(coarse).any() == valid.any()
