"""Fires on a virtual tile: where it burnt, how severely, and what the ground looks like after."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from firn.cloud_removal_config import Fires
from firn.simulation_config import Materials
from firn.simulator.fields import enlarge, fractal, shrink
from firn.simulator.spectra import Spectrum
from firn.simulator.world import COARSE, ROUGHNESS, World, present, share_of

FloatArray = npt.NDArray[np.float32]

#: Share of the living cover that burnt, at which severity rises to low, moderate and high.
CLASSES = (0.1, 0.4, 0.7)
#: Roles of materials that burn.
FUEL = ("forest", "grass", "dry_grass")
#: Living cover, as share of the ground, below which a pixel does not carry a fire.
FUEL_FROM = 0.3
#: What is left of burnt cover, as shares of its ground; the rest is bare soil.
REMAINS = {"char": 0.7, "ash": 0.07, "scorched": 0.08}
#: Spectra of charcoal and of white ash (assumed): char is dark and rises slowly up to the SWIR, ash
#: is pale. So a burn loses near infrared and gains SWIR (Kokaly et al. 2007, Remote Sens. Environ.
#: 106, 305-325).
BURNT_SPECTRA: dict[str, Spectrum] = {
    "char": ((400, 700, 900, 1300, 1650, 2200, 2500), (0.03, 0.05, 0.07, 0.11, 0.15, 0.19, 0.2)),
    "ash": ((400, 700, 1000, 1650, 2200, 2500), (0.2, 0.3, 0.35, 0.4, 0.35, 0.33)),
}


@dataclass(frozen=True)
class Burn:
    """What burnt between two dates; fields are (y, x) on the world's grid.

    Attributes
    ----------
    share : ndarray
        Share of the living cover that burnt, 0-1.
    severity : ndarray of uint8
        0 unburnt, 1 low, 2 moderate, 3 high.
    """

    share: FloatArray
    severity: npt.NDArray[np.uint8]


def draw_burn(world: World, materials: Materials, fires: Fires, rng: np.random.Generator) -> Burn:
    """Draw fires of ragged outline that run uphill, where there is something to burn.

    Parameters
    ----------
    world : World
    materials : Materials
        Of its tile.
    fires : Fires
    rng : Generator
    """
    living = np.sum([share_of(world, materials, role) for role in FUEL], axis=0)
    shape = living.shape
    rows, cols = np.indices(shape, dtype=np.float32)
    height = shrink(world.elevation, 2)
    heat = np.zeros(shape, np.float32)
    # Most fires begin among trees.
    odds = np.cumsum((living > FUEL_FROM) * (0.1 + share_of(world, materials, "forest")))
    for _ in range(fires.count if odds[-1] > 0 else 0):
        start = int(np.searchsorted(odds, rng.uniform(0, odds[-1])))
        row, col = np.unravel_index(start, shape)
        radius = float(rng.uniform(*fires.radius))
        distance = COARSE * np.hypot(rows - row, cols - col) / radius
        ragged = 0.35 * fractal(rng, shape, COARSE, radius, 3.0)
        uphill = np.clip((height - height[row, col]) / radius, -0.5, 0.5)
        heat = np.maximum(heat, 1.25 - distance + ragged + uphill)
    heat = np.clip(heat, 0, 1) * (living > FUEL_FROM)
    share = np.clip(heat * (0.9 + 0.15 * fractal(rng, shape, COARSE, 500, 3.0)), 0, 1)
    fine = enlarge(np.asarray(share, np.float32), 2, world.grid.shape)
    return Burn(fine, np.digitize(fine, CLASSES).astype(np.uint8))


def burnt_world(world: World, materials: Materials, burn: Burn) -> World:
    """Give the world after the fires: what lived is char, ash, scorched leaves and bare soil."""
    share = shrink(burn.share, 2)
    cover = {name: part.copy() for name, part in world.cover.items()}
    lost = np.zeros_like(share)
    for role in FUEL:
        for name in present(world, materials, role):
            lost += share * cover[name] / np.float32(ROUGHNESS[role])
            cover[name] *= 1 - share
    for name in BURNT_SPECTRA:
        cover[name] = lost * np.float32(REMAINS[name])
    _add(
        cover,
        present(world, materials, "dry_grass"),
        lost * REMAINS["scorched"] * ROUGHNESS["dry_grass"],
    )
    _add(
        cover,
        present(world, materials, "soil"),
        lost * (1 - sum(REMAINS.values())) * ROUGHNESS["soil"],
    )
    return replace(
        world, cover=cover, tree_cover=np.asarray(world.tree_cover * (1 - burn.share), np.float32)
    )


def _add(
    cover: dict[str, FloatArray], names: Sequence[str], share: npt.NDArray[np.floating]
) -> None:
    for name in names:
        cover[name] = np.asarray(cover[name] + share / len(names), np.float32)
