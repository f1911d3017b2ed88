"""Relief: hillshade, incidence, cast shadow, and the pixels that no map is judged on."""

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float32]

#: Rows of relief that are lit at a time: few enough for what is computed to stay in the cache.
_ROWS = 64
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
    cosine = np.empty(dem.shape, np.float32)
    for start in range(0, len(dem), _ROWS):
        rows = slice(start, start + _ROWS)
        first = max(start - 1, 0)
        part = _illumination(dem[first : rows.stop + 1], resolution, sun_zenith, sun_azimuth)
        cosine[rows] = part[start - first :][:_ROWS]
    return cosine


def _illumination(
    dem: FloatArray, resolution: float, sun_zenith: float, sun_azimuth: float
) -> FloatArray:
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
    """Where higher ground hides the sun, see `Shadows`.

    Parameters
    ----------
    dem : ndarray, (y, x), metres
        NaN counts as the lowest ground.
    resolution : float
        Pixel size in metres.
    sun_zenith, sun_azimuth : float
        Degrees.
    """
    heights = float(np.nanmin(dem)), float(np.nanmax(dem))
    shadows = Shadows(heights, dem.shape, resolution, sun_zenith, sun_azimuth)
    return shadows.cast(dem, slice(0, len(dem)))


class Shadows:
    """Shadow that the relief of a scene casts, strip by strip.

    Rays come down along lines in the direction of the sun, one pixel apart. From each row to the
    next one they fall by what they fall on the way, or rise to the ground where that is higher; a
    pixel is in shadow where the ground lies below the ray. On its way a line passes between pixels;
    ground and rays are interpolated between the two beside it. This takes a few operations a pixel,
    however far shadows reach.

    Parameters
    ----------
    heights : (float, float)
        Lowest and highest elevation of the scene, m.
    shape : tuple of int
        Rows and columns of the scene.
    resolution : float
        Pixel size in metres.
    sun_zenith, sun_azimuth : float
        Degrees.

    Attributes
    ----------
    above, below : int
        Rows of the scene beyond a strip from which shadow may fall on it.
    """

    def __init__(
        self,
        heights: tuple[float, float],
        shape: Sequence[int],
        resolution: float,
        sun_zenith: float,
        sun_azimuth: float,
    ) -> None:
        self._lowest, highest = heights
        rise = resolution / math.tan(math.radians(min(max(sun_zenith, 0.5), 89.0)))
        north, east = _direction(sun_azimuth)
        # Steps are whole rows, or columns where these lie more in the direction of the sun.
        self._by_rows = abs(north) >= abs(east)
        along, self._across = (north, east) if self._by_rows else (-east, -north)
        self._sign = 1 if along > 0 else -1
        self._across /= abs(along)
        self._rise = rise / abs(along)
        reach = min((highest - self._lowest) / rise, max(shape)) + 1
        self.above = math.ceil(max(north, 0) * reach) + 2
        self.below = math.ceil(max(-north, 0) * reach) + 2

    def cast(self, dem: FloatArray, rows: slice, first_row: int = 0) -> npt.NDArray[np.bool_]:
        """Where some rows are in shadow.

        Parameters
        ----------
        dem : ndarray, (y, x), metres
            It goes `above` and `below` rows beyond those asked for, as far as the scene does. NaN
            counts as the lowest ground.
        rows : slice
            Rows of ``dem``.
        first_row : int
            Row of the scene where ``dem`` begins: lines are the same in all strips of a scene.
        """
        first, last = max(rows.start - self.above, 0), min(rows.stop + self.below, len(dem))
        height = np.nan_to_num(dem[first:last], nan=self._lowest).astype(np.float32)
        own = slice(rows.start - first, rows.stop - first)
        if self._by_rows:
            return self._swept(height, first_row + first)[own]
        return self._swept(np.ascontiguousarray(height.T), 0).T[own]

    def _swept(self, height: FloatArray, first: int) -> npt.NDArray[np.bool_]:
        """Where ground is in shadow, row by row away from the sun; ``first`` is that of row 0."""
        count, width = height.shape
        order = range(count)[:: self._sign]
        # Line i passes row k at column i - across * k, for k that grows away from the sun.
        offsets = [self._across * self._sign * (first + row) for row in order]
        base = math.floor(min(offsets[0], offsets[-1]))
        rays = np.full(
            width + 2 + abs(math.floor(self._across * count)) + 1, self._lowest, np.float32
        )
        ground = np.full(width + 2, self._lowest, np.float32)
        shadow = np.empty(height.shape, bool)
        for row, offset in zip(order, offsets, strict=True):
            whole = math.floor(offset)
            share, start = np.float32(offset - whole), whole - base
            near = rays[start : start + width + 1]
            np.greater(near[:-1] + share * np.diff(near), height[row], out=shadow[row])
            # Between a pixel and the one before, as the line lies.
            ground[1:-1] = height[row]
            np.maximum(near, ground[1:] - share * np.diff(ground), out=near)
            rays -= np.float32(self._rise)
            np.maximum(rays, np.float32(self._lowest), out=rays)
        return shadow


def _direction(azimuth: float) -> tuple[float, float]:
    """North and east component of an azimuth in degrees."""
    return math.cos(math.radians(azimuth)), math.sin(math.radians(azimuth))


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
