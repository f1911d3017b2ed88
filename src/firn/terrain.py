"""Relief: hillshade, incidence, cast shadow, and the pixels that no map is judged on."""

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float32]

#: Bits of the exclusion raster.
FOREST = 1
WATER = 2


def gradient(dem: FloatArray, resolution: float) -> tuple[FloatArray, FloatArray]:
    """Slope components by Horn's 3 x 3 weights (Horn 1981, Proc. IEEE 69, 14-47).

    Parameters
    ----------
    dem : ndarray, (y, x), metres
    resolution : float
        Pixel size in metres.

    Returns
    -------
    east, north : ndarray, (y, x)
        Rise per metre towards east and towards north. The border uses replicated elevations.
    """
    padded = np.pad(dem, 1, mode="edge").astype(np.float32)
    top, middle, bottom = padded[:-2], padded[1:-1], padded[2:]
    east = (top[:, 2:] + 2 * middle[:, 2:] + bottom[:, 2:]) - (
        top[:, :-2] + 2 * middle[:, :-2] + bottom[:, :-2]
    )
    north = (top[:, :-2] + 2 * top[:, 1:-1] + top[:, 2:]) - (
        bottom[:, :-2] + 2 * bottom[:, 1:-1] + bottom[:, 2:]
    )
    scale = np.float32(1 / (8 * resolution))
    return east * scale, north * scale


def illumination(
    dem: FloatArray, resolution: float, sun_zenith: float, sun_azimuth: float
) -> FloatArray:
    """Cosine of the sun's incidence on the slope, negative where it faces away.

    Parameters
    ----------
    dem : ndarray, (y, x), metres
    resolution : float
        Pixel size in metres.
    sun_zenith, sun_azimuth : float
        Degrees; azimuth clockwise from north.
    """
    east, north = gradient(dem, resolution)
    zenith, azimuth = np.radians(sun_zenith), np.radians(sun_azimuth)
    towards_sun = np.sin(zenith) * (np.sin(azimuth) * east + np.cos(azimuth) * north)
    cosine = (np.cos(zenith) - towards_sun) / np.sqrt(1 + east**2 + north**2)
    return np.asarray(cosine, np.float32)


def hillshade(
    dem: FloatArray, resolution: float, sun_zenith: float, sun_azimuth: float
) -> npt.NDArray[np.uint8]:
    """Hillshade 1-255 as ``gdaldem hillshade -alg Horn``; 0 where the DEM is NaN.

    GDAL's scale is ``1 + 254 * max(cos(incidence), 0)``, rounded to the nearest integer.
    """
    cosine = illumination(dem, resolution, sun_zenith, sun_azimuth)
    shade = np.floor(1.5 + 254 * np.maximum(np.nan_to_num(cosine), 0))
    return np.where(np.isnan(cosine) | np.isnan(dem), 0, shade).astype(np.uint8)


def cast_shadow(
    dem: FloatArray, resolution: float, sun_zenith: float, sun_azimuth: float
) -> npt.NDArray[np.bool_]:
    """Where higher ground hides the sun.

    The relief is swept towards the sun in steps of one pixel; a pixel is in shadow where the
    terrain at distance ``d`` rises above the ray, ``z(d) > z + d / tan(zenith)``. The sweep ends
    where the ray has passed the highest point of the scene.

    Parameters
    ----------
    dem : ndarray, (y, x), metres
        NaN counts as the lowest ground.
    resolution : float
        Pixel size in metres.
    sun_zenith, sun_azimuth : float
        Degrees.
    """
    height = np.nan_to_num(dem, nan=float(np.nanmin(dem))).astype(np.float32)
    shadow = np.zeros(dem.shape, bool)
    rise = resolution / np.tan(np.radians(min(max(sun_zenith, 0.5), 89.0)))
    azimuth = np.radians(sun_azimuth)
    relief = float(height.max() - height.min())
    steps = min(int(relief / rise), max(dem.shape)) + 1
    reach = steps + 2
    padded = np.pad(height, reach, mode="edge")
    for step in range(1, steps):
        # Sampling the sweep ever more sparsely with distance loses nothing: terrain that throws a
        # long shadow is itself several pixels wide.
        if step > 16 and step % (step // 16):
            continue
        row, col = reach - step * np.cos(azimuth), reach + step * np.sin(azimuth)
        shadow |= _shifted(padded, row, col, height.shape) > height + step * rise
    return shadow


def _shifted(padded: FloatArray, row: float, col: float, shape: tuple[int, int]) -> FloatArray:
    """Bilinear view of ``padded`` whose upper-left pixel is at a fractional (row, col)."""
    top, left = int(np.floor(row)), int(np.floor(col))
    down, right = np.float32(row - top), np.float32(col - left)
    height, width = shape

    def part(r: int, c: int) -> FloatArray:
        return padded[top + r : top + r + height, left + c : left + c + width]

    upper = part(0, 0) + right * (part(0, 1) - part(0, 0))
    lower = part(1, 0) + right * (part(1, 1) - part(1, 0))
    return np.asarray(upper + down * (lower - upper), np.float32)


def exclusion(
    tree_cover: npt.NDArray[np.uint8], water: npt.NDArray[np.bool_], tree_cover_max: float
) -> npt.NDArray[np.uint8]:
    """Pixels that are neither labelled nor judged: bit 1 forest, bit 2 water.

    Parameters
    ----------
    tree_cover : ndarray of uint8
        Tree cover density in per cent; values above 100 are no data and count as open land.
    water : ndarray of bool
    tree_cover_max : float
        Per cent above which a pixel is forest (50 in the reference method).
    """
    forest = (tree_cover > tree_cover_max) & (tree_cover <= 100)
    return np.asarray(forest * FOREST + water * WATER, np.uint8)
