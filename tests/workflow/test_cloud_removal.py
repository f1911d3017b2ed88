"""The simulation of Sentinel-2 images, from virtual pairs to report."""

from pathlib import Path

import pytest
import rasterio

from firn.cloud_removal.pair_table import COLUMNS
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


def test_found_products_are_fetched_after_someone_has_seen_the_table(
    snakemake: Snakemake, tmp_path: Path
) -> None:
    area = tmp_path / "area.geojson"
    area.write_text('{"type": "Polygon", "coordinates": []}')
    periods = "t0: [2019-06-01, 2019-06-30], t1: [2019-09-01, 2019-09-30]"
    search = f"cloud_removal={{search: {{area: {area}, {periods}}}}}"
    asked = ("-n", "cloud_removal_products", *TINY[1:])
    first = snakemake(*asked, config=search, folder=tmp_path)
    assert first.jobs() == {"search_pairs": 1, "cloud_removal_products": 1}
    table = tmp_path / "cloud-removal/cloud_removal/search.tsv"
    table.parent.mkdir(parents=True)
    product = "S1A_IW_GRDH_1SDV_20190623T060000_20190623T060025_020452_022F7E_0F0A"
    cells = ("p", "31TCH", "sentinel1_t0", "descending", product, "geodes", "S1_SAR_GRD")
    rows = [COLUMNS, (*cells, "2019-06-23T06:00:00Z", "", "900"), ()]
    table.write_text("\n".join("\t".join(row) for row in rows))
    second = snakemake(*asked, config=search, folder=tmp_path)
    assert second.jobs() == {"fetch_pair_product": 1, "cloud_removal_products": 1}
    zipped = str(table.parent / f"products/{product}.zip")
    assert zipped in second.outputs()
    Path(zipped).parent.mkdir()
    Path(zipped).touch()
    assert "Nothing to be done" in snakemake(*asked, config=search, folder=tmp_path).text
