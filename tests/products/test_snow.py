"""Snow products of every kind, brought to the common codes."""

from pathlib import Path

import minimal_products
import numpy as np
import pytest
from minimal_products import SIDE, full

from firn.errors import ProductError
from firn.grid import Grid
from firn.products.identity import TileDate, check_name
from firn.products.snow import read_snow

SHAPE = (SIDE // 20, SIDE // 20)
ROW = TileDate("32TPT", "20180314")


def first(codes: list[int]) -> np.ndarray:
    """Map without snow whose first row begins with ``codes``."""
    values = full(SHAPE, 0, "uint8")
    values[0, : len(codes)] = codes
    return values


@pytest.mark.parametrize("no_data", [254, 255])
@pytest.mark.parametrize("make", [minimal_products.snow, minimal_products.snow_by_lis])
@pytest.mark.parametrize("zipped", [False, True])
def test_maps_of_snow_and_no_snow(tmp_path: Path, make, no_data: int, zipped: bool) -> None:
    folder = make(tmp_path, first([0, 100, 205, no_data]))
    snow = read_snow(minimal_products.zip_folder(folder) if zipped else folder)
    assert snow.dtype == np.uint8
    assert snow.values[0, :5].tolist() == [0, 100, 205, 254, 0]
    assert snow.attrs["nodata"] == 254
    assert snow.attrs["product_id"] == folder.name
    assert Grid.of(snow).crs.to_epsg() == 32632


FRACTIONS = [
    minimal_products.snow_fraction_of_theia,
    minimal_products.snow_fraction_of_copernicus,
]


@pytest.mark.parametrize("make", FRACTIONS)
@pytest.mark.parametrize(
    ("least", "expected"),
    [
        (1, [0, 100, 100, 100, 100, 205, 254, 254, 254]),
        (50, [0, 0, 0, 100, 100, 205, 254, 254, 254]),
        (100, [0, 0, 0, 0, 100, 205, 254, 254, 254]),
    ],
)
def test_fractions(tmp_path: Path, make, least: float, expected: list[int]) -> None:
    """0, 1, 49, 50, 100 %, cloud, water, and no data in two spellings."""
    folder = make(tmp_path, first([0, 1, 49, 50, 100, 205, 210, 254, 255]))
    snow = read_snow(folder, least)
    assert snow.values[0, :9].tolist() == expected
    assert snow.attrs["product_id"] == folder.name


def test_the_top_of_the_canopy_comes_first(tmp_path: Path) -> None:
    folder = minimal_products.snow_fraction_of_theia(tmp_path, first([80]))
    minimal_products.snow_fraction_of_theia(tmp_path, first([20]), "FSC-TOC")
    assert read_snow(folder, 50).values[0, 0] == 0


@pytest.mark.parametrize("make", FRACTIONS)
def test_names_of_fractions_tell_tile_and_date(tmp_path: Path, make) -> None:
    name = read_snow(make(tmp_path, first([0]))).attrs["product_id"]
    check_name(tmp_path, name, ROW)
    for row in (TileDate("32TPS", "20180314"), TileDate("32TPT", "20180315")):
        with pytest.raises(ProductError, match=r"is a product of 32TPT/20180314"):
            check_name(tmp_path, name, row)


def test_codes_of_another_kind_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ProductError, match=r"codes \[0, 37\], expected uint8 0, 100, 205 and 254"):
        read_snow(minimal_products.snow(tmp_path, first([37])))
    with pytest.raises(ProductError, match=r"codes \[0, 101\], expected uint8 0 to 100, 205, 210"):
        read_snow(minimal_products.snow_fraction_of_theia(tmp_path, first([101])))
    with pytest.raises(ProductError, match=r"LIS_SEB\.TIF \(uint16\)"):
        read_snow(minimal_products.snow_by_lis(tmp_path, full(SHAPE, 100, "uint16")))


def test_what_is_no_snow_product(tmp_path: Path) -> None:
    folder = minimal_products.maja(tmp_path, {})
    with pytest.raises(ProductError, match=r"has none of the files \*_SNW_R2\.tif, LIS_SEB\.TIF"):
        read_snow(folder)
