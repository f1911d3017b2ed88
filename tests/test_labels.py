"""Labels from snow maps, cloud masks and exclusion."""

import json
from pathlib import Path

import minimal_products
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from minimal_products import EPSG, SIDE, full, transform
from rasterio.crs import CRS

from firn import raster
from firn.config import LabelSettings
from firn.errors import GridError, ProductError
from firn.grid import Grid
from firn.labels import make_labels, write_labels
from firn.products.identity import TileDate, check_name

SHAPE = (SIDE // 20, SIDE // 20)
ROW = TileDate("32TPT", "20180314")
GRID = Grid(CRS.from_epsg(EPSG), transform(20), *SHAPE)

#: Code of the snow map, CLM, and the label by filter (only, blue, cirrus-blue).
CASES = [
    (0, 0, (0, 0, 0)),
    (100, 0, (1, 1, 1)),
    (100, 4, (1, 1, 1)),
    (254, 0, (255, 255, 255)),
    (205, 0, (2, 255, 255)),
    (205, 1 | 2 | 4, (2, 2, 2)),
    (205, 1 | 2 | 8 | 16, (2, 255, 255)),
    (205, 1 | 128, (2, 255, 2)),
    (205, 1 | 32, (2, 255, 255)),
    (205, 1 | 64, (2, 255, 255)),
]


@pytest.mark.parametrize(
    ("index", "name"), [(0, "tcd-only"), (1, "tcd-blue"), (2, "tcd-cirrus-blue")]
)
def test_truth_table(index: int, name: str) -> None:
    snow = np.array([[code for code, _, _ in CASES]], np.uint8)
    clm = np.array([[mask for _, mask, _ in CASES]], np.uint8)
    expected = [[labels[index] for _, _, labels in CASES]]
    assert make_labels(snow, clm, np.zeros_like(snow), name).tolist() == expected


@pytest.mark.parametrize("bits", [1, 2, 3])
def test_forest_and_water_are_ignored(bits: int) -> None:
    snow = np.array([[0, 100, 205, 254]], np.uint8)
    clm = np.full(snow.shape, 4, np.uint8)
    assert (make_labels(snow, clm, np.full(snow.shape, bits, np.uint8), "tcd-only") == 255).all()


BYTES = arrays(np.uint8, (3, 4))


@given(arrays(np.uint8, (3, 4), elements=st.sampled_from([0, 100, 205, 254])), BYTES, BYTES)
def test_a_stricter_filter_only_drops_clouds(
    snow: np.ndarray, clm: np.ndarray, exclusion: np.ndarray
) -> None:
    every, blue, cirrus = (
        make_labels(snow, clm, exclusion, name)
        for name in ("tcd-only", "tcd-blue", "tcd-cirrus-blue")
    )
    for strict, loose in ((blue, cirrus), (cirrus, every)):
        changed = strict != loose
        assert (strict[changed] == 255).all()
        assert (loose[changed] == 2).all()
    assert set(np.unique(every)) <= {0, 1, 2, 255}


@pytest.fixture
def inputs(tmp_path: Path) -> tuple[Path, Path, Path]:
    codes = full(SHAPE, 205, "uint8")
    codes[:, :8] = 0
    codes[:, 8:12] = 255
    clm = full(SHAPE, 3, "uint8")
    clm[:10] = 7
    snow = minimal_products.zip_folder(minimal_products.snow(tmp_path, codes))
    l2a = minimal_products.zip_folder(minimal_products.maja(tmp_path, {"MASKS/CLM_R2": clm}))
    excluded = np.zeros(SHAPE, np.uint8)
    excluded[0] = 2
    raster.write(tmp_path / "exclusion.tif", excluded, GRID)
    return snow, l2a, tmp_path / "exclusion.tif"


def test_writes_labels_of_products(tmp_path: Path, inputs: tuple[Path, Path, Path]) -> None:
    output = tmp_path / "out" / "labels.tif"
    write_labels(*inputs, ROW, LabelSettings(filter="tcd-blue"), output)
    labels = raster.read(output)
    assert labels.dtype == np.uint8
    assert labels.attrs["nodata"] == 255
    assert raster.grid_of(output) == GRID
    expected = np.full(SHAPE, 255)
    expected[1:, :8] = 0
    expected[1:10, 12:] = 2
    np.testing.assert_array_equal(labels.values[0], expected)
    assert json.loads(raster.tags(output)["FIRN_PROVENANCE"])["sources"] == [
        "SENTINEL2A_20180314-102459-123_L2A_T32TPT_C_V1-0",
        "SENTINEL2A_20180314-102459-123_L2B-SNOW_T32TPT_D_V1-0",
    ]
    first = output.read_bytes()
    write_labels(*inputs, ROW, LabelSettings(filter="tcd-blue"), output)
    assert output.read_bytes() == first


def test_writes_labels_of_a_fraction_and_a_native_cloud_mask(
    tmp_path: Path, inputs: tuple[Path, Path, Path]
) -> None:
    """Natively bit 4 is the mono-temporal threshold; bit 2, a shadow there, is no trusted cloud."""
    fraction = full(SHAPE, 205, "uint8")
    fraction[:, :6] = 0, 1, 49, 50, 100, 210
    clm = full(SHAPE, 1 | 2 | 4, "uint8")
    clm[:10] = 1 | 2 | 16
    snow = minimal_products.snow_fraction_of_copernicus(tmp_path, fraction)
    l2a = minimal_products.maja(tmp_path / "native", {"MASKS/CLM_R2": clm})
    output = tmp_path / "labels.tif"
    settings = LabelSettings(cloud_layout="native", snow_fraction_min=50)
    write_labels(snow, l2a, inputs[2], ROW, settings, output)
    labels = raster.read(output).values[0]
    assert labels[0].tolist() == [255] * SHAPE[1]
    for row, cloud in ((1, 2), (9, 2), (10, 255)):
        assert labels[row].tolist() == [0, 0, 0, 1, 1, 255] + [cloud] * (SHAPE[1] - 6)
    write_labels(snow, l2a, inputs[2], ROW, LabelSettings(cloud_layout="native"), output)
    assert raster.read(output).values[0, 1, :6].tolist() == [0, 1, 1, 1, 1, 255]


def test_products_of_another_tile_are_refused(
    tmp_path: Path, inputs: tuple[Path, Path, Path]
) -> None:
    other = tmp_path / "other.tif"
    raster.write(other, np.zeros((5, 5), np.uint8), GRID.crop(0, 0, 5, 5))
    with pytest.raises(GridError, match=r"24 x 24 pixels .*expected 5 x 5 .*other\.tif"):
        write_labels(*inputs[:2], other, ROW, LabelSettings(), tmp_path / "labels.tif")
    assert not (tmp_path / "labels.tif").exists()


def test_products_of_another_row_are_refused(
    tmp_path: Path, inputs: tuple[Path, Path, Path]
) -> None:
    """The row names a snow map ten days later: first the map is wrong, then the cloud mask."""
    snow, l2a, exclusion = inputs
    row = TileDate("32TPT", "20180324")
    later = minimal_products.snow(tmp_path / "later", full(SHAPE, 0, "uint8"), day="20180324")
    for path, other in ((snow, l2a), (l2a, later)):
        products = (path, other) if path is snow else (other, path)
        with pytest.raises(
            ProductError, match=rf"{path.name}: is a product of 32TPT/20180314, .* 32TPT/20180324;"
        ):
            write_labels(*products, exclusion, row, LabelSettings(), tmp_path / "labels.tif")
    assert not (tmp_path / "labels.tif").exists()


def test_a_name_that_tells_no_row_is_taken() -> None:
    check_name("map.zip", "my_snow_map", ROW)
    with pytest.raises(ProductError, match="32TPS/20180314"):
        check_name("map.zip", "SENTINEL2A_20180314-102459-123_L2B-SNOW_T32TPS_D", ROW)
