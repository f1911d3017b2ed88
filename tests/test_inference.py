"""Classification of scenes: windows, codes, quality bits and the files that are published."""

import dataclasses
import json
import tempfile
from datetime import datetime
from pathlib import Path
from xml.etree import ElementTree

import minimal_products
import numpy as np
import pystac
import pytest
import rasterio
import shapely
import torch
from pystac.extensions.classification import ClassificationExtension
from pystac.extensions.eo import EOExtension
from pystac.extensions.projection import ProjectionExtension
from pystac.extensions.view import ViewExtension
from rasterio.shutil import copy as gdal_copy
from rasterio.warp import transform_geom

from firn import raster
from firn.batch_maps import FILES
from firn.classes import PUBLISHED_NAMES, Quality
from firn.config import InferenceSettings, NetworkSettings
from firn.errors import DataError, GridError, ModelError, ProductError
from firn.grid import Grid
from firn.inference import Surroundings, classify_scene, image
from firn.inference.image import SceneImage, SceneReader, map_grid, near_nodata
from firn.inference.maps import SceneMap
from firn.inference.scene import window_shape
from firn.inference.windows import classify, probabilities
from firn.methods import Model
from firn.methods.base import ModelCard
from firn.methods.network import folded
from firn.methods.threshold import ThresholdModel
from firn.methods.unet import UNetModel
from firn.products import Scene
from firn.products.geotiff import open_geotiff
from firn.products.swh import open_swh
from firn.sensors import Band, Sensor, load_sensor

BANDS = ("XS1", "XS2", "XS3")
HEIGHT, WIDTH = 150, 131
GRID = Grid(rasterio.CRS.from_epsg(32632), minimal_products.transform(20), HEIGHT, WIDTH)
SETTINGS = InferenceSettings(window=64, nodata_buffer=200, low_confidence=0.6)


def card(method: str, bands: tuple[str, ...] = BANDS, **architecture: object) -> ModelCard:
    channels = (*bands, "hillshade", "dem")
    n = len(bands)
    return ModelCard(
        method=method,
        sensor="spot4" if "SWIR" in bands else "spot2",
        bands=bands,
        channels=channels,
        mean=[0.3] * n + [180.0, 2000.0],
        std=[0.15] * n + [60.0, 500.0],
        architecture=architecture,
    )


def threshold(brightness: float = 0.3, elevation: float = 2000.0) -> Model:
    """Dark is ground, bright is snow above ``elevation`` and cloud below."""
    architecture = ThresholdModel.architecture(load_sensor("spot2"))
    return ThresholdModel(card("baseline-threshold", **architecture), brightness, -1, elevation)


def unet(padding: str, bilinear: bool = True) -> Model:
    torch.manual_seed(5)
    network = NetworkSettings(widths=(3, 4, 5), padding=padding, bilinear=bilinear)
    model = UNetModel(card("unet", **UNetModel.architecture(network)))
    for module in model.network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(module.bias, -0.5, 0.5)
    return model


def write_dem(path: Path, grid: Grid = GRID) -> Path:
    """Rises by 10 m a pixel to the south, from 1000 m."""
    rise = 1000 + 10 * np.arange(grid.height, dtype=np.float32)
    raster.write(path, np.tile(rise[:, None], (1, grid.width)), grid, nodata=-9999)
    return path


@pytest.fixture
def numbers() -> dict[str, np.ndarray]:
    """Milli-reflectance: noise, with a strip of no data and a block that saturates XS1."""
    rng = np.random.default_rng(2)
    bands = {b: rng.integers(20, 590, (HEIGHT, WIDTH)).astype(np.uint16) for b in BANDS}
    for values in bands.values():
        values[:, :9] = 0
    bands["XS1"][100:110, 100:110] = 600
    bands["XS2"][70, 70] = 0
    return bands


@pytest.fixture
def scene_path(tmp_path: Path, numbers: dict[str, np.ndarray]) -> Path:
    saturation = dict.fromkeys(BANDS, 0.6)
    product = minimal_products.swh(tmp_path / "in", numbers, saturation, name=NAME)
    return minimal_products.zip_folder(product)


NAME = "SPOT2-HRV1-XS_19900614-110246-780_L1C_039-264-0_D_V1-0"


@pytest.fixture
def surroundings(tmp_path: Path) -> Surroundings:
    cover = np.zeros((HEIGHT, WIDTH), np.uint8)
    cover[30:40, 30:40] = 51
    cover[40:50, 30:40] = 50
    water = np.zeros((HEIGHT, WIDTH), np.uint8)
    water[35:38, 35:60] = 1
    raster.write(tmp_path / "cover.tif", cover, GRID, nodata=255)
    raster.write(tmp_path / "water.tif", water, GRID)
    return Surroundings(
        write_dem(tmp_path / "dem.tif"), tmp_path / "cover.tif", tmp_path / "water.tif"
    )


def read_scene(scene: Scene, surroundings: Surroundings, nodata_buffer: float = 0) -> SceneImage:
    """Read a whole scene as one strip."""
    with tempfile.TemporaryDirectory() as scratch:
        options = {"step": 1000, "margin": 0, "nodata_buffer": nodata_buffer}
        reader = SceneReader(scene, BANDS, surroundings, Path(scratch), **options)
        (strip,) = reader.images()
        return strip


def assemble(scene_path: Path, surroundings: Surroundings, model: Model, window: int) -> np.ndarray:
    image = read_scene(open_swh(scene_path), surroundings)
    shape = window_shape([model], window, (HEIGHT, WIDTH))
    whole = np.full((3, HEIGHT, WIDTH), np.nan, np.float32)
    for rows, cols, values in probabilities(image, model, shape):
        assert np.isnan(whole[:, rows, cols]).all(), "windows overlap"
        whole[:, rows, cols] = values
    return whole


def read_map(folder: Path) -> SceneMap:
    snow, probability, quality = (
        raster.read(folder / f"{name}.tif").values for name in ("snow", "probability", "quality")
    )
    return SceneMap(snow[0], probability, quality[0])


@pytest.mark.parametrize("pixels", [64 * WIDTH, 1])
def test_strips_give_the_same_map_as_the_whole(
    tmp_path: Path,
    scene_path: Path,
    surroundings: Surroundings,
    monkeypatch: pytest.MonkeyPatch,
    pixels: int,
) -> None:
    """Bit by bit: strips of 64 rows hold the windows of the whole, with the same context."""
    settings = InferenceSettings(window=64, nodata_buffer=700)
    peaks = 1000 + 1200 * np.random.default_rng(3).random((HEIGHT, WIDTH), np.float32)
    peaks[60:63, 40:50] = -9999
    peaks[:, 125:] = np.nan
    raster.write(tmp_path / "peaks.tif", peaks, GRID, nodata=-9999)
    rough = dataclasses.replace(surroundings, dem=tmp_path / "peaks.tif")
    for name in ("whole", "strips"):
        classify_scene(open_swh(scene_path), {tmp_path / name: unet("same")}, rough, settings)
        monkeypatch.setattr(image, "STRIP_PIXELS", pixels)
    whole, strips = read_map(tmp_path / "whole"), read_map(tmp_path / "strips")
    for bit in (Quality.SHADED, Quality.NODATA_BUFFER, Quality.FOREST, Quality.WATER):
        assert 0 < np.count_nonzero(whole.quality & bit) < whole.quality.size, bit
    for field in dataclasses.fields(SceneMap):
        np.testing.assert_array_equal(getattr(strips, field.name), getattr(whole, field.name))


@pytest.mark.parametrize("padding", ["same", "valid"])
@pytest.mark.parametrize("bilinear", [True, False])
def test_windows_leave_no_seam(
    scene_path: Path, surroundings: Surroundings, padding: str, bilinear: bool
) -> None:
    model = unet(padding, bilinear)
    untiled = assemble(scene_path, surroundings, model, 1000)
    assert np.isfinite(untiled).all()
    for window in (30, 64):
        tiled = assemble(scene_path, surroundings, model, window)
        np.testing.assert_allclose(tiled, untiled, atol=5e-6)


def test_a_margin_too_small_would_show(scene_path: Path, surroundings: Surroundings) -> None:
    """The seam test can fail: without the margin the same windows differ."""
    model = unet("same")
    untiled = assemble(scene_path, surroundings, model, 1000)
    model.margin = 0
    assert np.abs(assemble(scene_path, surroundings, model, 64) - untiled).max() > 1e-3


def test_classes_probability_and_quality_by_hand(
    scene_path: Path, surroundings: Surroundings, numbers: dict[str, np.ndarray]
) -> None:
    model = threshold()
    image = read_scene(open_swh(scene_path), surroundings, SETTINGS.nodata_buffer)
    result = classify(image, model, (64, 64), SETTINGS)
    valid = np.all([values > 0 for values in numbers.values()], axis=0)
    bright = (numbers["XS1"] / 1000 + numbers["XS2"] / 1000) / 2 > 0.3
    high = np.arange(HEIGHT)[:, None] > 100
    expected = np.where(bright, np.where(high, 100, 205), 0)
    # The mean of two float32 may fall on either side of the threshold itself.
    sure = np.abs(numbers["XS1"] + numbers["XS2"].astype(int) - 600) > 1
    np.testing.assert_array_equal(result.snow[valid & sure], expected[valid & sure])
    assert (result.snow[~valid] == 254).all()
    assert (result.probability[:, ~valid] == 255).all()
    np.testing.assert_array_equal(result.probability[1] == 200, valid & (result.snow == 100))

    def bit(flag: Quality) -> np.ndarray:
        return (result.quality & flag) > 0

    np.testing.assert_array_equal(bit(Quality.SATURATED), numbers["XS1"] == 600)
    forest = np.zeros_like(valid)
    forest[30:40, 30:40] = True
    np.testing.assert_array_equal(bit(Quality.FOREST), forest)
    water = np.zeros_like(valid)
    water[35:38, 35:60] = True
    np.testing.assert_array_equal(bit(Quality.WATER), water)
    # 200 m are 10 pixels, from the strip of 9, the hole, and the edges of the scene.
    assert bit(Quality.NODATA_BUFFER)[70, 80]
    assert not bit(Quality.NODATA_BUFFER)[70, 81]
    assert bit(Quality.NODATA_BUFFER)[50, :19].all()
    assert not bit(Quality.NODATA_BUFFER)[50, 19]
    assert bit(Quality.NODATA_BUFFER)[9, 60]
    assert not bit(Quality.NODATA_BUFFER)[10, 60]
    assert not bit(Quality.LOW_CONFIDENCE).any()
    assert not bit(Quality.SHADED).any()


def test_low_confidence(scene_path: Path, surroundings: Surroundings) -> None:
    image = read_scene(open_swh(scene_path), surroundings)
    ((_, _, values),) = probabilities(image, unet("same"), (1000, 1000))
    limit = float(np.median(values.max(axis=0)[image.valid]))
    settings = SETTINGS.model_copy(update={"low_confidence": limit})
    result = classify(image, unet("same"), (64, 64), settings)
    expected = image.valid & (values.max(axis=0) < limit)
    assert 0 < expected.sum() < image.valid.sum()
    low = (result.quality & Quality.LOW_CONFIDENCE) > 0
    clear = np.abs(values.max(axis=0) - limit) > 1e-5
    np.testing.assert_array_equal(low[clear], expected[clear])
    np.testing.assert_allclose(
        result.probability[:, image.valid] / 200, values[:, image.valid], atol=0.00251
    )


def test_slope_away_from_the_sun_is_shaded(tmp_path: Path, scene_path: Path) -> None:
    """A wall that falls by 100 m a pixel (79 degrees) to the north-west; the sun is south-east."""
    dem = np.full((HEIGHT, WIDTH), 3000, np.float32)
    dem[:, 60:66] -= 100 * np.arange(6, 0, -1)
    dem[:, :60] -= 600
    raster.write(tmp_path / "dem.tif", dem, GRID, nodata=-9999)
    image = read_scene(open_swh(scene_path), Surroundings(tmp_path / "dem.tif"))
    shaded = (image.quality & Quality.SHADED) > 0
    assert shaded[20:130, 61:65].all()
    # Zenith 24.5: 600 m throw a shadow of 273 m towards azimuth 321, 172 m or 8.6 pixels to the
    # west of the wall's top, column 66.
    assert shaded[20:130, 58:60].all()
    assert not shaded[20:130, :57].any()
    assert not shaded[20:130, 68:].any()


def test_dem_gap_is_no_data(tmp_path: Path, scene_path: Path) -> None:
    north = GRID.crop(0, 0, 80, WIDTH)
    surroundings = Surroundings(write_dem(tmp_path / "dem.tif", north))
    image = read_scene(open_swh(scene_path), surroundings)
    result = classify(image, unet("same"), (64, 64), SETTINGS)
    assert (result.snow[81:] == 254).all()
    assert (result.snow[10:60, 20:60] != 254).all()


def test_near_nodata_counts_the_outside() -> None:
    valid = np.ones((9, 9), bool)
    near = near_nodata(valid, 2)
    assert near.sum() == 81 - 25
    assert not near_nodata(valid, 0).any()


@pytest.mark.parametrize("distance", [0.7, 3.0, 4.6, 5.0])
def test_near_nodata_is_a_disc(distance: float) -> None:
    rows, cols = np.indices((31, 31)) - 15
    valid = (rows != 0) | (cols != 0)
    inner = np.s_[5:-5, 5:-5]
    np.testing.assert_array_equal(
        near_nodata(valid, distance)[inner], np.hypot(rows, cols)[inner] <= distance
    )


def test_files_of_a_map(tmp_path: Path, scene_path: Path, surroundings: Surroundings) -> None:
    folders = {"a": tmp_path / "out" / "a", "b": tmp_path / "out" / "b"}
    models = {folders["a"]: threshold(), folders["b"]: unet("same")}
    classify_scene(open_swh(scene_path), models, surroundings, SETTINGS)
    for folder in folders.values():
        names = sorted(path.name for path in folder.iterdir())
        assert names == sorted(FILES)
    folder = folders["a"]
    with rasterio.open(folder / "snow.tif") as dataset:
        assert dataset.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
        assert (dataset.dtypes, dataset.nodata) == (("uint8",), 254)
        assert set(np.unique(dataset.read(1))) == {0, 100, 205, 254}
        assert dataset.colormap(1)[100] == (0x56, 0xB4, 0xE9, 255)
        assert dataset.tags()["CATEGORY_205"] == "cloud"
        assert Grid(dataset.crs, dataset.transform, *dataset.shape) == GRID
        # GDAL finds names and colours by itself: it copies them into a virtual raster.
        gdal_copy(dataset, tmp_path / "copy.vrt", driver="VRT")
    copy = ElementTree.parse(tmp_path / "copy.vrt").getroot()
    names = [category.text for category in copy.iter("Category")]
    assert {value: name for value, name in enumerate(names) if name} == PUBLISHED_NAMES
    table = [[field.text for field in row] for row in copy.iter("Row")]
    assert table[1] == ["100", "snow", str(0x56), str(0xB4), str(0xE9)]
    assert [int(usage.text) for usage in copy.iter("Usage")] == [5, 2, 6, 7, 8]
    with rasterio.open(folder / "probability.tif") as dataset:
        assert dataset.descriptions == ("ground", "snow", "cloud")
        assert dataset.nodata == 255
    with rasterio.open(folder / "quality.tif") as dataset:
        assert dataset.nodata is None
        assert dataset.tags()["BIT_16"] == "shaded"


def test_maps_are_reproducible(
    tmp_path: Path, scene_path: Path, surroundings: Surroundings
) -> None:
    for name in ("a", "b"):
        classify_scene(
            open_swh(scene_path), {tmp_path / name: unet("same")}, surroundings, SETTINGS
        )
    for name in FILES:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_item_is_valid_stac(tmp_path: Path, scene_path: Path, surroundings: Surroundings) -> None:
    classify_scene(open_swh(scene_path), {tmp_path / "m": unet("same")}, surroundings, SETTINGS)
    content = json.loads((tmp_path / "m" / "item.json").read_text())
    # The core schema comes with pystac; those of extensions would have to be downloaded.
    core = pystac.Item.from_dict(content | {"stac_extensions": []})
    assert core.validate()
    item = pystac.Item.from_dict(content)
    assert item.datetime == datetime.fromisoformat("1990-06-14T11:02:46.780+00:00")
    properties = item.properties
    assert properties["firn:provenance"]["sources"] == [
        NAME,
        "cover.tif",
        "dem.tif",
        f"model {properties['firn:model']}",
        "water.tif",
    ]
    assert (properties["platform"], properties["instruments"]) == ("spot2", ["hrv1"])
    assert properties["view:sun_elevation"] == 65.5
    assert properties["proj:code"] == "EPSG:32632"
    assert properties["proj:shape"] == [HEIGHT, WIDTH]
    west, south, east, north = item.bbox
    assert 10.3 < west < east < 10.4
    assert 46.9 < south < north < 46.95
    for lon, lat in item.geometry["coordinates"][0]:
        assert west - 1e-6 <= lon <= east + 1e-6
        assert south - 1e-6 <= lat <= north + 1e-6
    for asset in item.assets.values():
        assert (tmp_path / "m" / asset.href).is_file()
    classes = {c["value"]: c["name"] for c in content["assets"]["snow"]["classification:classes"]}
    assert classes == {0: "ground", 100: "snow", 205: "cloud", 254: "no_data"}
    # The strip of nine columns without data is not in the footprint: 9 of 131 pixels of 20 m.
    outline = shapely.Polygon(item.geometry["coordinates"][0])
    metres = transform_geom("EPSG:4326", "EPSG:32632", shapely.geometry.mapping(outline))
    left, bottom, right, top = shapely.geometry.shape(metres).bounds
    np.testing.assert_allclose((left, right - left), (GRID.bounds[0] + 180, 122 * 20), atol=0.1)
    np.testing.assert_allclose((bottom, top), GRID.bounds[1::2], atol=0.1)
    # Columns 0-8 and one pixel beside them have no data; 100 pixels are saturated.
    n_pixels, n_data = HEIGHT * WIDTH, HEIGHT * (WIDTH - 9) - 1
    assert properties["firn:no_data"] == round(100 * (n_pixels - n_data) / n_pixels, 4)
    assert properties["firn:saturated"] == round(100 * 100 / n_data, 4)
    codes = read_map(tmp_path / "m")
    snow = 100 * np.count_nonzero(codes.snow == 100) / n_data
    assert properties["eo:snow_cover"] == pytest.approx(snow, abs=1e-4)
    shares = ("firn:ground_cover", "eo:snow_cover", "eo:cloud_cover")
    assert sum(properties[share] for share in shares) == pytest.approx(100, abs=1e-3)
    sure = codes.probability.max(axis=0)[codes.snow != 254].mean() / 200
    assert properties["firn:confidence"] == pytest.approx(sure, abs=1e-4)
    assert properties["firn:product"] == NAME
    offsets = [b["offset"] for b in content["assets"]["quality"]["classification:bitfields"]]
    assert offsets == [0, 1, 2, 3, 4, 5]


def test_extensions_are_read_as_pystac_knows_them(
    tmp_path: Path, scene_path: Path, surroundings: Surroundings
) -> None:
    """Each refuses an item that does not name its schema, in a version that it knows."""
    classify_scene(open_swh(scene_path), {tmp_path / "m": unet("same")}, surroundings, SETTINGS)
    item = pystac.Item.from_file(tmp_path / "m" / "item.json")
    projection = ProjectionExtension.ext(item)
    assert (projection.code, projection.shape) == ("EPSG:32632", [HEIGHT, WIDTH])
    assert projection.transform == list(GRID.transform)[:6]
    assert ViewExtension.ext(item).sun_elevation == 65.5
    covers = EOExtension.ext(item)
    assert 0 <= covers.cloud_cover + covers.snow_cover <= 100
    classes = ClassificationExtension.ext(item.assets["snow"]).classes
    assert [(c.value, c.name) for c in classes][1] == (100, "snow")
    (first, *_) = ClassificationExtension.ext(item.assets["quality"]).bitfields
    assert (first.name, first.length, len(first.classes)) == ("saturated", 1, 2)


def test_band_that_the_scene_lacks(scene_path: Path, surroundings: Surroundings) -> None:
    bands = (*BANDS, "SWIR")
    architecture = ThresholdModel.architecture(load_sensor("spot4"))
    model = ThresholdModel(card("baseline-threshold", bands, **architecture), 0.3, 0.4, 0)
    with pytest.raises(ModelError, match=r"SPOT2.*has no SWIR, which .* needs; it has XS1, XS2"):
        classify_scene(open_swh(scene_path), {Path("m"): model}, surroundings, SETTINGS)


def test_dem_elsewhere(tmp_path: Path, scene_path: Path) -> None:
    elsewhere = GRID.crop(5000, 5000, 20, 20)
    surroundings = Surroundings(write_dem(tmp_path / "dem.tif", elsewhere))
    with pytest.raises(GridError, match=r"dem\.tif: covers no part.*give a raster of the same"):
        classify_scene(open_swh(scene_path), {tmp_path / "m": threshold()}, surroundings, SETTINGS)
    assert not (tmp_path / "m").exists()


def test_damaged_band_leaves_nothing(
    tmp_path: Path, numbers: dict[str, np.ndarray], surroundings: Surroundings
) -> None:
    product = minimal_products.swh(tmp_path / "in", numbers, dict.fromkeys(BANDS, 0.6), name=NAME)
    band = product / f"{NAME}_XS2.tif"
    band.write_bytes(band.read_bytes()[:5000])
    with pytest.raises((ProductError, DataError), match="XS2"):
        classify_scene(open_swh(product), {tmp_path / "m": threshold()}, surroundings, SETTINGS)
    assert not (tmp_path / "m").exists()


SENSOR = Sensor(
    name="camera",
    platform="CAMERA",
    instruments=("C1",),
    pixel_size=10,
    bands=tuple(
        Band(name=name, centre_nm=centre, width_nm=60)
        for name, centre in zip(BANDS, (545, 645, 840), strict=True)
    ),
    scale=0.001,
    sun_zenith=40,
    sun_azimuth=150,
)


def geotiff(path: Path, grid: Grid) -> Path:
    raster.write(
        path,
        np.full((3, *grid.shape), 400, np.uint16),
        grid,
        nodata=0,
        band_names=BANDS,
        tags={"ACQUISITION_TIME": "2001-06-14T11:02:46"},
    )
    return path


def test_map_grid_is_aligned_and_covers_the_scene(tmp_path: Path) -> None:
    """10 m pixels from an odd corner: the map reaches out to multiples of 20 m."""
    grid = Grid.from_bounds(GRID.crs, 600007, 5197013, 601007, 5198013, 10)
    scene = open_geotiff(geotiff(tmp_path / "scene.tif", grid), SENSOR)
    assert map_grid(scene).bounds == (600000, 5197000, 601020, 5198020)
    assert map_grid(scene).shape == (51, 51)
    surroundings = Surroundings(write_dem(tmp_path / "dem.tif", map_grid(scene)))
    image = read_scene(scene, surroundings)
    assert image.valid[1:-1, 1:-1].all()
    np.testing.assert_allclose(image.reflectance[:, 2:-2, 2:-2], 0.4, rtol=1e-3)


def test_scene_in_degrees_is_refused(tmp_path: Path) -> None:
    grid = Grid.from_bounds(rasterio.CRS.from_epsg(4326), 10, 46, 10.1, 46.1, 0.001)
    scene = open_geotiff(geotiff(tmp_path / "scene.tif", grid), SENSOR)
    with pytest.raises(GridError, match=r"scene: its CRS EPSG:4326 is not in metres; warp it"):
        map_grid(scene)


def test_windows_are_as_large_as_the_network_allows() -> None:
    """128 channels of the reference U-Net, 170 rows of which are kept, and as much below."""
    wide = UNetModel(card("unet", **UNetModel.architecture(NetworkSettings())))
    narrow = unet("same")
    assert narrow.network.features == 6
    # Three strips of a thousand rows; the margin of 122 goes off on both sides.
    assert window_shape([wide, narrow], None, (3000, 3000)) == (1008, 1440)
    assert window_shape([wide, narrow], None, (12000, 12000)) == (512, 1440)
    reduced = wide.prepared("bfloat16")
    assert window_shape([reduced], None, (3000, 3000)) == (1008, 3120)
    assert window_shape([narrow], 99, (3000, 3000)) == (100, 100)
    # What works on all of a window at once, as on a GPU, gets a square one.
    wide.rows = narrow.rows = 0
    assert window_shape([wide, narrow], None, (3000, 3000)) == (512, 512)
    # As high as a strip of so wide a scene.
    assert window_shape([narrow], None, (3000, 3000)) == (1400, 1400)
    assert window_shape([narrow], None, (12000, 12000)) == (512, 512)


def test_folded_network_gives_the_same() -> None:
    network = unet("same").network
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(module.running_mean, -1, 1)
            torch.nn.init.uniform_(module.running_var, 0.5, 2)
    image = torch.rand(1, len(BANDS) + 2, 32, 32)
    applied = folded(network)
    with torch.inference_mode():
        torch.testing.assert_close(applied(image), network(image), atol=1e-5, rtol=0)
    assert not any(isinstance(module, torch.nn.BatchNorm2d) for module in applied.modules())


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_gpu_that_is_not_there_is_an_error(
    tmp_path: Path, scene_path: Path, surroundings: Surroundings
) -> None:
    settings = SETTINGS.model_copy(update={"device": "cuda"})
    with pytest.raises(ModelError, match="torch sees no GPU"):
        classify_scene(open_swh(scene_path), {tmp_path: unet("same")}, surroundings, settings)
    prepared = unet("same").prepared("float32", "auto")
    assert prepared.predict(np.ones((len(BANDS) + 2, 16, 16), np.float32)).shape == (3, 16, 16)
