"""CloudDL with its controls, search, gate and life cycle: it runs whole, and repeats nothing."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from firn.catalogue import catalogue
from firn.config import load_config
from firn.files import read_json
from firn.methods import load_model

from .conftest import ROOT, Snakemake, make_archive

CONFIG = ROOT / "tests/workflow/clouddl.yaml"
TINY = ("--configfile", CONFIG, "--profile", "workflow/profiles/local")
TARGETS = ("clouddl", "clouddl_search", "clouddl_life_cycle")

pytestmark = pytest.mark.slow


def first_map(folder: Path) -> Path:
    """Item of the map of the first scene, in a folder of results."""
    (scene, *_) = catalogue(load_config(CONFIG)).spot_scenes("spot4", "alps", "evaluate")
    return folder / "tiny/maps/clouddl-spot4" / scene.scene_id / "item.json"


@pytest.fixture(scope="module")
def run(snakemake: Snakemake, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a finished run."""
    folder = tmp_path_factory.mktemp("clouddl")
    make_archive(CONFIG, folder)
    call = snakemake(*TINY, *TARGETS, first_map(folder), folder=folder)
    assert call.code == 0, call.text
    return folder / "tiny" / "clouddl"


def test_second_call_does_nothing(run: Path, snakemake: Snakemake) -> None:
    assert "Nothing to be done" in snakemake(*TINY, *TARGETS, "-n", folder=run.parents[1]).text


def test_table_has_all_variants_masks_and_gains(run: Path) -> None:
    table = read_json(run / "f2.json")
    assert table["sentinel2"].keys() == {"MAJA", "FMask"}
    assert all(part["n_scenes"] == 2 for part in table["sentinel2"].values())
    variants = table["variants"]["spot4"]
    assert variants.keys() == {"no-dem", "dem", "shuffled-dem", "labels-maja", "labels-fmask"}
    assert all(part["n_scenes"] == 4 for part in variants.values())
    assert variants["dem"]["pooled"]["f2"] > 0.5, "it learns"
    assert table["gains"]["spot4"].keys() == {"elevation", "control", "elevation over control"}
    inputs = {
        name: load_model(run / f"variants/{name}/spot4/1/model.safetensors").card.architecture
        for name in ("no-dem", "dem", "shuffled-dem")
    }
    assert [len(part["inputs"]) for part in inputs.values()] == [4, 5, 5]
    assert (run / "f2.html").stat().st_size > 2000


def test_sentinel2_is_scored_beside_the_masks_of_the_same_pixels(run: Path) -> None:
    table = read_json(run / "f2.json")
    scores = table["variants"]["sentinel2a"]
    assert scores.keys() == {"MAJA", "FMask", "no-dem", "dem", "shuffled-dem"}
    # One date is held out, and of it the ground that no training has seen.
    assert {tuple(part["scenes"]) for part in scores.values()} == {("32TPT/20190516",)}
    (row,) = (read_json(path) for path in run.glob("sentinel2/dem/*/*/row.json"))
    own = row["metrics"]["by_stratum"]["scene"]["32TPT/20190516"]["confusion_matrix"]
    for mask in row["masks"].values():
        assert np.sum(mask["32TPT/20190516"], axis=1).tolist() == np.sum(own, axis=1).tolist()
    card = load_model(run / "sentinel2/dem/alps/1/model.safetensors").card
    assert list(card.bands) == ["B02", "B03", "B04", "B08", "B11"]
    # The blue band is known, and elevation follows the five.
    assert (card.architecture["blue"], card.architecture["inputs"]) == (0, [0, 1, 2, 3, 4, 6])


def test_model_that_hardly_trained_is_not_released(run: Path) -> None:
    verdict = read_json(run / "gate/clouddl-spot4/verdict.json")
    assert [check["at_least"] for check in verdict["checks"]] == [0.99, 0.5, 0.0, 0.0]
    assert verdict["released"] is False
    assert load_model(run / "gate/clouddl-spot4/model.safetensors").card.released is False


def test_search_has_its_trials_and_a_best(run: Path) -> None:
    best = read_json(run / "search/spot4/best.json")
    assert [trial["job"] for trial in sorted(best["trials"], key=lambda t: t["job"])] == [0, 1]
    assert best["best"]["f2"] is not None
    assert best["network"]["kernel"] == 3


def test_every_release_tells_its_lineage(run: Path) -> None:
    cards = [read_json(run / f"releases/spot4/{stage}/release.json") for stage in (0, 1, 2)]
    assert [card["stage"] for card in cards] == ["pre-flight", "refined", "quality check"]
    for before, after in pairwise(cards):
        assert after["parent"] == before["model"]
        assert [entry["model"] for entry in after["lineage"]] == [
            *(entry["model"] for entry in before["lineage"]),
            before["model"],
        ]
    assert (run / "releases/spot4/history.html").read_text().count("missed: ") == 5
    # No gate of 0.99 is passed after some epochs: the check trains again, with a new scene added.
    assert cards[2]["retrained"] is True
    assert cards[2]["check"]["gate"]["released"] is False
    real = [{name for name in card["data"] if "SPOT4" in name} for card in cards]
    assert [len(names) for names in real] == [0, 1, 3]
    assert load_model(run / "releases/spot4/2/model.safetensors").card.released is False


def test_map_of_a_model_that_is_not_released_says_so(run: Path) -> None:
    assert read_json(first_map(run.parents[1]))["properties"]["firn:released"] is False
