"""The benchmark of the workflow's overhead: the functions make the files that the jobs made."""

import json
import pickle
from pathlib import Path

import pytest

from benchmarks import overhead
from benchmarks.__main__ import main

pytestmark = pytest.mark.slow


def test_rows_compare_the_jobs_with_their_functions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Down to one stack: the second time, its files come from the functions alone."""
    output = tmp_path / "bench.json"
    run = tmp_path / "bench/overhead/tiny"
    target = run / "stacks/32TPT/20180118/hillshade.tif"
    monkeypatch.setattr(overhead, "TARGETS", (str(target),))
    made: list[bytes] = []
    forget = overhead._forget

    def remember(results: Path) -> None:
        made.append(target.read_bytes())
        forget(results)
        assert not target.exists()

    monkeypatch.setattr(overhead, "_forget", remember)
    main(["workflow-overhead", "--repeats", "1", "--output", str(output)])
    assert target.read_bytes() == made[0]
    rows = json.loads(output.read_text())
    records = sorted((tmp_path / "bench/overhead_calls").glob("*.pickle"))
    assert [row["name"] for row in rows] == [
        f"workflow-overhead, {len(records)} jobs",
        f"workflow-overhead, {len(records)} jobs, processor time",
    ]
    assert len(records) >= 3
    last, call = pickle.loads(records[-1].read_bytes())
    assert (last, list(call.output)) == ("hillshade.py", [str(target)])
    assert all(row["baseline"] > 0 for row in rows)
