"""SPOT twins of Sentinel-2 scenes, and the materials of tiles, read by firn's own readers."""

from pathlib import Path

import numpy as np
import pytest
from small_world import simulation

from firn.products.sentinel2 import open_l1c
from firn.products.swh import SwhScene, open_swh
from firn.simulator import archive
from firn.simulator.plan import sentinel2_plans
from firn.simulator.twins import simulate_twins
from firn.simulator.world import build_world, tile_grid

SEED = 7


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sentinel-2 products of a scene and their twins, a and b."""
    path = tmp_path_factory.mktemp("twins")
    virtual = simulation()
    scene = sentinel2_plans(virtual, SEED)[0]
    products = {name: path / f"{name}.zip" for name in ("l1c", "l2a", "snow")}
    archive.simulate_sentinel2(virtual, scene, SEED, truth=path / "truth", **products)
    simulate_twins(virtual, scene, "SPOT4", SEED, first=path / "a.zip", second=path / "b.zip")
    return path


@pytest.fixture(scope="module")
def twins(folder: Path) -> tuple[SwhScene, SwhScene]:
    return open_swh(folder / "a.zip"), open_swh(folder / "b.zip")


def test_twins_share_sun_and_gains_but_not_the_camera(twins: tuple[SwhScene, SwhScene]) -> None:
    first, second = twins
    assert {first.instrument, second.instrument} == {"HRVIR1", "HRVIR2"}
    assert first.acquisition_time == second.acquisition_time
    assert first.sun_zenith == second.sun_zenith
    assert first.saturation == second.saturation
    assert first.minimum == second.minimum


def test_twins_show_the_ground_that_sentinel2_saw(
    folder: Path, twins: tuple[SwhScene, SwhScene]
) -> None:
    product = open_l1c(folder / "l1c.zip")
    assert product.sun_zenith == pytest.approx(twins[0].sun_zenith, abs=0.1)
    source = product.read(["B11"], 20)[0].values[0]
    images = [twin.read(["SWIR"], product.grid(20))[0].values[0] for twin in twins]
    seen = np.isfinite(source) & np.isfinite(images[0]) & np.isfinite(images[1])
    seen &= source < twins[0].saturation["SWIR"]
    assert seen.mean() > 0.85
    for image in images:
        assert np.corrcoef(source[seen], image[seen])[0, 1] > 0.85
    # Noise, position and blur differ, so the two are near each other but not the same.
    difference = (images[0] - images[1])[seen]
    assert 0.001 < difference.std() < 0.1


def test_a_tile_may_be_of_materials_of_its_own() -> None:
    plain = simulation()
    tile = plain.tiles["32TPT"].model_dump() | {"materials": {"rock": ["rock_shale"]}}
    own = simulation(tiles={"32TPT": tile})
    rocks = [
        {
            name
            for name in build_world(s, "32TPT", tile_grid(s, "32TPT"), SEED).cover
            if "rock" in name
        }
        for s in (plain, own)
    ]
    assert rocks[0] == set(plain.materials.rock) & rocks[0]
    assert len(rocks[0]) == 3, "each tile draws three of the configured rocks"
    assert rocks[1] == {"rock_shale"}
