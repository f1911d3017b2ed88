"""Disks that are full, read-only or gone: one error that says so, and nothing half-written."""

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from affine import Affine
from matplotlib.figure import Figure
from rasterio.crs import CRS

from firn import cog, netcdf, raster
from firn.errors import DataError
from firn.files import scratch_folder, write_text
from firn.grid import Grid
from firn.methods.model_file import write_tensors
from firn.plots.style import save

SIDE = 300
GRID = Grid(CRS.from_epsg(32632), Affine(20, 0, 600000, 0, -20, 5200000), SIDE, SIDE)
#: Does not deflate, and half of it does.
NOISE = np.random.default_rng(1).integers(0, 2**16, (SIDE, SIDE)).astype(np.uint16)
HALF = np.where(np.arange(SIDE)[:, np.newaxis] < SIDE // 2, NOISE % 3, 0).astype(np.uint8)
SPACE = 300 * 1024


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """Disk of 300 KiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={SPACE}", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("only root can mount a small disk")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(path: Path) -> None:
    layouts = {"a": netcdf.Layout(("y", "x"), NOISE.shape, NOISE.dtype)}
    with netcdf.filled(path, xr.Dataset(), layouts) as file:
        file["a"][...] = NOISE


def picture(path: Path) -> None:
    figure = Figure(figsize=(4, 4))
    figure.add_subplot().imshow(NOISE, interpolation="nearest")
    save(figure, path)


WRITERS: dict[str, Callable[[Path], None]] = {
    "text": lambda path: write_text(path, "x" * SPACE),
    "tensors": lambda path: write_tensors(path, {"a": NOISE.astype(np.float32)}, {}),
    "netcdf": lambda path: netcdf.write(path, xr.Dataset({"a": (("n", "y", "x"), NOISE[None])})),
    "filled netcdf": fill,
    "picture": picture,
    "image": lambda path: raster.write_image(path, NOISE[None]),
}


@pytest.mark.parametrize("name", WRITERS)
def test_a_full_disk_is_one_error_and_leaves_nothing(name: str, disk: Path) -> None:
    (disk / "other").write_bytes(bytes(SPACE - 40_000))
    path = disk / "file"
    with pytest.raises(DataError, match=rf"{path}: cannot be written \(.*call again"):
        WRITERS[name](path)
    assert [file.name for file in disk.iterdir()] == ["other"]


@pytest.mark.parametrize("values", [NOISE, HALF], ids=["noise", "half"])
@pytest.mark.parametrize("write", [raster.write, cog.write], ids=["plain", "cog"])
def test_a_raster_is_whole_whatever_the_space(
    disk: Path, write: Callable[..., None], values: raster.Array
) -> None:
    """GDAL says nothing of a disk that runs full while it closes a file."""
    outcomes = set()
    for space in range(0, SPACE, 8 * 1024):
        (disk / "other").write_bytes(bytes(SPACE - space))
        path = disk / "map.tif"
        try:
            write(path, values, GRID, nodata=None)
        except DataError as error:
            assert str(error).startswith(f"{path}: cannot be written (")
            assert [file.name for file in disk.iterdir()] == ["other"]
            outcomes.add("refused")
        else:
            np.testing.assert_array_equal(raster.read(path).values[0], values)
            path.unlink()
            outcomes.add("written")
    assert outcomes == {"refused", "written"}


def test_a_read_only_disk_is_named(disk: Path) -> None:
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
    with pytest.raises(DataError, match=rf"{disk}/new/a\.txt: .*Read-only file system"):
        write_text(disk / "new/a.txt", "a")


def test_a_scratch_disk_that_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path / "gone"))
    with pytest.raises(DataError, match=r"gone: .*No such file.*set TMPDIR"), scratch_folder():
        pass


def test_a_scratch_disk_that_vanishes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setenv("TMPDIR", str(scratch))
    with pytest.raises(DataError, match=rf"{scratch}: .*set TMPDIR"), scratch_folder() as folder:
        (folder / "a").touch()
        scratch.rename(tmp_path / "elsewhere")
        with cog.pieces(folder / "b.tif", GRID, np.uint8, nodata=None):
            pass


def test_a_full_scratch_disk_is_named(disk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(disk))
    shape = 4 * SIDE
    grid = Grid(GRID.crs, GRID.transform, shape, shape)
    with (
        pytest.raises(DataError, match=rf"{disk}: .*set TMPDIR"),
        scratch_folder() as folder,
        cog.pieces(folder / "b.tif", grid, np.uint8, nodata=None) as target,
    ):
        target.write(np.ones((shape, shape), np.uint8))
    assert list(disk.iterdir()) == []
