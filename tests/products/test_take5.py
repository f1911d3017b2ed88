"""Take5 Level-1C reader."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import minimal_products
import numpy as np
import pytest
from minimal_products import EPSG, LEFT, TOP, full, transform
from rasterio.crs import CRS

from firn.errors import GridError, ProductError
from firn.grid import Grid
from firn.products import Scene
from firn.products.scene import open_scene
from firn.products.swh import SwhScene
from firn.products.take5 import Take5Scene, open_take5

SHAPE = (20, 24)


def image() -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Bands in an order of their own, both spellings of no data, and saturation by bit."""
    bands = {band: full(SHAPE, v, "int16") for band, v in (("XS2", 200), ("XS1", 150))}
    bands |= {"XS3": full(SHAPE, 400, "int16"), "SWIR": full(SHAPE, 90, "int16")}
    for values in bands.values():
        values[0, :2] = -10000, 0
    flags = full(SHAPE, 0, "uint8")
    # Bit 1 is the second band of the file; a pixel without data cannot saturate.
    flags[0, 1], flags[3, 4], flags[5, 6] = 2, 2, 1 | 8
    return bands, flags


@pytest.fixture
def product(tmp_path: Path) -> Path:
    return minimal_products.take5(tmp_path, *image())


def change(product: Path, old: str, new: str) -> None:
    file = next(product.glob("*.xml"))
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))


@pytest.mark.parametrize("zipped", [False, True])
def test_metadata(product: Path, zipped: bool) -> None:
    path = minimal_products.zip_folder(product) if zipped else product
    scene: Scene = open_scene(path)
    assert isinstance(scene, Take5Scene)
    assert scene.scene_id == product.name
    assert (scene.platform, scene.instrument) == ("SPOT4", "HRVIR1")
    assert scene.acquisition_time == datetime(2013, 6, 16, 6, 40, 34, tzinfo=UTC)
    assert (scene.sun_zenith, scene.sun_azimuth) == (31.25, 214.5)
    assert scene.bands == ("XS2", "XS1", "XS3", "SWIR")
    assert dict(scene.saturation) == dict(scene.minimum) == {}
    assert scene.grid == Grid(CRS.from_epsg(EPSG), transform(20), *SHAPE)


def test_other_products_are_opened_as_before(tmp_path: Path) -> None:
    swh = minimal_products.swh(tmp_path, {}, {"XS1": 0.4})
    assert isinstance(open_scene(swh), SwhScene)


def test_reflectance_no_data_and_saturation(product: Path) -> None:
    reflectance, saturated = open_take5(product).read(["XS1", "SWIR"])
    assert reflectance.dtype == np.float32
    assert reflectance.band.values.tolist() == ["XS1", "SWIR"]
    np.testing.assert_allclose(reflectance.values[0, 0, :3], [np.nan, np.nan, 0.15], rtol=1e-6)
    np.testing.assert_allclose(reflectance.values[1, 1:], 0.09, rtol=1e-6)
    assert np.argwhere(saturated).tolist() == [[0, 3, 4], [1, 5, 6]]


def test_on_another_grid(product: Path) -> None:
    """One pixel further left and down: what is no data stays so, and is not interpolated."""
    grid = Grid(CRS.from_epsg(EPSG), transform(20, LEFT - 20, TOP - 20), 20, 20)
    reflectance, saturated = open_take5(product).read(["XS1"], grid)
    values = reflectance.values[0]
    assert np.isnan(values[:, 0]).all()
    assert np.isnan(values[19]).all()
    np.testing.assert_allclose(values[:19, 1:], 0.15, atol=1e-6)
    assert np.argwhere(saturated[0]).tolist() == [[2, 5]]
    far = Grid(CRS.from_epsg(EPSG), transform(20, LEFT + 10000, TOP), 10, 10)
    with pytest.raises(GridError, match="covers no part of the grid"):
        open_take5(product).read(["XS1"], far)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("N1_TUILE</LEVEL>", "N2A</LEVEL>", "is of level 'N2A', expected N1"),
        ("XS2;XS1", "XS2;B7", "has the bands XS2;B7;XS3;SWIR, expected"),
        ("XS2;XS1", "XS1;XS1", "has the bands XS1;XS1;XS3"),
        (">1000.0<", ">10000.0<", "quantification is 10000.0, expected 1000"),
        ("ROWS>20<", "ROWS>21<", r"not that of its metadata \(NB_ROWS\)"),
        ("SIZE_X>20.0<", "SIZE_X>10.0<", r"not that of its metadata \(PIXEL_SIZE_X\)"),
        (f"_X>{LEFT}<", f"_X>{LEFT + 11}<", r"not that of its metadata \(ORIGIN_X\)"),
        ("UTM32N", "UTM31N", r"not that of its metadata \(PROJECTION\)"),
        ("UTM32N", "LAMBERT93", r"not that of its metadata \(PROJECTION\)"),
        ("N1_TUILE_EAlpsD0000B0000.TIF", "other.TIF", r"no file .*other\.TIF"),
    ],
)
def test_doubtful_scenes_are_refused(product: Path, old: str, new: str, message: str) -> None:
    change(product, old, new)
    with pytest.raises(ProductError, match=message):
        open_take5(product).read(["XS1"])


def test_what_the_metadata_may_leave_open(product: Path) -> None:
    """No quantification, the origin of the first pixel's centre, a projection of unknown name."""
    change(product, "<QUANTIFICATION><VALUE>1000.0</VALUE></QUANTIFICATION>", "")
    change(product, f"_X>{LEFT}<", f"_X>{LEFT + 10}<")
    change(product, f"_Y>{TOP}<", f"_Y>{TOP - 10}<")
    change(product, "UTM32N", "SOMEWHERE")
    assert open_take5(product).read(["XS1"])[0].values[0, 5, 5] == pytest.approx(0.15)


def test_missing_band(product: Path) -> None:
    change(product, ";SWIR", "")
    with pytest.raises(ProductError, match="no band SWIR, only XS2, XS1, XS3"):
        open_take5(product).read(["SWIR"])


@pytest.mark.parametrize(
    "convert", [lambda v: v.astype(np.uint8), lambda v: v * 10 + 2000], ids=["8 bit", "x10000"]
)
def test_wrong_units_are_refused(
    tmp_path: Path, convert: Callable[[np.ndarray], np.ndarray]
) -> None:
    bands, flags = image()
    folder = minimal_products.take5(tmp_path, {b: convert(v) for b, v in bands.items()}, flags)
    with pytest.raises(ProductError, match="is not in milli-reflectance in int16, of at most 5000"):
        open_take5(folder).read(["XS3"])


def test_saturation_of_another_size(product: Path) -> None:
    mask = next(product.rglob("*_SAT.TIF"))
    minimal_products.write_raster(mask, full((5, 5), 0, "uint8"), 20)
    with pytest.raises(ProductError, match=r"_SAT\.TIF is not the saturation of"):
        open_take5(product).read(["XS1"])
    mask.unlink()
    with pytest.raises(ProductError, match=r"no file MASK/\*_SAT\.TIF"):
        open_take5(product).read(["XS1"])


def test_a_file_name_is_no_pattern(product: Path) -> None:
    change(product, "<GEOTIFF>", "<GEOTIFF>*")
    with pytest.raises(ProductError, match="has no file"):
        open_take5(product).read(["XS1"])
