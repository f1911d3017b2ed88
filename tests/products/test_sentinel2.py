"""Sentinel-2 Level-1C reader."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import minimal_products
import numpy as np
import pytest
import rasterio
from affine import Affine
from minimal_products import SIDE, full
from rasterio.crs import CRS

from firn.errors import GridError, ProductError
from firn.grid import Grid
from firn.products.sentinel2 import open_l1c
from firn.sensors import packaged

NEW = "S2B_MSIL1C_20220314T102021_N0400_R065_T32TPT_20220314T140000"
FINE, COARSE = (SIDE // 10, SIDE // 10), (SIDE // 20, SIDE // 20)


def bands(value: float = 3000) -> dict[str, np.ndarray]:
    return {"B04": full(FINE, value, "uint16"), "B11": full(COARSE, value, "uint16")}


@pytest.mark.parametrize("zipped", [False, True])
def test_attributes_and_grid(tmp_path: Path, zipped: bool) -> None:
    safe = minimal_products.sentinel2(tmp_path, bands())
    product = open_l1c(minimal_products.zip_folder(safe) if zipped else safe)
    assert product.product_id == "S2A_MSIL1C_20180314T102021_N0206_R065_T32TPT_20180314T140000"
    assert (product.platform, product.tile, product.baseline) == ("sentinel2a", "32TPT", "0206")
    assert product.sensing_time == datetime(2018, 3, 14, 10, 24, 59, 123000, UTC)
    assert (product.sun_zenith, product.sun_azimuth) == (51.25, 157.5)
    grid = product.grid(20)
    assert grid.crs == CRS.from_epsg(32632)
    assert grid.transform == Affine(20, 0, 600000, 0, -20, 5200020)
    assert grid.shape == COARSE
    assert product.grid(60).shape == (SIDE // 60, SIDE // 60)


def test_the_folder_names_the_product_when_the_metadata_do_not(tmp_path: Path) -> None:
    safe = minimal_products.sentinel2(tmp_path, bands())
    metadata = safe / "MTD_MSIL1C.xml"
    metadata.write_text(metadata.read_text().replace("PRODUCT_URI", "PRODUCT_URI_2A"))
    assert open_l1c(safe).tile == "32TPT"
    renamed = safe.rename(tmp_path / "download.SAFE")
    with pytest.raises(ProductError, match=r"'download\.SAFE' is a Level-1C product name"):
        open_l1c(renamed)


def test_the_offset_is_added_band_by_band(tmp_path: Path) -> None:
    """(3000 - 1000) / 10000 = 0.2 in B04 (band_id 3), (3000 - 500) / 10000 = 0.25 in B11 (11)."""
    safe = minimal_products.sentinel2(tmp_path, bands(), name=NEW, offsets={3: -1000, 11: -500})
    product = open_l1c(safe)
    reflectance, saturated = product.read(["B11", "B04"])
    assert product.platform == "sentinel2b"
    assert reflectance.dtype == np.float32
    assert reflectance.band.values.tolist() == ["B11", "B04"]
    np.testing.assert_allclose(reflectance.values[0], 0.25, rtol=1e-6)
    np.testing.assert_allclose(reflectance.values[1], 0.2, rtol=1e-6)
    assert not saturated.any()


def test_a_new_baseline_without_offset_is_refused(tmp_path: Path) -> None:
    safe = minimal_products.sentinel2(tmp_path, bands(), name=NEW, offsets={3: -1000})
    with pytest.raises(ProductError, match="no RADIO_ADD_OFFSET of B11, which baseline 0400 needs"):
        open_l1c(safe).read(["B11"])
    safe = minimal_products.sentinel2(tmp_path, bands(), name=NEW, offsets={13: -1000})
    with pytest.raises(ProductError, match="band_id '13', expected each of 0 to 12 once"):
        open_l1c(safe).read(["B11"])


def test_offsets_in_either_spelling_but_once(tmp_path: Path) -> None:
    safe = minimal_products.sentinel2(tmp_path, bands(), name=NEW, offsets={11: -1000})
    metadata = safe / "MTD_MSIL1C.xml"
    whole = metadata.read_text()
    metadata.write_text(whole.replace('band_id="11"', 'bandId="11"'))
    np.testing.assert_allclose(open_l1c(safe).read(["B11"])[0].values, 0.2, rtol=1e-6)
    offset = '<RADIO_ADD_OFFSET band_id="11">-1000</RADIO_ADD_OFFSET>'
    assert offset in whole
    metadata.write_text(whole.replace(offset, 2 * offset))
    with pytest.raises(ProductError, match="band_id '11', expected each of 0 to 12 once"):
        open_l1c(safe).read(["B11"])


def test_no_data_and_saturation_are_told_before_the_offset(tmp_path: Path) -> None:
    """DN 1000 is reflectance 0, DN 500 negative; 0 and 65535 are neither."""
    values = full(COARSE, 3000, "uint16")
    values[0, :4] = 0, 65535, 1000, 500
    safe = minimal_products.sentinel2(tmp_path, {"B11": values}, name=NEW, offsets={11: -1000})
    reflectance, saturated = open_l1c(safe).read(["B11"])
    row = reflectance.values[0, 0]
    assert np.isnan(row[0])
    assert row[1] == pytest.approx((32767 - 1000) / 10000)
    np.testing.assert_allclose(row[2:5], [0, -0.05, 0.2], atol=1e-6)
    assert np.argwhere(saturated[0]).tolist() == [[0, 1]]
    assert np.isnan(reflectance.values).sum() == 1


def test_finer_pixels_are_averaged_with_bilinear_weights(tmp_path: Path) -> None:
    """At half the resolution the tent spans four pixels with weights 1, 3, 3, 1 (of 8) a side.

    One pixel of DN 8000 amid 0.1: its own cell gets 9/64 of 0.7 more, its diagonal neighbour 1/64.
    """
    values = full(FINE, 1000, "uint16")
    values[11, 11] = 8000
    product = open_l1c(minimal_products.sentinel2(tmp_path, {"B04": values}))
    reflectance = product.read(["B04"])[0].values[0]
    assert reflectance[5, 5] == pytest.approx(0.1 + 0.7 * 9 / 64, abs=1e-6)
    assert reflectance[6, 5] == pytest.approx(0.1 + 0.7 * 3 / 64, abs=1e-6)
    assert reflectance[6, 6] == pytest.approx(0.1 + 0.7 * 1 / 64, abs=1e-6)
    assert reflectance[4, 4] == pytest.approx(0.1, abs=1e-6)


def test_a_saturated_fine_pixel_flags_its_cell_and_spoils_no_other(tmp_path: Path) -> None:
    values = full(FINE, 1000, "uint16")
    values[11, 11] = 65535
    reflectance, saturated = open_l1c(minimal_products.sentinel2(tmp_path, {"B04": values})).read(
        ["B04"]
    )
    assert np.argwhere(saturated[0]).tolist() == [[5, 5]]
    others = np.delete(reflectance.values.ravel(), 5 * COARSE[1] + 5)
    np.testing.assert_allclose(others, 0.1, atol=1e-6)


def test_fine_grid_of_a_coarse_band_is_cubic(tmp_path: Path) -> None:
    """Cubic interpolation keeps a ramp within a plateau and overshoots beside a step."""
    values = full((SIDE // 60, SIDE // 60), 1000, "uint16")
    values[:, 4:] = 2000
    product = open_l1c(minimal_products.sentinel2(tmp_path, {"B10": values}))
    row = product.read(["B10"])[0].values[0, 12]
    assert row[0] == pytest.approx(0.1, abs=1e-6)
    assert row.min() < 0.0999
    assert row.max() > 0.2001


@pytest.mark.parametrize("window", [(0, 0, 24, 24), (5, 7, 3, 4), (0, 20, 24, 4), (23, 23, 1, 1)])
@pytest.mark.parametrize("resolution", [20, 30])
def test_a_window_is_that_part_of_the_whole(
    tmp_path: Path, window: tuple[int, int, int, int], resolution: float
) -> None:
    """Also where fine pixels are averaged, coarse ones interpolated, and some saturated."""
    rng = np.random.default_rng(3)
    noise = {
        band: rng.integers(1, 9000, (SIDE // r, SIDE // r)).astype(np.uint16)
        for band, r in (("B04", 10), ("B11", 20), ("B10", 60))
    }
    noise["B04"][::7, ::5] = 65535
    noise["B11"][::6, ::4] = 0
    product = open_l1c(minimal_products.sentinel2(tmp_path, noise))
    row, col, height, width = (int(edge * 20 / resolution) for edge in window)
    window = row, col, max(height, 1), max(width, 1)
    whole, saturated = product.read(list(noise), resolution)
    part, flags = product.read(list(noise), resolution, window)
    place = np.s_[:, row : row + window[2], col : col + window[3]]
    np.testing.assert_allclose(part.values, whole.values[place], atol=2e-6)
    np.testing.assert_array_equal(flags, saturated[place])
    assert Grid.of(part) == product.grid(resolution).crop(*window)


@pytest.mark.parametrize("window", [(-1, 0, 2, 2), (0, 0, 25, 1), (0, 24, 1, 1), (3, 3, 0, 1)])
def test_a_window_outside_the_tile(tmp_path: Path, window: tuple[int, int, int, int]) -> None:
    product = open_l1c(minimal_products.sentinel2(tmp_path, bands()))
    with pytest.raises(GridError, match="does not lie within the tile of 24 x 24 pixels"):
        product.read(["B04"], window=window)


@pytest.mark.parametrize("zipped", [False, True])
def test_layout_before_2017_with_several_tiles(tmp_path: Path, zipped: bool) -> None:
    """Quantification 1000, as the first baselines had: DN 250 is 0.25, DN 500 is 0.5."""
    safe = minimal_products.sentinel2_before_2017(
        tmp_path,
        {t: {"B11": full(COARSE, n, "uint16")} for t, n in (("32TPT", 250), ("32TQT", 500))},
    )
    path = minimal_products.zip_folder(safe) if zipped else safe
    for tile, value in (("32TPT", 0.25), ("32TQT", 0.5)):
        product = open_l1c(path, tile)
        assert product.product_id == safe.stem
        assert (product.platform, product.tile, product.baseline) == ("sentinel2a", tile, "0201")
        np.testing.assert_allclose(product.read(["B11"])[0].values, value, rtol=1e-6)
    with pytest.raises(ProductError, match="tiles 32TPT, 32TQT, but none is asked for; name one"):
        open_l1c(path)
    with pytest.raises(ProductError, match="tiles 32TPT, 32TQT, but not 31TCH; name one of them"):
        open_l1c(path, "31TCH")


def test_layout_before_2017_with_one_tile(tmp_path: Path) -> None:
    safe = minimal_products.sentinel2_before_2017(tmp_path, {"32TQT": {}})
    assert open_l1c(safe).tile == open_l1c(safe, "32TPT").tile == "32TQT"
    granule = next(safe.glob("GRANULE/*"))
    granule.rename(granule.with_name("granule"))
    with pytest.raises(ProductError, match="does not stand in a granule of its own, whose name"):
        open_l1c(safe)


def test_baseline_and_crs_that_no_tile_has(tmp_path: Path) -> None:
    safe = minimal_products.sentinel2_before_2017(tmp_path, {"32TQT": {}})
    metadata = next(safe.glob("*.xml"))
    metadata.write_text(metadata.read_text().replace("02.01", "2.1"))
    with pytest.raises(ProductError, match=r"PROCESSING_BASELINE is '2\.1', expected two digits"):
        open_l1c(safe)
    for code in ("EPSG:4326", "EPSG:32661", "+proj=utm +zone=32"):
        other = minimal_products.sentinel2(tmp_path, bands())
        tile = next(other.rglob("MTD_TL.xml"))
        tile.write_text(tile.read_text().replace("EPSG:32632", code))
        with pytest.raises(ProductError, match="is not the CRS of a tile, expected EPSG:326xx"):
            open_l1c(other).grid()


def test_band_missing_unknown_misplaced_or_of_wrong_size(tmp_path: Path) -> None:
    safe = minimal_products.sentinel2(tmp_path, bands())
    with pytest.raises(ProductError, match=r"has no file IMG_DATA/\*_B03\.jp2"):
        open_l1c(safe).read(["B03"])
    with pytest.raises(ProductError, match="B3: is not a Sentinel-2 band"):
        open_l1c(safe).read(["B3"])
    file = next(safe.rglob("IMG_DATA/*_B11.jp2"))
    minimal_products.write_raster(file, full((5, 5), 1, "uint16"), 20)
    with pytest.raises(ProductError, match=r"B11\.jp2 has \(5, 5\) pixels.*expected \(24, 24\)"):
        open_l1c(safe).read(["B11"])
    minimal_products.write_raster(file, full(COARSE, 1, "uint16"), 20, left=0)
    with pytest.raises(ProductError, match=r"B11\.jp2 has .* from"):
        open_l1c(safe).read(["B11"])
    minimal_products.write_raster(file, full(COARSE, 1, "uint16"), 20, epsg=32633)
    with pytest.raises(ProductError, match=r"B11\.jp2 has .* in EPSG:32633, expected .*EPSG:32632"):
        open_l1c(safe).read(["B11"])


@pytest.mark.parametrize("zipped", [False, True])
@pytest.mark.parametrize("share", [0.0, 0.5, 0.98])
def test_truncated_jpeg2000(tmp_path: Path, zipped: bool, share: float) -> None:
    noise = np.random.default_rng(1).integers(1, 9000, COARSE).astype(np.uint16)
    safe = minimal_products.sentinel2(tmp_path, {"B11": noise})
    file = next(safe.rglob("IMG_DATA/*_B11.jp2"))
    file.write_bytes(file.read_bytes()[: int(file.stat().st_size * share)])
    product = open_l1c(minimal_products.zip_folder(safe) if zipped else safe)
    with pytest.raises(ProductError, match=r"B11\.jp2 .*fetch the product again"):
        product.read(["B11"])


def test_without_metadata(tmp_path: Path) -> None:
    safe = minimal_products.sentinel2(tmp_path, bands())
    next(safe.rglob("MTD_TL.xml")).unlink()
    with pytest.raises(ProductError, match=r"has no file MTD_TL\.xml"):
        open_l1c(minimal_products.zip_folder(safe))


def test_real_crop_in_both_baselines(crop_product: Callable[[str], Path]) -> None:
    """Native B11 is exact; B02 comes from 16 pixels by hand; the offset changes nothing."""
    crop = Path(packaged("crops/coast"))
    with rasterio.open(crop / "B11.tif") as dataset:
        swir = dataset.read(1)
    with rasterio.open(crop / "B02.tif") as dataset:
        blue = dataset.read(1).astype(float)
    old, _ = open_l1c(crop_product("201")).read(["B02", "B11"])
    new, _ = open_l1c(crop_product("400")).read(["B02", "B11"])
    np.testing.assert_allclose(old.values[1], swir / 10000, atol=1e-7)
    side = np.array([1, 3, 3, 1]) / 8
    expected = side @ blue[199:203, 299:303] @ side / 10000
    assert old.values[0, 100, 150] == pytest.approx(expected, abs=1e-6)
    np.testing.assert_allclose(new.values, old.values, atol=1e-6)
