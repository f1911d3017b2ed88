"""Every format that the simulator writes, read by firn's own reader: the numbers come back."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from scipy import ndimage

from firn.errors import GridError, ProductError
from firn.grid import Grid
from firn.products.identity import TileDate, check_name
from firn.products.maja import open_l2a
from firn.products.scene import open_scene
from firn.products.sentinel2 import open_l1c
from firn.products.snow import read_snow
from firn.products.swh import SwhScene
from firn.products.take5 import Take5Scene
from firn.raster import Array
from firn.simulation_config import SnowFormat
from firn.simulator.formats.maja import L2AMasks, write_l2a
from firn.simulator.formats.metadata import RESOLUTIONS, Sentinel2Metadata, SpotMetadata, short_band
from firn.simulator.formats.naming import swh_scene_id, take5_scene_id
from firn.simulator.formats.quality_masks import L1CMasks
from firn.simulator.formats.sentinel2 import write_l1c
from firn.simulator.formats.snow import write_snow
from firn.simulator.formats.swh import write_swh
from firn.simulator.formats.take5 import write_take5

Metadata = Callable[[str], Sentinel2Metadata]

BANDS = ("XS1", "XS2", "XS3", "SWIR")
GRID = Grid.from_bounds("EPSG:32632", 600007, 5199000, 600807, 5199500, 10)
TIME = datetime(2013, 6, 16, 10, 20, 34, tzinfo=UTC)


def blobs(shape: tuple[int, int], seed: int, share: float = 0.3) -> Array:
    """Flags in patches with holes, some of which touch at a corner only."""
    field = ndimage.gaussian_filter(np.random.default_rng(seed).standard_normal(shape), 1.5)
    return np.asarray(field > np.quantile(field, 1 - share))


def l1c_masks(meta: Sentinel2Metadata) -> L1CMasks:
    shapes = {band: meta.grid.with_resolution(step).shape for band, step in RESOLUTIONS.items()}
    seeds = dict(zip(RESOLUTIONS, range(13), strict=True))
    return L1CMasks(
        no_data={band: blobs(shape, seeds[band]) for band, shape in shapes.items()},
        saturated={band: blobs(shape, 20 + seeds[band], 0.1) for band, shape in shapes.items()},
        opaque=blobs(shapes["B01"], 40),
        cirrus=blobs(shapes["B01"], 41),
        snow=blobs(shapes["B01"], 42),
    )


@pytest.mark.parametrize("baseline", ["02.06", "05.00"])
def test_level_1c(tmp_path: Path, metadata: Metadata, baseline: str) -> None:
    """Digital numbers are ten-thousandths; masks come back to the pixel, as outlines too."""
    meta = metadata(baseline)
    masks, rng = l1c_masks(meta), np.random.default_rng(1)
    bands = {}
    for band in ("B02", "B10", "B11"):
        drawn = rng.uniform(0.01, 1.2, masks.no_data[band].shape)
        bands[band] = np.where(masks.no_data[band], np.nan, drawn).astype(np.float32)
    write_l1c(tmp_path / "l1c.zip", bands, masks.saturated, meta, masks)
    product = open_l1c(tmp_path / "l1c.zip")
    for band, expected in bands.items():
        step = RESOLUTIONS[band]
        reflectance, saturated = product.read([band], step)
        lost = masks.saturated[band] & ~masks.no_data[band]
        np.testing.assert_array_equal(saturated[0], lost)
        read, wanted = reflectance.values[0][~lost], expected[~lost]
        np.testing.assert_allclose(read, wanted, atol=0.5e-4 + 1e-6)
        quality = product.quality_mask(band, step)
        np.testing.assert_array_equal(quality.sel(mask="no_data"), masks.no_data[band])
        np.testing.assert_array_equal(quality.sel(mask="saturated"), masks.saturated[band])
        count = masks.no_data[band].sum() + masks.saturated[band].sum()
        assert quality.values.sum() == count, "no other flag is set"
    clouds = product.classification_mask(60)
    expected_clouds = {"opaque_cloud": masks.opaque, "cirrus": masks.cirrus, "snow": masks.snow}
    assert clouds.mask.values.tolist() == list(expected_clouds)[: 2 if baseline < "04" else 3]
    for name in clouds.mask.values:
        np.testing.assert_array_equal(clouds.sel(mask=name), expected_clouds[name])


def test_level_1c_with_a_mask_of_another_grid(tmp_path: Path, metadata: Metadata) -> None:
    meta = metadata("05.00")
    masks = l1c_masks(meta)
    masks.no_data["B11"] = masks.no_data["B02"]
    bands = {"B11": np.ones(masks.saturated["B11"].shape, np.float32)}
    with pytest.raises(GridError, match="mask of B11"):
        write_l1c(tmp_path / "l1c.zip", bands, None, meta, masks)
    assert list(tmp_path.iterdir()) == []


def test_level_2a(tmp_path: Path, metadata: Metadata) -> None:
    meta, rng = metadata("02.06"), np.random.default_rng(2)
    fine, coarse = (meta.grid.with_resolution(step).shape for step in (10, 20))
    bands = {
        band: rng.uniform(-0.1, 1.2, shape).astype(np.float32)
        for band, shape in (("B3", fine), ("B4", fine), ("B11", coarse))
    }
    bands["B11"][3, 4] = np.nan
    clm, mg2 = rng.integers(0, 256, (2, *coarse)).astype(np.uint8)
    edg = blobs(coarse, 3).astype(np.uint8)
    saturated = {"B4": blobs(fine, 4), "B11": blobs(coarse, 5)}
    write_l2a(tmp_path / "l2a.zip", bands, L2AMasks(clm, mg2, edg, saturated), meta)
    product = open_l2a(tmp_path / "l2a.zip")
    for band, step in (("B03", 10), ("B04", 10), ("B11", 20)):
        read = product.read_reflectance([band], step).values[0]
        np.testing.assert_allclose(read, bands[short_band(band)], atol=0.5e-4 + 1e-6)
    np.testing.assert_array_equal(product.cloud_mask(), clm)
    # Topographic shadow and hidden surface, 16 and 32, are one.
    either = np.where(mg2 & 48, mg2 | 48, mg2)
    np.testing.assert_array_equal(product.geophysical_mask(), either)
    np.testing.assert_array_equal(product.edge_mask(), edg > 0)
    for group, band in (("R1", "B04"), ("R2", "B11")):
        flags = product.saturation_flags(group)
        np.testing.assert_array_equal(flags.sel(mask=band), saturated[short_band(band)])
        assert flags.values.sum() == flags.sel(mask=band).values.sum()


@pytest.mark.parametrize("form", ["theia", "lis"])
def test_snow_maps(tmp_path: Path, metadata: Metadata, form: SnowFormat) -> None:
    codes = np.random.default_rng(6).choice(np.array([0, 100, 205, 254], np.uint8), (60, 60))
    write_snow(tmp_path / "snow.zip", codes, metadata("02.06"), form)
    snow = read_snow(tmp_path / "snow.zip")
    np.testing.assert_array_equal(snow, codes)
    assert Grid.of(snow) == metadata("02.06").grid.with_resolution(20)
    check_name(tmp_path, snow.attrs["product_id"], TileDate("32TPT", "20180415"))


@pytest.mark.parametrize("form", ["theia-fraction", "copernicus-fraction"])
@pytest.mark.parametrize("least", [1, 50])
def test_snow_fractions(tmp_path: Path, metadata: Metadata, form: SnowFormat, least: float) -> None:
    choices = np.array([*range(101), *[205] * 20, *[254] * 20], np.uint8)
    codes = np.random.default_rng(7).choice(choices, (60, 60))
    write_snow(tmp_path / "snow.zip", codes, metadata("02.06"), form)
    snow = read_snow(tmp_path / "snow.zip", least)
    expected = np.where(codes <= 100, np.where(codes >= least, 100, 0), codes)
    np.testing.assert_array_equal(snow, expected)
    name = snow.attrs["product_id"]
    check_name(tmp_path, name, TileDate("32TPT", "20180415"))
    with pytest.raises(ProductError, match="is a product of 32TPT/20180415"):
        check_name(tmp_path, name, TileDate("32TPT", "20180416"))


def spot_bands() -> dict[str, Array]:
    """Milli-reflectance with a strip without data."""
    rng = np.random.default_rng(8)
    bands = {band: rng.integers(1, 500, GRID.shape).astype(np.uint16) for band in BANDS}
    for values in bands.values():
        values[:, :3] = 0
    return bands


def check_spot(scene: SwhScene | Take5Scene, bands: dict[str, Array]) -> Array:
    """Compare what a SPOT reader gives with what was written; give the saturation."""
    assert scene.bands == BANDS
    assert scene.grid == GRID
    assert scene.acquisition_time == TIME
    assert (scene.sun_zenith, scene.sun_azimuth) == (28.25, 214.5)
    reflectance, saturated = scene.read(BANDS)
    for index, band in enumerate(BANDS):
        expected = np.where(bands[band] == 0, np.nan, bands[band] / 1000)
        np.testing.assert_allclose(reflectance.values[index], expected, rtol=1e-6)
    return saturated


def test_swh(tmp_path: Path) -> None:
    """0.4 is the saturation of every band: from 400 on."""
    name, bands = swh_scene_id("SPOT5", "HRG2", TIME, 49, 258), spot_bands()
    meta = SpotMetadata(name, "SPOT5", "HRG2", TIME, 28.25, 214.5)
    limits = dict.fromkeys(BANDS, 0.4), dict.fromkeys(BANDS, 0.01)
    write_swh(tmp_path / "scene.zip", bands, *limits, GRID, meta)
    scene = open_scene(tmp_path / "scene.zip")
    assert isinstance(scene, SwhScene)
    assert scene.scene_id == name
    saturated = check_spot(scene, bands)
    np.testing.assert_array_equal(saturated, np.stack(list(bands.values())) >= 400)
    assert (dict(scene.saturation), dict(scene.minimum)) == limits


def test_take5(tmp_path: Path) -> None:
    """Saturation is a mask of its own, and tells nothing where there is no data."""
    name, bands = take5_scene_id("SPOT5", "HRG2", TIME, "Alps"), spot_bands()
    meta = SpotMetadata(name, "SPOT5", "HRG2", TIME, 28.25, 214.5)
    flags = {band: blobs(GRID.shape, seed) for seed, band in enumerate(BANDS)}
    write_take5(tmp_path / "scene.zip", bands, flags, GRID, meta)
    scene = open_scene(tmp_path / "scene.zip")
    assert isinstance(scene, Take5Scene)
    assert (scene.scene_id, scene.platform, scene.instrument) == (name, "SPOT5", "HRG2")
    saturated = check_spot(scene, bands)
    for index, band in enumerate(BANDS):
        np.testing.assert_array_equal(saturated[index], flags[band] & (bands[band] > 0))
    write_take5(tmp_path / "again.zip", bands, flags, GRID, meta)
    assert (tmp_path / "again.zip").read_bytes() == (tmp_path / "scene.zip").read_bytes()


def test_take5_has_four_bands_in_a_utm_zone(tmp_path: Path) -> None:
    bands = spot_bands()
    flags = {band: np.zeros(GRID.shape, bool) for band in BANDS}
    meta = SpotMetadata("scene", "SPOT4", "HRVIR1", TIME, 28.25, 214.5)
    three = {band: bands[band] for band in BANDS[:3]}
    with pytest.raises(ProductError, match=r"images of .*expected XS1, XS2, XS3, SWIR"):
        write_take5(tmp_path / "s.zip", three, flags, GRID, meta)
    with pytest.raises(GridError, match="saturation of SWIR"):
        write_take5(tmp_path / "s.zip", bands, flags | {"SWIR": flags["XS1"][1:]}, GRID, meta)
    elsewhere = Grid.from_bounds("EPSG:2154", 600007, 6599000, 600807, 6599500, 10)
    with pytest.raises(GridError, match="EPSG:2154 is no UTM zone"):
        write_take5(tmp_path / "s.zip", bands, flags, elsewhere, meta)
    assert list(tmp_path.iterdir()) == []
