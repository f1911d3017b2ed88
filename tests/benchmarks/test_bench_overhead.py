"""The benchmark of the workflow's overhead: the functions make the files that the jobs made."""

import json
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
    main(["workflow-overhead-tiny", "--repeats", "1", "--output", str(output)])
    assert target.read_bytes() == made[0]
    wall, processor, processes = json.loads(output.read_text())
    records = overhead.recorded(tmp_path / "bench/overhead_calls")
    assert wall["name"] == "workflow-overhead-tiny"
    assert wall["units"] == f"s, {len(records)} jobs"
    assert processor["name"] == "workflow-overhead-tiny, processor time"
    assert len(records) >= 3
    last, call, _ = records[-1]
    assert (last, list(call.output)) == ("hillshade.py", [str(target)])
    # All that the run took is the jobs' processes and Snakemake.
    assert 0 < processes["ours"] == pytest.approx(sum(s for *_, s in records), abs=1e-3)
    assert processes["ours"] < processor["ours"]
    assert 0 < processor["baseline"] == processes["baseline"]
