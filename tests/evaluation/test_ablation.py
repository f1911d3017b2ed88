"""Recipes side by side, from confusion matrices made by hand."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from firn.errors import DataError
from firn.evaluation.ablation import gap_closed, summarise
from firn.plots.ablation import ablation_figure, losses_figure, write_ablation_html
from firn.plots.style import save

GOOD = np.array([[40, 5, 5], [5, 20, 5], [5, 5, 40]])
FAIR = np.array([[30, 10, 10], [5, 15, 10], [10, 10, 30]])
POOR = np.array([[20, 15, 15], [10, 10, 10], [15, 15, 20]])


def row(recipe: str, seed: int, *matrices: np.ndarray, steps: int = 40) -> dict[str, Any]:
    scenes = {f"s{i}": {"confusion_matrix": m.tolist()} for i, m in enumerate(matrices)}
    return {
        "recipe": recipe,
        "sensor": "spot2",
        "seed": seed,
        "steps": steps,
        "metrics": {"by_stratum": {"scene": scenes}},
    }


ROWS = [
    row("reference", 1, POOR, POOR),
    row("full", 1, FAIR, FAIR),
    row("full", 2, FAIR, GOOD, steps=44),
    row("upper-bound", 1, GOOD, GOOD),
]


def summary() -> dict[str, dict[str, Any]]:
    found = summarise(ROWS, "upper-bound", count=50, seed=1)
    return {entry["recipe"]: entry for entry in found}


def test_gap_by_hand() -> None:
    kappa = np.array([0.5, 0.6, 0.4, 0.9])
    np.testing.assert_allclose(gap_closed(kappa, np.array(0.5), np.array(0.7)), [0, 0.5, -0.5, 2])


def test_no_gap_cannot_be_closed() -> None:
    assert np.isnan(gap_closed(np.array(0.6), np.array(0.7), np.array(0.7)))
    assert np.isnan(gap_closed(np.array(0.6), np.array(0.7), np.array(0.6)))


def test_ends_of_the_gap() -> None:
    found = summary()
    assert found["reference"]["gap_closed"]["value"] == 0
    assert found["upper-bound"]["gap_closed"]["value"] == 1
    assert found["full"]["change_from_full"]["value"] == 0


def test_scores_are_means_over_seeds() -> None:
    # Kappa by hand: (po - pe) / (1 - pe) of the three matrices, each of 130 pixels.
    po, pe = 75 / 130, (50 * 45 + 30 * 35 + 50 * 50) / 130**2
    fair = (po - pe) / (1 - pe)
    both = FAIR + GOOD
    po, pe = 175 / 260, (100 * 95 + 60 * 65 + 100 * 100) / 260**2
    mixed = (po - pe) / (1 - pe)
    assert both.sum() == 260
    full = summary()["full"]
    assert full["scores"]["kappa"]["seeds"] == pytest.approx([fair, mixed])
    assert full["scores"]["kappa"]["value"] == pytest.approx((fair + mixed) / 2)
    assert (full["n_seeds"], full["n_scenes"], full["steps"]) == (2, 2, [40, 44])


def test_intervals_hold_the_value_and_vanish_where_scenes_agree() -> None:
    found = summary()
    low, high = found["full"]["scores"]["kappa"]["interval"]
    assert low < found["full"]["scores"]["kappa"]["value"] < high
    low, high = found["reference"]["scores"]["kappa"]["interval"]
    assert low == pytest.approx(high)


def test_rows_must_be_scored_on_the_same_scenes() -> None:
    with pytest.raises(DataError, match="different scenes"):
        summarise([*ROWS, row("other", 1, GOOD)], "upper-bound", count=10, seed=1)


def test_page_and_figures_show_every_recipe(tmp_path: Path) -> None:
    found = list(summary().values())
    distances = {"spot2": {"null": {"auc": 0.55}, "full": {"auc": 0.6123}}}
    # In the order of a JSON file, which is that of the alphabet.
    shares = {"cloud": 0.765, "ground": 0.11, "snow": 0.125}
    recipes = dict.fromkeys(("reference", "full", "upper-bound"), shares)
    crops = {"spot2": {"a-crop": {"expected": "cloud", "shares": recipes}}}
    write_ablation_html(tmp_path / "ablation.html", found, distances, crops)
    page = (tmp_path / "ablation.html").read_text()
    assert "a-crop (cloud expected)" in page
    for text in (
        "reference",
        "upper-bound",
        "0.612",
        "40 to 44",
        "mean of 1 seeds",
        "11 / 12 / 76",
    ):
        assert text in page
    history = tmp_path / "history.csv"
    history.write_text(
        "epoch,train_loss,validation_loss,validation_kappa,learning_rate\n1,2,3,0.1,0.01\n2,1,2,,0.01\n"
    )
    figures = ablation_figure(found), losses_figure({"full": [history, history], "reference": []})
    for name, figure in zip(("ablation", "losses"), figures, strict=True):
        save(figure, tmp_path / f"{name}.png")
        assert (tmp_path / f"{name}.png").stat().st_size > 5000
    labels = [label.get_text() for label in figures[0].axes[0].get_yticklabels()]
    assert labels == ["reference", "full", "upper-bound"]
