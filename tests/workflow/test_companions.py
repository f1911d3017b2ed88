"""The companion methods on both grounds, at their smallest."""

from pathlib import Path

import h5py
import numpy as np
import pytest
import yaml

from firn import raster
from firn.companions.plan import MAPPED
from firn.companions.spectra import read_spectra
from firn.files import read_json
from firn.methods import load_model

from .conftest import ROOT, Snakemake, make_archive

TINY = ROOT / "tests/workflow/companions.yaml"
CALL = ("--configfile", TINY, "--profile", "workflow/profiles/local")

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def run(snakemake: Snakemake, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a finished run."""
    folder = tmp_path_factory.mktemp("companions")
    make_archive(TINY, folder)
    scored = [folder / f"companions/evaluation/{m}-spot4/historical.json" for m in MADE]
    call = snakemake(*CALL, *scored, "compare", "companions", folder=folder)
    assert call.code == 0, call.text
    return folder / "companions"


#: Methods that are trained for SPOT too, by the rules of any method.
MADE = ("som", "patch-cnn")


@pytest.mark.parametrize("method", MADE)
def test_methods_map_scenes_of_spot_like_any_other(run: Path, method: str) -> None:
    metrics = read_json(run / f"evaluation/{method}-spot4/historical.json")
    assert metrics["n_pixels"] == np.sum(metrics["confusion_matrix"]) > 0
    model = load_model(run / f"models/{method}-spot4/model.safetensors")
    assert model.card.method == method and tuple(model.card.bands) == ("XS1", "XS2", "XS3", "SWIR")
    (snow,) = run.glob(f"maps/{method}-spot4/*/snow.tif")
    assert set(np.unique(raster.read(snow).values)) <= {0, 100, 205, 254, 255}


def test_methods_are_scored_on_the_scenes_that_are_held_out(run: Path) -> None:
    held_out = yaml.safe_load(TINY.read_text())["companions"]["evaluation"]
    content = read_json(run / "companions/scores.json")
    whole = {(r["method"], r["scene"]) for r in content["rows"] if r["stratum"] == "all"}
    assert whole == {(method, scene) for method in MAPPED for scene in held_out}
    assert not [row for row in content["rows"] if not np.any(row["confusion_matrix"])]
    for name in ("hits", "planes", "distances", "scatter", "turned", "scores"):
        assert (run / f"companions/figures/{name}.png").stat().st_size > 5000
    for scene in held_out:
        figure = run / f"companions/figures/maps/{scene.replace('/', '_')}.png"
        assert figure.stat().st_size > 5000


def test_both_grounds_are_in_the_comparison(run: Path) -> None:
    content = read_json(run / "comparison.json")
    found = {(row["sensor"], row["method"]): row for row in content["methods"]}
    assert {method for sensor, method in found if sensor == "sentinel2"} == set(MAPPED)
    assert {method for sensor, method in found if sensor == "spot4"} == {*MADE, "let-it-snow"}
    for method in MADE:
        row = found["sentinel2", method]
        assert row["n_scenes"] == 2
        assert row["costs"]["training_seconds"] > 0 and row["costs"]["bytes"] > 1000
    pairs = {(p["a"], p["b"]) for p in content["pairs"] if p["sensor"] == "sentinel2"}
    assert pairs >= {("som-voted", "som"), ("som", "patch-cnn")}
    scores = read_json(run / "companions/scores.json")
    assert content["turned"]["flipped"] == scores["som"]["flipped"]
    page = (run / "comparison.html").read_text()
    assert "Sentinel-2, 13 bands, 60 m" in page and "neurons that were turned" in page
    assert (run / "figures/compare/strata/sentinel2.png").stat().st_size > 5000


def test_second_call_does_nothing(run: Path, snakemake: Snakemake) -> None:
    call = snakemake(*CALL, "-n", "compare", "companions", folder=run.parent)
    assert "Nothing to be done" in call.text


def test_hollstein_database_takes_the_place_of_the_spectra(
    run: Path, snakemake: Snakemake, tmp_path: Path
) -> None:
    content = yaml.safe_load(TINY.read_text())
    database = tmp_path / "hollstein.h5"
    table = read_spectra(run / "companions/spectra.nc")
    with h5py.File(database, "w") as file:
        file["spectra"] = np.concatenate([table.reflectance] * 2)
        file["classes"] = np.concatenate([table.surface] * 2)
    content["companions"]["hollstein"] = [str(database)]
    config = tmp_path / "config.yaml"
    config.write_text(yaml.safe_dump(content))
    target = tmp_path / "companions/companions/spectra.nc"
    call = snakemake("--configfile", config, "--cores", "1", target, folder=tmp_path)
    assert call.code == 0, call.text
    assert len(read_spectra(target).surface) <= len(table.surface)


def test_scene_that_is_not_there_is_told(snakemake: Snakemake, tmp_path: Path) -> None:
    content = yaml.safe_load(TINY.read_text())
    content["companions"]["tuning"] = ["31TCH/20190131"]
    config = tmp_path / "config.yaml"
    config.write_text(yaml.safe_dump(content))
    call = snakemake("--configfile", config, "-n", "companions", folder=tmp_path)
    assert call.code != 0
    assert "31TCH/20190131 is not among the Sentinel-2 scenes of the run" in call.text
