"""MAJA Level-2A reader."""

from datetime import UTC, datetime
from pathlib import Path

import minimal_products
import numpy as np
import pytest
from minimal_products import SIDE, full

from firn.errors import ProductError
from firn.grid import Grid
from firn.products.maja import CLOUD_BITS, muscate_name, open_l2a

FINE, COARSE = (SIDE // 10, SIDE // 10), (SIDE // 20, SIDE // 20)


@pytest.fixture
def product(tmp_path: Path) -> Path:
    swir = full(COARSE, 1500, "int16")
    swir[0, 0], swir[0, 1] = -10000, -20
    masks = {f"MASKS/{m}_R2": full(COARSE, v, "uint8") for v, m in enumerate(("CLM", "MG2", "EDG"))}
    rasters = {
        "FRE_B4": full(FINE, 8000, "int16"),
        "FRE_B11": swir,
        "SRE_B4": full(FINE, 7000, "int16"),
    }
    return minimal_products.maja(tmp_path, rasters | masks)


def with_mask(folder: Path, kind: str, values: list[int]) -> Path:
    """Product whose mask begins with ``values`` and is 0 elsewhere."""
    mask = full(COARSE, 0, "uint8")
    mask[0, : len(values)] = values
    return minimal_products.maja(folder, {f"MASKS/{kind}_R2": mask})


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
    for value, mask in enumerate((l2a.cloud_mask(), l2a.geophysical_mask())):
        assert mask.dtype == np.uint8
        assert (mask.values == value).all()
    assert l2a.edge_mask().dtype == bool
    assert l2a.edge_mask().values.all()


def test_without_the_correction_for_slopes(product: Path) -> None:
    reflectance = open_l2a(product).read_reflectance(["B04"], kind="SRE")
    np.testing.assert_allclose(reflectance.values, 0.7, rtol=1e-6)
    assert reflectance.attrs["kind"] == "SRE"


def test_bits_of_the_cloud_mask_by_name(tmp_path: Path) -> None:
    """Bit by bit, in the order of the format document."""
    flags = open_l2a(with_mask(tmp_path, "CLM", [1 << bit for bit in range(8)])).cloud_flags()
    assert flags.dims == ("mask", "y", "x")
    assert flags.dtype == bool
    names = [str(flags.mask.values[i]) for i in flags.values[:, 0, :8].argmax(axis=0)]
    assert names == [
        "cloud_or_shadow",
        "cloud",
        "mono_temporal",
        "multi_temporal",
        "thin_cloud",
        "shadow_inside",
        "shadow_outside",
        "high_cloud",
    ]
    assert flags.values.sum() == 8
    assert Grid.of(flags).crs.to_epsg() == 32632


def test_the_native_layout_is_brought_to_that_of_muscate(tmp_path: Path) -> None:
    """Native: bit 2 shadow inside, 3 outside, 4 mono-temporal, 5 multi-temporal, 6 thin."""
    path = with_mask(tmp_path, "CLM", [1, 2, 4, 8, 16, 32, 64, 128, 1 | 2 | 16 | 64])
    native = open_l2a(path, "native")
    assert native.cloud_mask().values[0, :9].tolist() == [
        *(1, 2, 32, 64, 4, 8, 16, 128),
        1 | 2 | 4 | 16,
    ]
    assert native.cloud_flags(["mono_temporal"]).values[0, 0, :9].tolist() == [
        *(False, False, False, False, True, False, False, False),
        True,
    ]
    assert sorted(CLOUD_BITS["native"]) == sorted(CLOUD_BITS["muscate"])


def test_bits_4_and_5_of_the_geophysical_mask_are_one(tmp_path: Path) -> None:
    product = open_l2a(with_mask(tmp_path, "MG2", [16, 32, 48, 1 | 2 | 4 | 8 | 64 | 128]))
    assert product.geophysical_mask().values[0, :5].tolist() == [48, 48, 48, 207, 0]
    flags = product.geophysical_flags()
    assert flags.mask.values.tolist() == [
        "water",
        "cloud",
        "snow",
        "cloud_shadow",
        "topographic_shadow_or_hidden",
        "sun_too_low",
        "tangent_sun",
    ]
    np.testing.assert_array_equal(
        flags.sel(mask="topographic_shadow_or_hidden").values[0, :5], [1, 1, 1, 0, 0]
    )
    assert flags.values[:, 0, 3].tolist() == [1, 1, 1, 1, 0, 1, 1]


def test_saturation_by_band(tmp_path: Path) -> None:
    fine, coarse = full(FINE, 0, "uint8"), full(COARSE, 0, "uint8")
    fine[3, 4], coarse[5, 6] = 1 << 2, 1 << 4 | 1
    product = open_l2a(
        minimal_products.maja(tmp_path, {"MASKS/SAT_R1": fine, "MASKS/SAT_R2": coarse})
    )
    flags = product.saturation_flags("R1")
    assert [str(flags.mask.values[m]) for m, _, _ in np.argwhere(flags.values)] == ["B04"]
    assert flags.sel(mask="B04").values[3, 4]
    flags = product.saturation_flags()
    assert flags.mask.values.tolist() == ["B05", "B06", "B07", "B8A", "B11", "B12"]
    assert flags.values[:, 5, 6].tolist() == [1, 0, 0, 0, 1, 0]


def test_the_metadata_tell_which_file_it_is(tmp_path: Path) -> None:
    """A copy of a mask by another tool stands in a folder of the same name."""
    clm = {"MASKS/CLM_R2": full(COARSE, 4, "uint8")}
    for listed, folder in ((False, tmp_path / "a"), (True, tmp_path / "b")):
        path = minimal_products.maja(folder, clm, listed=listed)
        copy = path / "old" / "MASKS" / "copy_CLM_R2.tif"
        minimal_products.write_raster(copy, full(COARSE, 1, "uint8"), 20)
        for product in (path, minimal_products.zip_folder(path)):
            if listed:
                assert (open_l2a(product).cloud_mask().values == 4).all()
            else:
                with pytest.raises(ProductError, match=r"has 2 files MASKS/\*_CLM_R2\.tif"):
                    open_l2a(product).cloud_mask()


def test_files_that_the_metadata_name_otherwise_are_found(tmp_path: Path) -> None:
    path = minimal_products.maja(tmp_path, {"MASKS/CLM_R2": full(COARSE, 4, "uint8")}, listed=True)
    mask = next(path.rglob("*_CLM_R2.tif"))
    mask.rename(mask.with_name("renamed_CLM_R2.tif"))
    assert (open_l2a(path).cloud_mask().values == 4).all()


def test_l2a_errors(product: Path) -> None:
    with pytest.raises(ProductError, match=r"no file MASKS/\*_SAT_R2\.tif"):
        open_l2a(product).saturation_mask()
    with pytest.raises(ProductError, match=r"no file \*_FRE_B8\.tif"):
        open_l2a(product).read_reflectance(["B08"])
    band = next(product.rglob("*_FRE_B4.tif"))
    minimal_products.write_raster(band, full(FINE, 8000, "int16"), 10, left=0)
    with pytest.raises(ProductError, match=r"FRE_B4\.tif \(int16\) covers .*expected int16 on the"):
        open_l2a(product).read_reflectance(["B04"])
    mask = next(product.rglob("*_CLM_R2.tif"))
    minimal_products.write_raster(mask, full(COARSE, 1, "int16"), 20)
    with pytest.raises(ProductError, match="CLM mask is int16, expected uint8 bits"):
        open_l2a(product).cloud_mask()
    next(product.glob("*.xml")).unlink()
    with pytest.raises(ProductError, match="no file"):
        open_l2a(product)


def test_muscate_names() -> None:
    assert [muscate_name(b) for b in ("B02", "B8A", "B11")] == ["B2", "B8A", "B11"]
