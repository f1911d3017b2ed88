"""The benchmark of the stacks: it compares like with like, and reports."""

import json
from pathlib import Path

import numpy as np
import pytest

from benchmarks.__main__ import main
from benchmarks.baselines import stacks as baseline
from benchmarks.products import l1c
from firn.products.sentinel2 import open_l1c
from firn.stacks import STACK_BANDS

SIZE = 240


def test_the_plain_way_gives_the_same_stack(tmp_path: Path) -> None:
    l1c(tmp_path / "l1c.zip", SIZE)
    reflectance, saturated = open_l1c(tmp_path / "l1c.zip").read(STACK_BANDS)
    plain, plainly_saturated = baseline.read(tmp_path / "l1c.zip", STACK_BANDS)
    assert reflectance.shape == (5, SIZE // 2, SIZE // 2)
    assert np.isnan(plain).any() and plainly_saturated.any() and np.isfinite(plain).any()
    np.testing.assert_allclose(reflectance.values, plain, atol=1e-6)
    np.testing.assert_array_equal(saturated, plainly_saturated)


def test_the_table_is_printed_and_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "bench.json"
    # The product is made by the first call, and kept.
    for names in (["stacks"], ["stacks", "step-emulated"]):
        main([*names, "--size", str(SIZE), "--repeats", "1", "--output", str(output)])
    rows = json.loads(output.read_text())
    names = [row["name"] for row in rows]
    stacks = ["stacks", "stacks, processor time", "stacks, peak memory"]
    assert names[:4] == [*stacks, "step-emulated-cpu"]
    for row in rows:
        assert row.keys() == {"name", "ours", "baseline", "ratio", "units", "machine"}
        assert row["ours"] > 0
        assert row["ratio"] == pytest.approx(row["ours"] / row["baseline"], rel=0.05)
    printed = capsys.readouterr().out
    assert all(name in printed for name in names)
    assert [path.name for path in (tmp_path / "bench").iterdir()] == [f"l1c_{SIZE}.zip"]
