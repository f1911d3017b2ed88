"""The LIS algorithm on arrays."""

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rasterio.crs import CRS
from rasterio.transform import Affine
from rasterio.warp import Resampling, reproject

from firn.config import SnowMapSettings
from firn.snow_reference import coarse_mean, ndsi, snow_line, snow_map

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
    limits = SnowMapSettings()
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
    assert snow_line(DEM, first, ALL) == 1450
    codes = snow_map(green, red, swir, DEM, clear(), ALL)
    assert (codes[:10, 6:] == 100).all()
    assert (codes[:10, :6] == 0).all()
    assert (codes[10:, :5] == 0).all()
    assert (codes[10:, 5:] == 100).all()


def test_the_snow_line_is_never_below_the_lowest_band() -> None:
    snow = np.zeros(SHAPE, bool)
    snow[:, 1:] = True
    assert snow_line(DEM, snow, ALL) == 1050


def test_bands_need_enough_clear_pixels_and_enough_snow() -> None:
    """Of 20 pixels a band: 2 snowy are 10 %, not more; 3 are. 2 clear ones are too few as well."""
    snow = np.zeros(SHAPE, bool)
    snow[:2, 5] = True
    snow[:3, 7] = True
    assert snow_line(DEM, snow, ALL) == 1050 + (7 - 2) * 100
    cloudy = ALL.copy()
    cloudy[2:, 7] = False
    assert snow_line(DEM, snow, cloudy) is None
    cloudy[2, 7] = True
    assert snow_line(DEM, snow, cloudy) == 1550


def test_the_bands_share_the_relief() -> None:
    """900 m of relief are 9 bands: 1850 and 1950 m share the last, 3 of its 40 are < 10 %."""
    snow = np.zeros(SHAPE, bool)
    snow[:3, 9] = True
    assert snow_line(DEM, snow, ALL) is None
    snow[:2, 8] = True
    assert snow_line(DEM, snow, ALL) == 1050 + (8 - 2) * 100


def test_bands_are_higher_where_dz_does_not_divide_the_relief() -> None:
    """350 m are 3 bands of 116.7 m; the line lies dz / 2 below the centre of one, rounded down.

    Snow in the lowest band, or the next two: 1000 + 58.3 - 50 = 1008.3.
    """
    dem = np.repeat(np.array([1000.0, 1116, 1117, 1233, 1234, 1350])[np.newaxis], 4, axis=0)
    for columns in ([0], [1], [2], [3], [4], [5]):
        snow = np.zeros(dem.shape, bool)
        snow[:, columns] = True
        assert snow_line(dem, snow, np.ones(dem.shape, bool)) == 1008
    dem = np.concatenate([dem, dem + 350], axis=1)
    # 700 m are 7 bands of 100 m; 1466 m is in the fifth of them, whose second below is 1200 m.
    snow = np.zeros(dem.shape, bool)
    snow[:, 7] = True
    assert snow_line(dem, snow, np.ones(dem.shape, bool)) == 1200


@pytest.mark.parametrize("relief, expected", [(99.0, None), (100.0, 1000.0)])
def test_flat_ground_has_no_snow_line(relief: float, expected: float | None) -> None:
    dem = np.array([[1000.0, 1000.0 + relief]])
    everywhere = np.ones(dem.shape, bool)
    assert snow_line(dem, everywhere, everywhere) == expected


def test_pixels_without_elevation_are_in_no_band() -> None:
    dem = DEM.copy()
    dem[:, :3] = np.nan
    snow = ALL.copy()
    assert snow_line(dem, snow, ALL) == 1350
    assert snow_line(np.full(SHAPE, np.nan), snow, ALL) is None


def test_pixels_without_data_count_as_clear_and_free_of_snow() -> None:
    """2 snowy pixels of 20 are too few, whether the other 18 are soil or without data."""
    green, red, swir = scene(((slice(0, 2), slice(4, 5)), SNOW), ((slice(2, 4), ROWS), FAINT_SNOW))
    valid = ALL.copy()
    valid[4:, 4] = False
    assert (snow_map(green, red, swir, DEM, clear(), valid)[2:4] == 0).all()
    # Under cloud, they are not clear: of the 4 that are, 2 are snowy.
    clm = clear()
    clm[4:, 4] = 2
    codes = snow_map(green, red, swir, DEM, clm, valid)
    assert (codes[2:4, 3:] == 100).all()
    assert (codes[2:4, :3] == 0).all()


def test_hardly_any_snow_gives_no_second_pass() -> None:
    """0.1 % of the valid pixels is not more than 0.1 %."""
    dem = np.tile(DEM, (50, 1))
    snow = np.zeros(dem.shape, bool)
    everywhere = np.ones(dem.shape, bool)
    snow.ravel()[:10] = True
    assert snow.mean() == 0.001
    limits = SnowMapSettings(fsnow_lim=0)
    assert snow_line(dem, snow, everywhere, limits) is None
    snow.ravel()[10] = True
    assert snow_line(dem, snow, everywhere, limits) is not None


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


@pytest.mark.parametrize("bit", [1, 2, 4, 8, 16])
def test_any_other_bit_is_cloud_that_can_be_released(bit: int) -> None:
    """Bright enough for pass 1, but masked: with the line found elsewhere, pass 2 takes it."""
    clm = clear()
    clm[10:] = bit
    green, red, swir = scene(((slice(0, 10), ROWS), SNOW), ((slice(10, 20), ROWS), FAINT_SNOW))
    settings = SnowMapSettings(red_darkcloud=1)
    codes = snow_map(green, red, swir, DEM, clm, ALL, settings)
    assert (codes[10:, 1:] == 100).all()
    # The lowest column is not above the line; its red of 0.10 does not exceed 0.1.
    assert (codes[10:, 0] == 0).all()
    assert (snow_map(green, red, swir, DEM, clm, ALL)[10:12] == 205).all()


def test_thresholds_are_exceeded_not_reached() -> None:
    """Pass 1: NDSI 0.4 and red 0.2; pass 2: NDSI 0.15 and red 0.04, in halves that are exact."""
    halves = SnowMapSettings(ndsi_pass1=0.5, red_pass1=0.25, ndsi_pass2=0.25, red_pass2=0.125)
    green, red, swir = scene(
        ((slice(0, 10), ROWS), SNOW),
        ((slice(10, 11), ROWS), (0.75, 0.5, 0.25)),  # NDSI 0.5
        ((slice(11, 12), ROWS), (1.0, 0.25, 0.25)),  # NDSI 0.6, red 0.25
        ((slice(12, 13), ROWS), (0.625, 0.5, 0.375)),  # NDSI 0.25
        ((slice(13, 14), ROWS), (1.0, 0.125, 0.25)),  # NDSI 0.6, red 0.125
    )
    # The line is found at 1050 m: only the lowest column is left to the first pass.
    codes = snow_map(green, red, swir, DEM, clear(), ALL, halves)
    assert (codes[:10] == 100).all()
    assert (codes[10:12, 0] == 0).all()
    assert (codes[10:12, 1:] == 100).all()
    assert (codes[12:14] == 0).all()


def test_no_snow_at_all() -> None:
    """Faint snow everywhere is none without a line; the cloud mask is refined all the same."""
    clm = clear()
    clm[5:10] = 2
    clm[10:15] = 32
    green, red, swir = scene(((ROWS, ROWS), FAINT_SNOW), ((slice(7, 10), ROWS), SOIL))
    codes = snow_map(green, red, swir, DEM, clm, ALL)
    assert (codes[:7] == 0).all()
    assert (codes[7:10] == 205).all()
    assert (codes[10:15] == 205).all()
    assert (codes[15:] == 0).all()


def test_cloud_is_judged_by_the_mean_red_around_it() -> None:
    """Bright left half, dark right half, blocks of 12 pixels.

    A tent of half-width 12 over the centre of the left block weighs its own 12 columns with 9 and
    the next 6 with 1.5: 0.6 x 9 / 10.5 = 0.514 on the left, 0.6 x 1.5 / 10.5 = 0.086 on the right.
    """
    red = np.zeros((24, 24), np.float32)
    red[:, :12] = 0.6
    around = coarse_mean(red, np.ones(red.shape, bool), 12)
    np.testing.assert_allclose(around[:, :12], 0.6 * 9 / 10.5, rtol=1e-5)
    np.testing.assert_allclose(around[:, 12:], 0.6 * 1.5 / 10.5, rtol=1e-5)

    red[5, 5], red[5, 18], red[6, 18] = 0.05, 0.11, 0.1
    green = swir = np.full(red.shape, 0.3, np.float32)
    clm = np.full(red.shape, 2, np.uint8)
    codes = snow_map(green, red, swir, np.zeros(red.shape), clm, np.ones(red.shape, bool))
    # A dark pixel among bright ones stays cloud; among dark ones only a bright pixel does.
    assert (codes[:, :12] == 205).all()
    assert codes[5, 18] == 205
    assert (np.delete(codes[:, 12:].ravel(), 5 * 12 + 6) == 0).all()


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


@pytest.mark.parametrize("shape", [(36, 60), (30, 41), (25, 23)])
def test_coarse_mean_is_gdal_bilinear_down_and_nearest_up(shape: tuple[int, int]) -> None:
    """Sides that 12 does not divide have fewer, slightly larger blocks."""
    values = np.random.default_rng(3).random(shape).astype(np.float32)
    height, width = (side // 12 for side in shape)
    fine = Affine(20, 0, 0, 0, -20, 0)
    wide = Affine(20 * shape[1] / width, 0, 0, 0, -20 * shape[0] / height, 0)
    crs = CRS.from_epsg(32632)
    coarse = np.empty((height, width), np.float32)
    place = {"src_crs": crs, "dst_crs": crs}
    reproject(
        values,
        coarse,
        src_transform=fine,
        dst_transform=wide,
        resampling=Resampling.bilinear,
        **place,
    )
    expected = np.empty(shape, np.float32)
    reproject(
        coarse,
        expected,
        src_transform=wide,
        dst_transform=fine,
        resampling=Resampling.nearest,
        **place,
    )
    got = coarse_mean(values, np.ones(shape, bool), 12)
    np.testing.assert_allclose(got, expected, atol=1e-5)


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
