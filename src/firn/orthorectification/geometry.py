"""Viewing geometry of a SPOT Level-1A scene: which pixel sees a place at a height.

The location model of the product knows the ground at height 0 only. Higher ground is seen further
from the satellite, by height times the tangent of the incidence angle, along the image's line.
"""

from functools import cached_property

import numpy as np
import numpy.typing as npt
from rasterio.crs import CRS
from rasterio.warp import transform as transform_points

from firn.errors import ProductError
from firn.products.location import LocationModel

FloatArray = npt.NDArray[np.float64]

#: Mean radius of the Earth, and altitude of the SPOT satellites, m.
EARTH_RADIUS, ALTITUDE = 6_371_009.0, 832_000.0
#: WGS 84: half axis (m) and squared eccentricity.
SEMI_MAJOR, ECCENTRICITY_SQUARED = 6_378_137.0, 0.00669438
#: Degrees by which the incidence angle may differ from that which the location model implies.
INCIDENCE_TOLERANCE = 5.0
#: Pixels along the centre line whose distances are measured.
_SAMPLES = 101


def nadir_distance(incidence: float) -> float:
    """Distance on the ground from the track to where rays have this incidence (degrees), m."""
    angle = np.radians(incidence)
    look = np.arcsin(EARTH_RADIUS * np.sin(angle) / (EARTH_RADIUS + ALTITUDE))
    return float(EARTH_RADIUS * (angle - look))


def seen_at(distance: FloatArray, height: FloatArray | float) -> FloatArray:
    """Where the ray to a place at a height meets height 0; distances from the track, m.

    The triangle of satellite, place and Earth's centre. To the first order in height the distance
    grows by ``height tan(incidence)``.
    """
    angle, radius = distance / EARTH_RADIUS, EARTH_RADIUS + height
    orbit = EARTH_RADIUS + ALTITUDE
    look = np.arctan2(radius * np.sin(angle), orbit - radius * np.cos(angle))
    incidence = np.arcsin(np.clip(orbit / EARTH_RADIUS * np.sin(look), -1, 1))
    return np.asarray(EARTH_RADIUS * (incidence - look))


def pixel_growth(incidence: FloatArray, size: float) -> FloatArray:
    """By how many metres a pixel is larger than the one before it, nearer to the track.

    Detectors stand evenly behind the lens, so the ground distance is differentiated twice by the
    tangent of the look angle, in steps that are pixels of the given size (m) on the ground.
    """
    orbit, step = EARTH_RADIUS + ALTITUDE, 1e-3
    look = np.arcsin(EARTH_RADIUS * np.sin(np.radians(incidence)) / orbit)

    def ground(tangent: float) -> FloatArray:
        turned = look + np.arctan(tangent)
        sine = np.clip(orbit / EARTH_RADIUS * np.sin(turned), -1, 1)
        return np.asarray(EARTH_RADIUS * (np.arcsin(sine) - turned))

    slope = (ground(step) - ground(-step)) / (2 * step)
    curvature = (ground(step) - 2 * ground(0.0) + ground(-step)) / step**2
    return np.asarray(curvature * (size / slope) ** 2)


class ViewingGeometry:
    """Location model and parallax of one scene.

    Parameters
    ----------
    location : LocationModel
    incidence : float
        At the scene's centre, degrees, without sign.
    source : str
        Name of the product, for messages.

    Attributes
    ----------
    incidence : float
        Positive where the satellite stands beyond the first column. The sign of the metadata's
        angle has no documented meaning, but pixels grow with the distance from the satellite.

    Raises
    ------
    ProductError
        The location model is not one of this incidence.
    """

    def __init__(self, location: LocationModel, incidence: float, source: str) -> None:
        self.location = location
        size, growth = self._spacing
        candidates = np.arange(-60.0, 60.0, 0.1)
        expected = pixel_growth(candidates, size)
        implied = float(candidates[np.argmin(np.abs(expected - growth))])
        self.incidence = float(np.copysign(incidence, implied))
        if abs(implied - self.incidence) > INCIDENCE_TOLERANCE:
            raise ProductError(
                f"{source}: the pixels of its location model grow as at an incidence of "
                f"{abs(implied):.1f} degrees, but INCIDENCE_ANGLE is {incidence:.1f}; its geometry "
                "is in doubt, leave the scene out"
            )

    @property
    def _centre(self) -> tuple[float, float]:
        rows, cols = self.location.shape
        return (rows - 1) / 2, (cols - 1) / 2

    def _distances(self, row: FloatArray, col: FloatArray) -> FloatArray:
        """Distances on the ellipsoid between consecutive pixels, m."""
        lon, lat = map(np.radians, self.location.ground(row, col))
        middle = (lat[1:] + lat[:-1]) / 2
        curvature = 1 - ECCENTRICITY_SQUARED * np.sin(middle) ** 2
        meridian = SEMI_MAJOR * (1 - ECCENTRICITY_SQUARED) / curvature**1.5
        parallel = SEMI_MAJOR / np.sqrt(curvature) * np.cos(middle)
        return np.asarray(np.hypot(parallel * np.diff(lon), meridian * np.diff(lat)))

    @cached_property
    def _spacing(self) -> tuple[float, float]:
        """Size of the pixel in the middle of the centre line, and growth from pixel to pixel, m."""
        row, col = self._centre
        position = np.linspace(0, 2 * col, _SAMPLES)
        distance = np.cumsum(self._distances(np.array(row), position))
        growth, size, _ = np.polyfit(position - col, np.concatenate([[0.0], distance]), 2)
        return float(size), float(2 * growth)

    @property
    def line_spacing(self) -> float:
        """Distance between neighbouring lines, m: the pixel size at nadir."""
        row, col = self._centre
        return float(self._distances(np.array([row, row + 1]), np.array(col))[0])

    def satellite_azimuth(self, crs: CRS) -> float:
        """Bearing of the satellite from the scene's centre; degrees from the map's north."""
        row, col = self._centre
        towards = col - np.copysign(1, self.incidence)
        lon, lat = self.location.ground(np.array(row), np.array([col, towards]))
        x, y = (np.diff(v)[0] for v in transform_points("EPSG:4326", crs, lon, lat))
        return float(np.degrees(np.arctan2(x, y)) % 360)

    def image(
        self, longitude: FloatArray, latitude: FloatArray, height: FloatArray | float
    ) -> tuple[FloatArray, FloatArray]:
        """Row and column, from 0 at the first pixel's centre, of places at heights.

        Parameters
        ----------
        longitude, latitude : ndarray, degrees
        height : ndarray or float, m
        """
        row, col = self.location.image(longitude, latitude)
        size, growth = self._spacing
        centre = self._centre[1]
        offset = col - centre
        track = nadir_distance(self.incidence)
        across = seen_at(track + size * offset + growth / 2 * offset**2, height) - track
        # The root of size * offset + growth / 2 * offset^2 = across that exists without growth.
        root = np.sqrt(np.maximum(size**2 + 2 * growth * across, 0))
        return row, centre + 2 * across / (size + root)
