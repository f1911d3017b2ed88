"""NetCDF files, read with and without xarray."""

from pathlib import Path

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


def test_what_a_file_lacks_is_an_error_that_names_it(path: Path) -> None:
    with pytest.raises(DataError, match=r"a\.nc: .*run its rule again"):
        netcdf.arrays(path, "image", "label")
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
