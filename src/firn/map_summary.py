"""What a map shows in a few numbers, gathered while it is written."""

import numpy as np
import numpy.typing as npt
import shapely

from firn.classes import NO_DATA, PROBABILITY_STEPS, PUBLISHED, Quality, SurfaceClass
from firn.grid import Grid

Bytes = npt.NDArray[np.uint8]


class MapSummary:
    """Shares of classes and of saturated pixels, mean confidence and outline of a map.

    Add every strip of the map once, in any order.
    """

    def __init__(self) -> None:
        self._pixels = self._saturated = self._confidence = 0
        self._classes = dict.fromkeys(SurfaceClass, 0)
        self._outline = shapely.Polygon()

    def add(self, snow: Bytes, probability: Bytes, quality: Bytes, row: int) -> None:
        """Count a strip of whole rows.

        Parameters
        ----------
        snow : ndarray of uint8, (y, x)
            Codes of published maps.
        probability : ndarray of uint8, (class, y, x)
            In steps of ``1 / PROBABILITY_STEPS``.
        quality : ndarray of uint8, (y, x)
            Bits of `Quality`.
        row : int
            First row of the strip in the map.
        """
        data = snow != NO_DATA
        self._pixels += data.size
        for surface, code in PUBLISHED.items():
            self._classes[surface] += int(np.count_nonzero(snow == code))
        self._saturated += int(np.count_nonzero(data & ((quality & Quality.SATURATED) > 0)))
        self._confidence += int(probability.max(axis=0).sum(where=data, dtype=np.int64))
        self._outline = shapely.union(self._outline, _hull(data, row)).convex_hull

    @property
    def properties(self) -> dict[str, float]:
        """Properties of a STAC item: per cent of the pixels with data, and of all without.

        ``firn:confidence`` is the mean probability of the class that a pixel was given, 0-1. Where
        no pixel has data there is ``firn:no_data`` alone.
        """
        data = sum(self._classes.values())
        properties = {"firn:no_data": _per_cent(self._pixels - data, self._pixels)}
        if data:
            properties |= {
                "firn:ground_cover": _per_cent(self._classes[SurfaceClass.GROUND], data),
                "eo:snow_cover": _per_cent(self._classes[SurfaceClass.SNOW], data),
                "eo:cloud_cover": _per_cent(self._classes[SurfaceClass.CLOUD], data),
                "firn:saturated": _per_cent(self._saturated, data),
                "firn:confidence": round(self._confidence / data / PROBABILITY_STEPS, 4),
            }
        return properties

    def outline(self, grid: Grid) -> list[tuple[float, float]]:
        """Corners of the convex outline of all data, to a pixel, in the CRS of the map.

        They go round counterclockwise, the last is the first again; of a map without data they are
        those of the grid.
        """
        outline = self._outline.simplify(1.0)
        if outline.is_empty:
            outline = shapely.box(0, 0, grid.width, grid.height)
        left, _, _, top = grid.bounds
        placed = shapely.transform(
            outline, lambda corner: (left, top) + corner * (grid.resolution, -grid.resolution)
        )
        return list(shapely.orient_polygons(placed).exterior.coords)


def _hull(data: npt.NDArray[np.bool_], row: int) -> shapely.Polygon:
    """Convex outline of the pixels that are true, as (column, row) of their corners."""
    rows = np.flatnonzero(data.any(axis=1))
    if not rows.size:
        return shapely.Polygon()
    first = data[rows].argmax(axis=1)
    last = data.shape[1] - data[rows, ::-1].argmax(axis=1)
    corners = [(x, rows + row + y) for x in (first, last) for y in (0, 1)]
    points = np.concatenate([np.stack(corner, axis=1) for corner in corners])
    return shapely.MultiPoint(points).convex_hull


def _per_cent(part: int, whole: int) -> float:
    return round(100 * part / whole, 4)
