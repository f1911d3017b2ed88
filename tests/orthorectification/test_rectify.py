"""Virtual Level-1A scenes over real relief, put on the map and compared with the truth.

The truth is where the virtual camera's rays meet the relief; it shares no code with the
orthorectification.
"""

import json
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from pathlib import Path

import minimal_products
import numpy as np
import pytest
from click.testing import CliRunner
from rasterio.crs import CRS
from scipy import ndimage
from simulator.small_world import simulation

from firn import raster
from firn.cli import main
from firn.errors import DataError, GridError
from firn.grid import Grid
from firn.orthorectification import orthorectify
from firn.orthorectification.geometry import ViewingGeometry
from firn.orthorectification.mapping import Correction, ImageMap
from firn.orthorectification.rectify import hidden_ground
from firn.orthorectification.registration import _matching_band, register
from firn.products.dem import read_dem
from firn.products.dimap import open_l1a
from firn.products.location import LocationModel
from firn.products.scene import open_scene
from firn.sensors import load_sensor
from firn.simulation_config import Simulation
from firn.simulator.archive import simulate_auxiliary, simulate_spot
from firn.simulator.fields import shrink
from firn.simulator.level1a import camera_over
from firn.simulator.plan import SpotPlan, spot_plans
from firn.simulator.render import build_scene, render_band
from firn.simulator.spectra import band_optics
from firn.simulator.spot import SpotView, view_spot
from firn.simulator.world import tile_grid

SEED = 7
TILE = "32TPT"
CRS_NAME = "EPSG:32632"
#: Half a pixel of 20 m, and of SPOT5's 10 m.
TOLERANCE, TOLERANCE_SPOT5 = 10.0, 5.0
NADIR, OBLIQUE = 0.0, 27.0
TINY = Grid.from_bounds(CRS_NAME, 630000, 5180000, 630080, 5180080, 20)
#: A tile of the Ötztal Alps from 1750 to 3400 m, and one that takes up most of the relief.
SMALL = {"left": 626040, "top": 5188800, "size": 480}
LARGE = {"left": 625080, "top": 5204040, "size": 1380}


def world(place: dict[str, float]) -> Simulation:
    """A tile with an autumn scene of SPOT2, at nadir and oblique."""
    tile = {"relief": "o", "crs": CRS_NAME, "latitude": 46.9, "longitude": 10.8, **place}
    scenes = [
        {"sensor": "spot2", "tile": TILE, "date": date, "incidence": incidence}
        for date, incidence in (("20030918", NADIR), ("20030919", OBLIQUE))
    ]
    return simulation(
        tiles={TILE: tile},
        spot=scenes,
        climate={"snow_line_winter": 2600, "snow_line_summer": 3400, "cloud_cover": [0, 0.1]},
    )


def write_reference(simulation: Simulation, path: Path) -> np.ndarray:
    """Near infrared band of a Sentinel-2 image of another year and month, on the tile's grid.

    Gives the relief that it lies on, at 10 m.
    """
    grid = tile_grid(simulation, TILE)
    (plan,) = (p for p in spot_plans(simulation, SEED, ()) if p.incidence == NADIR)
    when = plan.acquisition_time.replace(year=2019, month=10, day=3)
    scene = build_scene(simulation, TILE, grid, when, "20191003", SEED)
    optics = band_optics(simulation, "sentinel2a")
    image = shrink(render_band(scene, optics, optics.names.index("B08")), 2)
    numbers = np.clip(np.rint(image * 10000), 1, 65534).astype(np.uint16)
    raster.write(path, numbers, grid.with_resolution(20.0), nodata=0, band_names=["B08"])
    return scene.world.elevation


@dataclass(frozen=True)
class Case:
    """A virtual scene and what belongs to it."""

    simulation: Simulation
    plan: SpotPlan
    product: Path
    dem: Path
    reference: Path
    relief: np.ndarray

    @cached_property
    def view(self) -> SpotView:
        return view_spot(self.simulation, self.plan, tile_grid(self.simulation, TILE), SEED)

    @cached_property
    def grid(self) -> Grid:
        return tile_grid(self.simulation, TILE, 20.0)

    @cached_property
    def elevation(self) -> np.ndarray:
        return read_dem(self.dem, self.grid).elevation


def make_cases(place: dict[str, float], folder: Path) -> dict[float, Case]:
    settings = world(place)
    names = ("dem", "tree_cover", "water")
    simulate_auxiliary(settings, TILE, SEED, *(folder / f"{name}.tif" for name in names))
    relief = write_reference(settings, folder / "reference.tif")
    cases = {}
    for plan in spot_plans(settings, SEED, ()):
        product = folder / f"{plan.scene_id}.zip"
        simulate_spot(settings, plan, SEED, product=product, truth=None)
        assert plan.incidence is not None
        cases[plan.incidence] = Case(
            settings, plan, product, folder / "dem.tif", folder / "reference.tif", relief
        )
    return cases


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> dict[float, Case]:
    return make_cases(SMALL, tmp_path_factory.mktemp("small"))


def map_error(
    case: Case, correction: Correction | None, elevation: np.ndarray | None = None
) -> np.ndarray:
    """How far from each pixel of the map the ground lies that it shows, m.

    Without correction: by the location model alone; without elevation: on the elevation model. NaN
    where the map has no data.
    """
    scene = open_l1a(case.product)
    geometry = ViewingGeometry(scene.location, scene.incidence, "scene")
    image_map = ImageMap(geometry, case.grid, case.elevation if elevation is None else elevation)
    fine = tile_grid(case.simulation, TILE)
    pixel = load_sensor(case.plan.platform.lower()).pixel_size
    camera = camera_over(fine, case.relief, pixel, case.plan.incidence or 0.0)
    x, y = camera.ground_points(case.relief, fine)
    strips = image_map.strips(correction or Correction.none())
    places = np.concatenate([strip for _, strip in strips], axis=1)

    # NaN where the place is outside the image or beside a pixel that met no ground.
    shown_x, shown_y = (
        ndimage.map_coordinates(values, places, order=1, cval=np.nan) for values in (x, y)
    )
    cols, rows = np.meshgrid(np.arange(case.grid.width), np.arange(case.grid.height))
    wanted_x, wanted_y = case.grid.transform @ (cols + 0.5, rows + 0.5)
    error = np.hypot(shown_x - wanted_x, shown_y - wanted_y)
    error[hidden_ground(geometry, image_map)] = np.nan
    return error


def rms(values: np.ndarray) -> float:
    return float(np.sqrt(np.nanmean(values**2)))


def check_everywhere(case: Case, error: np.ndarray, tolerance: float = TOLERANCE) -> None:
    """Half a pixel as a whole, in each of 16 areas and in each fifth of the elevations."""
    blocks = [b for row in np.array_split(error, 4) for b in np.array_split(row, 4, axis=1)]
    edges = np.quantile(case.elevation, np.linspace(0, 1, 6))
    classes = [
        error[(case.elevation >= low) & (case.elevation <= high)] for low, high in pairwise(edges)
    ]
    found = {
        "whole": rms(error),
        "worst area": max(map(rms, blocks)),
        "worst elevation": max(map(rms, classes)),
    }
    name = f"{case.plan.platform}, incidence {case.plan.incidence}:"
    print(name, {k: round(v, 2) for k, v in found.items()}, "m RMS")
    assert max(found.values()) < tolerance


def matched(case: Case) -> tuple[Correction, float]:
    scene = open_l1a(case.product)
    geometry = ViewingGeometry(scene.location, scene.incidence, "scene")
    image = scene.read(scene.bands)
    crs = CRS.from_string(CRS_NAME)
    correction, agreement = register(scene, geometry, image, case.dem, [case.reference], crs)
    assert agreement.used >= 40
    assert agreement.terms == ("shift", "row", "column", "height")
    return correction, agreement.rms


@pytest.mark.parametrize("incidence", [NADIR, OBLIQUE])
def test_map_error_is_below_half_a_pixel_everywhere(
    small: dict[float, Case], incidence: float
) -> None:
    """The location model is 300 m off; 1600 m of relief are 800 m of parallax at 27 degrees."""
    case = small[incidence]
    correction, told = matched(case)
    assert np.nanmedian(map_error(case, None)) == pytest.approx(300, abs=15)
    check_everywhere(case, map_error(case, correction))
    # What the metadata tell holds for the windows: it knows nothing of errors of the relief.
    assert told < TOLERANCE / 2


def test_map_error_of_spot5(small: dict[float, Case], tmp_path: Path) -> None:
    """The position is that of the reference to a quarter of SPOT5's pixel, in every area.

    On the elevation model, which is 8.5 m off, 27 degrees add 4.3 m: hardly less than half of 10 m.
    Sharp images are matched in small steps: cut off early, the scene would lie 2.6 m too far west.
    """
    case = small[OBLIQUE]
    (scene,) = (s for s in case.simulation.spot if s.incidence == OBLIQUE)
    spot5 = scene.model_copy(update={"sensor": "spot5"})
    settings = case.simulation.model_copy(update={"spot": (spot5,)})
    (plan,) = spot_plans(settings, SEED, ())
    product = tmp_path / "scene.zip"
    simulate_spot(settings, plan, SEED, product=product, truth=None)
    fine = replace(case, simulation=settings, plan=plan, product=product)
    correction, _ = matched(fine)
    true_relief = shrink(case.relief, 2)
    assert rms(case.elevation - true_relief) == pytest.approx(8.5, abs=0.2)
    check_everywhere(fine, map_error(fine, correction, true_relief), TOLERANCE_SPOT5 / 2)
    check_everywhere(fine, map_error(fine, correction))


@pytest.fixture(scope="module")
def ortho(small: dict[float, Case], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Map of the oblique scene, by the command."""
    path = tmp_path_factory.mktemp("ortho") / "scene.tif"
    case = small[OBLIQUE]
    options = ["--dem", case.dem, "--reference", case.reference, "-o", path]
    result = CliRunner().invoke(main, ["orthorectify", *map(str, [case.product, *options])])
    assert result.exit_code == 0, result.output
    tags = raster.tags(path)
    told = json.loads(tags["FIRN_GEOLOCATION"])
    line = f"{told['used']} of {told['windows']} windows agree to {told['rms']:.1f} m"
    assert result.stdout == f"{path}: {line}\n"
    sources = json.loads(tags["FIRN_PROVENANCE"])["sources"]
    assert sources == [case.plan.scene_id, "dem.tif", "reference.tif"]
    return path


def test_the_map_can_be_classified(
    small: dict[float, Case], ortho: Path, tmp_path: Path, snowy_model: Path
) -> None:
    case, out = small[OBLIQUE], tmp_path / "map"
    options = ["--model", snowy_model, "--dem", case.dem, "-o", out]
    result = CliRunner().invoke(main, ["classify", *map(str, [ortho, *options])])
    assert result.exit_code == 0, result.output
    codes = raster.read(out / "snow.tif").values[0]
    assert set(codes.flat) == {100, 254}
    assert json.loads((out / "item.json").read_text())["id"].startswith(case.plan.scene_id)


def test_a_scene_of_another_kind_is_refused_in_one_line(
    small: dict[float, Case], tmp_path: Path
) -> None:
    case = small[NADIR]
    options = ["--dem", case.dem, "--reference", case.reference, "-o", tmp_path / "map.tif"]
    result = CliRunner().invoke(main, ["orthorectify", *map(str, [case.dem, *options])])
    assert result.exit_code == 2
    assert "dem.tif: is not a readable zip" in result.stderr
    assert result.stderr.count("\n") == 1


def test_reflectance_is_right_to_one_number_over_uniform_ground(
    small: dict[float, Case], ortho: Path
) -> None:
    case = small[OBLIQUE]
    scene = open_scene(ortho)
    reflectance, saturated = scene.read(scene.bands, case.grid)
    for index, band in enumerate(scene.bands):
        truth = shrink(case.view.image(band), 2)
        mean = ndimage.uniform_filter(truth, 5)
        scatter = np.sqrt(np.maximum(ndimage.uniform_filter(truth**2, 5) - mean**2, 0))
        number = (scene.saturation[band] - scene.minimum[band]) / 255
        seen = np.isfinite(reflectance.values[index]) & ~saturated[index]
        uniform = seen & (scatter < 3 * number) & (truth < 0.98 * scene.saturation[band])
        assert uniform.sum() > 200
        error = (reflectance.values[index] - truth)[uniform] / number
        print(f"{band}: median error {np.median(error):+.2f}, of size {np.median(abs(error)):.2f}")
        assert np.median(np.abs(error)) < 1


def test_the_map_is_a_scene(small: dict[float, Case], ortho: Path) -> None:
    case = small[OBLIQUE]
    scene = open_scene(ortho)
    assert (scene.scene_id, scene.platform) == (case.plan.scene_id, "SPOT2")
    assert scene.instrument == case.plan.instrument
    assert scene.acquisition_time == case.plan.acquisition_time
    assert scene.bands == ("XS1", "XS2", "XS3")
    assert scene.sun_zenith == pytest.approx(case.view.scene.sun_zenith, abs=1e-4)
    exposure = case.view.exposure
    assert dict(scene.saturation) == pytest.approx(exposure.saturation, rel=1e-4)
    assert dict(scene.minimum) == pytest.approx(exposure.minimum, rel=1e-3)
    assert scene.grid.crs.to_epsg() == 32632
    assert scene.grid.resolution == 20
    assert all(edge % 20 == 0 for edge in scene.grid.bounds)
    reflectance, saturated = scene.read(["XS3", "XS1"])
    inside = np.isfinite(reflectance.values)
    # All of the tile is seen, and hardly more: a strip as wide as the parallax beside it.
    assert 0.95 < inside[0].sum() / np.prod(case.grid.shape) < 1.1
    np.testing.assert_array_equal(inside[0], inside[1])
    assert 0.01 < saturated[1].mean() < 0.5
    assert not (saturated & ~inside).any()
    bright = reflectance.values[1][saturated[1]]
    assert np.median(bright) == pytest.approx(scene.saturation["XS1"], abs=0.01)


def test_a_reference_of_other_ground_is_refused(small: dict[float, Case], tmp_path: Path) -> None:
    case = small[NADIR]
    rng = np.random.default_rng(5)
    noise = ndimage.gaussian_filter(rng.standard_normal(case.grid.shape), 2)
    other = (3000 + 20000 * noise).clip(1, 60000).astype(np.uint16)
    raster.write(tmp_path / "other.tif", other, case.grid, nodata=0)
    with pytest.raises(DataError, match=rf"{case.product.name}: \d+ of \d+ windows agree"):
        orthorectify(case.product, case.dem, [tmp_path / "other.tif"], tmp_path / "map.tif")
    assert not (tmp_path / "map.tif").exists()


def test_a_scene_without_a_reference_is_refused(small: dict[float, Case], tmp_path: Path) -> None:
    case = small[NADIR]
    with pytest.raises(DataError, match=rf"{case.product.name}: no Sentinel-2 scene of its tile"):
        orthorectify(case.product, case.dem, [], tmp_path / "map.tif")


def test_bands_of_a_reference_must_have_names(small: dict[float, Case], tmp_path: Path) -> None:
    case = small[NADIR]
    two = np.ones((2, *case.grid.shape), np.uint16)
    raster.write(tmp_path / "two.tif", two, case.grid)
    references = [tmp_path / "two.tif", case.reference]
    with pytest.raises(
        DataError, match=r"two\.tif: the references have the bands \[\['1', '2'\], "
    ):
        orthorectify(case.product, case.dem, references, tmp_path / "map.tif")


def test_ground_behind_a_cliff_is_hidden() -> None:
    """Seen from the west at 28 degrees: a step of 1000 m down hides 1000 tan(28) = 532 m."""
    location = LocationModel(*minimal_products.REAL_LOCATION, (3000, 3000))
    geometry = ViewingGeometry(location, 28.0, "scene")
    grid = Grid.from_bounds("EPSG:32721", 608000, 8280000, 613000, 8284000, 20)
    elevation = np.full(grid.shape, 200, np.float32)
    elevation[:, :100] = 1200
    hidden = hidden_ground(geometry, ImageMap(geometry, grid, elevation))
    # The satellite stands 8 degrees off the west: the strip is 532 m x cos(8) = 26.3 pixels wide.
    columns = np.flatnonzero(hidden[grid.height // 2])
    assert columns.min() == pytest.approx(100, abs=1)
    assert columns.max() == pytest.approx(99 + 26.3, abs=2)


def test_the_band_that_saturates_least_is_compared(
    small: dict[float, Case], tmp_path: Path
) -> None:
    """XS2 where the reference has red only; XS3, which saturates less, where it has both."""
    case = small[NADIR]
    scene = open_l1a(case.product)
    image = scene.read(scene.bands)
    saturated = dict(zip(scene.bands, image[2].mean(axis=(1, 2)), strict=True))
    assert saturated["XS3"] < saturated["XS2"]
    for names, expected in ((["B04"], "XS2"), (["B04", "B08"], "XS3"), (["near"], "XS3")):
        path = tmp_path / f"{len(names)}.tif"
        raster.write(path, np.ones((len(names), 4, 4), np.uint16), TINY, band_names=names)
        assert _matching_band(scene, image, [path]) == expected


def test_an_elevation_model_or_reference_of_elsewhere(
    small: dict[float, Case], tmp_path: Path
) -> None:
    case = small[NADIR]
    far = Grid.from_bounds(CRS_NAME, 300000, 5000000, 310000, 5010000, 20)
    raster.write(tmp_path / "far.tif", np.full(far.shape, 900, np.uint16), far)
    with pytest.raises(GridError, match=r"far\.tif: covers no part"):
        orthorectify(case.product, tmp_path / "far.tif", [case.reference], tmp_path / "map.tif")
    with pytest.raises(GridError, match=r"far\.tif: covers no part"):
        orthorectify(case.product, case.dem, [tmp_path / "far.tif"], tmp_path / "map.tif")
    degrees = Grid.from_bounds("EPSG:4326", 10.6, 46.6, 11.0, 47.0, 0.001)
    raster.write(tmp_path / "degrees.tif", np.full(degrees.shape, 9, np.uint16), degrees)
    with pytest.raises(GridError, match="its CRS is not in metres"):
        orthorectify(case.product, case.dem, [tmp_path / "degrees.tif"], tmp_path / "map.tif")


@pytest.mark.slow
def test_map_error_over_most_of_the_relief(tmp_path: Path) -> None:
    """27.6 km, of which the camera's angles span half a swath, from 1000 to 3700 m."""
    for case in make_cases(LARGE, tmp_path).values():
        correction, _ = matched(case)
        check_everywhere(case, map_error(case, correction))
