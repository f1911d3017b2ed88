"""Storage at its worst: a disk that is full or read-only, files from the future."""

import os
import re
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import minimal_products
import pytest
import yaml
from minimal_products import SIDE, full

from firn import raster

from .conftest import ROOT, Snakemake

pytestmark = pytest.mark.slow

RESOLUTIONS = {"B02": 10, "B03": 10, "B04": 10, "B08": 10, "B11": 20}
STACK = "storage/stacks/32TPT/20180314/toa_20m.tif"


@pytest.fixture
def product(tmp_path: Path) -> Path:
    bands = {name: full((SIDE // r, SIDE // r), 1000, "uint16") for name, r in RESOLUTIONS.items()}
    return Path(minimal_products.zip_folder(minimal_products.sentinel2(tmp_path, bands)))


@pytest.fixture
def options(tmp_path: Path, product: Path) -> tuple[str, ...]:
    """Options of a run that has one product."""
    tables = {"sentinel2": "tile\tdate\tl1c\tl2a\tsnow\n", "spot": "scene_id\tsensor\tarea\tpath\t"}
    tables["sentinel2"] += f"32TPT\t20180314\t{product}\t{product}\t\n"
    tables["spot"] += "role\treference\n"
    inputs = {name: str(tmp_path / f"{name}.tif") for name in ("dem", "tree_cover", "water")}
    for name, text in tables.items():
        path = tmp_path / f"{name}.tsv"
        path.write_text(text)
        inputs[name] = str(path)
    content = {"run": "storage", "areas": {"alps": {"tiles": ["32TPT"]}}, "sensors": ["spot4"]}
    config = tmp_path / "config.yaml"
    config.write_text(yaml.safe_dump(content | {"inputs": inputs}))
    return ("--configfile", str(config), "--profile", str(ROOT / "workflow/profiles/local"))


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """Disk of 1 MiB for the results."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("only root can mount a small disk")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def test_the_next_call_completes_once_the_disk_has_space_and_is_writable(
    snakemake: Snakemake, options: tuple[str, ...], disk: Path
) -> None:
    target = disk / STACK
    (disk / "other").write_bytes(bytes(2**20))
    crowded = snakemake(*options, target, folder=disk)
    assert crowded.code != 0
    (line,) = re.findall(r"^toa .*error: .*$", crowded.err, re.MULTILINE)
    assert f"{target}: cannot be written (No space left on device)" in line
    assert not [path for path in disk.glob("storage/stacks/**/*") if path.is_file()]

    (disk / "other").unlink()
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
    locked = snakemake(*options, target, folder=disk)
    assert locked.code != 0
    assert f"{disk}/storage: cannot be written" in locked.text
    assert "Traceback" not in locked.text

    subprocess.run(["mount", "-o", "remount,rw", str(disk)], check=True)
    free = snakemake(*options, target, folder=disk)
    assert free.code == 0, free.text
    assert raster.read(target).values.shape == (5, SIDE // 20, SIDE // 20)


def test_a_product_from_the_future_is_named(
    snakemake: Snakemake, options: tuple[str, ...], product: Path, tmp_path: Path
) -> None:
    tomorrow = time.time() + 86400
    os.utime(product, (tomorrow, tomorrow))
    call = snakemake(*options, "-n", tmp_path / STACK, folder=tmp_path)
    assert f"{product}: is dated in the future" in call.err
    os.utime(product)
    call = snakemake(*options, tmp_path / STACK, folder=tmp_path)
    assert call.code == 0, call.text
    assert "in the future" not in call.err
    again = snakemake(*options, "-n", tmp_path / STACK, folder=tmp_path)
    assert "Nothing to be done" in again.text


def test_a_second_attempt_asks_for_more(
    snakemake: Snakemake, options: tuple[str, ...], product: Path, tmp_path: Path
) -> None:
    content = product.read_bytes()
    product.write_bytes(content[: len(content) // 2])
    call = snakemake(*options, "--retries", "1", tmp_path / STACK, folder=tmp_path)
    assert call.code != 0
    asked = re.findall(r"tile=32TPT.*?runtime=(\d+), mem_mb=(\d+)", call.text, re.DOTALL)
    assert asked == [("30", "6000"), ("60", "12000")], call.text
