"""SWH Level-1C reader."""

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
from firn.products.swh import open_swh

SHAPE = (20, 24)
SATURATION = {"XS1": 0.4005, "XS2": 0.35, "XS3": 0.6, "SWIR": 0.7}


def scene_bands() -> dict[str, np.ndarray]:
    bands = {band: full(SHAPE, 200, "uint16") for band in SATURATION}
    bands["XS1"][0, :4] = 0, 400, 399, 401
    return bands


@pytest.fixture
def product(tmp_path: Path) -> Path:
    return minimal_products.swh(tmp_path, scene_bands(), SATURATION)


def test_attributes_come_from_the_metadata_alone(tmp_path: Path) -> None:
    minimum = {"XS1": 0.01, "XS2": 0.02, "XS3": 0.0, "SWIR": -0.001}
    folder = minimal_products.swh(tmp_path, {}, SATURATION, minimum=minimum)
    scene: Scene = open_swh(minimal_products.zip_folder(folder))
    assert scene.scene_id == folder.name
    assert (scene.platform, scene.instrument) == ("SPOT4", "HRVIR1")
    assert scene.acquisition_time == datetime(2001, 6, 14, 11, 2, 46, 780000, UTC)
    assert (scene.sun_zenith, scene.sun_azimuth) == (24.5, 141)
    assert scene.bands == ("XS1", "XS2", "XS3", "SWIR")
    assert dict(scene.saturation) == SATURATION
    assert dict(scene.minimum) == minimum


@pytest.mark.parametrize("zipped", [False, True])
def test_reads_reflectance_no_data_and_saturation(product: Path, zipped: bool) -> None:
    """XS1 saturates at 0.4005: from 400 on, the whole milli-reflectance below."""
    scene = open_swh(minimal_products.zip_folder(product) if zipped else product)
    reflectance, saturated = scene.read(["XS2", "XS1"])
    assert reflectance.dtype == np.float32
    assert Grid.of(reflectance) == scene.grid
    np.testing.assert_allclose(reflectance.values[0], 0.2, rtol=1e-6)
    np.testing.assert_allclose(
        reflectance.values[1, 0, :5], [np.nan, 0.4, 0.399, 0.401, 0.2], rtol=1e-6
    )
    assert np.argwhere(saturated).tolist() == [[1, 0, 1], [1, 0, 3]]


def test_reads_on_another_grid_with_no_data_outside(product: Path) -> None:
    """A grid 5 columns to the left and of 10 more rows: there, no data, never reflectance 0."""
    grid = Grid(CRS.from_epsg(EPSG), transform(20, LEFT - 100, TOP), SHAPE[0] + 10, SHAPE[1])
    reflectance, saturated = open_swh(product).read(["XS1"], grid)
    valid = np.isfinite(reflectance.values[0])
    assert not valid[:, :5].any()
    assert not valid[SHAPE[0] :].any()
    assert valid[1 : SHAPE[0], 6:].all()
    assert np.nanmin(reflectance.values) > 0.1
    assert np.argwhere(saturated[0]).tolist() == [[0, 6], [0, 8]]


def test_no_overlap(product: Path) -> None:
    grid = Grid(CRS.from_epsg(EPSG), transform(20, LEFT + 10000, TOP), 10, 10)
    with pytest.raises(GridError, match="covers no part"):
        open_swh(product).read(["XS1"], grid)


@pytest.mark.parametrize(
    "values",
    [full(SHAPE, 3000, "uint16"), full(SHAPE, 200, "uint8"), full(SHAPE, 0.3, "float32")],
    ids=["x10000", "raw 8 bit", "reflectance"],
)
def test_wrong_units_are_refused(tmp_path: Path, values: np.ndarray) -> None:
    folder = minimal_products.swh(tmp_path, {"XS1": values}, {"XS1": 0.4})
    with pytest.raises(ProductError, match=r"XS1\.tif .* is not in milli-reflectance.* 400 in 16"):
        open_swh(folder).read(["XS1"])


@pytest.mark.parametrize(("largest", "right"), [(400, True), (790, True), (810, False)])
def test_how_far_the_largest_number_may_be_from_the_saturation(
    tmp_path: Path, largest: int, right: bool
) -> None:
    """ReflectanceMax 0.4 is 400; an interpolation may overshoot it, though never twice."""
    values = full(SHAPE, 200, "uint16")
    values[2, 3] = largest
    scene = open_swh(minimal_products.swh(tmp_path, {"XS1": values}, {"XS1": 0.4}))
    if right:
        assert scene.read(["XS1"])[1][0, 2, 3]
    else:
        with pytest.raises(ProductError, match=r"largest value 810.* is not in milli-reflectance"):
            scene.read(["XS1"])


@pytest.mark.parametrize(
    ("band", "minimum", "scale", "right"),
    [
        ("XS1", 0.005, 1000, True),
        ("XS1", 0.005, 100, False),
        ("XS1", 0.005, 1, False),
        ("XS3", 0.005, 1, False),
        ("XS3", 0.001, 1, False),
        # Nothing but the instrument's own zero tells of the short-wave infrared.
        ("SWIR", 0.005, 1, False),
        ("SWIR", 0.0, 1, True),
    ],
)
def test_units_too_small(
    tmp_path: Path, band: str, minimum: float, scale: float, right: bool
) -> None:
    """Ground of reflectance 0.1 with some snow, in thousandths, per cent, or as it is."""
    reflectance = full(SHAPE, 0.1, "float64")
    reflectance[:5] = 0.4
    values = np.maximum(np.rint(reflectance * scale), 1).astype(np.uint16)
    folder = minimal_products.swh(tmp_path, {band: values}, {band: 0.4}, minimum=minimum)
    if right:
        assert np.isfinite(open_swh(folder).read([band])[0]).all()
    else:
        with pytest.raises(
            ProductError, match=r"is not in milli-reflectance.* most of it not below"
        ):
            open_swh(folder).read([band])


def test_dark_scenes_are_read(tmp_path: Path) -> None:
    """Deep water below clear air; a shadow in it is noise below the instrument's zero."""
    darkest = {"XS1": 35, "XS2": 16, "XS3": 6, "SWIR": 6}
    bands = {band: full(SHAPE, value, "uint16") for band, value in darkest.items()}
    for values in bands.values():
        values[:9] = 1
    folder = minimal_products.swh(tmp_path, bands, SATURATION)
    reflectance, saturated = open_swh(folder).read(list(bands))
    np.testing.assert_allclose(reflectance.values[:, -1, -1], [0.035, 0.016, 0.006, 0.006])
    assert not saturated.any()


def test_scenes_without_data_are_in_no_doubt(tmp_path: Path) -> None:
    folder = minimal_products.swh(tmp_path, {"XS1": full(SHAPE, 0, "uint16")}, {"XS1": 0.4})
    assert np.isnan(open_swh(folder).read(["XS1"])[0]).all()


def test_side_car_files_and_masks_are_no_bands(product: Path) -> None:
    name = next(product.glob("*_XS1.tif")).name
    (product / f"{name}.aux.xml").write_text("<PAMDataset/>")
    minimal_products.write_raster(product / "MASKS" / name, full(SHAPE, 1, "uint8"), 20)
    assert open_swh(product).read(["XS1"])[0].values[0, 5, 5] == pytest.approx(0.2)


def test_missing_band_file_and_band_without_metadata(tmp_path: Path) -> None:
    bands = scene_bands()
    del bands["XS3"]
    folder = minimal_products.swh(tmp_path, bands, {k: SATURATION[k] for k in ("XS1", "XS3")})
    scene = open_swh(folder)
    assert scene.bands == ("XS1", "XS3")
    with pytest.raises(ProductError, match=r"no file \*XS3\*\.tif"):
        scene.read(["XS3"])
    with pytest.raises(ProductError, match="no band SWIR, only XS1, XS3"):
        scene.read(["SWIR"])


@pytest.mark.parametrize(
    ("saturation", "minimum", "message"),
    [
        ({"XS1": 0.3}, 0.3, "not above its minimum"),
        ({"XS1": 40.0}, 0.0, "expected a number from 0 to 5"),
        ({}, 0.0, "has no Band_Index_List"),
    ],
)
def test_impossible_gains(
    tmp_path: Path, saturation: dict[str, float], minimum: float, message: str
) -> None:
    folder = minimal_products.swh(tmp_path, {}, saturation, minimum=minimum)
    with pytest.raises(ProductError, match=message):
        open_swh(folder)


def test_truncated_tiff_and_missing_xml(product: Path) -> None:
    file = next(product.glob("*_XS2.tif"))
    file.write_bytes(file.read_bytes()[:400])
    with pytest.raises(ProductError, match=r"XS2\.tif"):
        open_swh(product).read(["XS2"])
    next(product.glob("*.xml")).unlink()
    with pytest.raises(ProductError, match=r"no file \*MTD_ALL\.xml"):
        open_swh(minimal_products.zip_folder(product))
