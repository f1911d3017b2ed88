"""Fires and what they leave."""

import numpy as np
import pytest

from firn.cloud_removal_config import Fires
from firn.simulator.fire import BURNT_SPECTRA, Burn, burnt_world, draw_burn
from firn.simulator.spectra import band_optics
from firn.simulator.world import share_of
from tests.simulator.hand_made_world import MATERIALS, flat_world, middle
from tests.simulator.small_world import simulation

WORLD = flat_world()
FIRES = Fires(count=2, radius=(150, 250))


def burn_of(share: float) -> Burn:
    field = np.full(WORLD.grid.shape, share, np.float32)
    return Burn(field, np.zeros(WORLD.grid.shape, np.uint8))


def test_only_what_lives_burns() -> None:
    burn = draw_burn(WORLD, MATERIALS, FIRES, np.random.default_rng(1))
    assert set(np.unique(burn.severity)) == {0, 1, 2, 3}
    assert (middle(burn.severity, 2) == 0).all()
    assert (middle(burn.severity, 3) == 0).all()
    assert (burn.severity[burn.share < 0.1] == 0).all()
    assert (burn.severity[burn.share > 0.7] == 3).all()
    assert (draw_burn(WORLD, MATERIALS, Fires(count=0), np.random.default_rng(1)).share == 0).all()


def test_ground_keeps_its_area() -> None:
    after = burnt_world(WORLD, MATERIALS, burn_of(0.8))
    roles = ("forest", "grass", "dry_grass", "soil", "rock")
    total = sum(share_of(after, MATERIALS, role) for role in roles)
    total = total + after.cover["char"] + after.cover["ash"]
    np.testing.assert_allclose(total, 1, atol=1e-6)
    np.testing.assert_allclose(share_of(after, MATERIALS, "forest")[:, :6], 0.2, atol=1e-6)
    np.testing.assert_allclose(after.tree_cover[:, :12], 0.2, atol=1e-6)
    np.testing.assert_array_equal(after.cover["rock_shale"], WORLD.cover["rock_shale"])


def test_burnt_ground_loses_near_infrared_and_gains_swir() -> None:
    optics = band_optics(simulation(), "sentinel2a", further=BURNT_SPECTRA)

    def reflectance(share: float, band: str) -> np.ndarray:
        cover = burnt_world(WORLD, MATERIALS, burn_of(share)).cover
        column = optics.names.index(band)
        return sum(part * optics.reflectance[name][column] for name, part in cover.items())

    def burn_ratio(share: float, stripe: int) -> float:
        near, swir = (reflectance(share, band).mean(axis=0) for band in ("B8A", "B12"))
        column = 4 + 8 * stripe
        return float((near[column] - swir[column]) / (near[column] + swir[column]))

    for stripe in (0, 1):
        difference = [burn_ratio(0, stripe) - burn_ratio(share, stripe) for share in (0.2, 0.5, 1)]
        # Low, moderate and high severity by the classes of the USGS: 0.1, 0.27, 0.44 or 0.66.
        assert difference == sorted(difference)
        assert difference[2] > 0.44
    assert (reflectance(1, "B08")[:, 4] < 0.6 * reflectance(0, "B08")[:, 4]).all()
    assert (reflectance(1, "B12")[:, 4] > reflectance(0, "B12")[:, 4]).all()
    assert burn_ratio(1, 2) == pytest.approx(burn_ratio(0, 2))
