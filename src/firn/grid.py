"""Grids of rasters: where their pixels lie."""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from affine import Affine
from rasterio.crs import CRS
from rasterio.warp import transform as transform_points
from rasterio.warp import transform_bounds

from firn.errors import GridError

if TYPE_CHECKING:
    import xarray as xr

#: Coordinate of a DataArray whose attributes tell its CRS and transform.
REFERENCE = "spatial_ref"
#: Decimals of a pixel that an edge may be off by rounding.
_EDGE_DECIMALS = 6


@dataclass(frozen=True)
class Grid:
    """A north-up raster grid in the pixel-is-area convention.

    Pixels may be other than square only in rasters that are read; every grid that firn makes has
    square ones.

    Parameters
    ----------
    crs : rasterio CRS
    transform : Affine
        Maps (column, row) of a pixel's upper-left corner to map coordinates.
    height, width : int
        Size in pixels.
    """

    crs: CRS
    transform: Affine
    height: int
    width: int

    def __post_init__(self) -> None:
        """Refuse rotated and south-up grids: no stage can honour them."""
        if self.transform.b or self.transform.d:
            raise GridError("a rotated georeference cannot be used; warp the raster to north-up")
        if self.transform.e >= 0:
            raise GridError(
                "a south-up georeference cannot be used; warp the raster to north-up (gdalwarp)"
            )

    @classmethod
    def from_bounds(
        cls, crs: CRS, left: float, bottom: float, right: float, top: float, resolution: float
    ) -> "Grid":
        """Grid that covers the bounds from the upper-left corner on, rounded to whole pixels."""
        width = max(1, round((right - left) / resolution))
        height = max(1, round((top - bottom) / resolution))
        transform = Affine(resolution, 0.0, left, 0.0, -resolution, top)
        return cls(CRS.from_user_input(crs), transform, height, width)

    @classmethod
    def of(cls, data: "xr.DataArray") -> "Grid":
        """Grid of a DataArray, one of firn's own (`reference`) or any that rioxarray knows."""
        told = data.coords[REFERENCE].attrs if REFERENCE in data.coords else {}
        if {"crs_wkt", "GeoTransform"} <= told.keys():
            transform = Affine.from_gdal(*map(float, told["GeoTransform"].split()))
            return cls(CRS.from_wkt(told["crs_wkt"]), transform, *data.shape[-2:])
        # It takes a part of a second to be imported, and most jobs have arrays of firn's own only.
        import rioxarray  # noqa: F401  (registers the .rio accessor)

        if data.rio.crs is None:
            raise GridError(f"{data.name or 'raster'}: has no coordinate reference system")
        return cls(data.rio.crs, data.rio.transform(), *data.shape[-2:])

    def reference(self) -> dict[str, str]:
        """Attributes of the coordinate `REFERENCE` that georeferences a DataArray.

        They are those of the CF conventions and of GDAL, which rioxarray reads too.
        """
        transform = " ".join(map(str, self.transform.to_gdal()))
        return {"crs_wkt": self.crs.to_wkt(), "GeoTransform": transform}

    @property
    def shape(self) -> tuple[int, int]:
        """(height, width)."""
        return self.height, self.width

    @property
    def resolution(self) -> float:
        """Pixel width in units of the CRS (m for UTM)."""
        return float(self.transform.a)

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """(left, bottom, right, top) in the CRS."""
        left, top = self.transform.c, self.transform.f
        return (
            left,
            top + self.height * self.transform.e,
            left + self.width * self.transform.a,
            top,
        )

    def crop(self, row: int, col: int, height: int, width: int) -> "Grid":
        """Sub-grid whose upper-left pixel is (row, col)."""
        x_step, y_step = self.transform.a, self.transform.e
        left, top = self.transform.c + col * x_step, self.transform.f + row * y_step
        return Grid(self.crs, Affine(x_step, 0.0, left, 0.0, y_step, top), height, width)

    def rows(self, rows: slice) -> "Grid":
        """Sub-grid of whole rows."""
        return self.crop(rows.start, 0, rows.stop - rows.start, self.width)

    def window_around(self, other: "Grid", margin: int = 0) -> tuple[int, int, int, int]:
        """Part (row, col, height, width) that another grid lies in, with some pixels around it.

        It ends where this grid does, and is empty where the two share no ground.
        """
        left, bottom, right, top = other.bounds_in(self.crs)
        x_step, y_step = self.transform.a, self.transform.e
        rows = (top - self.transform.f) / y_step, (bottom - self.transform.f) / y_step
        cols = (left - self.transform.c) / x_step, (right - self.transform.c) / x_step
        row, last_row = _pixels(*rows, margin, self.height)
        col, last_col = _pixels(*cols, margin, self.width)
        return row, col, last_row - row, last_col - col

    def holds(self, other: "Grid") -> bool:
        """Whether every pixel of the other grid is one of this grid."""
        return other.crs == self.crs and self.crop(*self.window_around(other)) == other

    def with_resolution(self, resolution: float) -> "Grid":
        """Grid of the same bounds at another pixel size."""
        return Grid.from_bounds(self.crs, *self.bounds, resolution)

    def bounds_in(self, crs: CRS) -> tuple[float, float, float, float]:
        """Bounds in another CRS."""
        if crs == self.crs:
            return self.bounds
        bounds: tuple[float, float, float, float] = transform_bounds(self.crs, crs, *self.bounds)
        return bounds

    def overlaps(self, other: "Grid") -> bool:
        """Whether the two grids share ground."""
        left, bottom, right, top = other.bounds_in(self.crs)
        mine = self.bounds
        return left < mine[2] and right > mine[0] and bottom < mine[3] and top > mine[1]

    def covers(self, other: "Grid") -> bool:
        """Whether the four corners of the other grid lie within this one."""
        left, bottom, right, top = other.bounds
        corners = [left, left, right, right], [bottom, top, bottom, top]
        xs, ys = transform_points(other.crs, self.crs, *corners)
        west, south, east, north = self.bounds
        return bool(west <= min(xs) and max(xs) <= east and south <= min(ys) and max(ys) <= north)


def _pixels(start: float, stop: float, margin: int, size: int) -> tuple[int, int]:
    """Pixels of an axis between two edges that may be off a whole pixel by rounding."""
    first = max(math.floor(round(start, _EDGE_DECIMALS)) - margin, 0)
    last = min(math.ceil(round(stop, _EDGE_DECIMALS)) + margin, size)
    return min(first, size), max(last, min(first, size))
