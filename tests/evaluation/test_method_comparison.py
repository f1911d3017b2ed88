"""Methods side by side: scores, strata and paired tests, against values computed by hand."""

from typing import Any

import numpy as np
import pytest

from firn.errors import DataError
from firn.evaluation.method_comparison import compare_methods, scores_of
from firn.evaluation.tally import Tally, flagged

TELLS = {"a": "classes", "b": "classes", "clouds": "cloud", "index": "snow"}

#: Ten pixels a scene: four of ground, three of snow, three of cloud, as (reference, predicted).
RIGHT = [(0, 0)] * 4 + [(1, 1)] * 3 + [(2, 2)] * 3
#: One cloud taken for snow and one snow for cloud.
MIXED = [(0, 0)] * 4 + [(1, 1)] * 2 + [(1, 2)] + [(2, 2)] * 2 + [(2, 1)]
#: Everything is ground.
BLIND = [(0, 0)] * 4 + [(1, 0)] * 3 + [(2, 0)] * 3


def metrics(
    method: str, *scenes: list[tuple[int, int]], sensor: str = "spot2", bright: int = 2
) -> dict[str, Any]:
    """Metrics of scenes; the last ``bright`` pixels of each are saturated."""
    tally = Tally()
    for index, pixels in enumerate(scenes):
        reference, predicted = np.array(pixels, np.uint8).T[:, None]
        saturated = np.arange(len(pixels))[None] >= len(pixels) - bright
        strata = {"saturation": flagged(saturated, "saturated", "unsaturated")}
        everything = np.ones(reference.shape, bool)
        confidence = np.ones(reference.shape)
        tally.add(f"scene{index}", reference, predicted, confidence, strata, everything)
    experiment = {"name": f"{method}-{sensor}", "method": method, "sensor": sensor}
    experiment |= {"area": "alps", "judged_on": "historical"}
    return tally.metrics(experiment, resamples=10, seed=1)


def compared(*experiments: dict[str, Any], count: int = 200) -> dict[str, Any]:
    return compare_methods(experiments, {}, TELLS, count=count, seed=1)


def test_binary_cloud_by_hand() -> None:
    """Two of three clouds found, and two of the three pixels called cloud are: 2/3 all over."""
    (row,) = compared(metrics("a", MIXED, MIXED))["methods"]
    for name in ("precision_cloud", "recall_cloud", "f1_cloud", "f2_cloud"):
        assert row["scores"][name]["value"] == pytest.approx(2 / 3)
    assert row["scores"]["overall_accuracy"]["value"] == pytest.approx(0.8)
    # Cloud-free in both maps are four pixels of ground and two of snow, all right.
    assert row["scores"]["snow_cloud_free_f1"]["value"] == 1
    assert (row["n_scenes"], row["n_pixels"]) == (2, 20)


def test_f2_weighs_missed_cloud_more_than_false_cloud() -> None:
    """Recall 1, precision 3/4: F2 = 5 x 3 / (5 x 3 + 1); recall 2/3, precision 1: 10 / (10 + 4)."""
    false = [*RIGHT[:-4], (1, 2), *RIGHT[-3:]]
    missed = [*RIGHT[:-1], (2, 0)]
    rows = compared(metrics("a", false), metrics("b", missed))["methods"]
    assert rows[0]["scores"]["f2_cloud"]["value"] == pytest.approx(15 / 16)
    assert rows[1]["scores"]["f2_cloud"]["value"] == pytest.approx(10 / 14)


def test_methods_are_judged_on_what_they_tell() -> None:
    rows = compared(metrics("a", RIGHT), metrics("clouds", MIXED), metrics("index", BLIND))
    named = {row["method"]: row["scores"].keys() for row in rows["methods"]}
    assert named["a"] == set(scores_of("classes"))
    assert named["clouds"] == {"precision_cloud", "recall_cloud", "f1_cloud", "f2_cloud"}
    assert named["index"] == {"snow_cloud_free_f1", "snow_cloud_free_kappa"}
    assert {(pair["a"], pair["b"]) for pair in rows["pairs"] if pair["score"] == "f2_cloud"} == {
        ("a", "clouds")
    }
    assert not [pair for pair in rows["pairs"] if {pair["a"], pair["b"]} == {"clouds", "index"}]


def test_strata_hold_their_own_pixels() -> None:
    """The last two pixels are cloud; MIXED has one of them right."""
    content = compared(metrics("a", MIXED, RIGHT), metrics("b", RIGHT, RIGHT))
    rows = {(row["method"], row["part"]): row for row in content["strata"]}
    assert set(rows) == {(m, p) for m in "ab" for p in ("saturated", "unsaturated")}
    worse, best = rows["a", "saturated"], rows["b", "saturated"]
    assert (worse["n_pixels"], worse["n_scenes"], worse["partition"]) == (4, 2, "saturation")
    assert worse["scores"]["overall_accuracy"]["value"] == pytest.approx(3 / 4)
    assert worse["scores"]["overall_accuracy"]["behind"]["difference"] == pytest.approx(-1 / 4)
    assert best["scores"]["overall_accuracy"]["behind"] is None
    # Only cloud is there: no snow to find, and kappa is undefined.
    undefined = {"value": None, "interval": None, "behind": None}
    assert best["scores"]["kappa"] == best["scores"]["f1_snow"] == undefined


def test_cloud_is_not_scored_where_there_is_none() -> None:
    """The last pixel of each scene is snow; one method calls it cloud."""
    without = [*RIGHT[:4], (2, 2), (1, 1)]
    false = [*RIGHT[:4], (2, 2), (1, 2)]
    content = compared(metrics("a", without, bright=1), metrics("b", false, bright=1))
    rows = {(row["method"], row["part"]): row["scores"] for row in content["strata"]}
    for method in "ab":
        assert rows[method, "saturated"]["f2_cloud"]["value"] is None
    assert rows["b", "saturated"]["overall_accuracy"]["value"] == 0
    assert rows["b", "unsaturated"]["f2_cloud"]["value"] == 1
    assert content["methods"][1]["scores"]["precision_cloud"]["value"] == 0.5


def test_difference_that_every_scene_shows_is_significant() -> None:
    """The smallest p that 199 resamples can give is 2 / 200."""
    content = compared(metrics("a", *[RIGHT] * 6), metrics("b", *[MIXED] * 6), count=199)
    (pair,) = (pair for pair in content["pairs"] if pair["score"] == "overall_accuracy")
    assert pair["difference"] == pytest.approx(0.2)
    assert pair["interval"] == pytest.approx([0.2, 0.2])
    assert pair["p"] == pytest.approx(2 / 200)


def test_difference_of_single_scenes_is_not() -> None:
    """Each is better in one scene of two: a quarter of the resamples hold one of them twice."""
    content = compared(metrics("a", RIGHT, MIXED), metrics("b", MIXED, RIGHT), count=999)
    (pair,) = (pair for pair in content["pairs"] if pair["score"] == "overall_accuracy")
    assert pair["difference"] == 0
    assert pair["interval"] == pytest.approx([-0.2, 0.2])
    assert pair["p"] == 1


def test_method_does_not_differ_from_itself() -> None:
    content = compared(metrics("a", RIGHT, MIXED), metrics("b", RIGHT, MIXED))
    assert {pair["p"] for pair in content["pairs"]} == {1}
    assert {pair["difference"] for pair in content["pairs"]} == {0}


def test_one_scene_gives_no_interval_and_no_test() -> None:
    content = compared(metrics("a", MIXED), metrics("b", RIGHT))
    scores = content["methods"][0]["scores"]["kappa"]
    assert scores["interval"] is scores["behind"]["interval"] is scores["behind"]["p"] is None
    assert scores["behind"]["difference"] < 0
    assert {pair["p"] for pair in content["pairs"]} == {None}


def test_stratum_that_one_scene_shows_has_no_interval() -> None:
    """Only one of two scenes has saturated pixels, so how they vary is not known."""
    shaded = metrics("a", MIXED, MIXED)
    part = shaded["by_stratum_and_scene"]["saturation"]["saturated"]
    part["scene1"] = np.zeros((3, 3), int).tolist()
    rows = [row for row in compared(shaded)["strata"] if row["part"] == "saturated"]
    assert rows[0]["n_scenes"] == 1
    assert rows[0]["scores"]["overall_accuracy"] == {
        "value": 0.5,
        "interval": None,
        "behind": None,
    }


def test_sensors_are_kept_apart_and_costs_are_joined() -> None:
    experiments = [metrics(m, RIGHT, sensor=s) for s in ("spot2", "spot4") for m in "ab"]
    costs = {"b-spot4": {"bytes": 7}}
    content = compare_methods(experiments, costs, TELLS, count=10, seed=0)
    assert {(pair["sensor"], pair["a"], pair["b"]) for pair in content["pairs"]} == {
        ("spot2", "a", "b"),
        ("spot4", "a", "b"),
    }
    assert [row["costs"] for row in content["methods"]] == [None, None, None, {"bytes": 7}]


def test_other_pixels_are_told_and_other_scenes_refused() -> None:
    rows = compared(metrics("a", RIGHT), metrics("b", RIGHT[:-1]))["methods"]
    assert [row["same_pixels"] for row in rows] == [True, False]
    with pytest.raises(DataError, match=r"a-spot2 and b-spot2: .*different scenes \(\['scene1'\]"):
        compared(metrics("a", RIGHT), metrics("b", RIGHT, RIGHT))
