"""Experiments side by side."""

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from firn.errors import DataError
from firn.evaluation import compare, comparison_table, write_table
from firn.evaluation.scores import HEADLINES
from firn.evaluation.tally import Tally, whole

GOOD = np.array([[40, 5, 5], [5, 20, 5], [5, 5, 40]])
FAIR = np.array([[30, 10, 10], [5, 15, 10], [10, 10, 30]])
POOR = np.array([[20, 15, 15], [10, 10, 10], [15, 15, 20]])


def metrics(method: str, *matrices: np.ndarray, sensor: str = "spot2") -> dict[str, Any]:
    tally = Tally()
    for index, matrix in enumerate(matrices):
        cells = np.repeat(np.arange(9), matrix.ravel())[None].astype(np.uint8)
        tally.add(
            f"scene{index}",
            cells // 3,
            cells % 3,
            np.ones(cells.shape),
            {"sensor": whole(sensor)},
            np.ones(cells.shape, bool),
        )
    experiment = {
        "name": f"{method}-{sensor}",
        "method": method,
        "sensor": sensor,
        "area": "alps",
        "judged_on": "historical",
    }
    return tally.metrics(experiment, resamples=100, seed=1)


def test_difference_by_hand() -> None:
    """Kappa of GOOD: 100/130 observed, (50² + 30² + 50²) / 130² by chance; of POOR 50/130."""
    chance = (50**2 + 30 * 30 + 50**2) / 130**2
    chance_poor = (50 * 45 + 30 * 40 + 50 * 45) / 130**2
    expected = (100 / 130 - chance) / (1 - chance) - (50 / 130 - chance_poor) / (1 - chance_poor)
    result = compare(metrics("unet", GOOD, GOOD), metrics("baseline-pixel", POOR, POOR))
    assert result["difference"] == pytest.approx(expected)
    assert result["interval"] == pytest.approx([expected, expected])
    assert result["same_pixels"]


def test_paired_interval_cancels_what_makes_a_scene_hard() -> None:
    """Both are better in the first scene by as much, so the lead hardly varies."""
    lead = compare(metrics("unet", GOOD, FAIR), metrics("baseline-pixel", FAIR, POOR))
    low, high = lead["interval"]
    unpaired = metrics("unet", GOOD, FAIR)["confidence_interval"]["kappa"]
    assert low > 0
    assert high - low < unpaired[1] - unpaired[0]


def test_compare_is_antisymmetric_and_zero_on_itself() -> None:
    a, b = metrics("unet", GOOD, FAIR), metrics("baseline-pixel", FAIR, POOR)
    there, back = compare(a, b, seed=3), compare(b, a, seed=3)
    assert there["difference"] == pytest.approx(-back["difference"])
    assert there["interval"] == pytest.approx([-bound for bound in reversed(back["interval"])])
    assert compare(a, a)["interval"] == [0, 0]


def test_other_pixels_are_told() -> None:
    assert not compare(metrics("unet", GOOD), metrics("baseline-pixel", 2 * POOR))["same_pixels"]


def test_table_tells_a_lead_on_other_pixels() -> None:
    rows = comparison_table([metrics("unet", GOOD), metrics("baseline-pixel", 2 * POOR)], {})
    assert [row["same_pixels"] for row in rows] == [False, None]


def test_other_scenes_are_refused() -> None:
    with pytest.raises(DataError, match="different scenes"):
        compare(metrics("unet", GOOD), metrics("baseline-pixel", GOOD, GOOD))


def test_table_names_the_best_baseline_of_the_same_sensor(tmp_path: Path) -> None:
    rows = comparison_table(
        [
            metrics("unet", GOOD, FAIR),
            metrics("baseline-pixel", FAIR, FAIR),
            metrics("baseline-majority", POOR, POOR),
            metrics("baseline-pixel", GOOD, GOOD, sensor="spot4"),
        ],
        {},
    )
    unet, *baselines = rows
    assert unet["name"] == "unet-spot2"
    assert unet["best_baseline"] == "baseline-pixel-spot2"
    assert unet["lead"] > 0
    assert unet["lead_low"] <= unet["lead"] <= unet["lead_high"]
    assert unet["kappa_low"] <= unet["kappa"] <= unet["kappa_high"]
    assert unet["same_pixels"] is True
    assert all(row["lead"] is None for row in baselines)
    write_table(tmp_path / "comparison.csv", rows)
    with open(tmp_path / "comparison.csv", newline="") as stream:
        read = list(csv.DictReader(stream))
    assert [row["name"] for row in read] == [row["name"] for row in rows]
    assert float(read[0]["kappa"]) == unet["kappa"]
    assert read[1]["lead"] == ""


def test_methods_have_the_scores_of_what_they_tell_and_no_others() -> None:
    tells = {"unet": "classes", "clouddl": "cloud", "nir-index": "snow"}
    names = (*tells, "baseline-pixel")
    rows = {
        row["method"]: row
        for row in comparison_table([metrics(name, GOOD, FAIR) for name in names], tells)
    }
    shown = {
        name: {key for key in (*HEADLINES, "lead") if row[key] is not None}
        for name, row in rows.items()
    }
    assert shown == {
        "unet": {*HEADLINES, "lead"},
        "clouddl": {"f1_cloud", "f2_cloud"},
        "nir-index": {"snow_cloud_free_f1", "snow_cloud_free_kappa"},
        "baseline-pixel": {*HEADLINES},
    }
    assert rows["clouddl"]["f2_cloud"] == rows["unet"]["f2_cloud"]
    assert rows["clouddl"]["kappa_low"] is None and rows["clouddl"]["f2_cloud_low"] is not None
    assert rows["clouddl"]["expected_calibration_error"] is None
