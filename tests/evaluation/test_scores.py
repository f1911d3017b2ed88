"""Scores of confusion matrices."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from firn.evaluation.scores import HEADLINES, f_score, intervals, scores

#: Logged re-run of the reference method, SPOT1 over the Pyrenees (rows: ground, snow, cloud).
REFERENCE = np.array(
    [
        [14_197_165, 834_799, 255_772],
        [42_290, 6_346_051, 473_695],
        [216_609, 828_379, 9_558_099],
    ]
)


def test_logged_matrix_gives_the_logged_scores() -> None:
    result = scores(REFERENCE)
    assert result["kappa"] == pytest.approx(0.8737, abs=5e-5)
    assert result["overall_accuracy"] == pytest.approx(0.9190, abs=5e-5)
    logged = {
        "ground": (0.9287, 0.9821, 0.9546),
        "snow": (0.9248, 0.7923, 0.8535),
        "cloud": (0.9014, 0.9291, 0.9151),
    }
    for name, (recall, precision, f1) in logged.items():
        assert result["per_class"][name]["recall"] == pytest.approx(recall, abs=5e-5)
        assert result["per_class"][name]["precision"] == pytest.approx(precision, abs=5e-5)
        assert result["per_class"][name]["f1"] == pytest.approx(f1, abs=5e-5)
    clear = result["snow_cloud_free"]
    assert clear["overall_accuracy"] == pytest.approx(0.959, abs=5e-4)
    assert clear["kappa"] == pytest.approx(0.906, abs=5e-4)
    assert result["n_pixels"] == 32_752_859


def test_small_matrix_by_hand() -> None:
    """Cloud: 3 hits, 1 miss, 2 false alarms. Snow, where no map has cloud: 2 hits, 0 and 1."""
    result = scores(np.array([[4, 1, 1], [0, 2, 1], [0, 1, 3]]))
    assert result["binary_cloud"] == pytest.approx(
        {"precision": 3 / 5, "recall": 3 / 4, "f1": 6 / 9, "f2": 15 / (15 + 4 + 2)}
    )
    assert result["per_class"]["cloud"]["iou"] == pytest.approx(3 / 6)
    # Cloud-free: [[4, 1], [0, 2]]; observed 6/7, by chance (5 x 4 + 2 x 3) / 49 = 26/49.
    assert result["snow_cloud_free"] == pytest.approx(
        {
            "n_pixels": 7,
            "overall_accuracy": 6 / 7,
            "precision": 2 / 3,
            "recall": 1,
            "f1": 4 / 5,
            "kappa": (42 - 26) / (49 - 26),
        }
    )


def test_what_is_undefined_is_null() -> None:
    empty = scores(np.zeros((3, 3), int))
    assert empty["kappa"] is None
    assert empty["overall_accuracy"] is None
    assert empty["per_class"]["snow"] == dict.fromkeys(("precision", "recall", "f1", "iou"))
    only_ground = scores(np.diag([5, 0, 0]))
    assert only_ground["overall_accuracy"] == 1
    assert only_ground["kappa"] is None, "chance agrees wholly too"
    assert only_ground["per_class"]["ground"]["f1"] == 1


def test_class_that_is_never_predicted_scores_zero() -> None:
    result = scores(np.array([[5, 0, 0], [3, 0, 0], [0, 0, 2]]))["per_class"]["snow"]
    assert result == {"precision": None, "recall": 0, "f1": 0, "iou": 0}


counts = hnp.arrays(np.int64, (3, 3), elements=st.integers(0, 1000))


@given(counts)
def test_scores_stay_in_range(matrix: np.ndarray) -> None:
    for name, score in HEADLINES.items():
        value = float(score(matrix))
        assert np.isnan(value) or (-1 if "kappa" in name else 0) <= value <= 1


@given(counts, st.floats(0.5, 3))
def test_f_score_lies_between_precision_and_recall(matrix: np.ndarray, beta: float) -> None:
    for result, f in zip(scores(matrix)["per_class"].values(), f_score(matrix, beta), strict=True):
        precision, recall = result["precision"], result["recall"]
        if precision is not None and recall is not None:
            assert min(precision, recall) - 1e-12 <= f <= max(precision, recall) + 1e-12


def test_scores_work_on_stacks_of_matrices() -> None:
    stack = np.stack([REFERENCE, np.diag([1, 2, 3])])
    for score in HEADLINES.values():
        np.testing.assert_allclose(score(stack), [score(matrix) for matrix in stack])


def test_equal_scenes_have_an_interval_without_width() -> None:
    result = intervals(np.stack([REFERENCE] * 4), 50, np.random.default_rng(0))
    assert result["kappa"] == pytest.approx([0.8737, 0.8737], abs=5e-5)
    assert result["n_scenes"] == 4


def test_interval_of_two_scenes_reaches_from_the_worse_to_the_better() -> None:
    """A quarter of resamples holds the one scene only, a quarter the other only."""
    good, bad = np.diag([10, 10, 10]), np.array([[4, 3, 3], [3, 4, 3], [3, 3, 4]])
    low, high = intervals(np.stack([good, bad]), 400, np.random.default_rng(0))["kappa"]
    assert low == pytest.approx(0.1)
    assert high == pytest.approx(1)


def test_one_scene_has_no_interval() -> None:
    result = intervals(REFERENCE[None], 50, np.random.default_rng(0))
    assert result["kappa"] is None
    assert result["n_scenes"] == 1
