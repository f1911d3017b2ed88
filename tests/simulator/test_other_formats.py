"""Formats that a virtual archive is written in on request, and what they hold."""

import re
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyogrio
import pytest
import shapely
from pydantic import ValidationError
from rasterio.features import shapes
from small_world import simulation

from firn import raster
from firn.errors import ConfigError
from firn.files import read_json
from firn.grid import Grid
from firn.products.geotiff import open_geotiff
from firn.products.land_cover import read_water
from firn.products.sentinel2 import open_l1c
from firn.products.snow import read_snow
from firn.products.swh import open_swh
from firn.products.take5 import open_take5
from firn.sensors import load_sensor
from firn.simulation_config import Simulation
from firn.simulator import archive, plan
from firn.simulator.fields import shrink
from firn.simulator.ground_segment import snow_fraction

SEED = 7
TAKE5 = {"sensor": "spot4", "tile": "32TPT", "date": "20130616", "format": "take5"}


def make_sentinel2(world: Simulation, folder: Path, index: int = 0) -> Path:
    scene = plan.sentinel2_plans(world, SEED)[index]
    products = {name: folder / f"{name}.zip" for name in ("l1c", "l2a", "snow")}
    archive.simulate_sentinel2(world, scene, SEED, truth=folder / "truth", **products)
    return folder


@pytest.fixture(scope="module")
def usual(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Products of the first date in their usual formats."""
    return make_sentinel2(simulation(), tmp_path_factory.mktemp("usual"))


@pytest.fixture(scope="module")
def spot(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, Path]:
    """One scene in the format of Take5 and in that of SWH, and its truth."""
    folder = tmp_path_factory.mktemp("spot")
    world = simulation(spot=[TAKE5])
    (take5,) = plan.spot_plans(world, SEED, [])
    for name, scene in (("take5", take5), ("swh", replace(take5, format="swh"))):
        target = folder / f"{name}.zip"
        archive.simulate_spot(world, scene, SEED, product=target, truth=folder / name)
    return folder / "take5.zip", folder / "swh.zip", folder / "take5"


def test_take5_holds_the_same_image_as_swh(spot: tuple[Path, Path, Path]) -> None:
    take5, swh = open_take5(spot[0]), open_swh(spot[1])
    assert take5.scene_id == "SPOT4_HRVIR1_XS_20130616_N1_TUILE_E32TPTD0000B0000"
    assert (take5.bands, take5.grid) == (swh.bands, swh.grid)
    assert take5.acquisition_time == swh.acquisition_time.replace(microsecond=0)
    assert take5.sun_azimuth == pytest.approx(swh.sun_azimuth, abs=1e-6)
    found, saturated = take5.read(take5.bands)
    expected, expected_saturated = swh.read(swh.bands)
    np.testing.assert_allclose(found, expected, atol=1e-6)
    assert 0.2 < np.isfinite(found.values).mean() <= 1
    # SWH tells no flags: there, a number as near to the saturation as a rounding counts too.
    assert not (saturated & ~expected_saturated).any()
    assert (expected_saturated & ~saturated).mean() < 0.01
    # DN 255 is the saturation that the truth tells, to the whole milli-reflectance.
    exposure = read_json(spot[2] / "instrument.json")["exposure"]["saturation"]
    for values, flags, band in zip(found.values, saturated, take5.bands, strict=True):
        np.testing.assert_allclose(values[flags], exposure[band], atol=5.1e-4)
    assert saturated.any()


def test_who_took_part_in_take5() -> None:
    for sensor in ("spot2", "spot1"):
        with pytest.raises(ConfigError, match=r"SPOT\d 20130616: took no part in Take5"):
            plan.spot_plans(simulation(spot=[{**TAKE5, "sensor": sensor}]), SEED, [])
    (scene,) = plan.spot_plans(simulation(spot=[{**TAKE5, "sensor": "spot5"}]), SEED, [])
    assert re.fullmatch(r"SPOT5_HRG[12]_XS_20130616_N1_TUILE_E32TPTD0000B0000", scene.scene_id)
    with pytest.raises(ValidationError, match="a raw scene has no format take5"):
        simulation(spot=[{**TAKE5, "incidence": 10.0}])


def test_a_calibrated_geotiff_of_the_same_image(
    spot: tuple[Path, Path, Path], tmp_path: Path
) -> None:
    expected, _ = open_swh(spot[1]).read(["XS1", "SWIR"])
    numbers = np.nan_to_num(expected.values * 1e4).round().astype(np.uint16)
    tags = {"ACQUISITION_TIME": "2013-06-16T10:20:34", "SUN_ZENITH": "28", "SUN_AZIMUTH": "150"}
    path = tmp_path / "scene.tif"
    bands = ("XS1", "SWIR")
    grid = Grid.of(expected)
    raster.write(path, numbers, grid, nodata=0, band_names=bands, tags=tags)
    sensor = load_sensor("spot4")
    named = tuple(band for band in sensor.bands if band.name in bands)
    sensor = sensor.model_copy(update={"scale": 1e-4, "bands": named})
    found, _ = open_geotiff(path, sensor).read(bands)
    np.testing.assert_allclose(found, expected, atol=1e-6)


@pytest.mark.parametrize("form", ["lis", "theia-fraction", "copernicus-fraction"])
def test_every_snow_product_tells_the_same_snow(usual: Path, tmp_path: Path, form: str) -> None:
    """A fraction is told wherever the map has snow, and from the NDSI: at least 11 %."""
    folder = make_sentinel2(simulation(snow_format=form), tmp_path)
    expected = read_snow(usual / "snow.zip").values
    np.testing.assert_array_equal(read_snow(folder / "snow.zip"), expected)
    assert {0, 100} <= set(np.unique(expected))
    if form != "lis":
        np.testing.assert_array_equal(read_snow(folder / "snow.zip", 11), expected)
        much = read_snow(folder / "snow.zip", 60).values
        assert 0 < (much == 100).sum() < (expected == 100).sum()
        np.testing.assert_array_equal(much[expected != 100], expected[expected != 100])
    for name in ("l1c.zip", "l2a.zip"):
        assert (folder / name).read_bytes() == (usual / name).read_bytes()


def test_snow_fraction_by_hand() -> None:
    """tanh is 0 at NDSI 1.42 / 2.65; 0.5 tanh(2.65 x 0.15 - 1.42) + 0.5 is 0.115."""
    index = np.array([1.42 / 2.65, 0.15, 1.0, 0.9, 0.9, 0.9, np.nan], np.float32)
    codes = np.array([100, 100, 100, 0, 205, 254, 254], np.uint8)
    assert snow_fraction(codes, index).tolist() == [50, 11, 92, 0, 205, 254, 254]


@pytest.mark.parametrize(("index", "baseline"), [(0, "0208"), (1, "0509")])
def test_masks_of_level_1c_are_those_of_the_truth(
    tmp_path: Path, index: int, baseline: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An instrument that saturates at 0.5 sees snow and cloud saturated."""
    monkeypatch.setattr(archive, "SENTINEL2_SATURATION", 0.5)
    monkeypatch.setattr(archive, "SWATH_CHANCE", 1.0)
    world = simulation(level1_masks=True, climate={"cloud_cover": [0.4, 0.5]})
    folder = make_sentinel2(world, tmp_path, index)
    product = open_l1c(folder / "l1c.zip")
    assert product.baseline == baseline
    for band, step in (("B04", 10), ("B11", 20)):
        reflectance, saturated = product.read([band], step)
        quality = product.quality_mask(band, step)
        np.testing.assert_array_equal(quality.sel(mask="no_data"), np.isnan(reflectance.values[0]))
        np.testing.assert_array_equal(quality.sel(mask="saturated"), saturated[0])
        assert saturated.any()
        assert np.isnan(reflectance).any()
    fields = raster.read(folder / "truth" / "fields.tif").sel(band=["snow_fraction"]).values
    thickness = raster.read(folder / "truth" / "fields.tif").sel(band="optical_thickness").values
    clouds = product.classification_mask(60)
    depth = shrink(thickness, 3)
    sure = np.abs(depth - 0.5) > 1e-3
    opaque = depth >= 0.5
    np.testing.assert_array_equal(clouds.sel(mask="opaque_cloud").values[sure], opaque[sure])
    assert 0.05 < opaque.mean() < 0.95
    b10 = product.read(["B10"], 60)[0].values[0]
    high = b10 > 0.007
    sure &= np.isnan(b10) | (np.abs(b10 - 0.007) > 1e-4)
    np.testing.assert_array_equal(clouds.sel(mask="cirrus").values[sure], (high & ~opaque)[sure])
    if baseline > "0400":
        share = shrink(fields[0], 3)
        sure &= np.abs(share - 0.65) > 1e-3
        snow = (share >= 0.65) & ~opaque
        np.testing.assert_array_equal(clouds.sel(mask="snow").values[sure], snow[sure])


def test_level_1c_in_the_layout_before_2017(usual: Path, tmp_path: Path) -> None:
    """The same files under long names, in a product that does not tell its tile."""
    long = "SGS__20160214T150139_A003379_T32TPT"
    stem = "PDMC_20160215T121255_R093_V20160214T093550_20160214T093550"
    renamed = (
        (r"^[^/]+\.SAFE", f"S2A_OPER_PRD_MSIL1C_{stem}.SAFE"),
        (r"MTD_MSIL1C\.xml", f"S2A_OPER_MTD_SAFL1C_{stem}.xml"),
        (r"GRANULE/[^/]+", f"GRANULE/S2A_OPER_MSI_L1C_TL_{long}_N02.01"),
        (r"MTD_TL\.xml", f"S2A_OPER_MTD_L1C_TL_{long}.xml"),
        (r"[^/]+_(B\w\w)\.jp2", rf"S2A_OPER_MSI_L1C_TL_{long}_\1.jp2"),
        (r"MSK_CLOUDS_B00\.gml", f"S2A_OPER_MSK_CLOUDS_{long}_B00_MSIL1C.gml"),
    )
    path = tmp_path / "old.zip"
    with zipfile.ZipFile(usual / "l1c.zip") as source, zipfile.ZipFile(path, "w") as target:
        for name in source.namelist():
            new = name
            for pattern, replacement in renamed:
                new = re.sub(pattern, replacement, new)
            content = source.read(name)
            target.writestr(new, re.sub(rb"(<PRODUCT_URI>)[^<]+", rb"\1no name", content))
    old, new_layout = open_l1c(path), open_l1c(usual / "l1c.zip")
    assert (old.tile, old.baseline) == ("32TPT", "0208")
    np.testing.assert_array_equal(
        old.read(["B03", "B11"])[0].values, new_layout.read(["B03", "B11"])[0].values
    )
    np.testing.assert_array_equal(old.sun_angles(), new_layout.sun_angles())
    assert not old.classification_mask().values.any()


def test_water_as_polygons(tmp_path: Path) -> None:
    """Outlines of the water of a tile with a lake."""
    world = simulation()
    paths = [tmp_path / name for name in ("dem.tif", "tree.tif", "water.tif")]
    archive.simulate_auxiliary(world, "32TPT", SEED, *paths)
    water = raster.read(paths[2])
    codes, grid = water.values[0].copy(), Grid.of(water)
    codes[10:30, 20:50] = 1
    codes[15:20, 25:30] = 0
    found = shapes(codes, mask=codes == 1, transform=grid.transform)
    polygons = [shapely.geometry.shape(shape) for shape, _ in found]
    pyogrio.raw.write(
        tmp_path / "water.gpkg",
        geometry=shapely.to_wkb(np.array(polygons)),
        field_data=[],
        fields=[],
        geometry_type="Polygon",
        crs="EPSG:32632",
    )
    np.testing.assert_array_equal(read_water(tmp_path / "water.gpkg", grid), codes == 1)
