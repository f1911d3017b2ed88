"""Whole products of a small virtual tile, read back with firn's own readers."""

import ast
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from small_world import simulation

import firn
from firn import raster
from firn.catalogue import catalogue
from firn.classes import from_published
from firn.config import parse_config
from firn.errors import ConfigError
from firn.files import read_json
from firn.grid import Grid
from firn.products.dem import read_dem
from firn.products.land_cover import read_tree_cover, read_water
from firn.products.maja import open_l2a
from firn.products.sentinel2 import open_l1c
from firn.products.snow import read_snow
from firn.products.swh import open_swh
from firn.sensors import load_sensor
from firn.simulation_config import Simulation
from firn.simulator import archive, plan, spot
from firn.simulator.spectra import BandOptics, band_optics
from firn.simulator.whole_archive import simulate_archive
from firn.simulator.world import relief_path, source_relief, tile_grid

SEED = 7


@pytest.fixture(scope="module")
def small() -> Simulation:
    return simulation(
        spot=[
            {"sensor": "spot2", "tile": "32TPT", "date": "19950505"},
            {"sensor": "spot5", "tile": "32TPT", "date": "20080311"},
        ],
        spot_archive={"scenes_per_sensor": 5, "size": 24},
    )


@pytest.fixture(scope="module")
def sentinel2(small: Simulation, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folders = {}
    for scene in plan.sentinel2_plans(small, SEED):
        folders[scene.date] = folder = tmp_path_factory.mktemp(scene.date)
        make_sentinel2(small, scene, folder)
    return folders


def make_sentinel2(small: Simulation, scene: plan.Sentinel2Plan, folder: Path) -> None:
    products = {name: folder / f"{name}.zip" for name in ("l1c", "l2a", "snow")}
    archive.simulate_sentinel2(small, scene, SEED, truth=folder / "truth", **products)


def test_both_baselines_read_as_reflectance(sentinel2: dict[str, Path]) -> None:
    for date, baseline in (("20190415", "02.08"), ("20230615", "05.09")):
        product = open_l1c(sentinel2[date] / "l1c.zip")
        assert product.baseline == baseline.replace(".", "")
        assert product.tile == "32TPT"
        reflectance, _ = product.read(["B04", "B11"], resolution=20)
        seen = reflectance.values[np.isfinite(reflectance.values)]
        assert reflectance.shape == (2, 96, 96)
        assert seen.min() > -0.05
        assert 0.02 < np.median(seen) < 1.2
        assert product.classification_mask().shape[1:] == (96, 96)
        assert not product.classification_mask().values.any()
        zenith, azimuth = product.sun_angles().values
        np.testing.assert_allclose(zenith, product.sun_zenith, atol=1e-3)
        np.testing.assert_allclose(azimuth, product.sun_azimuth, atol=1e-3)


def test_level2_and_snow_products_agree_with_their_truth(sentinel2: dict[str, Path]) -> None:
    right = total = 0
    for folder in sentinel2.values():
        codes = from_published(read_snow(folder / "snow.zip").values)
        truth = from_published(raster.read(folder / "truth" / "class.tif").values[0])
        judged = (codes != 255) & (truth != 255)
        right += int((codes == truth)[judged].sum())
        total += int(judged.sum())
        level2 = open_l2a(folder / "l2a.zip")
        cloud_mask = np.asarray(level2.cloud_mask())
        # Shadows and clouds are in the summary bit.
        assert np.all(cloud_mask[cloud_mask > 0] & (1 | 128))
        summary = level2.cloud_flags(["cloud_or_shadow"]).values[0]
        np.testing.assert_array_equal(summary, cloud_mask & 1)
        assert level2.geophysical_flags().shape == (7, *cloud_mask.shape)
        assert not level2.saturation_flags().values.all()
    # Labels err as real ones do, but they are labels.
    assert 0.6 < right / total <= 1


def test_products_repeat_to_the_byte(
    small: Simulation, sentinel2: dict[str, Path], tmp_path: Path
) -> None:
    scene = plan.sentinel2_plans(small, SEED)[0]
    make_sentinel2(small, scene, tmp_path)
    for name in ("l1c.zip", "l2a.zip", "snow.zip", "truth/class.tif", "truth/instrument.json"):
        assert (tmp_path / name).read_bytes() == (sentinel2[scene.date] / name).read_bytes()


def test_spot_scenes_of_both_pixel_sizes(small: Simulation, tmp_path: Path) -> None:
    for scene in plan.spot_plans(small, SEED, [])[:2]:
        product, truth = tmp_path / f"{scene.scene_id}.zip", tmp_path / scene.scene_id
        archive.simulate_spot(small, scene, SEED, product=product, truth=truth)
        swh = open_swh(product)
        assert swh.scene_id == scene.scene_id
        assert list(swh.bands) == (
            ["XS1", "XS2", "XS3"] if scene.platform == "SPOT2" else ["XS1", "XS2", "XS3", "SWIR"]
        )
        assert swh.grid.resolution == (20 if scene.platform == "SPOT2" else 10)
        reflectance, saturated = swh.read(["XS1"])
        seen = np.isfinite(reflectance.values)
        assert seen.mean() > 0.7
        top = swh.saturation["XS1"]
        assert np.nanmax(reflectance.values) <= top + 0.001
        assert np.all(reflectance.values[0][saturated[0]] >= top - 0.001)
        state = read_json(truth / "instrument.json")
        assert state["exposure"]["saturation"]["XS1"] == pytest.approx(top, abs=1e-4)
        assert raster.grid_of(truth / "class.tif").resolution == 20
        classes = from_published(raster.read(truth / "class.tif").values[0])
        cloud, patchy, rock = raster.read(truth / "class_strata.tif").values == 1
        assert set(classes[cloud]) <= {2, 255}
        assert set(classes[patchy]) <= {0, 1, 255}
        assert set(classes[rock]) <= {0, 255}


def test_small_scenes_of_the_archive_are_spread_over_mission_and_tile(
    small: Simulation, tmp_path: Path
) -> None:
    plans = [p for p in plan.spot_plans(small, SEED, ["SPOT1"]) if p.role == "kde"]
    assert len(plans) == len({p.scene_id for p in plans}) == 5
    years = sorted(p.acquisition_time.year for p in plans)
    assert years[0] < 1991 < 1998 < years[-1]
    archive.simulate_spot(small, plans[0], SEED, product=tmp_path / "a.zip", truth=None)
    assert [path.name for path in tmp_path.iterdir()] == ["a.zip"]
    assert open_swh(tmp_path / "a.zip").grid.shape == (24, 24)


def test_auxiliary_rasters_cover_the_tile(small: Simulation, tmp_path: Path) -> None:
    paths = [tmp_path / name for name in ("dem.tif", "tree.tif", "water.tif")]
    archive.simulate_auxiliary(small, "32TPT", SEED, *paths)
    grid = Grid.from_bounds("EPSG:32632", 633000, 5197080, 634920, 5199000, 20)
    dem = read_dem(paths[0], grid).elevation
    assert dem.min() > 500
    assert dem.max() < 4000
    source = raster.read_on(relief_path(small, "32TPT"), grid, "cubic")[0]
    assert np.abs(dem - source).std() < 15
    # Land cover is on the tile's own grid: what is read is what was written.
    tree_cover, water = (raster.read(path).values[0] for path in paths[1:])
    np.testing.assert_array_equal(read_tree_cover(paths[1], grid), tree_cover)
    assert 10 < tree_cover.max() <= 100
    np.testing.assert_array_equal(read_water(paths[2], grid), water == 1)


def tilted_relief(path: Path, width: float, voids: tuple[slice, slice]) -> Simulation:
    """Tile of 1920 m and a relief as wide as told that rises 0.05 m per metre southwards."""
    left, top = 633000 - (width - 1920) / 2, 5199000 + (width - 1920) / 2
    grid = Grid.from_bounds("EPSG:32632", left, top - width, left + width, top, 20)
    relief = 2000 + np.indices(grid.shape)[0].astype(np.float32)
    relief[voids] = -9999
    raster.write(path, relief, grid, nodata=-9999)
    return simulation(reliefs={"o": {"dem": str(path)}})


@pytest.mark.parametrize(
    ("width", "voids"),
    [
        (4000.0, (slice(80, 90), slice(80, 90))),
        (1920.0, (slice(0), slice(0))),
    ],
    ids=["void", "no margin"],
)
def test_dem_has_the_nearest_elevation_where_the_relief_has_none(
    tmp_path: Path, width: float, voids: tuple[slice, slice]
) -> None:
    own = tilted_relief(tmp_path / "relief.tif", width, voids)
    paths = [tmp_path / name for name in ("dem.tif", "tree.tif", "water.tif")]
    archive.simulate_auxiliary(own, "32TPT", SEED, *paths)
    grid = Grid.from_bounds("EPSG:32632", 632460, 5196540, 635460, 5199540, 20)
    dem = raster.read_on(paths[0], grid, "nearest", indexes=[1], fill=np.nan)[0]
    assert np.isfinite(dem).all()
    # A void 200 m wide is at most 100 m from elevations, which differ by 5 m there; the DEM's own
    # noise has 2 m. Beyond the margin of 600 m the relief would have risen by 30 m more.
    plane = 2000 + (np.indices(grid.shape)[0] - 27) + (width - 1920) / 40
    assert np.abs(dem - plane).max() < (20 if width > 3120 else 45)


def test_relief_that_does_not_cover_its_tile(tmp_path: Path) -> None:
    own = tilted_relief(tmp_path / "relief.tif", 1800, (slice(0), slice(0)))
    with pytest.raises(ConfigError, match=r"tiles\.32TPT: .*relief\.tif covers .*larger relief"):
        source_relief(own, "32TPT", tile_grid(own, "32TPT", 20))


def test_relief_without_elevations(tmp_path: Path) -> None:
    own = tilted_relief(tmp_path / "relief.tif", 4000, (slice(None), slice(None)))
    with pytest.raises(ConfigError, match=r"relief\.tif has no elevation"):
        source_relief(own, "32TPT", tile_grid(own, "32TPT", 20))


def test_whole_archive_leaves_out_what_is_excluded(tmp_path: Path) -> None:
    content = {
        "run": "small",
        "results": str(tmp_path),
        "areas": {"alps": {"tiles": ["32TPT"]}},
        "sensors": ["spot2"],
        "simulation": simulation(
            sentinel2={"32TPT": ["20190415"]},
            spot_archive={"scenes_per_sensor": 2, "size": 16},
        ).model_dump(mode="json"),
    }
    first, second = catalogue(parse_config(content)).spot
    config = parse_config({**content, "exclude": ["32TPT/20190415", first.scene_id]})
    made = list(simulate_archive(config))
    folder = tmp_path / "small" / "archive"
    auxiliary = [folder / "auxiliary/32TPT" / f"{n}.tif" for n in ("dem", "tree_cover", "water")]
    assert made == [*auxiliary, Path(second.path)]
    assert all(path.is_file() for path in made)
    assert not (folder / "truth").exists()


def test_small_scenes_never_meet() -> None:
    # 300 scenes in two years of one tile: by chance alone some 60 would share their day.
    crowded = simulation(spot_archive={"scenes_per_sensor": 300})
    plans = plan.spot_plans(crowded, SEED, ["SPOT3"])
    assert len({p.scene_id for p in plans}) == 300
    day = plans[0].acquisition_time.strftime("%Y%m%d")
    spot = [{"sensor": "spot3", "tile": "32TPT", "date": day}]
    met = plan.spot_plans(
        simulation(spot_archive={"scenes_per_sensor": 300}, spot=spot), SEED, ["SPOT3"]
    )
    assert [p.scene_id for p in met] == [p.scene_id for p in plans]
    assert [p.role for p in met[:2]] == ["evaluate", "kde"]


def test_more_small_scenes_than_days() -> None:
    crowded = simulation(spot_archive={"scenes_per_sensor": 731})
    with pytest.raises(ConfigError, match="scenes_per_sensor: SPOT3 flew 2 years over 1 tile"):
        plan.spot_plans(crowded, SEED, ["SPOT3"])


def test_sensors_of_virtual_scenes() -> None:
    def planned(sensor: str) -> plan.SpotPlan:
        spot = [{"sensor": sensor, "tile": "32TPT", "date": "20010505"}]
        return plan.spot_plans(simulation(spot=spot), SEED, [])[0]

    assert planned("spot4-noswir").platform == "SPOT4"
    with pytest.raises(ConfigError, match="sensor spot9: unknown"):
        planned("spot9")
    with pytest.raises(ConfigError, match=r"platform S2A: .* only SPOT1, .*SPOT5"):
        plan.spot_plans(simulation(), SEED, ["S2A"])


@pytest.mark.parametrize(
    ("sensor", "instrument", "table"),
    [
        ("spot2", "HRV1", "spot1_hrv1"),
        ("spot2", "HRV2", "spot1_hrv2"),
        ("spot4", "HRVIR2", "spot4_hrvir1"),
    ],
)
def test_response_of_each_instrument(sensor: str, instrument: str, table: str) -> None:
    assert plan.response_table(load_sensor(sensor), instrument) == table
    without = load_sensor(sensor).model_copy(update={"response": None})
    with pytest.raises(ConfigError, match=f"{sensor}: has no response"):
        plan.response_table(without, instrument)


def test_second_instrument_sees_through_its_own_response(
    small: Simulation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene = plan.spot_plans(small, SEED, ["SPOT1"])[2]
    used = []

    def watched(simulation: Simulation, response: str, shift_nm: float) -> BandOptics:
        used.append(response)
        return band_optics(simulation, response, shift_nm)

    monkeypatch.setattr(spot, "band_optics", watched)
    second = replace(scene, instrument="HRV2")
    archive.simulate_spot(small, second, SEED, product=tmp_path / "a.zip", truth=None)
    assert used == ["spot1_hrv2"]


def test_foreign_relief_and_spectra(tmp_path: Path) -> None:
    # Another CRS, another extent, void pixels; spectra with columns of other names.
    grid = Grid.from_bounds("EPSG:3035", 4300000, 2600000, 4312000, 2612000, 60)
    rows = np.indices(grid.shape)[0]
    relief = (1500 + 3.0 * rows).astype(np.float32)
    relief[50:53, 60:64] = -32768
    raster.write(tmp_path / "relief.tif", relief, grid, nodata=-32768)
    header = "nm,neige,roche,terre,herbe,paille,sapin,eau\n"
    lines = [
        f"{nm},{0.95 if nm < 1300 else 0.1},0.2,0.15,{0.08 if nm < 700 else 0.4},0.3,0.1,0.02\n"
        for nm in range(400, 2501, 50)
    ]
    (tmp_path / "spectra.csv").write_text(header + "".join(lines))
    left, bottom, right, top = grid.bounds_in("EPSG:32632")
    tile = {
        "relief": "mine",
        "crs": "EPSG:32632",
        "size": 96,
        "latitude": 46.4,
        "longitude": 9.9,
        "left": round((left + right) / 2 / 60) * 60,
        "top": round((bottom + top) / 2 / 60) * 60,
    }
    materials = {
        "snow": ["neige"],
        "rock": ["roche"],
        "soil": ["terre"],
        "grass": ["herbe"],
        "dry_grass": ["paille"],
        "forest": ["sapin"],
        "water": ["eau"],
    }
    own = Simulation.model_validate(
        {
            "reliefs": {"mine": {"dem": str(tmp_path / "relief.tif")}},
            "tiles": {"32TNS": tile},
            "spectra": str(tmp_path / "spectra.csv"),
            "materials": materials,
            "sentinel2": {"32TNS": ["20190415"]},
            "spot": [],
        }
    )
    make_sentinel2(own, plan.sentinel2_plans(own, 1)[0], tmp_path)
    reflectance, _ = open_l1c(tmp_path / "l1c.zip").read(["B03"], resolution=20)
    assert np.isfinite(reflectance.values).any()


def _imports(package: str) -> set[str]:
    found: set[str] = set()
    for path in (Path(firn.__file__).parent / package).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                found |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                found |= {node.module} | {f"{node.module}.{a.name}" for a in node.names}
    return found


def test_simulator_and_emulator_know_nothing_of_each_other() -> None:
    assert not {m for m in _imports("simulator") if "emulation" in m}
    assert not {m for m in _imports("simulator") if "orthorectification" in m}
    assert not {m for m in _imports("emulation") if "simulator" in m}
