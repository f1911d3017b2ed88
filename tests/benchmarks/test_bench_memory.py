"""The benchmark of memory: it classifies what it says, at two sizes."""

import json
from pathlib import Path

import numpy as np

from benchmarks import scenes
from benchmarks.__main__ import main
from firn import raster
from firn.products.swh import open_swh


def test_the_scene_has_data_in_its_middle(tmp_path: Path) -> None:
    scenes.write(tmp_path / "spot.zip", tmp_path / "dem.tif", 60, 20)
    scene = open_swh(tmp_path / "spot.zip")
    reflectance, _ = scene.read(scene.bands)
    expected = np.zeros((60, 60), bool)
    expected[20:40, 20:40] = True
    for values in np.isfinite(reflectance.values):
        np.testing.assert_array_equal(values, expected)
    assert raster.grid_of(tmp_path / "dem.tif").covers(scene.grid)


def test_rows_tell_memory_and_time(tmp_path: Path) -> None:
    output = tmp_path / "bench.json"
    main(["memory-12k", "--size", "96", "--output", str(output)])
    rows = json.loads(output.read_text())
    assert [row["name"] for row in rows] == ["memory-12k", "memory-12k, processor time"]
    assert rows[0]["units"] == "GiB"
    assert 0.1 < rows[0]["baseline"] <= rows[0]["ours"] * 1.2
    for size in (96, 24):
        snow = raster.read(tmp_path / "bench" / f"map_{size}" / "snow.tif").values
        assert snow.shape == (1, size, size)
        assert (snow != 254).mean() > 0.9
