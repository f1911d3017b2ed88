"""A dry run of the whole archive of the reference: five satellites, two mountain ranges."""

import csv
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from functools import partial
from itertools import chain, cycle, product
from pathlib import Path

import numpy as np
import yaml

from benchmarks.cost import Cost, Row, compare, measure_command
from firn.catalogue import SENTINEL2_COLUMNS, SPOT_COLUMNS

ROOT = Path(__file__).parents[1]
WORKFLOW = ROOT / "workflow"

#: Scenes that the reference classified, by area and satellite.
ARCHIVE = {
    "alps": {"spot1": 2860, "spot2": 5440, "spot3": 591, "spot4": 5620, "spot5": 3441},
    "pyrenees": {"spot1": 1212, "spot2": 3260, "spot3": 274, "spot4": 3229, "spot5": 2507},
}
SCENES = sum(sum(counts.values()) for counts in ARCHIVE.values())
#: The small archive beside the whole one has so many times fewer scenes.
LESS = 10
#: Columns and rows of the SPOT grid that cover an area.
NODES = {
    "alps": list(product(range(46, 56), range(254, 264))),
    "pyrenees": list(product(range(35, 49), range(262, 266))),
}
INSTRUMENTS = {name: "HRV1" for name in ("spot1", "spot2", "spot3")} | {
    "spot4": "HRVIR1",
    "spot5": "HRG1",
}
FIRST, LAST = datetime(1986, 3, 1, 10, 30), datetime(2015, 9, 1, 10, 30)
#: Dates of each Sentinel-2 tile: one a month, as in the reference.
DATES = [f"2018{month:02}15" for month in range(1, 13)]


def _spot_scenes(area: str, satellite: str) -> Iterator[tuple[str, str, str]]:
    """Name scenes, with satellite and area: nodes in turns, evenly from first to last."""
    count = ARCHIVE[area][satellite]
    for index, (column, row) in zip(range(count), cycle(NODES[area]), strict=False):
        time = FIRST + (LAST - FIRST) * index / count
        platform = f"{satellite.upper()}-{INSTRUMENTS[satellite]}-XS"
        scene_id = f"{platform}_{time:%Y%m%d-%H%M%S}-000_L1C_{column:03}-{row}-0_D_V1-0"
        yield scene_id, satellite, area


def write(folder: Path, count: int) -> Path:
    """Write a configuration of five satellites with its tables and empty files for products.

    Parameters
    ----------
    folder : path
    count : int
        SPOT scenes: as many of those of the reference, evenly chosen.

    Returns
    -------
    path
        The configuration: that of a real run but for its tables and rasters.
    """
    config = yaml.safe_load((ROOT / "config/config.yaml").read_text(encoding="utf-8"))
    tiles = [tile for area in config["areas"].values() for tile in area["tiles"]]
    whole = list(chain.from_iterable(_spot_scenes(a, s) for a in ARCHIVE for s in ARCHIVE[a]))
    chosen = [whole[i] for i in np.linspace(0, SCENES - 1, count).round().astype(int)]
    spot = [(name, *rest, f"spot/{name}.zip", "classify", "", "") for name, *rest in chosen]
    sentinel2 = [
        (tile, date, *(f"sentinel2/{tile}_{date}_{kind}.zip" for kind in ("l1c", "l2a", "snow")))
        for tile in tiles
        for date in DATES
    ]
    inputs = {kind: f"{kind}.tif" for kind in ("dem", "tree_cover", "water")}
    for path in (*inputs.values(), *(r[3] for r in spot), *(p for r in sentinel2 for p in r[2:])):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).touch()
    _write_table(folder / "sentinel2.tsv", SENTINEL2_COLUMNS, sentinel2)
    _write_table(folder / "spot.tsv", SPOT_COLUMNS, spot)
    config["inputs"] = inputs | {"sentinel2": "sentinel2.tsv", "spot": "spot.tsv"}
    path = folder / "config.yaml"
    path.write_text(yaml.safe_dump(config), encoding="utf-8")
    return path


def _write_table(path: Path, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, delimiter="\t", lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(rows)


def command(config: Path) -> list[str]:
    """Call that lists the jobs of a run; its paths are those in the configuration's folder."""
    call = [sys.executable, "-m", "snakemake", "--dry-run", "--snakefile", WORKFLOW / "Snakefile"]
    call += ["--profile", WORKFLOW / "profiles/slurm", "--nolock"]
    return [*map(str, call), "--directory", str(config.parent), "--configfile", str(config)]


def cost(config: Path) -> Cost:
    """Cost of a dry run."""
    return measure_command(command(config), stdout=subprocess.DEVNULL)


def rows(folder: Path, size: int, repeats: int) -> list[Row]:
    """Rows ``dry-run``: asked are at most 60 s and 2 GiB; beside them a tenth of the scenes.

    Parameters
    ----------
    folder : path
        Where the tables and placeholders of products are kept.
    size : int
        SPOT scenes; 28434 in the archive of the reference.
    repeats : int
        Measurements of which the median counts.
    """
    whole, part = (write(folder / f"archive_{n}", n) for n in (size, max(size // LESS, 1)))
    return compare("dry-run", partial(cost, whole), partial(cost, part), repeats)
