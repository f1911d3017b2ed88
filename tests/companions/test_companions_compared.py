"""The companions on Sentinel-2 stand in the comparison of methods with their own scenes."""

import pytest

from firn.companions.comparison import compared_with, metrics_of
from firn.companions.plan import MAPPED, told_apart
from firn.companions_config import Companions, PatchCnnSettings

SCENES = ("32TPS/20180420", "32TPS/20190721")
#: Counts (reference, predicted): of ten pixels of cloud the first method finds nine, the other six.
COUNTS = {
    "som": [[80, 0, 0], [0, 10, 0], [1, 0, 9]],
    "patch-cnn": [[80, 0, 0], [0, 10, 0], [4, 0, 6]],
}
CIRRUS = {"som": [[0] * 3, [0] * 3, [0, 0, 2]], "patch-cnn": [[0] * 3, [0] * 3, [2, 0, 0]]}
EMPTY = {"level": 0.95, "resamples": 100, "methods": [], "strata": [], "pairs": []}


def companions() -> dict[str, object]:
    rows = []
    for method, counts in COUNTS.items():
        common = {"method": method, "sensor": "sentinel2"}
        rows += [
            common | {"stratum": "all", "scene": scene, "confusion_matrix": counts}
            for scene in SCENES
        ]
        cirrus = {"stratum": "thin cirrus", "scene": SCENES[0], "confusion_matrix": CIRRUS[method]}
        rows.append(common | cirrus)
    told = {"bright_share": 0.5, "recall_loss": 0.02, "tuning": {"bright": 9, "cloud": 4}}
    return {"rows": rows, "som": {**told, "flipped": [], "spectra": {}}}


def test_rows_become_metrics_of_scenes_and_cases() -> None:
    som, cnn = metrics_of(companions()["rows"])
    assert som["experiment"] == {
        "name": "som-sentinel2",
        "method": "som",
        "sensor": "sentinel2",
        "area": "13 bands, 60 m",
        "judged_on": "sentinel2",
    }
    assert som["by_stratum"]["scene"].keys() == set(SCENES)
    assert cnn["by_stratum_and_scene"] == {
        "case": {"thin cirrus": {SCENES[0]: CIRRUS["patch-cnn"]}}
    }


def test_companions_are_set_beside_each_other_and_not_beside_spot() -> None:
    spot = {"name": "som-spot2", "sensor": "spot2"}
    before = EMPTY | {"methods": [spot]}
    costs = {"som-sentinel2": {"bytes": 7}}
    tells = dict.fromkeys(COUNTS, "classes")
    content = compared_with(before, companions(), costs, tells, count=100, seed=1)
    first, som, cnn = content["methods"]
    assert first == spot
    assert (som["costs"], cnn["costs"]) == ({"bytes": 7}, None)
    # Recall 0.9 and 0.6 at precision 1: F2 = 5 x 0.9 / 4.9 and 5 x 0.6 / 4.6.
    assert som["scores"]["f2_cloud"]["value"] == pytest.approx(5 * 0.9 / (4 + 0.9))
    assert cnn["scores"]["f2_cloud"]["value"] == pytest.approx(5 * 0.6 / (4 + 0.6))
    (pair,) = (pair for pair in content["pairs"] if pair["score"] == "recall_cloud")
    assert (pair["a"], pair["b"]) == ("som", "patch-cnn")
    assert pair["difference"] == pytest.approx(0.3)
    # Both scenes are alike, so every resample gives the same.
    assert pair["interval"] == pytest.approx([0.3, 0.3])
    parts = {(row["method"], row["part"]): row for row in content["strata"]}
    assert parts["som", "thin cirrus"]["scores"]["recall_cloud"]["value"] == 1
    assert parts["som", "thin cirrus"]["scores"]["recall_cloud"]["interval"] is None, "one scene"
    assert content["turned"].keys() == {"bright_share", "recall_loss", "tuning", "flipped"}


def test_published_head_of_the_patch_network_tells_cloud_alone() -> None:
    scenes = {"tuning": SCENES[:1], "evaluation": SCENES[1:]}
    assert told_apart(Companions(**scenes)) == dict.fromkeys(MAPPED, "classes")
    published = Companions(**scenes, patch_cnn=PatchCnnSettings(head="cloud"))
    assert told_apart(published)["patch-cnn"] == "cloud"
