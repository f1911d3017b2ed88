"""The simulation of Sentinel-2 images, from virtual pairs to report."""

from pathlib import Path

import pytest
import rasterio

from firn.files import read_json

from .conftest import Snakemake

TINY = ("cloud_removal", "--configfile", "tests/workflow/cloud_removal.yaml", "--cores", "2")

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def run(snakemake: Snakemake, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a finished run."""
    folder = tmp_path_factory.mktemp("cloud_removal")
    call = snakemake(*TINY, folder=folder)
    assert call.code == 0, call.text
    return folder / "cloud-removal"


def test_every_method_is_judged(run: Path) -> None:
    content = read_json(run / "evaluation.json")
    baselines = {"copy-of-t0", "regression-s1", "regression-s1-t0"}
    assert content["methods"].keys() == baselines | {"fast", "residual"}
    for name, method in content["methods"].items():
        assert method["regions"]["all"]["mae"] > 0
        assert ("training" in method) == (name not in baselines)
    tiles = read_json(run / "cloud_removal/tiles/report.json")["tiles"]
    assert content["n_tiles"] == tiles["test"]
    assert content["other_dates"]["n_tiles"] == tiles["other_dates"] > 0
    assert content["other_dates"]["methods"].keys() == content["methods"].keys()
    snow = read_json(run / "cloud_removal/snow.json")
    assert {row["pair"] for row in snow["other_dates"]["pairs"]} == {"spring"}
    assert content["provenance"]["sources"]


def test_report_and_mosaics_are_there(run: Path) -> None:
    folder = run / "cloud_removal"
    assert "copy-of-t0" in (folder / "page.html").read_text(encoding="utf-8")
    assert "Snow below clouds" in (folder / "page.html").read_text(encoding="utf-8")
    for name in ("panels", "severity", "errors", "losses"):
        assert (folder / f"{name}.png").stat().st_size > 10_000
    for generator in ("fast", "residual"):
        with rasterio.open(folder / f"mosaics/{generator}/summer.tif") as image:
            assert image.shape == (192, 192) and image.descriptions[-1] == "B12"
            assert (image.read(1) > 0).mean() > 0.9


def test_a_second_call_has_nothing_to_do(run: Path, snakemake: Snakemake) -> None:
    call = snakemake("-n", *TINY, folder=run.parent)
    assert "Nothing to be done" in call.text
