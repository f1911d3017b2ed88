"""Which place of a raw image each pixel of a map shows, and the other way round."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from rasterio.crs import CRS
from rasterio.warp import transform as transform_points
from scipy import ndimage
from scipy.interpolate import RectBivariateSpline

from firn.grid import Grid
from firn.orthorectification.geometry import ViewingGeometry
from firn.products.location import LocationModel

FloatArray = npt.NDArray[np.float64]
Places = npt.NDArray[np.float32]

#: The edges of a map are at multiples of this, m.
EDGE = 20.0
#: Ground around the corners of the location model, m: for its error, and for the parallax of the
#: highest ground.
MARGIN = 4000.0
#: Map pixels between the nodes at which the geometry is computed; it is smooth between them.
_STEP = 32
#: Lines of a map that are handled at a time.
_STRIP = 256
#: Steps of the search for the ground of a pixel, by how many pixels it may miss it, and by how many
#: it is not worth another step.
_ITERATIONS, _PRECISION, _NEGLIGIBLE = 20, 0.1, 0.005
#: Names of the correction's terms.
TERMS = ("shift", "row", "column", "height")


def correction_terms(
    row: FloatArray | Places,
    col: FloatArray | Places,
    height: FloatArray | Places,
    shape: tuple[int, int],
) -> FloatArray:
    """Terms of a correction, (term, ...): 1, row and column from -1 to 1, height in km."""
    rows, cols = shape
    return np.stack(np.broadcast_arrays(1.0, 2 * row / rows - 1, 2 * col / cols - 1, height / 1000))


@dataclass(frozen=True, eq=False)
class Correction:
    """What is added to the row and the column that the viewing geometry gives.

    Its last term makes good what the metadata tell too roughly: the incidence angle, and how far
    rays lean along the track.

    Parameters
    ----------
    coefficients : ndarray, (2, 4), pixels
        Of row and column; see `correction_terms`.
    """

    coefficients: FloatArray

    @classmethod
    def none(cls) -> "Correction":
        """No correction."""
        return cls(np.zeros((2, len(TERMS))))


def footprint(location: LocationModel, crs: CRS, resolution: float) -> Grid:
    """Grid around the ground that a scene may show, its edges at multiples of `EDGE`."""
    rows, cols = location.shape
    corners = np.array([0, 0, rows - 1, rows - 1]), np.array([0, cols - 1, 0, cols - 1])
    lon, lat = location.ground(*corners)
    x, y = transform_points("EPSG:4326", crs, lon.tolist(), lat.tolist())
    left, bottom = (math.floor((min(v) - MARGIN) / EDGE) * EDGE for v in (x, y))
    right, top = (math.ceil((max(v) + MARGIN) / EDGE) * EDGE for v in (x, y))
    return Grid.from_bounds(crs, left, bottom, right, top, resolution)


class ImageMap:
    """Places in a raw image of the pixels of a grid.

    Parameters
    ----------
    geometry : ViewingGeometry
    grid : Grid
        In a CRS of metres.
    elevation : ndarray, (y, x), m
        On the grid; NaN where it is unknown.
    """

    def __init__(
        self, geometry: ViewingGeometry, grid: Grid, elevation: npt.NDArray[np.float32]
    ) -> None:
        self.grid = grid
        self.elevation = elevation
        self.image_shape = geometry.location.shape
        lines, columns = (np.linspace(0, n - 1, max(4, n // _STEP)) for n in grid.shape)
        rows, cols = np.meshgrid(lines, columns, indexing="ij")
        x = grid.transform.c + (cols + 0.5) * grid.transform.a
        y = grid.transform.f + (rows + 0.5) * grid.transform.e
        lon, lat = map(np.array, transform_points(grid.crs, "EPSG:4326", x.ravel(), y.ravel()))
        lowest, highest = float(np.nanmin(elevation)), float(np.nanmax(elevation)) + 1
        self._levels = lowest, (lowest + highest) / 2, highest
        self._fields = [
            [
                RectBivariateSpline(lines, columns, values.reshape(rows.shape))
                for values in geometry.image(lon, lat, level)
            ]
            for level in self._levels
        ]

    def strips(self, correction: Correction) -> Iterator[tuple[slice, Places]]:
        """Lines of the grid, and the places (row or column, line, column) of their pixels.

        A place without elevation is NaN.
        """
        columns = np.arange(self.grid.width)
        for start in range(0, self.grid.height, _STRIP):
            rows = slice(start, min(start + _STRIP, self.grid.height))
            height = self.elevation[rows].astype(float)
            lines = np.arange(rows.start, rows.stop)
            places = np.zeros((2, *height.shape))
            for weight, fields in zip(self._weights(height), self._fields, strict=True):
                for axis, field in enumerate(fields):
                    places[axis] += weight * field(lines, columns)
            terms = correction_terms(places[0], places[1], height, self.image_shape)
            places += np.tensordot(correction.coefficients, terms, 1)
            yield rows, places.astype(np.float32)

    def _weights(self, height: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Weights of the three levels, by which a parabola goes through them."""
        low, middle, high = self._levels
        return (
            (height - middle) * (height - high) / ((low - middle) * (low - high)),
            (height - low) * (height - high) / ((middle - low) * (middle - high)),
            (height - low) * (height - middle) / ((high - low) * (high - middle)),
        )

    def ground(self, correction: Correction, step: int) -> Places:
        """Line and column of the grid, (2, row, column), of every ``step``-th pixel of the image.

        NaN where no place of the grid is seen there, or where the search for it does not settle:
        in front of and behind ridges that hide the ground.
        """
        places = np.concatenate([strip for _, strip in self.strips(correction)], axis=1)
        known = np.isfinite(places).all(axis=0)
        rows, cols = (np.arange(0, side, step, dtype=np.float32) for side in self.image_shape)
        wanted = np.stack(np.meshgrid(rows, cols, indexing="ij"))
        slopes, origin = _plane(places, known)
        inverse = np.linalg.inv(slopes)
        ground = np.tensordot(inverse, wanted - origin[:, None, None], 1)
        filled = np.where(known, places, -1e6).astype(np.float32)
        ground, wanted = ground.reshape(2, -1), wanted.reshape(2, -1)
        missed = np.full(wanted.shape[1], np.inf, np.float32)
        moving = np.arange(missed.size)
        # The plane's slopes serve everywhere: relief changes them by slope times tan(incidence),
        # below 1 wherever the ground is seen, so that each step comes nearer.
        for _ in range(_ITERATIONS):
            found = [
                ndimage.map_coordinates(axis, ground[:, moving], np.float32, order=1, cval=np.nan)
                for axis in filled
            ]
            miss = wanted[:, moving] - np.stack(found)
            ground[:, moving] += inverse @ miss
            missed[moving] = np.hypot(*miss)
            moving = moving[missed[moving] > _NEGLIGIBLE]
        settled = np.where(missed < _PRECISION, ground, np.nan)
        return np.asarray(settled.reshape(2, rows.size, cols.size), np.float32)


def _plane(places: Places, known: npt.NDArray[np.bool_]) -> tuple[FloatArray, FloatArray]:
    """Slopes (place, axis of the grid) and origin of the plane through the places."""
    lines, columns = np.nonzero(known[::_STEP, ::_STEP])
    sample = places[:, ::_STEP, ::_STEP][:, known[::_STEP, ::_STEP]]
    terms = np.stack([lines * _STEP, columns * _STEP, np.ones(lines.size)], axis=1)
    fit, *_ = np.linalg.lstsq(terms, sample.T, rcond=None)
    plane = np.asarray(fit, np.float64)
    return plane[:2].T, plane[2]
