"""Figures and page of the cloud removal: what they show is read back from them."""

from pathlib import Path

import numpy as np
import pytest

from firn.cloud_removal.evaluation import evaluate, fit_detector
from firn.cloud_removal.tiles import Tiles
from firn.cloud_removal_config import BANDS
from firn.errors import DataError
from firn.plots.cloud_removal import (
    errors_figure,
    losses_figure,
    panels_figure,
    read_losses,
    severity_figure,
    write_page,
)
from firn.plots.style import save
from tests.cloud_removal.tile_files import make_tiles, write_tile_file

HISTORY = """epoch,train_l1,train_adversarial,discriminator_loss,validation_loss
1,0.2,0.7,0.69,0.3
2,0.1,,,0.2
"""


class Halfway:
    """Between the two images."""

    def simulate(self, tiles: Tiles) -> np.ndarray:
        return (tiles.sentinel2_t0 + tiles.sentinel2_t1) / 2


@pytest.fixture(scope="module")
def evaluation(tmp_path_factory: pytest.TempPathFactory) -> dict:
    path = write_tile_file(tmp_path_factory.mktemp("tiles") / "test.nc", count=3, size=48)
    detector = fit_detector(path)
    content = evaluate(
        {"fast": Halfway()}, path, detector, truth_under_cloud=True, bootstrap=50, seed=1
    )
    content["methods"]["fast"] |= {
        "training": {"parameters": 1234567, "epochs": 9, "best_epoch": 7},
        "multiply_accumulates": 14.1e9,
    }
    return content


def test_panels_show_each_tile_and_the_error(tmp_path: Path) -> None:
    tiles = make_tiles(2)
    simulated = tiles.sentinel2_t1 + np.float32(0.03)
    figure = panels_figure(tiles, BANDS, {"fast": simulated, "residual": tiles.sentinel2_t1})
    panels = np.array(figure.axes[:16]).reshape(2, 8)
    assert [axes.get_title() for axes in panels[0]][3:5] == ["Sentinel-2, t1: truth", "fast"]
    shown, none = (panels[1, column].images[0].get_array().compressed() for column in (5, 7))
    np.testing.assert_allclose(shown, 0.03, atol=1e-5)
    assert len(none) == 32**2 - 1 and not none.any()
    truth, copied = (panels[0, column].images[0].get_array() for column in (3, 6))
    np.testing.assert_array_equal(truth, copied)
    save(figure, tmp_path / "panels.png")
    assert (tmp_path / "panels.png").read_bytes()[:4] == b"\x89PNG"


def test_panels_need_no_particular_bands() -> None:
    tiles = make_tiles(1)
    figure = panels_figure(tiles, [f"X{i}" for i in range(7)], {"fast": tiles.sentinel2_t1})
    assert "X0, X0, X0" in figure.get_supxlabel()


def test_severity_panels_show_classes() -> None:
    tiles = make_tiles(1)
    tiles.severity[0, :4] = 255
    figure = severity_figure(tiles, BANDS, {"copy": tiles.sentinel2_t0})
    known, truth, copied = (axes.images[0].get_array() for axes in figure.axes[:3])
    assert set(np.unique(known)) == {0, 3, 4}
    assert truth[16, 16] == 3 and (copied[1:] == 0).all() and copied[0, 0] == 4
    with pytest.raises(DataError, match="burn severity needs the bands B8A and B12"):
        severity_figure(tiles, ["B02"] * 7, {})


def test_errors_are_those_of_the_tiles(evaluation: dict) -> None:
    figure = errors_figure(evaluation)
    first = figure.axes[0]
    assert [text.get_text() for text in first.get_yticklabels()] == ["copy-of-t0", "fast"]
    ticks = first.get_lines()[0].get_xdata()
    expected = [tile["all"]["mae"] for tile in evaluation["tiles"]["copy-of-t0"]]
    np.testing.assert_allclose(ticks, expected)
    assert "under cloud" in [axes.get_title() for axes in figure.axes]


def test_losses_are_those_of_the_history(tmp_path: Path) -> None:
    path = tmp_path / "fast.csv"
    path.write_text(HISTORY)
    figure = losses_figure({"fast": path})
    errors, verdicts = figure.axes
    assert errors.get_lines()[1].get_ydata().tolist() == [0.3, 0.2]
    assert verdicts.get_lines()[1].get_ydata()[0] == 0.69
    (tmp_path / "other.csv").write_text("epoch,loss\n1,2\n")
    for name in ("other.csv", "none.csv"):
        with pytest.raises(DataError, match="is not the history of a generator"):
            read_losses(tmp_path / name)


def test_page_holds_the_scores_and_what_they_are(evaluation: dict, tmp_path: Path) -> None:
    row = dict.fromkeys(("accuracy", "precision", "recall", "f1", "kappa", "snow_bias", "mae"), 0.5)
    of_tiles = {
        "pixels": {"all": 1000, "changed": 10},
        "rows": [{"filling": "last-clear", "subset": "all"} | row],
        "pairs": [{"filling": "last-clear", "pair": "melt", "pixels": 321, "snow": 0.4} | row],
        "radar": [
            {"pair": "melt", "snow_t0": 0.6, "snow_t1": 0.4, "auc_ground": None, "auc_snow": 0.937}
        ],
    }
    snow = {"test": of_tiles, "other_dates": of_tiles}
    parts = ("n_tiles", "observed", "methods")
    elsewhen = {"other_dates": {key: evaluation[key] for key in parts}}
    write_page(tmp_path / "page.html", evaluation | elsewhen, snow)
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    mae = evaluation["methods"]["fast"]["regions"]["changed"]["mae"]
    assert f"<td>{mae:.4f}</td>" in page
    assert "1 as the data range" in page
    assert "1,234,567" in page and "<td>14.1</td>" in page
    assert "cannot be compared with them" in page
    assert "last-clear, all pixels" in page
    assert "melt, last-clear</td><td>321</td>" in page
    assert "<td>0.937</td>" in page
    assert "Errors on other dates: changed" in page
    assert "Snow below clouds by pair, other dates" in page
    write_page(tmp_path / "without.html", evaluation)
    without = (tmp_path / "without.html").read_text(encoding="utf-8")
    assert "Snow below" not in without and "ther dates" not in without
