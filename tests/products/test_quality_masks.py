"""Quality masks of Sentinel-2 Level-1C, as polygons and as rasters."""

from pathlib import Path

import minimal_products
import numpy as np
import pytest
from minimal_products import SIDE, polygon_mask, write_raster, write_text

from firn.errors import ProductError
from firn.grid import Grid
from firn.products.sentinel2 import open_l1c

NEW = "S2B_MSIL1C_20220314T102021_N0400_R065_T32TPT_20220314T140000"
FINE, COARSE, COARSEST = ((SIDE // r, SIDE // r) for r in (10, 20, 60))
NAMES = [
    "ancillary_lost",
    "ancillary_degraded",
    "image_lost",
    "image_degraded",
    "defective",
    "no_data",
    "crosstalk_corrected_in_part",
    "saturated",
]


def box(x: float, y: float, width: float, height: float) -> list[tuple[float, float]]:
    return [(x, y), (x + width, y), (x + width, y + height), (x, y + height), (x, y)]


def masks(safe: Path) -> Path:
    return next(safe.glob("GRANULE/*")) / "QI_DATA"


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """Product before baseline 04.00: B02 is saturated in two pixels, defective in one."""
    safe = minimal_products.sentinel2(tmp_path, {})
    folder = masks(safe)
    saturated = ("QT_SATURATED_PIXELS_L1A", [box(40, 0, 10, 10)])
    again = ("QT_SATURATED_PIXELS_L1B", [box(470, 470, 10, 10)])
    for kind, features in {
        "SATURA": (saturated, again),
        "DEFECT": (("QT_DEFECTIVE_PIXELS", [box(0, 20, 10, 10)]),),
        "NODATA": (),
        "TECQUA": (),
    }.items():
        write_text(folder / f"MSK_{kind}_B02.gml", polygon_mask(*features))
        write_text(folder / f"MSK_{kind}_B03.gml", polygon_mask())
    cloud = ("OPAQUE", [box(60, 60, 180, 180), box(120, 120, 60, 60)])
    write_text(folder / "MSK_CLOUDS_B00.gml", polygon_mask(cloud, ("CIRRUS", [box(0, 0, 60, 60)])))
    return safe


@pytest.mark.parametrize("zipped", [False, True])
def test_polygons_of_a_band(old: Path, zipped: bool) -> None:
    """A 20 m pixel is flagged that holds a flagged 10 m pixel."""
    product = open_l1c(minimal_products.zip_folder(old) if zipped else old)
    flags = product.quality_mask("B02")
    assert flags.dims == ("mask", "y", "x")
    assert flags.dtype == bool
    assert flags.shape == (8, *COARSE)
    assert flags.mask.values.tolist() == NAMES
    assert Grid.of(flags).crs.to_epsg() == 32632
    assert np.argwhere(flags.sel(mask="saturated").values).tolist() == [[0, 2], [23, 23]]
    assert np.argwhere(flags.sel(mask="defective").values).tolist() == [[1, 0]]
    assert flags.values.sum() == 3
    assert not product.quality_mask("B03").values.any()
    fine = product.quality_mask("B02", resolution=10)
    assert np.argwhere(fine.sel(mask="saturated").values).tolist() == [[0, 4], [47, 47]]


def test_polygons_of_clouds_with_a_hole(old: Path) -> None:
    """At 60 m the cloud spans pixels 1 to 3 but for the hole at (2, 2)."""
    flags = open_l1c(old).classification_mask(resolution=60)
    assert flags.mask.values.tolist() == ["opaque_cloud", "cirrus"]
    cloud = np.zeros(COARSEST, bool)
    cloud[1:4, 1:4] = True
    cloud[2, 2] = False
    np.testing.assert_array_equal(flags.values[0], cloud)
    assert np.argwhere(flags.values[1]).tolist() == [[0, 0]]
    at_20_m = open_l1c(old).classification_mask()
    np.testing.assert_array_equal(at_20_m.values[0], cloud.repeat(3, 0).repeat(3, 1))


def test_corners_with_a_height(old: Path) -> None:
    feature = ("OPAQUE", [box(60, 0, 60, 120)])
    write_text(masks(old) / "MSK_CLOUDS_B00.gml", polygon_mask(feature, height=1200))
    flags = open_l1c(old).classification_mask(resolution=60)
    assert np.argwhere(flags.values[0]).tolist() == [[0, 1], [1, 1]]


def test_masks_in_the_older_layout(tmp_path: Path) -> None:
    path = minimal_products.sentinel2_before_2017(tmp_path, {"32TPT": {}, "32TQT": {}})
    flags = open_l1c(path, "32TQT").classification_mask(resolution=60)
    assert np.argwhere(flags.values).tolist() == [[0, 0, 0]]


@pytest.mark.parametrize(
    ("document", "message"),
    [
        (polygon_mask(("SNOW", [box(0, 0, 60, 60)])), "mask of type 'SNOW', expected one of OPAQ"),
        (polygon_mask(("OPAQUE", [box(0, 0, 60, 60)[:4]])), "ring of 4 corners is not closed"),
        (polygon_mask(("OPAQUE", [[(0, 0), (60, 0), (0, 0)]])), "ring of 3 corners"),
        (polygon_mask(("OPAQUE", [])), "polygon without a ring"),
        (polygon_mask(epsg=32631), "is in EPSG:32631, expected EPSG:32632"),
        (polygon_mask(("OPAQUE", [box(0, float("inf"), 6, 6)])), "posList is '-inf'"),
        (
            polygon_mask(("OPAQUE", [box(0, 0, 6, 6)])).replace("Dimension='2'", "Dimension='3'"),
            "posList of 10 numbers in '3' dimensions",
        ),
    ],
)
def test_damaged_polygons(old: Path, document: str, message: str) -> None:
    write_text(masks(old) / "MSK_CLOUDS_B00.gml", document)
    with pytest.raises(ProductError, match=message):
        open_l1c(old).classification_mask()


@pytest.fixture
def new(tmp_path: Path) -> Path:
    """Product since baseline 04.00: band i of the mask of B04 flags the pixel (0, 2i)."""
    safe = minimal_products.sentinel2(tmp_path, {}, name=NEW)
    quality = np.zeros((8, *FINE), np.uint8)
    quality[range(8), 0, range(0, 16, 2)] = 1
    write_raster(masks(safe) / "MSK_QUALIT_B04.jp2", quality, 10)
    classes = np.zeros((3, *COARSEST), np.uint8)
    classes[range(3), range(3), 4] = 1
    write_raster(masks(safe) / "MSK_CLASSI_B00.jp2", classes, 60)
    return safe


@pytest.mark.parametrize("zipped", [False, True])
def test_rasters_of_a_band(new: Path, zipped: bool) -> None:
    flags = open_l1c(minimal_products.zip_folder(new) if zipped else new).quality_mask("B04")
    assert flags.mask.values.tolist() == NAMES
    assert np.argwhere(flags.values).tolist() == [[i, 0, i] for i in range(8)]


def test_rasters_of_clouds_and_snow(new: Path) -> None:
    """A pixel of 60 m is nine of 20 m."""
    flags = open_l1c(new).classification_mask()
    assert flags.mask.values.tolist() == ["opaque_cloud", "cirrus", "snow"]
    for index in range(3):
        expected = np.zeros(COARSE, bool)
        expected[3 * index : 3 * index + 3, 12:15] = True
        np.testing.assert_array_equal(flags.values[index], expected)


def test_missing_and_damaged_rasters(new: Path) -> None:
    product = open_l1c(new)
    with pytest.raises(ProductError, match=r"no file QI_DATA/\*MSK_QUALIT_B03\.jp2"):
        product.quality_mask("B03")
    with pytest.raises(ProductError, match="B4: is not a Sentinel-2 band"):
        product.quality_mask("B4")
    file = masks(new) / "MSK_QUALIT_B04.jp2"
    write_raster(file, np.zeros((3, *FINE), np.uint8), 10)
    with pytest.raises(ProductError, match=r"has 3 band\(s\), band \[4, 5, 6, 7, 8\] is missing"):
        product.quality_mask("B04")
    write_raster(file, np.zeros((8, *FINE), np.uint8), 20)
    with pytest.raises(ProductError, match=r"MSK_QUALIT_B04\.jp2 has .* from .*, expected"):
        product.quality_mask("B04")
