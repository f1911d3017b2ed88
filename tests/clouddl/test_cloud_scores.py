"""F2, cloud-free scenes, and whether the gain of the elevation is real."""

from pathlib import Path

import numpy as np
import pytest

from firn.clouddl.report import f2_table, write_f2_html
from firn.clouddl.scores import added, binary, cloud_scores, f2, gain, scenes_of
from firn.errors import DataError


def matrix(hits: int, misses: int, false: int, clear: int) -> np.ndarray:
    """Reference and prediction of ground, snow and cloud; half of the clear pixels are snow."""
    return np.array(
        [
            [clear // 2, 0, false],
            [clear // 4, clear - clear // 2 - clear // 4, 0],
            [misses, 0, hits],
        ]
    )


def test_snow_and_ground_are_one_to_a_cloud_mask() -> None:
    assert binary(matrix(30, 10, 20, 40)).tolist() == [[40, 20], [10, 30]]


def test_f2_is_that_of_the_publication() -> None:
    """P = 30 / 50, R = 30 / 40: 5 P R / (4 P + R)."""
    p, r = 0.6, 0.75
    assert f2(matrix(30, 10, 20, 40)) == pytest.approx(5 * p * r / (4 * p + r))
    assert f2(matrix(0, 10, 0, 5)) == 0
    assert np.isnan(f2(matrix(0, 0, 0, 5)))


def test_cloud_free_scenes_count_in_the_pooled_score_alone() -> None:
    scenes = {
        "a": matrix(30, 10, 20, 40),
        "b": matrix(50, 0, 0, 50),
        "free": matrix(0, 0, 25, 75),
    }
    scores = cloud_scores(scenes)
    assert scores["scenes"] == {"a": pytest.approx(150 / 210), "b": 1.0, "free": None}
    assert scores["mean_f2"] == pytest.approx((150 / 210 + 1) / 2)
    assert scores["pooled"]["recall"] == pytest.approx(80 / 90)
    assert scores["pooled"]["precision"] == pytest.approx(80 / 125)
    assert scores["pooled"]["f2"] == pytest.approx(400 / (400 + 4 * 10 + 45))
    assert (scores["n_scenes"], scores["n_cloud_free"]) == (3, 1)
    assert scores["cloud_free_false_alarms"] == 0.25


def test_nothing_but_cloud_free_scenes_has_no_mean() -> None:
    scores = cloud_scores({"free": matrix(0, 0, 0, 100)})
    assert scores["mean_f2"] is None
    assert scores["pooled"]["f2"] is None
    assert scores["cloud_free_false_alarms"] == 0
    with pytest.raises(DataError, match="no scene"):
        cloud_scores({})


def variants(quality: dict[str, int], scenes: int = 12) -> dict[str, dict[str, np.ndarray]]:
    """Scenes in which a variant finds so many of 100 cloud pixels, a few more or less."""
    return {
        name: {f"s{i}": matrix(hits + i % 3, 100 - hits - i % 3, 5, 100) for i in range(scenes)}
        for name, hits in quality.items()
    }


def test_gain_is_real_where_all_scenes_share_it() -> None:
    scenes = variants({"dem": 90, "shuffled-dem": 80})
    difference = gain(scenes["dem"], scenes["shuffled-dem"], 200, 1)
    low, high = difference["interval"]
    assert 0 < low <= difference["f2"] <= high
    assert difference["real"]
    assert not gain(scenes["shuffled-dem"], scenes["dem"], 200, 1)["real"]
    assert not gain(scenes["dem"], scenes["dem"], 200, 1)["real"]


def test_gain_of_one_scene_alone_is_not_shown() -> None:
    one = variants({"dem": 90, "no-dem": 80}, scenes=1)
    difference = gain(one["dem"], one["no-dem"], 200, 1)
    assert difference["f2"] > 0
    assert (difference["interval"], difference["real"]) == (None, False)
    with pytest.raises(DataError, match="different scenes"):
        gain(one["dem"], variants({"dem": 90}, scenes=2)["dem"], 200, 1)


def test_table_puts_ours_beside_the_published_scores(tmp_path: Path) -> None:
    quality = {"no-dem": 70, "dem": 90, "shuffled-dem": 70, "labels-maja": 85, "labels-fmask": 60}
    rows = [
        {
            "sensor": "spot4",
            "recipe": name,
            "metrics": {
                "by_stratum": {
                    "scene": {s: {"confusion_matrix": m.tolist()} for s, m in scenes.items()}
                }
            },
        }
        for name, scenes in variants(quality).items()
        for _ in range(2)
    ]
    masks = {"MAJA": {"32TPT/20180101": matrix(95, 5, 10, 90)}}
    table = f2_table(rows, masks, count=100, seed=1)
    assert table["variants"]["spot4"].keys() == quality.keys()
    one = scenes_of(rows[0]["metrics"])
    both = added([one, one])
    assert table["variants"]["spot4"]["no-dem"] == cloud_scores(both)
    gains = table["gains"]["spot4"]
    assert gains["elevation"]["real"]
    assert gains["control"]["f2"] == 0
    assert gains["elevation over control"]["f2"] == gains["elevation"]["f2"]
    write_f2_html(tmp_path / "f2.html", table)
    page = (tmp_path / "f2.html").read_text()
    for text in ("FMask</td><td>90", "CloudDL with DEM</td><td>89", "(control)", "not shown"):
        assert text in page
