"""The whole workflow at its smallest: it runs, repeats nothing, and survives a bad product.

A method that firn does not have is among those of the run: it is one file and one entry of the
configuration, and the whole workflow knows it.
"""

import hashlib
import os
import re
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pystac
import pytest

import firn
from firn.files import read_json

from .conftest import ENVIRONMENT, Call, Snakemake

BASELINES = ("baseline-majority", "baseline-threshold", "baseline-pixel")
NEW = "nearest-mean"
METHODS = ("unet", *BASELINES, NEW)
TINY = ("--configfile", "tests/workflow/tiny.yaml", "--profile", "workflow/profiles/local")

pytestmark = pytest.mark.slow

Workflow = Callable[..., Call]


@pytest.fixture(scope="module")
def workflow(snakemake: Snakemake, tmp_path_factory: pytest.TempPathFactory) -> Workflow:
    """Call the tiny workflow by a firn that has one more file, its data left where they are."""
    source, folder = Path(firn.__file__).parent, tmp_path_factory.mktemp("package")
    shutil.copytree(source, folder / "firn", ignore=shutil.ignore_patterns("data", "__pycache__"))
    (folder / "firn/data").symlink_to(source / "data")
    shutil.copy(Path(__file__).with_name("nearest_mean.py"), folder / "firn/methods")
    path = os.pathsep.join((str(folder), ENVIRONMENT["PYTHONPATH"]))
    entry = f"methods=[{','.join(METHODS)}]"
    return partial(snakemake, *TINY, config=entry, environment=ENVIRONMENT | {"PYTHONPATH": path})


@pytest.fixture(scope="module")
def run(workflow: Workflow, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a finished run."""
    folder = tmp_path_factory.mktemp("end_to_end")
    call = workflow(folder=folder)
    assert call.code == 0, call.text
    (folder / "told").write_text(call.err)
    return folder / "tiny"


def test_the_estimate_of_disk_space_is_right_within_a_factor_of_two(run: Path) -> None:
    told = (run.parent / "told").read_text()
    ((total, parts),) = re.findall(rf"{run}: about ([\d.]+) MB will be written \((.*?)\)", told)
    expected = {name: float(size) for name, size in re.findall(r"(\w+) ([\d.]+) MB", parts)}
    written = {
        name: sum(p.stat().st_size for p in (run / name).rglob("*") if p.is_file()) / 1e6
        for name in expected
    }
    assert expected.keys() == {"archive", "terrain", "stacks", "patches", "pseudo", "maps"}
    for name, size in (written | {"all": sum(written.values())}).items():
        assert 0.5 <= (expected | {"all": float(total)})[name] / size <= 2, (expected, written)


def test_every_method_is_scored_on_both_kinds_of_scenes(run: Path) -> None:
    for method in METHODS:
        for kind in ("pseudo", "historical"):
            metrics = read_json(run / "evaluation" / f"{method}-spot4" / f"{kind}.json")
            assert metrics["n_pixels"] == sum(map(sum, metrics["confusion_matrix"])) > 0


def test_every_method_is_compared_and_let_it_snow_with_them(run: Path) -> None:
    methods = read_json(run / "comparison.json")["methods"]
    assert [row["method"] for row in methods] == [*METHODS, "let-it-snow"]
    assert all(row["same_pixels"] and row["n_scenes"] == 2 for row in methods)
    assert all(row["costs"]["training_seconds"] > 0 for row in methods[:-1])
    assert methods[-1]["costs"] is None
    assert methods[-1]["scores"].keys() == {"snow_cloud_free_f1", "snow_cloud_free_kappa"}


def test_one_file_and_one_entry_make_a_method(run: Path) -> None:
    rows = {row["method"]: row for row in read_json(run / "comparison.json")["methods"]}
    new, majority = rows[NEW], rows["baseline-majority"]
    # Means of three classes in four bands, hillshade and elevation.
    assert new["costs"]["parameters"] == 18
    assert new["costs"]["training_seconds"] > 0
    assert new["scores"]["kappa"]["value"] > majority["scores"]["kappa"]["value"] == 0
    assert NEW in (run / "comparison.html").read_text()
    for picture in ("costs.png", "strata/spot4.png"):
        assert (run / "figures/compare" / picture).read_bytes().startswith(b"\x89PNG")


def test_another_entry_leaves_data_sets_and_models_as_they_are(
    run: Path, workflow: Workflow
) -> None:
    entry = f"methods=[{','.join(METHODS)},nir-index]"
    call = workflow("-n", "models", config=entry, folder=run.parent)
    assert call.code == 0, call.text
    assert call.jobs() == {"fit": 1, "models": 1}


def test_catalogue_lists_every_map(run: Path) -> None:
    catalogue = pystac.Catalog.from_file(run / "catalog.json")
    listed = {Path(item.get_self_href()) for item in catalogue.get_items(recursive=True)}
    assert listed == set(run.glob("maps/*/*/item.json")) != set()


def digests(run: Path) -> dict[str, str]:
    """Digest of each artefact but those that tell times or the folder of the run."""
    different = (
        *("logs", "benchmarks", "figures/runtime.png", "report.html", "config.yaml"),
        *("costs", "comparison.", "figures/compare/costs.png"),
    )
    return {
        name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(run.rglob("*"))
        if path.is_file() and not (name := path.relative_to(run).as_posix()).startswith(different)
    }


def test_same_seed_gives_identical_artefacts(run: Path, workflow: Workflow, tmp_path: Path) -> None:
    """In another folder, and in another order of jobs."""
    call = workflow("--scheduler", "greedy", "--cores", "3", folder=tmp_path)
    assert call.code == 0, call.text
    first, second = digests(run), digests(tmp_path / "tiny")
    assert len(first) > 100
    assert {name for name in first | second if first.get(name) != second.get(name)} == set()


def test_second_call_does_nothing(run: Path, workflow: Workflow) -> None:
    assert "Nothing to be done" in workflow("-n", folder=run.parent).text


def test_report_is_written(run: Path, workflow: Workflow) -> None:
    page = run / "report.html"
    call = workflow("--report", page, folder=run.parent)
    assert call.code == 0, call.text
    assert "comparison.html" in page.read_text()


def test_changed_product_runs_only_its_descendants(run: Path, workflow: Workflow) -> None:
    product = run / "archive/sentinel2/32TPT/20190516/snow.zip"
    content = product.read_bytes()
    product.write_bytes(content + b"\0")
    jobs = workflow("-n", folder=run.parent).jobs()
    product.write_bytes(content)
    assert jobs["labels"] == jobs["patches"] == jobs["emulate"] == 1
    assert not jobs.keys() & {"simulate_sentinel2", "toa", "hillshade", "terrain", "kde"}


def test_truncated_product_costs_its_scene_only(run: Path, workflow: Workflow) -> None:
    products = [p for p in (run / "archive/spot").iterdir() if p.stem in scenes(run)]
    damaged, whole = sorted(products)
    content = damaged.read_bytes()
    damaged.write_bytes(content[: len(content) // 2])
    call = workflow("maps", folder=run.parent)
    damaged.write_bytes(content)
    assert call.code != 0
    (line,) = (line for line in call.err.splitlines() if " error: " in line)
    assert line.startswith("classify ")
    assert damaged.name in line
    assert (run / "maps/unet-spot4" / whole.stem / "snow.tif").is_file()
    assert not (run / "maps/unet-spot4" / damaged.stem / "snow.tif").exists()


def test_ablation_sets_recipes_side_by_side(run: Path, workflow: Workflow) -> None:
    call = workflow("ablation", folder=run.parent)
    assert call.code == 0, call.text
    content = read_json(run / "ablation.json")
    recipes = ["reference", "full", "upper-bound"]
    assert [(row["recipe"], row["sensor"], row["seed"]) for row in content["rows"]] == [
        (recipe, "spot4", 1) for recipe in recipes
    ]
    assert [entry["recipe"] for entry in content["summary"]] == recipes
    assert content["distances"]["spot4"].keys() == {"null", "reference", "full"}
    for crop in content["crops"]["spot4"].values():
        assert crop["shares"].keys() == set(recipes)
    for file in ("ablation.html", "ablation.png", "losses/spot4.png"):
        assert (run / file).stat().st_size > 1000


def scenes(run: Path) -> set[str]:
    """Identifiers of the scenes that were mapped."""
    return {path.name for path in (run / "maps/unet-spot4").iterdir()}
