"""The benchmarks of training: they compare like with like, count right, and report."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from benchmarks import training
from benchmarks.__main__ import main
from benchmarks.step_profile import profile
from benchmarks.training import (
    Case,
    Ours,
    Plain,
    operations,
    protocol,
    protocol_hours,
    waiting,
)
from firn.config import NetworkSettings

SMALL = NetworkSettings(widths=(4, 8, 8), padding="valid")
CASE = Case("cpu", 60, 2, SMALL, "float32")


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


def losses(training: Ours | Plain, steps: int) -> list[float]:
    return [*(training.step() for _ in range(steps)), training.validate()]


@pytest.mark.parametrize(("precision", "tolerance"), [("float32", 1e-4), ("bfloat16", 0.01)])
def test_both_loops_have_the_same_loss_curve(precision: str, tolerance: float) -> None:
    """In bfloat16 that of firn is within the 1 % that are asked for."""
    ours = losses(Ours(replace(CASE, precision=precision)), 12)
    plain = losses(Plain(CASE), 12)
    np.testing.assert_allclose(ours, plain, rtol=tolerance)
    assert ours != plain
    assert ours[11] < 0.97 * ours[0]


def test_operations_are_those_of_the_convolutions() -> None:
    """By hand: two products and sums forward and backward, but no gradient of the image."""
    case = Case("cpu", 8, 1, NetworkSettings(widths=(4, 8), padding="same"))
    fine, coarse = 8 * 8 * 9, 4 * 4 * 9
    first = fine * 6 * 4
    others = fine * (4 * 4 + 12 * 6 + 6 * 4) + coarse * (4 * 8 + 8 * 8) + 8 * 8 * 4 * 3
    assert operations(case) == 2 * (2 * first + 3 * others)


def test_waits_are_part_of_the_epoch() -> None:
    waited, taken = waiting(CASE, 2, 1)
    assert 0 < waited < taken


def test_protocol_counts_all_steps_and_validations() -> None:
    assert protocol_hours(3600, 0) == 600 * 153
    assert protocol_hours(0, 3600) == 600 * 186
    assert 0 < protocol(CASE, 2) < 24


def test_rows_tell_time_rates_and_loss(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training, "MATRICES", {"cpu": (64, 128)})
    rows = {row.name: row for row in training.rows("cpu", 60, 1, SMALL)}
    names = ["step, bfloat16 products (cpu)", "plain step, float32 products (cpu)"]
    others = [f"train-cpu, {name}" for name in (*names, "validation loss")]
    assert list(rows) == ["train-cpu", *others]
    assert rows["train-cpu"].units == "s, 1 of 60 pixels"
    assert all(row.ratio > 0 for row in rows.values())
    assert rows["train-cpu, validation loss"].ratio == pytest.approx(1, abs=0.01)
    loading = training.loading_rows(60, 1, SMALL)[0]
    assert loading.name == "data-loading (cpu)"
    assert 0 < loading.ratio < 1


@pytest.mark.skipif(torch.cuda.is_available(), reason="has a GPU")
def test_without_a_gpu_its_rows_are_skipped_in_words(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "bench.json"
    main(["train-gpu", "published-protocol", "archive-gpu", "--output", str(output)])
    told = capsys.readouterr().out
    for name in ("train-gpu", "published-protocol", "archive-gpu"):
        assert f"{name}: skipped, for torch sees no GPU" in told
    assert json.loads(output.read_text()) == []


def test_profile_knows_what_a_step_does() -> None:
    seconds = profile(Ours(CASE).step, 2)
    assert {"convolution", "convolution_backward", "_fused_adam_"} <= set(seconds)
    assert all(taken >= 0 for taken in seconds.values())
    assert "add_" in seconds and "threshold_backward" in seconds
