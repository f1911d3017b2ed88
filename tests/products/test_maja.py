"""MAJA Level-2A and Theia snow readers."""

from datetime import UTC, datetime
from pathlib import Path

import minimal_products
import numpy as np
import pytest
from minimal_products import SIDE, full

from firn.errors import ProductError
from firn.products.maja import muscate_name, open_l2a
from firn.products.snow import read_snow

FINE, COARSE = (SIDE // 10, SIDE // 10), (SIDE // 20, SIDE // 20)


@pytest.fixture
def product(tmp_path: Path) -> Path:
    swir = full(COARSE, 1500, "int16")
    swir[0, 0], swir[0, 1] = -10000, -20
    masks = {f"MASKS/{m}_R2": full(COARSE, v, "uint8") for v, m in enumerate(("CLM", "MG2", "EDG"))}
    rasters = {
        "FRE_B4": full(FINE, 8000, "int16"),
        "FRE_B11": swir,
        "SRE_B4": full(FINE, 1, "int16"),
    }
    return minimal_products.maja(tmp_path, rasters | masks)


@pytest.mark.parametrize("zipped", [False, True])
def test_l2a(product: Path, zipped: bool) -> None:
    l2a = open_l2a(minimal_products.zip_folder(product) if zipped else product)
    assert (l2a.platform, l2a.tile) == ("sentinel2a", "32TPT")
    assert l2a.sensing_time == datetime(2018, 3, 14, 10, 24, 59, 123000, UTC)
    assert (l2a.sun_zenith, l2a.sun_azimuth) == (51.25, 157.5)
    assert l2a.grid(20).shape == COARSE
    assert l2a.grid(10).shape == FINE
    reflectance = l2a.read_reflectance(["B04", "B11"])
    np.testing.assert_allclose(reflectance.values[0], 0.8, rtol=1e-6)
    assert np.isnan(reflectance.values[1, 0, 0])
    assert reflectance.values[1, 0, 1] == pytest.approx(-0.002)
    assert reflectance.values[1, 5, 5] == pytest.approx(0.15)
    for value, mask in enumerate((l2a.cloud_mask(), l2a.geophysical_mask(), l2a.edge_mask())):
        assert mask.dtype == np.uint8
        assert (mask.values == value).all()


def test_l2a_errors(product: Path) -> None:
    with pytest.raises(ProductError, match=r"no file MASKS/\*_SAT_R2\.tif"):
        open_l2a(product).saturation_mask()
    with pytest.raises(ProductError, match=r"no file \*_FRE_B8\.tif"):
        open_l2a(product).read_reflectance(["B08"])
    mask = next(product.rglob("*_CLM_R2.tif"))
    minimal_products.write_raster(mask, full(COARSE, 1, "int16"), 20)
    with pytest.raises(ProductError, match="CLM mask is int16, expected uint8 bits"):
        open_l2a(product).cloud_mask()
    next(product.glob("*.xml")).unlink()
    with pytest.raises(ProductError, match="no file"):
        open_l2a(product)


def test_muscate_names() -> None:
    assert [muscate_name(b) for b in ("B02", "B8A", "B11")] == ["B2", "B8A", "B11"]


@pytest.mark.parametrize("no_data", [254, 255])
def test_snow_codes(tmp_path: Path, no_data: int) -> None:
    codes = full(COARSE, 0, "uint8")
    codes[0, :4] = 0, 100, 205, no_data
    snow = read_snow(minimal_products.zip_folder(minimal_products.snow(tmp_path, codes)))
    assert snow.dtype == np.uint8
    assert snow.values[0, :4].tolist() == [0, 100, 205, 254]
    assert snow.attrs["nodata"] == 254
    assert snow.rio.crs.to_epsg() == 32632


def test_a_snow_fraction_is_refused(tmp_path: Path) -> None:
    codes = full(COARSE, 37, "uint8")
    with pytest.raises(ProductError, match=r"codes \[37\].*not the snow fraction"):
        read_snow(minimal_products.snow(tmp_path, codes))
