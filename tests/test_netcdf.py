"""NetCDF files, read with and without xarray."""

from pathlib import Path

import h5py
import numpy as np
import pytest
import xarray as xr

from firn import netcdf
from firn.errors import DataError


@pytest.fixture
def path(tmp_path: Path) -> Path:
    dataset = xr.Dataset(
        {
            "image": (("patch", "y", "x"), np.arange(24, dtype=np.uint16).reshape(4, 2, 3)),
            "date": (("patch",), np.array(["one", "two", "three", "four"], object)),
        },
        attrs={"bits": 8, "tile": "32TPT"},
    )
    netcdf.write(tmp_path / "a.nc", dataset)
    return tmp_path / "a.nc"


def test_arrays_are_as_stored(path: Path) -> None:
    image, date = netcdf.arrays(path, "image", "date")
    stored = netcdf.read(path)
    assert image.dtype == np.uint16
    np.testing.assert_array_equal(image, stored.image)
    assert date.tolist() == ["one", "two", "three", "four"]


@pytest.mark.parametrize("rows", [[2], [0, 3], [3, 1, 1], []])
def test_rows_come_in_the_order_asked_for(path: Path, rows: list[int]) -> None:
    image, date = netcdf.arrays(path, "image", "date", rows=rows)
    whole = netcdf.arrays(path, "image", "date")
    np.testing.assert_array_equal(image, whole[0][rows])
    assert image.dtype == np.uint16
    assert date.tolist() == whole[1][rows].tolist()


def test_rows_come_one_by_one(path: Path) -> None:
    whole = netcdf.arrays(path, "image", "date")
    read = [(image.tolist(), date) for image, date in netcdf.row_by_row(path, "image", "date")]
    assert [image for image, _ in read] == whole[0].tolist()
    assert [date.decode() for _, date in read] == whole[1].tolist()
    assert netcdf.shape(path, "image") == (4, 2, 3)


def test_a_file_filled_row_by_row_is_that_written_at_once(tmp_path: Path, path: Path) -> None:
    with netcdf.read(path) as stored:
        stored.load()
    layouts = {"image": netcdf.Layout(("patch", "y", "x"), (4, 2, 3), np.uint16)}
    with netcdf.filled(tmp_path / "b.nc", stored.drop_vars("image"), layouts) as file:
        for row in (2, 0, 3, 1):
            file["image"][row] = stored.image.values[row]
        assert not (tmp_path / "b.nc").exists()
    with netcdf.read(tmp_path / "b.nc") as filled:
        xr.testing.assert_identical(filled.load(), stored)


def test_what_fails_while_it_is_filled_leaves_no_file(tmp_path: Path) -> None:
    layouts = {"image": netcdf.Layout(("y",), (3,), np.uint8)}
    with (
        pytest.raises(RuntimeError),
        netcdf.filled(tmp_path / "b.nc", xr.Dataset(), layouts) as file,
    ):
        file["image"][0] = 1
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []


def test_a_patch_is_read_alone(path: Path) -> None:
    """Neither chunked nor deflated, so that its bytes lie where its index tells."""
    with h5py.File(path) as file:
        assert file["image"].chunks is None
        start = file["image"].id.get_offset()
    stored = np.frombuffer(path.read_bytes()[start + 2 * 12 : start + 3 * 12], np.uint16)
    assert stored.tolist() == list(range(12, 18))


def test_what_a_file_lacks_is_an_error_that_names_it(path: Path) -> None:
    with pytest.raises(DataError, match=r"a\.nc: .*run its rule again"):
        netcdf.arrays(path, "image", "label")
    with pytest.raises(DataError, match=r"a\.nc: .*run its rule again"):
        next(netcdf.row_by_row(path, "image", "label"))
    with pytest.raises(DataError, match=r"a\.nc: .*run its rule again"):
        netcdf.shape(path, "label")
    with pytest.raises(DataError, match=r"a\.nc: .*run its rule again"):
        netcdf.arrays(path, "image", rows=[0, 4])
    with pytest.raises(DataError, match=r"a\.nc: lacks the attribute date, sensor; run its rule"):
        netcdf.attributes(path, "bits", "date", "sensor")
    attributes = netcdf.attributes(path, "bits")
    assert (attributes["bits"], attributes["tile"]) == (8, "32TPT")


def test_damaged_file_is_named(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:500])
    for reader in (netcdf.read, netcdf.attributes, netcdf.arrays):
        with pytest.raises(DataError, match=r"a\.nc: cannot be read as NetCDF"):
            reader(path)
    with pytest.raises(DataError, match=r"gone\.nc: cannot be read as NetCDF"):
        netcdf.arrays(path.with_name("gone.nc"), "image")
