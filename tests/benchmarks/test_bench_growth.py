"""The benchmark of growth: it measures at the sizes it names, and its figure shows them."""

import json
import struct
from pathlib import Path

import pytest

from benchmarks import dry_run, growth
from benchmarks.__main__ import main
from benchmarks.growth_figure import curves, draw
from firn import netcdf, raster


@pytest.mark.slow
@pytest.mark.usefixtures("one_process")
def test_rows_and_figure_at_small_sizes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(growth, "PATCHES", (1, 3))
    monkeypatch.setattr(growth, "SIDES", (24, 48))
    monkeypatch.setattr(growth, "SCENES", (2, 4))
    monkeypatch.setattr(dry_run, "DATES", dry_run.DATES[:1])
    output = tmp_path / "bench.json"
    main(["growth", "--size", "48", "--output", str(output)])
    rows = json.loads(output.read_text())
    assert [row["name"].removeprefix("growth, ") for row in rows[::2]] == [
        f"{what}, {count}, processor time"
        for what, counts in (("patches", (1, 3)), ("pixels a side", (24, 48)), ("scenes", (2, 4)))
        for count in counts
    ]
    for smallest, largest in zip(rows[0::4], rows[2::4], strict=True):
        assert smallest["ratio"] == 1
        assert largest["baseline"] == smallest["ours"]
    bench = output.with_suffix("")
    assert netcdf.shape(bench / "pseudo.nc", "dn") == (3, 4, 48, 48)
    assert raster.grid_of(bench / "classified/snow.tif").shape == (48, 48)
    draw(rows, tmp_path / "growth.png")
    assert struct.unpack(">II", (tmp_path / "growth.png").read_bytes()[16:24]) > (600, 200)


def test_curves_hold_what_the_rows_say() -> None:
    rows = [
        {"name": "emulate", "ours": 1.0},
        {"name": "growth, patches, 12, processor time", "ours": 2.0},
        {"name": "growth, patches, 12, peak memory", "ours": 0.5},
        {"name": "growth, patches, 48, processor time", "ours": 7.0},
    ]
    assert curves(rows) == {
        "patches": {"processor time": [(12, 2.0), (48, 7.0)], "peak memory": [(12, 0.5)]}
    }
