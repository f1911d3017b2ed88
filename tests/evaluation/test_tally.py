"""Counts by scene and stratum."""

import numpy as np
import pytest

from firn.errors import DataError
from firn.evaluation.tally import Tally, binned, flagged, whole

EXPERIMENT = {
    "name": "unet-spot2",
    "method": "unet",
    "sensor": "spot2",
    "area": "alps",
    "judged_on": "pseudo",
}


def row(*values: int) -> np.ndarray:
    return np.array([values], np.uint8)


def test_bins_include_their_lower_edge() -> None:
    strata = binned(np.array([-1, 0, 9.9, 10, 20, np.nan]), (0, 10, 20), " m")
    assert strata.names == ["0-10 m", "10-20 m"]
    assert strata.part.tolist() == [-1, 0, 0, 1, -1, -1]


def test_pixels_are_counted_by_scene_and_stratum() -> None:
    tally = Tally()
    everything = np.ones((1, 4), bool)
    strata = {
        "elevation": binned(np.array([[100, 100, 300, 300]]), (0, 200, 400), " m"),
        "saturation": flagged(np.array([[True, False, False, False]]), "saturated", "unsaturated"),
        "sensor": whole("spot2"),
    }
    confidence = np.ones((1, 4))
    tally.add("a", row(0, 1, 2, 2), row(0, 1, 2, 0), confidence, strata, everything)
    tally.add("b", row(0, 0, 0, 0), row(1, 1, 1, 1), confidence, strata, everything)
    metrics = tally.metrics(EXPERIMENT, resamples=10, seed=0)
    assert metrics["n_pixels"] == 8
    assert metrics["confusion_matrix"] == [[1, 4, 0], [0, 1, 0], [1, 0, 1]]
    by_stratum = metrics["by_stratum"]
    assert by_stratum["scene"]["a"]["confusion_matrix"] == [[1, 0, 0], [0, 1, 0], [1, 0, 1]]
    assert by_stratum["scene"]["b"]["overall_accuracy"] == 0
    assert by_stratum["elevation"]["200-400 m"]["confusion_matrix"] == [
        [0, 2, 0],
        [0, 0, 0],
        [1, 0, 1],
    ]
    assert metrics["by_stratum_and_scene"]["elevation"]["200-400 m"] == {
        "a": [[0, 0, 0], [0, 0, 0], [1, 0, 1]],
        "b": [[0, 2, 0], [0, 0, 0], [0, 0, 0]],
    }
    assert by_stratum["saturation"]["saturated"]["n_pixels"] == 2
    assert by_stratum["sensor"]["spot2"]["n_pixels"] == 8


def test_pixels_that_are_not_judged_count_nowhere() -> None:
    tally = Tally()
    judged = np.array([[True, False]])
    tally.add("a", row(0, 1), row(0, 0), np.ones((1, 2)), {"sensor": whole("spot2")}, judged)
    metrics = tally.metrics(EXPERIMENT, resamples=10, seed=0)
    assert metrics["n_pixels"] == 1
    assert metrics["by_stratum"]["sensor"]["spot2"]["n_pixels"] == 1


def test_excluded_pixels_count_once_under_the_first_reason() -> None:
    tally = Tally()
    remaining = tally.exclude(
        {
            "no_data": np.array([[True, True, False, False]]),
            "water": np.array([[False, True, True, False]]),
        }
    )
    assert tally.excluded == {"no_data": 2, "water": 1}
    assert remaining.tolist() == [[False, False, False, True]]


def test_calibration_error_by_hand() -> None:
    """Confidence 0.95 with accuracy 1/2 on 2 pixels, 0.55 with accuracy 1 on 2 others.

    (2 x |0.5 - 0.95| + 2 x |1 - 0.55|) / 4 = 0.45.
    """
    tally = Tally()
    confidence = np.array([[0.95, 0.95, 0.55, 0.55]])
    tally.add("a", row(0, 0, 1, 1), row(0, 1, 1, 1), confidence, {}, np.ones((1, 4), bool))
    assert tally.expected_calibration_error() == pytest.approx(0.45)
    low, high = tally.reliability()
    assert low == pytest.approx({"n_pixels": 2, "confidence": 0.55, "accuracy": 1})
    assert high == pytest.approx({"n_pixels": 2, "confidence": 0.95, "accuracy": 0.5})


def test_confidence_of_one_falls_into_the_last_bin() -> None:
    tally = Tally()
    tally.add("a", row(0), row(0), np.ones((1, 1)), {}, np.ones((1, 1), bool))
    assert tally.expected_calibration_error() == 0


def test_no_scene_is_an_error() -> None:
    with pytest.raises(DataError, match="unet-spot2: there is no scene"):
        Tally().metrics(EXPERIMENT, resamples=10, seed=0)
