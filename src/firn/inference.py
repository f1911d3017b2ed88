"""Classification of scenes: from calibrated bands and relief to published maps."""

import json
import math
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from tqdm import tqdm

from firn import raster, terrain
from firn.classes import (
    CLASS_NAMES,
    NO_DATA,
    PROBABILITY_NODATA,
    PROBABILITY_STEPS,
    PUBLISHED_COLOURS,
    PUBLISHED_NAMES,
    Quality,
    to_published,
)
from firn.config import InferenceSettings
from firn.errors import GridError, ModelError
from firn.files import write_json
from firn.methods import Model
from firn.methods.model_file import card_digest
from firn.products import Scene
from firn.products.dem import read_dem
from firn.products.land_cover import TREE_COVER_NODATA, read_tree_cover, read_water
from firn.provenance import provenance
from firn.raster import Grid
from firn.stac import map_item

PathLike = str | os.PathLike[str]
Bytes = npt.NDArray[np.uint8]

#: Pixel size of maps, to multiples of which their edges are aligned, m.
RESOLUTION = 20.0
#: Decimals of a pixel that an edge may be off its multiple by rounding.
_EDGE_DECIMALS = 6


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


@dataclass(frozen=True)
class SceneImage:
    """A scene on the grid of its maps.

    Parameters
    ----------
    grid : Grid
    bands : tuple of str
    reflectance : ndarray of float32, (band, y, x)
        NaN where there is no data.
    hillshade : ndarray of uint8, (y, x)
    dem : ndarray of float32, (y, x), m
    valid : ndarray of bool, (y, x)
        Where every band and the relief have data.
    quality : ndarray of uint8, (y, x)
        Bits of `Quality` that do not depend on a model.
    """

    grid: Grid
    bands: tuple[str, ...]
    reflectance: npt.NDArray[np.float32]
    hillshade: Bytes
    dem: npt.NDArray[np.float32]
    valid: npt.NDArray[np.bool_]
    quality: Bytes

    def channels(self, bands: Sequence[str], rows: slice, cols: slice) -> npt.NDArray[np.float32]:
        """Channels of a model, (channel, y, x), in a part of the scene."""
        indexes = [self.bands.index(band) for band in bands]
        relief = self.hillshade[None, rows, cols], self.dem[None, rows, cols]
        channels = np.concatenate(
            [self.reflectance[indexes, rows, cols], *relief], dtype=np.float32
        )
        channels[:, ~self.valid[rows, cols]] = np.nan
        return channels


@dataclass(frozen=True)
class SceneMap:
    """A map as it is published.

    Parameters
    ----------
    snow : ndarray of uint8, (y, x)
        0 ground, 100 snow, 205 cloud, 254 no data.
    probability : ndarray of uint8, (class, y, x)
        Half per cents, 255 = no data.
    quality : ndarray of uint8, (y, x)
        Bits of `Quality`.
    """

    snow: Bytes
    probability: Bytes
    quality: Bytes


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


def read_scene(
    scene: Scene, bands: Sequence[str], surroundings: Surroundings, nodata_buffer: float
) -> SceneImage:
    """Read a scene and its surroundings on the grid of its maps.

    Parameters
    ----------
    scene : Scene
    bands : sequence of str
    surroundings : Surroundings
    nodata_buffer : float
        Distance from missing data that is flagged, m.

    Raises
    ------
    ProductError
        A band is missing or damaged.
    GridError
        The scene and one of the rasters share no ground.
    """
    grid = map_grid(scene)
    reflectance, saturated = scene.read(bands, grid)
    if isinstance(surroundings.dem, float | int):
        dem = np.full(grid.shape, surroundings.dem, np.float32)
    else:
        dem = read_dem(surroundings.dem, grid).elevation
    sun = scene.sun_zenith, scene.sun_azimuth
    hillshade = terrain.hillshade(dem, grid.resolution, *sun)
    valid = np.isfinite(reflectance.values).all(axis=0) & (hillshade > 0)
    shaded = terrain.illumination(dem, grid.resolution, *sun) <= 0
    shaded |= terrain.cast_shadow(dem, grid.resolution, *sun)
    quality = _exclusion(surroundings, grid)
    quality |= np.where(saturated.any(axis=0), Quality.SATURATED, 0).astype(np.uint8)
    quality |= np.where(shaded, Quality.SHADED, 0).astype(np.uint8)
    near = near_nodata(valid, nodata_buffer / grid.resolution)
    quality |= np.where(near, Quality.NODATA_BUFFER, 0).astype(np.uint8)
    return SceneImage(grid, tuple(bands), reflectance.values, hillshade, dem, valid, quality)


def _exclusion(surroundings: Surroundings, grid: Grid) -> Bytes:
    """Bits of forest and water."""
    cover, water = np.full(grid.shape, TREE_COVER_NODATA, np.uint8), np.zeros(grid.shape, bool)
    if surroundings.tree_cover is not None:
        cover = read_tree_cover(surroundings.tree_cover, grid)
    if surroundings.water is not None:
        water = read_water(surroundings.water, grid)
    excluded = terrain.exclusion(cover, water, surroundings.tree_cover_max)
    forest = np.where(excluded & terrain.FOREST, Quality.FOREST, 0)
    return (forest | np.where(excluded & terrain.WATER, Quality.WATER, 0)).astype(np.uint8)


def near_nodata(valid: npt.NDArray[np.bool_], distance: float) -> npt.NDArray[np.bool_]:
    """Pixels at most ``distance`` pixels from one without data; outside there is none either.

    Counts missing pixels in the rows of a disc from running sums: on a whole scene this takes a
    fifteenth of the time of a distance transform.
    """
    reach = math.floor(distance)
    missing = np.pad(~valid, reach, constant_values=True)
    before = np.pad(np.cumsum(missing, axis=1, dtype=np.int32), ((0, 0), (1, 0)))
    height, width = valid.shape
    near = np.zeros_like(valid)
    for row in range(2 * reach + 1):
        half = math.floor(math.sqrt(distance**2 - (row - reach) ** 2))
        counts = before[row : row + height]
        first, last = reach - half, reach + half + 1
        near |= counts[:, last : last + width] > counts[:, first : first + width]
    return near


def probabilities(
    image: SceneImage, model: Model, window: int, *, progress: bool = False
) -> Iterator[tuple[slice, slice, npt.NDArray[np.float32]]]:
    """Probabilities of a scene, window by window.

    Each window is read with the model's margin around it, as far as the scene reaches, so that the
    result does not depend on the windows (but for rounding in the last bits). Windows without any
    valid pixel are left out.

    Parameters
    ----------
    image : SceneImage
    model : Model
    window : int
        Side of a window, rounded up to the model's alignment, pixels.
    progress : bool
        Show a progress bar where someone looks on.

    Yields
    ------
    rows, cols : slice
    probabilities : ndarray of float32, (class, y, x)
    """
    step = -(-window // model.alignment) * model.alignment
    rows, cols = (_windows(size, step, model) for size in image.grid.shape)
    pairs = [(row, col) for row in rows for col in cols]
    hidden = not (progress and sys.stderr.isatty())
    for (rows_in, row, rows_out), (cols_in, col, cols_out) in tqdm(
        pairs, desc=model.card.method, unit="window", leave=False, disable=hidden
    ):
        if not image.valid[rows_out, cols_out].any():
            continue
        channels = image.channels(model.card.bands, rows_in, cols_in)
        height, width = image.valid[rows_out, cols_out].shape
        yield rows_out, cols_out, model.predict(channels, (row, col, height, width))


def _windows(size: int, step: int, model: Model) -> list[tuple[slice, int, slice]]:
    """Windows along one axis: what is read, where in it the window starts, and the window."""
    windows = []
    for start in range(0, size, step):
        first = max(0, (start - model.margin) // model.alignment * model.alignment)
        stop = min(start + step, size)
        read = slice(first, min(stop + model.margin, size))
        windows.append((read, start - first, slice(start, stop)))
    return windows


def classify(
    image: SceneImage, model: Model, settings: InferenceSettings, *, progress: bool = False
) -> SceneMap:
    """Classify a scene that has been read."""
    shape = image.grid.shape
    classes = np.zeros(shape, np.uint8)
    probability = np.full((len(CLASS_NAMES), *shape), PROBABILITY_NODATA, np.uint8)
    quality = image.quality.copy()
    for rows, cols, values in probabilities(image, model, settings.window, progress=progress):
        valid = image.valid[rows, cols]
        classes[rows, cols] = values.argmax(axis=0)
        steps = np.rint(values * PROBABILITY_STEPS).astype(np.uint8)
        probability[:, rows, cols] = np.where(valid, steps, PROBABILITY_NODATA)
        unsure = valid & (values.max(axis=0) < settings.low_confidence)
        quality[rows, cols] |= np.where(unsure, Quality.LOW_CONFIDENCE, 0).astype(np.uint8)
    return SceneMap(to_published(classes, image.valid), probability, quality)


def classify_scene(
    scene: Scene,
    models: Mapping[Path, Model],
    surroundings: Surroundings,
    settings: InferenceSettings,
    *,
    progress: bool = True,
) -> None:
    """Classify a scene with one or more models and write a map for each.

    The scene and its relief are read once and held in memory, about 100 bytes a pixel; the models
    see one window at a time.

    Parameters
    ----------
    scene : Scene
    models : mapping of folder to Model
        Each folder gets ``snow.tif``, ``probability.tif``, ``quality.tif`` and, at last,
        ``item.json``.
    surroundings : Surroundings
    settings : InferenceSettings
    progress : bool
        Show a progress bar where someone looks on.

    Raises
    ------
    ModelError
        A model needs a band that the scene does not have.
    ProductError
        A band is missing or damaged.
    GridError
        The scene is not in metres, or it and one of the rasters share no ground.
    """
    for model in models.values():
        if missing := [band for band in model.card.bands if band not in scene.bands]:
            raise ModelError(
                f"{scene.scene_id}: has no {', '.join(missing)}, which the {model.card.method} for "
                f"{model.card.sensor} needs; it has {', '.join(scene.bands)}: use a model trained "
                "for these"
            )
    needed = {band for model in models.values() for band in model.card.bands}
    bands = [band for band in scene.bands if band in needed]
    image = read_scene(scene, bands, surroundings, settings.nodata_buffer)
    for folder, model in models.items():
        scene_map = classify(image, model, settings, progress=progress)
        source = provenance(
            [scene.scene_id, *surroundings.names, f"model {card_digest(model.card)}"],
            {
                "nodata_buffer": settings.nodata_buffer,
                "low_confidence": settings.low_confidence,
                "tree_cover_max": surroundings.tree_cover_max,
            },
        )
        write_map(folder, scene_map, image.grid, source)
        write_json(folder / "item.json", map_item(scene, image.grid, model.card, source))


def write_map(folder: Path, scene_map: SceneMap, grid: Grid, source: Mapping[str, Any]) -> None:
    """Write the three rasters of a map as cloud-optimised GeoTIFFs."""
    tags = {"FIRN_PROVENANCE": json.dumps(source, sort_keys=True)}
    raster.write_cog(
        folder / "snow.tif",
        scene_map.snow,
        grid,
        nodata=NO_DATA,
        band_names=["class"],
        tags=tags,
        colours=PUBLISHED_COLOURS,
        categories=PUBLISHED_NAMES,
    )
    raster.write_cog(
        folder / "probability.tif",
        scene_map.probability,
        grid,
        nodata=PROBABILITY_NODATA,
        band_names=CLASS_NAMES,
        tags=tags | {"scale": f"probability = value / {PROBABILITY_STEPS}"},
        overview_resampling="average",
    )
    bits = {f"BIT_{bit.value}": str(bit.name).lower() for bit in Quality}
    raster.write_cog(
        folder / "quality.tif",
        scene_map.quality,
        grid,
        nodata=None,
        band_names=["quality"],
        tags=tags | bits,
        overview_resampling="nearest",
    )
