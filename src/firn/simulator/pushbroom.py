"""A virtual pushbroom camera in orbit: which ground each pixel of a raw image sees.

Rays leave the satellite, whose position and attitude are known at each line, and meet the relief.
Nothing of `firn.orthorectification` is used, so that the one can be judged by the other.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
from rasterio.warp import transform as transform_points
from scipy import ndimage
from scipy.interpolate import RectBivariateSpline

from firn.grid import Grid

FloatArray = npt.NDArray[np.float64]

#: WGS 84: half axes in m.
SEMI_MAJOR, SEMI_MINOR = 6378137.0, 6356752.3142
#: Gravitational parameter of the Earth (m3 s-2) and its rotation (rad s-1).
MU, EARTH_ROTATION = 3.986004418e14, 7.292115e-5
#: Orbit of all SPOT satellites: radius, m, for a period of 101.4 minutes; inclination, degrees.
ORBIT_RADIUS, INCLINATION = 7.2005e6, 98.7
#: Height above ground that makes an angle of a detector out of its pixel size, m.
NOMINAL_ALTITUDE = 832e3
#: Pixels between the rays that are followed exactly, and vertical steps along them, m.
LATTICE, VERTICAL_STEP = 32, 20.0


def _ecef(longitude: float, latitude: float) -> FloatArray:
    """Earth-fixed position on the ellipsoid, m; angles in radians."""
    squared = 1 - (SEMI_MINOR / SEMI_MAJOR) ** 2
    normal = SEMI_MAJOR / np.sqrt(1 - squared * np.sin(latitude) ** 2)
    across = normal * np.cos(latitude)
    return np.array(
        [
            across * np.cos(longitude),
            across * np.sin(longitude),
            normal * (1 - squared) * np.sin(latitude),
        ]
    )


def _geodetic(position: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Geodetic longitude and latitude (degrees) of Earth-fixed positions, (..., 3); Bowring."""
    x, y, z = np.moveaxis(position, -1, 0)
    across = np.hypot(x, y)
    first = 1 - (SEMI_MINOR / SEMI_MAJOR) ** 2
    second = (SEMI_MAJOR / SEMI_MINOR) ** 2 - 1
    beta = np.arctan2(z * SEMI_MAJOR, across * SEMI_MINOR)
    latitude = np.arctan2(
        z + second * SEMI_MINOR * np.sin(beta) ** 3, across - first * SEMI_MAJOR * np.cos(beta) ** 3
    )
    return np.degrees(np.arctan2(y, x)), np.degrees(latitude)


def _turned(vector: FloatArray, angle: FloatArray) -> FloatArray:
    """Vectors, (..., 3), seen from an Earth that has turned by an angle, (...), in the meantime."""
    x, y, z = np.moveaxis(vector, -1, 0)
    cosine, sine = np.cos(angle), np.sin(angle)
    return np.stack([cosine * x + sine * y, cosine * y - sine * x, z], axis=-1)


@dataclass(frozen=True)
class Pushbroom:
    """A camera that looks across its track, on the descending half of a circular orbit.

    The satellite keeps its attitude on the Earth's centre. Lines go south, columns east.

    Parameters
    ----------
    longitude, latitude : float
        Of the image's centre on the ellipsoid, degrees.
    look : float
        Angle between the centre of the Earth and the centre of the image as the satellite sees
        them, degrees; positive where it looks east.
    pixel : float
        Pixel size at nadir, m.
    shape : (int, int)
        Lines and columns.
    """

    longitude: float
    latitude: float
    look: float
    pixel: float
    shape: tuple[int, int]

    @cached_property
    def _start(self) -> tuple[FloatArray, FloatArray]:
        """Direction of the satellite and of its velocity when it takes the centre line."""
        lon, lat = np.radians(self.longitude), np.radians(self.latitude)
        target = _ecef(lon, lat)
        distance = float(np.linalg.norm(target))
        up = target / distance
        east = np.array([-np.sin(lon), np.cos(lon), 0.0])
        north = np.cross(up, east)
        # Of an orbit of this inclination that goes south: eastward is negative.
        eastward = np.cos(np.radians(INCLINATION)) / np.cos(lat)
        velocity = eastward * east - np.sqrt(1 - eastward**2) * north
        look = np.radians(self.look)
        incidence = np.arcsin(ORBIT_RADIUS * np.sin(look) / distance)
        angle = incidence - look
        towards_east = np.cross(up, velocity)
        return np.cos(angle) * up - np.sin(angle) * towards_east, velocity

    def rays(self, rows: FloatArray, cols: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Earth-fixed origin (m) and direction, (..., 3), of pixels counted from 0."""
        position, velocity = self._start
        mean_motion = np.sqrt(MU / ORBIT_RADIUS**3)
        line_period = self.pixel / (mean_motion * SEMI_MAJOR)
        time = (rows - (self.shape[0] - 1) / 2) * line_period
        along = (mean_motion * time)[..., None]
        up = np.cos(along) * position + np.sin(along) * velocity
        forward = np.cos(along) * velocity - np.sin(along) * position
        across = np.cross(up, forward)
        look = np.radians(self.look)
        detector = (cols - (self.shape[1] - 1) / 2) * self.pixel / NOMINAL_ALTITUDE
        down_part = (np.cos(look) - detector * np.sin(look))[..., None]
        across_part = (np.sin(look) + detector * np.cos(look))[..., None]
        spin = EARTH_ROTATION * time
        direction = across_part * across - down_part * up
        return ORBIT_RADIUS * _turned(up, spin), _turned(direction, spin)

    def ground(
        self, rows: FloatArray, cols: FloatArray, height: float
    ) -> tuple[FloatArray, FloatArray]:
        """Longitude and latitude (degrees) where pixels meet an ellipsoid ``height`` metres up."""
        origin, direction = self.rays(rows, cols)
        axes = np.array([SEMI_MAJOR, SEMI_MAJOR, SEMI_MINOR]) + height
        start, step = origin / axes, direction / axes
        a, b, c = (np.sum(p * q, axis=-1) for p, q in ((step, step), (start, step), (start, start)))
        distance = (-b - np.sqrt(b**2 - a * (c - 1))) / a
        return _geodetic(origin + distance[..., None] * direction)

    @property
    def incidence(self) -> float:
        """Angle between the ray of the image's centre and the normal of the ellipsoid, degrees."""
        centre = np.array([(side - 1) / 2 for side in self.shape])
        _, direction = self.rays(centre[:1], centre[1:])
        lon, lat = (np.radians(angle[0]) for angle in self.ground(centre[:1], centre[1:], 0.0))
        normal = [np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)]
        cosine = -float(direction[0] @ normal) / float(np.linalg.norm(direction[0]))
        return float(np.degrees(np.arccos(cosine)))

    def lattice(self) -> tuple[FloatArray, FloatArray]:
        """Lines and columns, beyond the image's edges, of the rays that are followed exactly."""
        nodes = [np.linspace(-1.0, side, max(4, side // LATTICE)) for side in self.shape]
        return nodes[0], nodes[1]

    def ground_points(
        self, elevation: npt.NDArray[np.float32], grid: Grid
    ) -> tuple[FloatArray, FloatArray]:
        """Where each pixel's ray first meets the relief.

        Parameters
        ----------
        elevation : ndarray, (y, x), m above the ellipsoid
        grid : Grid
            Of the relief, in a CRS of metres.

        Returns
        -------
        x, y : ndarray, (row, column)
            Map coordinates, m; NaN where a ray leaves the relief through its side.
        """
        top, bottom = float(elevation.max()) + 1, float(elevation.min()) - 1
        rays = _Rays(self, grid, (bottom, (bottom + top) / 2, top))
        heights = np.linspace(top, bottom, int(np.ceil((top - bottom) / VERTICAL_STEP)) + 1)
        # The last step at which a ray is above all that it may meet.
        highest = _highest(elevation, grid, rays)
        first = np.maximum(heights.size - np.searchsorted(heights[::-1], highest, "right") - 1, 0)
        hit, above = np.full((2, first.size), np.nan)
        order = np.argsort(first)
        begins = np.searchsorted(first[order], np.arange(heights.size + 1))
        flying = order[:0]
        for i, height in enumerate(heights):
            flying = np.concatenate([flying, order[begins[i] : begins[i + 1]]])
            clearance = height - _bilinear(elevation, grid, *rays.at(height, flying))
            before = above[flying]
            struck = (clearance <= 0) & (before > 0)
            # Between two steps, the ray comes nearer to the ground evenly.
            share = before[struck] / (before[struck] - clearance[struck])
            hit[flying[struck]] = heights[i - 1] + share * (height - heights[i - 1])
            above[flying] = clearance
            flying = flying[~struck]
        x, y = rays.at(hit)
        return x.reshape(self.shape), y.reshape(self.shape)


class _Rays:
    """Map coordinates of all pixels' rays, in the order of the pixels, as a function of height."""

    def __init__(self, camera: Pushbroom, grid: Grid, levels: tuple[float, float, float]) -> None:
        lines, columns = camera.lattice()
        rows, cols = np.meshgrid(lines, columns, indexing="ij")
        every_line, every_column = (np.arange(side, dtype=float) for side in camera.shape)
        self.levels = levels
        self._fields = []
        for level in levels:
            lon, lat = camera.ground(rows, cols, level)
            mapped = transform_points("EPSG:4326", grid.crs, lon.ravel(), lat.ravel())
            splines = [
                RectBivariateSpline(lines, columns, np.reshape(values, rows.shape))
                for values in mapped
            ]
            self._fields.append([spline(every_line, every_column).ravel() for spline in splines])

    def at(
        self, height: float | FloatArray, chosen: npt.NDArray[np.intp] | None = None
    ) -> tuple[FloatArray, FloatArray]:
        """Coordinates x and y, m, of all or the chosen rays, by a parabola through the levels."""
        low, middle, high = self.levels
        weights = (
            (height - middle) * (height - high) / ((low - middle) * (low - high)),
            (height - low) * (height - high) / ((middle - low) * (middle - high)),
            (height - low) * (height - middle) / ((high - low) * (high - middle)),
        )
        part = slice(None) if chosen is None else chosen
        x, y = (
            sum(
                (w * field[axis][part] for w, field in zip(weights, self._fields, strict=True)), 0.0
            )
            for axis in (0, 1)
        )
        return np.asarray(x), np.asarray(y)


def _highest(elevation: npt.NDArray[np.float32], grid: Grid, rays: _Rays) -> FloatArray:
    """Elevation, m, above which each ray meets nothing: the highest of the ground below it."""
    bottom, middle, top = (np.stack(rays.at(level)) for level in rays.levels)
    # Half of the way from top to bottom, the bend of the ray and the pixels around it.
    reach = (np.abs(top - bottom).max(axis=1) / 2 / grid.resolution).astype(int) + 4
    around = ndimage.maximum_filter(elevation, 2 * reach[::-1] + 1)
    col = np.rint((middle[0] - grid.transform.c) / grid.transform.a - 0.5).astype(int)
    row = np.rint((middle[1] - grid.transform.f) / grid.transform.e - 0.5).astype(int)
    height, width = grid.shape
    highest = around[row.clip(0, height - 1), col.clip(0, width - 1)].astype(float)
    beside = (col < -reach[0]) | (col >= width + reach[0])
    beside |= (row < -reach[1]) | (row >= height + reach[1])
    return np.where(beside, -np.inf, highest)


def _bilinear(
    values: npt.NDArray[np.float32], grid: Grid, x: FloatArray, y: FloatArray
) -> FloatArray:
    """Values at map coordinates, NaN beyond the grid's outermost pixel centres."""
    rows = (y - grid.transform.f) / grid.transform.e - 0.5
    cols = (x - grid.transform.c) / grid.transform.a - 0.5
    return np.asarray(
        ndimage.map_coordinates(values, [rows, cols], np.float64, order=1, cval=np.nan)
    )
