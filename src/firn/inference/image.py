"""A scene on the grid of its maps, read in strips of rows."""

import math
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from firn import terrain
from firn.classes import Quality
from firn.errors import GridError
from firn.grid import Grid
from firn.inference.surroundings import Bytes, StoredSurroundings, Surroundings
from firn.products import Scene

#: Pixel size of maps, to multiples of which their edges are aligned, m.
RESOLUTION = 20.0
#: Decimals of a pixel that an edge may be off its multiple by rounding.
_EDGE_DECIMALS = 6
#: Pixels of a strip, of which each takes some 100 bytes while it is read.
STRIP_PIXELS = 4 * 2**20
#: Rows whose distance from missing data is found at a time.
_ROWS = 32
#: Reflectance, (band, y, x), and where it saturated, (y, x).
_Seen = tuple[npt.NDArray[np.float32], npt.NDArray[np.bool_]]


@dataclass(frozen=True)
class SceneImage:
    """A strip of a scene on the grid of its maps, with context above and below.

    Parameters
    ----------
    rows : slice
        Rows of the scene that make the strip.
    context : slice
        Rows of the scene that the arrays hold.
    bands : tuple of str
    reflectance : ndarray of float32, (band, y, x)
        NaN where there is no data.
    hillshade : ndarray of uint8, (y, x)
    dem : ndarray of float32, (y, x), m
    valid : ndarray of bool, (y, x)
        Where every band and the relief have data.
    quality : ndarray of uint8, (y, x)
        Bits of `Quality` that do not depend on a model, in the strip alone.
    """

    rows: slice
    context: slice
    bands: tuple[str, ...]
    reflectance: npt.NDArray[np.float32]
    hillshade: Bytes
    dem: npt.NDArray[np.float32]
    valid: npt.NDArray[np.bool_]
    quality: Bytes

    def channels(self, bands: Sequence[str], rows: slice, cols: slice) -> npt.NDArray[np.float32]:
        """Channels of a model, (channel, y, x), in rows of the scene."""
        here = shifted(rows, self.context)
        indexes = [self.bands.index(band) for band in bands]
        relief = self.hillshade[None, here, cols], self.dem[None, here, cols]
        channels = np.concatenate(
            [self.reflectance[indexes, here, cols], *relief], dtype=np.float32
        )
        np.copyto(channels, np.nan, where=~self.valid[here, cols])
        return channels

    def has_data(self, rows: slice, cols: slice = slice(None)) -> npt.NDArray[np.bool_]:
        """Whether there are data, (y, x), in rows of the scene."""
        return self.valid[shifted(rows, self.context), cols]


@dataclass(frozen=True)
class _Ground:
    """Rows of a scene as they are read: the fields of `SceneImage`, and where it saturated."""

    rows: slice
    reflectance: npt.NDArray[np.float32]
    saturated: npt.NDArray[np.bool_]
    hillshade: Bytes
    dem: npt.NDArray[np.float32]

    def from_row(self, first: int) -> "_Ground":
        """All from a row on."""
        here = slice(first - self.rows.start, None)
        return _Ground(
            slice(first, self.rows.stop),
            self.reflectance[:, here],
            self.saturated[here],
            self.hillshade[here],
            self.dem[here],
        )

    def with_below(self, below: "_Ground") -> "_Ground":
        """All of these rows and of those that begin where they end."""
        return _Ground(
            slice(self.rows.start, below.rows.stop),
            np.concatenate([self.reflectance, below.reflectance], axis=1),
            np.concatenate([self.saturated, below.saturated]),
            np.concatenate([self.hillshade, below.hillshade]),
            np.concatenate([self.dem, below.dem]),
        )


def shifted(rows: slice, origin: slice) -> slice:
    """Rows counted from the first of others."""
    return slice(rows.start - origin.start, rows.stop - origin.start)


def map_grid(scene: Scene) -> Grid:
    """Grid of a scene's maps: its CRS, 20 m, edges at multiples of 20 m, covering the scene.

    Raises
    ------
    GridError
        The scene is not in a CRS of metres.
    """
    if not scene.grid.crs.is_projected or scene.grid.crs.linear_units_factor[1] != 1.0:
        raise GridError(
            f"{scene.scene_id}: its CRS {scene.grid.crs} is not in metres; warp it to UTM "
            "(gdalwarp -t_srs EPSG:326xx)"
        )
    left, bottom, right, top = (
        round(edge / RESOLUTION, _EDGE_DECIMALS) for edge in scene.grid.bounds
    )
    return Grid.from_bounds(
        scene.grid.crs,
        math.floor(left) * RESOLUTION,
        math.floor(bottom) * RESOLUTION,
        math.ceil(right) * RESOLUTION,
        math.ceil(top) * RESOLUTION,
        RESOLUTION,
    )


def strips(grid: Grid, step: int) -> list[slice]:
    """Rows of a grid in strips: as many times ``step`` as `STRIP_PIXELS` allow, once at least."""
    height = max(STRIP_PIXELS // grid.width // step, 1) * step
    return [slice(row, min(row + height, grid.height)) for row in range(0, grid.height, height)]


class SceneReader:
    """Reads a scene and its surroundings on the grid of its maps, strip by strip.

    Parameters
    ----------
    scene : Scene
    bands : sequence of str
    surroundings : Surroundings
    scratch : path
        A folder for what is kept of the surroundings.
    step : int
        Strips are of so many rows or a multiple.
    margin : int
        Rows that the models need above and below a strip.
    nodata_buffer : float
        Distance from missing data that is flagged, m.

    Attributes
    ----------
    grid : Grid
    strips : list of slice
        Rows of the strips.

    Raises
    ------
    DataError
        A file of the surroundings is missing or damaged.
    GridError
        The scene and one of the rasters share no ground, or the scene is not in metres.
    """

    def __init__(
        self,
        scene: Scene,
        bands: Sequence[str],
        surroundings: Surroundings,
        scratch: Path,
        *,
        step: int,
        margin: int,
        nodata_buffer: float,
    ) -> None:
        self.grid = map_grid(scene)
        self.strips = strips(self.grid, step)
        self._scene, self._bands = scene, tuple(bands)
        self._buffer = nodata_buffer / self.grid.resolution
        self._margin = max(margin, math.floor(self._buffer))
        with ThreadPoolExecutor(1) as thread:
            # The scene is decoded while its relief is warped.
            begun = thread.submit(self._seen, self._around(self.strips[0], self._margin))
            self._stored = StoredSurroundings(surroundings, self.grid, self.strips, scratch)
        self._begun: _Seen | None = begun.result()
        self._sun = scene.sun_zenith, scene.sun_azimuth
        self._shadows = terrain.Shadows(
            self._stored.heights, self.grid.shape, self.grid.resolution, *self._sun
        )

    def images(self) -> Iterator[SceneImage]:
        """Read the strips one after the other; rows that two of them need are read once.

        Raises
        ------
        ProductError
            A band is missing or damaged.
        """
        ground: _Ground | None = None
        for rows in self.strips:
            context = self._around(rows, self._margin)
            ground = self._ground(context, ground)
            yield self._image(rows, ground)

    def _ground(self, rows: slice, before: "_Ground | None") -> "_Ground":
        """Rows of the scene, of which those ``before`` has are not read again."""
        if before is None or rows.start >= before.rows.stop:
            return self._read(rows)
        kept = before.from_row(rows.start)
        if kept.rows.stop == rows.stop:
            return kept
        return kept.with_below(self._read(slice(kept.rows.stop, rows.stop)))

    def _read(self, rows: slice) -> "_Ground":
        """Read rows of the scene and their relief."""
        (reflectance, saturated), self._begun = self._begun or self._seen(rows), None
        return _Ground(rows, reflectance, saturated, *self._relief(rows))

    def _seen(self, rows: slice) -> _Seen:
        """Read reflectance of rows of the scene, and where it saturated."""
        reflectance, saturated = self._scene.read(self._bands, self.grid.rows(rows))
        return reflectance.values, np.any(saturated, axis=0)

    def _image(self, rows: slice, ground: "_Ground") -> SceneImage:
        """Strip of a scene, of whose context everything has been read."""
        valid = np.isfinite(ground.reflectance).all(axis=0) & (ground.hillshade > 0)
        strip = shifted(rows, ground.rows)
        quality = self._stored.excluded(rows)
        quality |= _bit(ground.saturated[strip], Quality.SATURATED)
        quality |= _bit(self._shaded(rows), Quality.SHADED)
        quality |= _bit(near_nodata(valid, self._buffer)[strip], Quality.NODATA_BUFFER)
        return SceneImage(
            rows,
            ground.rows,
            self._bands,
            ground.reflectance,
            ground.hillshade,
            ground.dem,
            valid,
            quality,
        )

    def _around(self, rows: slice, above: int, below: int | None = None) -> slice:
        """Rows with others above and below, or as many below, as far as the scene reaches."""
        stop = rows.stop + (above if below is None else below)
        return slice(max(rows.start - above, 0), min(stop, self.grid.height))

    def _relief(self, rows: slice) -> tuple[Bytes, npt.NDArray[np.float32]]:
        """Hillshade and elevation of some rows; a slope takes a row more on either side."""
        wide = self._around(rows, 1)
        dem, own = self._stored.elevation(wide), shifted(rows, wide)
        return terrain.hillshade(dem, self.grid.resolution, *self._sun)[own], dem[own]

    def _shaded(self, rows: slice) -> npt.NDArray[np.bool_]:
        """Where the ground faces away from the sun or lies in cast shadow."""
        shadows = self._shadows
        wide = self._around(rows, max(shadows.above, 1), max(shadows.below, 1))
        dem, own = self._stored.elevation(wide), shifted(rows, wide)
        near = slice(max(own.start - 1, 0), own.stop + 1)
        cosine = terrain.illumination(dem[near], self.grid.resolution, *self._sun)
        return (cosine[shifted(own, near)] <= 0) | shadows.cast(dem, own, wide.start)


def _bit(where: npt.ArrayLike, bit: Quality) -> Bytes:
    return np.where(where, bit, 0).astype(np.uint8)


def near_nodata(valid: npt.NDArray[np.bool_], distance: float) -> npt.NDArray[np.bool_]:
    """Pixels at most ``distance`` pixels from one without data; outside there is none either.

    Counts missing pixels in the rows of a disc from running sums: on a whole scene this takes a
    fifteenth of the time of a distance transform.
    """
    reach = math.floor(distance)
    missing = np.pad(~valid, reach, constant_values=True)
    counter = np.int16 if missing.shape[1] < np.iinfo(np.int16).max else np.int32
    before = np.pad(np.cumsum(missing, axis=1, dtype=counter), ((0, 0), (1, 0)))
    near = np.zeros_like(valid)
    # A few rows at a time, which stay in the processor's cache.
    for first in range(0, len(valid), _ROWS):
        part = near[first : first + _ROWS]
        _add_disc(part, before[first : first + len(part) + 2 * reach], distance)
    return near


def _add_disc(
    near: npt.NDArray[np.bool_], before: npt.NDArray[np.integer[Any]], distance: float
) -> None:
    """Mark the pixels of some rows that have one without data in their disc."""
    reach = math.floor(distance)
    height, width = near.shape
    for row in range(2 * reach + 1):
        half = math.floor(math.sqrt(distance**2 - (row - reach) ** 2))
        counts = before[row : row + height]
        start, stop = reach - half, reach + half + 1
        near |= counts[:, stop : stop + width] > counts[:, start : start + width]
