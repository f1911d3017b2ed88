"""What a scene is classified with besides its own bands: relief, forest and water."""

import math
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from firn import terrain
from firn.classes import Quality
from firn.grid import Grid
from firn.products.dem import dem_parts
from firn.products.land_cover import TREE_COVER_NODATA, tree_cover_parts, water_parts

PathLike = str | os.PathLike[str]
Bytes = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Surroundings:
    """What a scene is classified with: rasters of any CRS, or folders of tiles.

    Parameters
    ----------
    dem : path or float
        Elevation, m; a number where the ground counts as flat at that height.
    tree_cover : path, optional
        Tree cover density, per cent; without it no pixel is flagged as forest.
    water : path, optional
        1 = water, or its outlines (vector); without it no pixel is flagged as water.
    tree_cover_max : float
        Per cent above which a pixel is forest.
    """

    dem: PathLike | float
    tree_cover: PathLike | None = None
    water: PathLike | None = None
    tree_cover_max: float = 50.0

    @property
    def names(self) -> list[str]:
        """File names of the rasters that there are, and the height of flat ground."""
        paths = (self.dem, self.tree_cover, self.water)
        return [
            f"flat ground at {path:g} m" if isinstance(path, float | int) else Path(path).name
            for path in paths
            if path is not None
        ]

    def elevation(self, grid: Grid, parts: Iterable[Grid]) -> Iterator[npt.NDArray[np.float32]]:
        """Elevation, m, in parts of a grid, one after the other; NaN where there is none."""
        if isinstance(self.dem, float | int):
            yield from (np.full(part.shape, self.dem, np.float32) for part in parts)
        else:
            yield from (dem.elevation for dem in dem_parts(self.dem, grid, parts))

    def excluded(self, grid: Grid, parts: Iterable[Grid]) -> Iterator[Bytes]:
        """Bits of forest and water of `Quality` in parts of a grid, one after the other."""
        parts = list(parts)
        cover: Iterable[Bytes] = (np.full(p.shape, TREE_COVER_NODATA, np.uint8) for p in parts)
        water: Iterable[npt.NDArray[np.bool_]] = (np.zeros(p.shape, bool) for p in parts)
        if self.tree_cover is not None:
            cover = tree_cover_parts(self.tree_cover, grid, parts)
        if self.water is not None:
            water = water_parts(self.water, grid, parts)
        for trees, lakes in zip(cover, water, strict=True):
            excluded = terrain.exclusion(trees, lakes, self.tree_cover_max)
            forest = np.where(excluded & terrain.FOREST, Quality.FOREST, 0)
            yield (forest | np.where(excluded & terrain.WATER, Quality.WATER, 0)).astype(np.uint8)


class StoredSurroundings:
    """Surroundings on a grid, kept in two files of whole rows.

    They are read strip by strip and at once for the whole scene: shadow falls from far away, and
    whether the sources are of any use shows before a model is applied.

    Parameters
    ----------
    surroundings : Surroundings
    grid : Grid
    strips : sequence of slice
        Rows of the grid that are read at a time.
    folder : path
        For the files: 5 bytes a pixel.

    Attributes
    ----------
    heights : (float, float)
        Lowest and highest elevation, m.

    Raises
    ------
    GridError
        One of the rasters shares no ground with the grid.
    DataError
        A file is missing, damaged or has other values than it should.
    """

    def __init__(
        self, surroundings: Surroundings, grid: Grid, strips: Sequence[slice], folder: Path
    ) -> None:
        self._width = grid.width
        self._elevation, self._excluded = folder / "elevation", folder / "excluded"
        parts = [grid.rows(rows) for rows in strips]
        lowest, highest = math.inf, -math.inf
        with self._elevation.open("wb") as elevation, self._excluded.open("wb") as excluded:
            for heights, bits in zip(
                surroundings.elevation(grid, parts),
                surroundings.excluded(grid, parts),
                strict=True,
            ):
                heights.tofile(elevation)
                bits.tofile(excluded)
                lowest = min(lowest, float(np.fmin.reduce(heights, axis=None)))
                highest = max(highest, float(np.fmax.reduce(heights, axis=None)))
        self.heights = lowest, highest

    def elevation(self, rows: slice) -> npt.NDArray[np.float32]:
        """Elevation in some rows, (y, x), m; NaN where there is none."""
        return self._read(self._elevation, np.dtype(np.float32), rows)

    def excluded(self, rows: slice) -> Bytes:
        """Bits of forest and water of `Quality` in some rows, (y, x)."""
        return self._read(self._excluded, np.dtype(np.uint8), rows)

    def _read(self, path: Path, dtype: np.dtype[Any], rows: slice) -> npt.NDArray[Any]:
        row = self._width * dtype.itemsize
        count = (rows.stop - rows.start) * self._width
        return np.fromfile(path, dtype, count, offset=rows.start * row).reshape(-1, self._width)
