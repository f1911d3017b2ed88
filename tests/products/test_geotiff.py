"""Any calibrated GeoTIFF as a scene."""

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from minimal_products import EPSG, LEFT, TOP, transform
from rasterio.crs import CRS

from firn import raster
from firn.errors import ProductError
from firn.grid import Grid
from firn.products import Scene
from firn.products.geotiff import open_geotiff
from firn.sensors import load_sensor

GRID = Grid(CRS.from_epsg(EPSG), transform(20), 6, 8)
TAGS = {"acquisition_time": "1995-02-03T10:30:00Z", "sun_zenith": "62.5", "sun_azimuth": "155"}
SENSOR = load_sensor("spot2").model_copy(update={"scale": 0.002, "offset": 0.01})


def write(path: Path, *, tags: dict[str, str] = TAGS, names: tuple[str, ...] = ()) -> Path:
    values = np.stack([np.full(GRID.shape, v, np.uint8) for v in (50, 100, 150)])
    values[:, 0, 0] = 0
    values[1, 0, 1] = 255
    raster.write(path, values, GRID, nodata=0, tags=tags, band_names=names)
    return path


def test_bands_by_order_and_calibration(tmp_path: Path) -> None:
    """DN 100 is 0.01 + 100 x 0.002 = 0.21."""
    scene: Scene = open_geotiff(write(tmp_path / "scene.tif"), SENSOR)
    assert scene.scene_id == "scene"
    assert (scene.platform, scene.sun_zenith, scene.sun_azimuth) == ("SPOT2", 62.5, 155)
    assert scene.acquisition_time == datetime(1995, 2, 3, 10, 30, tzinfo=UTC)
    assert scene.grid == GRID
    reflectance, saturated = scene.read(["XS2", "XS1"])
    np.testing.assert_allclose(reflectance.values[:, 3, 3], [0.21, 0.11], rtol=1e-6)
    assert np.isnan(reflectance.values[:, 0, 0]).all()
    assert np.isnan(reflectance.values).sum() == 2
    assert np.argwhere(saturated).tolist() == [[0, 0, 1]]


def test_bands_by_description(tmp_path: Path) -> None:
    path = write(tmp_path / "scene.tif", names=("XS3", "XS2", "XS1"))
    reflectance, _ = open_geotiff(path, SENSOR).read(["XS1"])
    assert reflectance.values[0, 3, 3] == pytest.approx(0.31)


@pytest.mark.parametrize("nodata", [0, None])
def test_outside_the_file_there_is_no_data(tmp_path: Path, nodata: int | None) -> None:
    path = tmp_path / "scene.tif"
    raster.write(path, np.full((3, *GRID.shape), 50, np.uint8), GRID, nodata=nodata, tags=TAGS)
    wider = Grid(GRID.crs, transform(20, LEFT - 60, TOP + 40), 10, 14)
    reflectance, saturated = open_geotiff(path, SENSOR).read(["XS1"], wider)
    inside = np.zeros(wider.shape, bool)
    inside[2:8, 3:11] = True
    np.testing.assert_array_equal(np.isfinite(reflectance.values[0]), inside)
    np.testing.assert_allclose(reflectance.values[0][inside], 0.11, rtol=1e-6)
    assert not saturated.any()


def test_the_sensor_gives_the_sun_before_the_tags(tmp_path: Path) -> None:
    sensor = SENSOR.model_copy(update={"sun_zenith": 30.0, "sun_azimuth": 120.0})
    scene = open_geotiff(write(tmp_path / "scene.tif"), sensor)
    assert (scene.sun_zenith, scene.sun_azimuth) == (30, 120)


@pytest.mark.parametrize(
    ("tags", "message"),
    [
        ({k: v for k, v in TAGS.items() if k != "sun_zenith"}, "SUN_ZENITH is None"),
        (TAGS | {"sun_azimuth": "north"}, "SUN_AZIMUTH is 'north', expected 0 to 360"),
        (TAGS | {"acquisition_time": "1995"}, "ACQUISITION_TIME is '1995', expected an ISO 8601"),
    ],
)
def test_what_neither_file_nor_sensor_tells(
    tmp_path: Path, tags: dict[str, str], message: str
) -> None:
    with pytest.raises(ProductError, match=message):
        open_geotiff(write(tmp_path / "scene.tif", tags=tags), SENSOR)


def test_bands_scale_and_file_that_do_not_fit(tmp_path: Path) -> None:
    path = write(tmp_path / "scene.tif")
    with pytest.raises(ProductError, match="the sensor spot2 has no scale"):
        open_geotiff(path, "spot2")
    with pytest.raises(ProductError, match="no band SWIR, only XS1, XS2, XS3"):
        open_geotiff(path, SENSOR).read(["SWIR"])
    four = load_sensor("spot4").model_copy(update={"scale": 0.002})
    with pytest.raises(ProductError, match=r"has the bands \['1', '2', '3'\], expected .*SWIR"):
        open_geotiff(path, four)
    path.write_bytes(path.read_bytes()[:300])
    with pytest.raises(ProductError, match=r"scene\.tif"):
        open_geotiff(path, SENSOR)
