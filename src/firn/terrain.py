"""Relief: hillshade, incidence, cast shadow, and the pixels that no map is judged on."""

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float32]

#: Rows of relief that are lit at a time: few enough for what is computed to stay in the cache.
_ROWS = 64
#: Side of the blocks of relief whose shadow is found at a time, pixels.
_BLOCK = 192
#: What rounding may add to an interpolated elevation at most, m.
_SLACK = 0.01
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

    The relief is swept towards the sun in steps of one pixel; a pixel is in shadow where the
    terrain at distance ``d`` rises above the ray, ``z(d) > z + d / tan(zenith)``. The sweep ends
    where the ray has passed the highest point of the scene.

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
        self._rise = resolution / np.tan(np.radians(min(max(sun_zenith, 0.5), 89.0)))
        self._north, self._east = _direction(sun_azimuth)
        self._steps = min(int((highest - self._lowest) / self._rise), max(shape)) + 1
        self.above, self.below = self._reach(self._north), self._reach(-self._north)

    def _reach(self, component: float) -> int:
        return math.ceil(max(component, 0) * self._steps) + 2

    def cast(self, dem: FloatArray, rows: slice) -> npt.NDArray[np.bool_]:
        """Where some rows are in shadow.

        Parameters
        ----------
        dem : ndarray, (y, x), metres
            It goes `above` and `below` rows beyond those asked for, as far as the scene does. NaN
            counts as the lowest ground.
        rows : slice
            Rows of ``dem``.
        """
        first, last = max(rows.start - self.above, 0), min(rows.stop + self.below, len(dem))
        height = np.nan_to_num(dem[first:last], nan=self._lowest).astype(np.float32)
        left, right = self._reach(-self._east), self._reach(self._east)
        missing = self.above - (rows.start - first), self.below - (last - rows.stop)
        padded = np.pad(height, (missing, (left, right)), mode="edge")
        own = height[rows.start - first : rows.stop - first]
        shadow = np.zeros(own.shape, bool)
        lowest, around = _lowest_of_blocks(own), _highest_around_blocks(padded)
        for step in range(1, self._steps):
            # Sampling the sweep ever more sparsely with distance loses nothing: terrain that throws
            # a long shadow is itself several pixels wide.
            if step > 16 and step % (step // 16):
                continue
            row, col = self.above - step * self._north, left + step * self._east
            first_row, first_col = int(row) // _BLOCK, int(col) // _BLOCK
            near = around[first_row:, first_col:][: lowest.shape[0], : lowest.shape[1]]
            # Far from its block, most ground lies below the rays of all its pixels.
            for block in np.argwhere(near + _SLACK > lowest + step * self._rise):
                top, side = block * _BLOCK
                part = slice(top, top + _BLOCK), slice(side, side + _BLOCK)
                ray = own[part] + step * self._rise
                shadow[part] |= _shifted(padded, row + top, col + side, ray.shape) > ray
        return shadow


def _lowest_of_blocks(height: FloatArray) -> FloatArray:
    """Lowest elevation of each block of `_BLOCK` pixels a side; the last ones may be narrower."""
    rows, cols = (np.arange(0, side, _BLOCK) for side in height.shape)
    return np.asarray(np.minimum.reduceat(np.minimum.reduceat(height, rows), cols, axis=1))


def _highest_around_blocks(height: FloatArray) -> FloatArray:
    """Highest elevation of each block and its neighbours below and to the right.

    So it is of any square of a block's side and one more that begins in the block.
    """
    highest = -_lowest_of_blocks(-height)
    grown = np.pad(highest, ((0, 1), (0, 1)), mode="edge")
    pairs = np.maximum(grown[:-1], grown[1:])
    return np.maximum(pairs[:, :-1], pairs[:, 1:])


def _direction(azimuth: float) -> tuple[float, float]:
    """North and east component of an azimuth in degrees."""
    return math.cos(math.radians(azimuth)), math.sin(math.radians(azimuth))


def _shifted(padded: FloatArray, row: float, col: float, shape: tuple[int, int]) -> FloatArray:
    """Bilinear view of ``padded`` whose upper-left pixel is at a fractional (row, col)."""
    top, left = int(np.floor(row)), int(np.floor(col))
    down, right = np.float32(row - top), np.float32(col - left)
    height, width = shape
    part = padded[top : top + height + 1, left : left + width + 1]
    between = part[:, :-1] + right * (part[:, 1:] - part[:, :-1])
    return np.asarray(between[:-1] + down * (between[1:] - between[:-1]), np.float32)


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
