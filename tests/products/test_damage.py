"""Damaged products: whatever the damage, the readers raise `FirnError` or read on, never else."""

import contextlib
import warnings
from collections.abc import Callable
from pathlib import Path

import minimal_products
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from minimal_products import EPSG, SIDE, full, transform
from rasterio.crs import CRS

from firn.errors import FirnError
from firn.products.dimap import open_l1a
from firn.products.maja import open_l2a
from firn.products.sentinel2 import open_l1c
from firn.products.snow import read_snow
from firn.products.swh import open_swh
from firn.raster import Grid

COARSE = (SIDE // 20, SIDE // 20)
Reader = Callable[[Path], object]


def read_l1c(path: Path) -> object:
    return open_l1c(path).read(["B11"])


def read_l2a(path: Path) -> object:
    product = open_l2a(path)
    return product.read_reflectance(["B11"]), product.cloud_mask()


def read_swh(path: Path) -> object:
    scene = open_swh(path)
    warped = scene.read(scene.bands, Grid(CRS.from_epsg(EPSG), transform(20), 8, 8))
    return scene.read(scene.bands), warped, scene.saturation


def read_l1a(path: Path) -> object:
    scene = open_l1a(path)
    return scene.read(scene.bands), scene.location.ground(np.arange(3), np.arange(3))


@pytest.fixture(scope="module")
def products(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Path, Reader]]:
    folder = tmp_path_factory.mktemp("whole")
    noise = np.random.default_rng(7).integers(1, 300, COARSE)
    safe = minimal_products.sentinel2(folder, {"B11": noise.astype(np.uint16)})
    l2a = {"FRE_B11": noise.astype(np.int16), "MASKS/CLM_R2": full(COARSE, 4, "uint8")}
    spot = {"XS1": noise.astype(np.uint16)}
    raw = np.stack([noise.astype(np.uint8)] * 3)
    gains = {"XS1": (1.2, 2.0), "XS2": (0.8, 0.0), "XS3": (1.5, 0.0)}
    return {
        "l1c": (safe, read_l1c),
        "l2a": (minimal_products.maja(folder, l2a), read_l2a),
        "snow": (minimal_products.snow(folder, full(COARSE, 100, "uint8")), read_snow),
        "swh": (minimal_products.swh(folder, spot, {"XS1": 0.4}), read_swh),
        "l1a": (minimal_products.spot_l1a(folder, raw, gains), read_l1a),
    }


Damage = list[tuple[float, int]]
DAMAGE = st.lists(
    st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), min_size=1, max_size=8
)


def damaged(content: bytes, damage: Damage, keep: float) -> bytes:
    """``content`` with bytes replaced at relative positions, cut at ``keep`` of its length."""
    changed = bytearray(content)
    for position, value in damage:
        changed[int(position * len(changed))] = value
    return bytes(changed[: int(keep * len(changed))])


def read_damaged(path: Path, reader: Reader) -> None:
    with warnings.catch_warnings(), contextlib.suppress(FirnError):
        # A damaged georeference is announced by GDAL before firn refuses it.
        warnings.simplefilter("ignore")
        reader(path)


FUZZ = settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
KINDS = ["l1c", "l2a", "snow", "swh", "l1a"]
SUFFIXES = (".xml", ".dim", ".tif", ".jp2")


@pytest.mark.parametrize("kind", KINDS)
@FUZZ
@given(damage=DAMAGE, keep=st.sampled_from([1.0, 1.0, 0.99, 0.5]))
def test_damaged_zip(
    products: dict[str, tuple[Path, Reader]],
    tmp_path: Path,
    kind: str,
    damage: Damage,
    keep: float,
) -> None:
    folder, reader = products[kind]
    archive = folder.with_name(folder.name + ".zip")
    if not archive.exists():
        minimal_products.zip_folder(folder)
    path = tmp_path / "product.zip"
    path.write_bytes(damaged(archive.read_bytes(), damage, keep))
    read_damaged(path, reader)


@pytest.mark.parametrize("kind", KINDS)
@FUZZ
@given(data=st.data(), damage=DAMAGE, keep=st.sampled_from([1.0, 1.0, 0.99, 0.5]))
def test_damaged_file_in_a_folder(
    products: dict[str, tuple[Path, Reader]],
    kind: str,
    data: st.DataObject,
    damage: Damage,
    keep: float,
) -> None:
    folder, reader = products[kind]
    files = sorted(file for file in folder.rglob("*") if file.suffix.lower() in SUFFIXES)
    file = data.draw(st.sampled_from(files))
    whole = file.read_bytes()
    try:
        file.write_bytes(damaged(whole, damage, keep))
        read_damaged(folder, reader)
    finally:
        file.write_bytes(whole)


def test_whole_products_are_read(products: dict[str, tuple[Path, Reader]]) -> None:
    """Else the tests above would pass whatever the damage."""
    for folder, reader in products.values():
        reader(folder)
