"""Snow on the ground on a given date."""

from dataclasses import dataclass
from datetime import datetime

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from firn.simulation_config import Climate
from firn.simulator.fields import enlarge, fractal, shrink
from firn.simulator.world import COARSE, World

FloatArray = npt.NDArray[np.float32]

#: Grain of fresh snow: between the 24 and the 82 micrometres of the library's two finest spectra.
FRESH_GRAIN = 0.4


@dataclass(frozen=True)
class Snow:
    """Snow of a date; fields are (y, x) on the world's grid.

    Attributes
    ----------
    fraction : ndarray
        Snow share of the ground outside canopies, 0-1.
    on_canopy : float
        Share of the canopy that carries fresh snow.
    grain : ndarray
        0 fine, 1 medium, 2 coarse.
    soiling : ndarray
        Share of dust on the snow.
    line : float
        Mean snow line, m.
    """

    fraction: FloatArray
    on_canopy: float
    grain: FloatArray
    soiling: FloatArray
    line: float


def seasonal_line(climate: Climate, when: datetime) -> float:
    """Mean snow line of the season, m: lowest in mid-February, highest in mid-August."""
    phase = np.cos(2 * np.pi * (when.timetuple().tm_yday - 46) / 365.25)
    middle = (climate.snow_line_winter + climate.snow_line_summer) / 2
    return float(middle - phase * (climate.snow_line_summer - climate.snow_line_winter) / 2)


def lay_snow(world: World, climate: Climate, when: datetime, rng: np.random.Generator) -> Snow:
    """Draw the snow of a date.

    The snow line bends with aspect, curvature, slope and weather: it is not an elevation. Spring
    snow melts into patches, a fresh fall has a sharp and lower line.
    """
    season = np.cos(2 * np.pi * (when.timetuple().tm_yday - 46) / 365.25)  # 1 winter, -1 summer
    line = seasonal_line(climate, when) + rng.normal(0, climate.snow_line_spread)
    shape = world.grid.with_resolution(COARSE).shape
    height = shrink(world.elevation, 2)
    east, north = shrink(world.east, 2), shrink(world.north, 2)
    steep = np.sqrt(east**2 + north**2)
    # A slope rises towards its back: north-facing ground has its rise towards the south.
    northness = -north / np.sqrt(1 + steep**2)
    smooth = ndimage.gaussian_filter(height, 4)
    hollow = ndimage.gaussian_filter(smooth, 8) - smooth

    patchiness = rng.uniform(0.4, 1.0) * (1.15 - 0.4 * season)
    effective = (
        height
        + rng.uniform(250, 600) * northness * (1 - 0.3 * season)
        + rng.uniform(3, 8) * hollow
        + patchiness * 150 * fractal(rng, shape, COARSE, 6000, 3.2)
        + patchiness * 110 * fractal(rng, shape, COARSE, 500, 2.4)
        - 700 * np.clip(steep - 0.9, 0, 1)
    )
    width = rng.uniform(60, 220)
    fraction = np.clip((effective - line) / width + 0.5, 0, 1)
    grain = np.clip(1.4 - 0.6 * season + rng.normal(0, 0.25) - (height - line) / 3000, 0.5, 2)
    soiling = np.clip(rng.normal(0.04, 0.04) - 0.05 * season, 0.0, 0.15) * np.ones_like(height)

    on_canopy = 0.0
    if rng.random() < 0.2 + 0.12 * season:
        fresh_line = line - rng.uniform(200, 900)
        depth = (height + 60 * fractal(rng, shape, COARSE, 3000, 3.2) - fresh_line) / 80
        fresh = np.clip(depth, 0, 1) * rng.uniform(0.75, 1.0)
        grain = np.where(fresh > fraction * 0.5, FRESH_GRAIN, grain)
        soiling = np.where(fresh > fraction * 0.5, 0.0, soiling)
        fraction = np.maximum(fraction, fresh)
        on_canopy = float(rng.uniform(0, 0.5))

    def fine(field: npt.NDArray[np.floating]) -> FloatArray:
        return enlarge(np.asarray(field, np.float32), 2, world.grid.shape)

    # At 10 m the margin breaks into patches: a soft threshold against fine noise.
    speckle = 0.35 * rng.standard_normal(world.grid.shape, dtype=np.float32)
    speckle = ndimage.gaussian_filter(speckle, 0.8) * 2
    sharp = fine(fraction)
    edge = 4 * sharp * (1 - sharp)
    return Snow(
        fraction=np.where(world.water, 0, np.clip(sharp + edge * speckle, 0, 1)).astype(np.float32),
        on_canopy=on_canopy,
        grain=fine(grain),
        soiling=fine(soiling),
        line=float(line),
    )


def clean_snow(world: World, snow: Snow, levels: int) -> FloatArray:
    """Visible share of clean snow of each grain size, as (grain, y, x).

    Dust hides part of the snow: there the uncovered ground's own colour is seen.
    """
    clean = visible_snow(world, snow) * (1 - snow.soiling)
    level = snow.grain / 2 * (levels - 1)
    layers = [clean * np.clip(1 - np.abs(level - i), 0, 1) for i in range(levels)]
    return np.asarray(layers, np.float32)


def visible_snow(world: World, snow: Snow) -> FloatArray:
    """Snow share of the surface that a nadir view sees, 0-1."""
    canopy_snow = snow.on_canopy * world.tree_cover * snow.fraction
    return snow.fraction * (1 - world.tree_cover) + canopy_snow
