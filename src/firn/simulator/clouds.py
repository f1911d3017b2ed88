"""Clouds of several kinds: where they are, how thick, how high."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from firn.simulation_config import Climate
from firn.simulator.cloud_optics import Particles
from firn.simulator.fields import displaced, enlarge, fractal, shrink
from firn.simulator.world import COARSE, World

FloatArray = npt.NDArray[np.float32]

#: Slope of the power spectrum of the fields that outline clouds. Contours of such a field have the
#: fractal dimension 2 - H with slope = 2 H + 2: 1.35, as clouds seen from space have
#: (Lovejoy 1982, Science 216, 185).
OUTLINE = 3.3
#: Altitudes up to which a cloud is liquid and from which it is ice: where it begins to freeze and
#: where it must (-38 degrees) in the middle latitudes, m.
LIQUID_UP_TO, ICE_FROM = 3500.0, 7500.0
#: Effective radii of droplets and crystals, um: the range about MODIS's means over land of some 12
#: and 30 (King et al. 2013, IEEE Trans. Geosci. Remote Sens. 51, 3826).
DROPLET, CRYSTAL = (6.0, 16.0), (12.0, 45.0)


@dataclass(frozen=True)
class Layer:
    """A cloud layer on the world's 10 m grid.

    Attributes
    ----------
    kind : str
    thickness : ndarray
        Optical thickness in the visible.
    top : float
        Mean altitude, m.
    particles : Particles
    relief : ndarray
        Cloud-top height around ``top``, m: makes the lit and the shaded side.
    """

    kind: str
    thickness: FloatArray
    top: float
    particles: Particles
    relief: FloatArray


def _deck(
    rng: np.random.Generator,
    pattern: FloatArray,
    cover: float,
    softness: float,
    thickest: float,
    detail: FloatArray,
) -> FloatArray:
    """Optical thickness: nothing below the quantile of ``cover``, growing above it."""
    level = float(np.quantile(pattern[::3, ::3], 1 - np.clip(cover, 0.001, 0.999)))
    above = np.clip((pattern - level) / softness, 0, None)
    body = 1 - np.exp(-above)
    return np.asarray(thickest * body**1.3 * np.exp(0.35 * detail), np.float32)


Drawn = tuple[FloatArray, float, float]


def _cumulus(rng: np.random.Generator, height: FloatArray, cover: float) -> Drawn:
    shape = height.shape
    pattern = fractal(rng, shape, COARSE, rng.uniform(700, 2500), OUTLINE)
    pattern += rng.uniform(-0.2, 0.7) * (height - height.mean()) / (height.std() + 1)
    detail = fractal(rng, shape, COARSE, 300, 2.6)
    tau = _deck(rng, pattern, 0.55 * cover, 0.35, rng.uniform(15, 45), detail)
    return tau, float(rng.uniform(2800, 4500)), 300.0


def _stratocumulus(rng: np.random.Generator, height: FloatArray, cover: float) -> Drawn:
    shape = height.shape
    cells = fractal(rng, shape, COARSE, rng.uniform(800, 2500), OUTLINE)
    pattern = cells + 1.2 * fractal(rng, shape, COARSE, 12000, OUTLINE)
    detail = 0.8 * cells + 0.5 * fractal(rng, shape, COARSE, 400, 2.8)
    tau = _deck(rng, pattern, cover, 0.7, rng.uniform(8, 30), detail)
    return tau, float(rng.uniform(2800, 4200)), 120.0


def _stratus(rng: np.random.Generator, height: FloatArray, cover: float) -> Drawn:
    """Fill the valleys with fog up to a wavy lid."""
    shape = height.shape
    lid = float(np.quantile(height[::3, ::3], np.clip(0.75 * cover + 0.1, 0, 1)))
    wave = fractal(rng, shape, COARSE, 2500, 3.2)
    depth = lid + 80 * wave - height
    thickness = rng.uniform(8, 25) * (1 - np.exp(-np.clip(depth, 0, None) / 120))
    detail = fractal(rng, shape, COARSE, 900, 3.0)
    return np.asarray(thickness * np.exp(0.15 * detail), np.float32), lid + 100, 40.0


def _altocumulus(rng: np.random.Generator, height: FloatArray, cover: float) -> Drawn:
    shape = height.shape
    stretch = (float(rng.uniform(0.5, 1)), float(rng.uniform(1, 2)))
    pattern = fractal(rng, shape, COARSE, rng.uniform(300, 800), OUTLINE, stretch)
    pattern = 0.7 * pattern + fractal(rng, shape, COARSE, 6000, OUTLINE)
    detail = fractal(rng, shape, COARSE, 200, 2.6)
    tau = _deck(rng, pattern, 0.8 * cover, 0.5, rng.uniform(3, 14), detail)
    return tau, float(rng.uniform(4500, 6500)), 60.0


def _cirrus(rng: np.random.Generator, height: FloatArray, cover: float) -> Drawn:
    shape = height.shape
    stretch = (float(rng.uniform(0.25, 0.5)), float(rng.uniform(1.5, 3)))
    if rng.random() < 0.5:
        stretch = (stretch[1], stretch[0])
    pattern = fractal(rng, shape, COARSE, rng.uniform(2500, 8000), OUTLINE, stretch)
    detail = fractal(rng, shape, COARSE, 800, 2.8, stretch)
    tau = _deck(rng, pattern, cover, 1.5, rng.uniform(0.3, 3.0), detail)
    return tau, float(rng.uniform(8000, 11000)), 30.0


def _frontal(rng: np.random.Generator, height: FloatArray, cover: float) -> Drawn:
    shape = height.shape
    pattern = fractal(rng, shape, COARSE, rng.uniform(8000, 20000), OUTLINE)
    detail = fractal(rng, shape, COARSE, 1500, 3.0)
    tau = _deck(rng, pattern, cover, 0.6, rng.uniform(15, 60), detail)
    return tau, float(rng.uniform(4500, 8000)), 150.0


KINDS: dict[str, Callable[[np.random.Generator, FloatArray, float], Drawn]] = {
    "cumulus": _cumulus,
    "stratus": _stratus,
    "stratocumulus": _stratocumulus,
    "altocumulus": _altocumulus,
    "cirrus": _cirrus,
    "frontal": _frontal,
}


def _particles(rng: np.random.Generator, top: float) -> Particles:
    ice = float(np.clip((top - LIQUID_UP_TO) / (ICE_FROM - LIQUID_UP_TO), 0, 1))
    return Particles(ice, float(rng.uniform(*DROPLET)), float(rng.uniform(*CRYSTAL)))


def _regions(
    rng: np.random.Generator, count: int, shape: tuple[int, int]
) -> npt.NDArray[np.float32]:
    """Share of each cloud system at each place, (system, y, x): one reigns, with soft borders."""
    strength = np.stack([2.0 * fractal(rng, shape, COARSE, 5000, 3.4) for _ in range(count)])
    share = np.exp(4 * (strength - strength.max(axis=0)))
    return np.asarray(share / share.sum(axis=0), np.float32)


def draw_clouds(world: World, climate: Climate, rng: np.random.Generator) -> list[Layer]:
    """Draw the cloud layers of a scene, lowest first.

    A virtual tile is small but stands for one of a hundred kilometres, so two to four cloud
    systems share it, each with a region, a kind and a cover of its own. The cover follows a
    U-shaped law, as cloud cover does: much clear and much overcast sky.
    """
    low, high = climate.cloud_cover
    height = ndimage.gaussian_filter(shrink(world.elevation, 2), 10)
    names = list(climate.cloud_kinds)
    odds = np.array([climate.cloud_kinds[n] for n in names], float)
    count = min(int(rng.integers(2, 5)), len(names))
    chosen = rng.choice(len(names), size=count, replace=False, p=odds / odds.sum())
    layers = []
    for index, region in zip(chosen, _regions(rng, count, height.shape), strict=True):
        kind = names[int(index)]
        cover = low + (high - low) * float(rng.beta(0.7, 1.0))
        tau, top, bump = KINDS[kind](rng, height, cover)
        tau = tau * region
        billows = fractal(rng, height.shape, COARSE, 700, 3.4)
        texture = bump * np.log1p(tau / 5) * (0.5 + 0.12 * billows)
        texture = ndimage.gaussian_filter(texture, 2.5)
        layers.append(
            Layer(
                kind,
                enlarge(np.where(tau < 0.02, 0, tau).astype(np.float32), 2, world.grid.shape),
                top,
                _particles(rng, top),
                enlarge(np.asarray(texture, np.float32), 2, world.grid.shape),
            )
        )
    return sorted(layers, key=lambda layer: layer.top)


def shadow_of(layer: Layer, world: World, sun_zenith: float, sun_azimuth: float) -> FloatArray:
    """Optical thickness between the sun and each pixel of the ground."""
    ground = float(world.elevation.mean())
    reach = max(layer.top - ground, 50.0) * np.tan(np.radians(min(sun_zenith, 80.0)))
    azimuth = np.radians(sun_azimuth)
    pixels = reach / world.grid.resolution
    # The shadow lies away from the sun: rows grow southwards, columns eastwards.
    return displaced(layer.thickness, np.cos(azimuth) * pixels, -np.sin(azimuth) * pixels)
