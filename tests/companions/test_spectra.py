"""Tables of spectra, and the reader of the Hollstein database."""

from pathlib import Path

import h5py
import numpy as np
import pytest

from firn import raster
from firn.companions.scenes import STRATA, Surface, bands
from firn.companions.spectra import (
    Spectra,
    of_scene,
    read_hollstein,
    read_spectra,
    without_duplicates,
    write_spectra,
)
from firn.errors import DataError
from firn.grid import Grid

NAMES = [b"clear", b"water", b"shadow", b"cirrus", b"cloud", b"snow"]
CODES = [10, 20, 30, 40, 50, 60]


def table(count: int = 60, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.uniform(0.01, 1, (count, 13)), np.resize(CODES, count)


def version(path: Path, spectra: np.ndarray, codes: np.ndarray, **more: object) -> Path:
    with h5py.File(path, "w") as file:
        for name, values in {"spectra": spectra, "classes": codes, **more}.items():
            file[name] = values
    return path


def test_versions_are_joined_and_each_spectrum_is_kept_once(tmp_path: Path) -> None:
    spectra, codes = table()
    spectra[7] = spectra[1]  # of the same class: 1 and 7 are water
    spectra[8] = spectra[1]  # of another class: kept
    own = [name[1:].lstrip("0").encode() for name in bands()]
    first = version(
        tmp_path / "20160914_s2_manual_classification_data.h5",
        spectra.astype(np.float32),
        codes.astype(np.uint8),
        band=own,
        class_ids=CODES,
        class_names=NAMES,
    )
    others, labels = table(10, seed=2)
    # A later version: the same and more, bands in another order, other types, no names of classes.
    turned = list(reversed(range(13)))
    second = version(
        tmp_path / "20170710_s2_manual_classification_data.h5",
        np.concatenate([spectra.astype(np.float32), others])[:, turned].astype(np.float64),
        np.concatenate([codes, labels]).astype(np.float32),
        bands=[bands()[i].encode() for i in turned],
    )
    found = read_hollstein([first, second])
    assert found.reflectance.shape == (69, 13)
    np.testing.assert_allclose(found.reflectance[:7], spectra[:7], rtol=1e-6)
    np.testing.assert_allclose(found.reflectance[-10:], others, rtol=1e-6)
    np.testing.assert_array_equal(found.surface[-10:], labels)
    assert found.counts["cirrus"] == (found.surface == Surface.CIRRUS).sum() > 0


def test_spectra_without_data_are_left_out(tmp_path: Path) -> None:
    spectra, codes = table(20)
    spectra[3], spectra[5, 2], spectra[6, 1] = 0, np.nan, np.inf
    found = read_hollstein([version(tmp_path / "a.h5", spectra, codes)])
    np.testing.assert_array_equal(found.surface, np.delete(codes, [3, 5, 6]))


def damaged(path: Path) -> None:
    spectra, codes = table()
    version(path, spectra, codes)
    path.write_bytes(path.read_bytes()[:900])


def no_classes(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file["spectra"] = table()[0]


def group_for_classes(path: Path) -> None:
    no_classes(path)
    with h5py.File(path, "a") as file:
        file.create_group("classes")


CASES = {
    "missing": (lambda path: None, "No such file|unable to open"),
    "text": (lambda path: path.write_text("spectra"), "file signature not found"),
    "cut": (damaged, "truncated|unable"),
    "empty": (lambda path: version(path, np.empty((0, 13)), np.empty(0, int)), "no spectrum"),
    "no classes": (no_classes, "no dataset 'classes'"),
    "group": (group_for_classes, "no dataset 'classes'"),
    "lengths": (lambda path: version(path, table()[0], table()[1][:9]), "60 spectra, but 9"),
    "ten bands": (lambda path: version(path, table()[0][:, :10], table()[1]), "10 bands"),
    "strange bands": (
        lambda path: version(path, *table(), band=[b"1"] * 13),
        "named B01, B01",
    ),
    "unknown class": (lambda path: version(path, table()[0], table()[1] + 1), "classes"),
    "text spectra": (
        lambda path: version(path, np.full((60, 13), b"x"), table()[1]),
        "spectra are",
    ),
    "scaled": (lambda path: version(path, table()[0] * 10000, table()[1]), "scaled by something"),
    "other names": (
        lambda path: version(path, *table(), class_ids=CODES, class_names=NAMES[::-1]),
        "class 10 is 'snow', expected land",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_a_file_that_is_not_the_database_gives_one_clear_error(name: str, tmp_path: Path) -> None:
    make, reason = CASES[name]
    path = tmp_path / "database.h5"
    make(path)
    with pytest.raises(DataError, match=f"(?s)database.h5: cannot be read as .*({reason})") as told:
        read_hollstein([path])
    assert "fetch the file again" in str(told.value)


def test_table_survives_its_file(tmp_path: Path) -> None:
    spectra, codes = table()
    whole = Spectra(spectra.astype(np.float32), codes.astype(np.uint8))
    write_spectra(tmp_path / "spectra.nc", whole, ["scene"])
    again = read_spectra(tmp_path / "spectra.nc")
    np.testing.assert_array_equal(again.reflectance, whole.reflectance)
    np.testing.assert_array_equal(again.surface, codes)
    np.testing.assert_array_equal(again.classes, codes // 10 - 1)
    with pytest.raises(DataError, match="needs cloud and clear ones"):
        write_spectra(tmp_path / "clear.nc", Spectra(whole.reflectance[:3], whole.surface[:3]), [])
    version(tmp_path / "other.nc", spectra, codes)
    with pytest.raises(DataError, match=r"other\.nc: cannot be read"):
        read_spectra(tmp_path / "other.nc")


def test_duplicates_leave_the_first_in_its_place() -> None:
    values = np.array([[1, 2], [3, 4], [1, 2], [1, 2], [0.0, 1], [-0.0, 1]], np.float32)
    found = without_duplicates(Spectra(values, np.array([10, 10, 10, 20, 30, 30], np.uint8)))
    np.testing.assert_array_equal(found.reflectance, values[[0, 1, 3, 4]])
    np.testing.assert_array_equal(found.surface, [10, 10, 20, 30])


def test_spectra_of_a_scene_are_those_of_its_pixels(tmp_path: Path) -> None:
    grid = Grid.from_bounds("EPSG:32632", 600000, 5190000, 600600, 5190600, 60)
    rng = np.random.default_rng(1)
    numbers = rng.integers(1, 9000, (13, *grid.shape)).astype(np.uint16)
    codes = np.zeros(grid.shape, np.uint8)
    codes[2:4] = Surface.SNOW
    codes[5, :3] = Surface.CIRRUS
    raster.write(tmp_path / "stack.tif", numbers, grid, nodata=0, band_names=bands())
    truth = np.concatenate([[np.zeros_like(codes)], [codes], np.zeros((3, *grid.shape), np.uint8)])
    names = ("class", "surface", *STRATA)
    raster.write(tmp_path / "truth.tif", truth.astype(np.uint8), grid, band_names=names)
    found = of_scene(tmp_path / "stack.tif", tmp_path / "truth.tif", 8, rng)
    assert found.counts["snow"] == 8
    np.testing.assert_allclose(found.reflectance[:3], numbers[:, 5, :3].T / 10000, rtol=1e-6)
    snow = numbers[:, 2:4].reshape(13, -1).T / np.float32(10000)
    assert {tuple(s) for s in found.reflectance[3:]} <= {tuple(s) for s in snow}
