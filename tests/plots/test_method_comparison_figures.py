"""Figures and page of the comparison of methods: what they show is read back."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from firn.plots.method_comparison import cost_figure, strata_heat_map, write_method_page
from firn.plots.style import new_figure, save, symbols


def entry(value: float | None, behind: float | None = None, spread: float = 0.1) -> dict[str, Any]:
    """A score with an interval of ``spread`` to both sides, as its difference to the best."""
    difference = {"difference": behind, "p": 0.5}
    if behind is not None:
        difference["interval"] = [behind - spread, behind + spread]
    return {
        "value": value,
        "interval": None if value is None else [value - spread, value + spread],
        "behind": None if behind is None else difference,
    }


def row(method: str, sensor: str = "spot2", **of: Any) -> dict[str, Any]:
    setting = {"sensor": sensor, "area": "alps", "judged_on": "historical"}
    common = {"name": f"{method}-{sensor}", "method": method, "n_scenes": 6, "n_pixels": 12345}
    return setting | common | {"tells": "classes", "same_pixels": True} | of


def scores(kappa: float, cloud: float) -> dict[str, Any]:
    names = ("kappa", "overall_accuracy", "f1_snow", "snow_cloud_free_f1", "snow_cloud_free_kappa")
    return dict.fromkeys(names, entry(kappa)) | cloud_scores(cloud)


def cloud_scores(value: float) -> dict[str, Any]:
    names = ("precision_cloud", "recall_cloud", "f1_cloud", "f2_cloud")
    return dict.fromkeys(names, entry(value))


@pytest.fixture
def content() -> dict[str, Any]:
    costs = {"training_seconds": 40.25, "core_seconds_per_megapixel": 2.5, "bytes": 7000}
    cheap = costs | {"training_seconds": None, "bytes": 300}
    judged = [
        ("unet", "elevation", "0-1500 m", entry(0.9)),
        ("rule", "elevation", "0-1500 m", entry(0.6, -0.3)),
        ("unet", "situation", "low <sun>", entry(0.5)),
        ("rule", "situation", "low <sun>", entry(0.45, -0.05)),
    ]
    strata = [
        row(
            method,
            partition=partition,
            part=part,
            scores={"overall_accuracy": accuracy, "f2_cloud": entry(None)},
        )
        for method, partition, part, accuracy in judged
    ]
    pair = {"score": "kappa", "a": "unet", "b": "rule", "difference": 0.3}
    methods = [
        row("unet", scores=scores(0.8, 0.7), costs=costs | {"parameters": 1234567}),
        row("rule", scores=scores(0.5, 0.4), costs=cheap | {"parameters": 3}, same_pixels=False),
        row("clouds", scores=cloud_scores(0.65), costs=None),
    ]
    pairs = [row("", **pair, interval=[0.1, 0.5], p=0.004)]
    return {"methods": methods, "strata": strata, "pairs": pairs}


def test_costs_are_drawn_with_one_point_per_method(content: dict[str, Any]) -> None:
    figure = cost_figure(content)
    assert len(figure.axes) == 6
    points = {
        (index, line.get_label()): (line.get_xdata()[0], line.get_ydata()[0])
        for index, axes in enumerate(figure.axes)
        for line in axes.lines
        if not line.get_label().startswith("_")
    }
    # Kappa, then F2 of cloud, against training, application and size; one training is unknown.
    assert points == {
        (0, "unet"): (40.25, 0.8),
        (1, "unet"): (2.5, 0.8),
        (1, "rule"): (2.5, 0.5),
        (2, "unet"): (7000, 0.8),
        (2, "rule"): (300, 0.5),
        (3, "unet"): (40.25, 0.7),
        (4, "unet"): (2.5, 0.7),
        (4, "rule"): (2.5, 0.4),
        (5, "unet"): (7000, 0.7),
        (5, "rule"): (300, 0.4),
    }
    assert {text.get_text() for text in figure.legends[0].get_texts()} == {"unet", "rule"}


def test_snow_alone_has_a_line_of_its_own(content: dict[str, Any]) -> None:
    alone = {"snow_cloud_free_f1": entry(0.3), "snow_cloud_free_kappa": entry(0.2)}
    costs = {"training_seconds": 5.0, "core_seconds_per_megapixel": 0.1, "bytes": 90}
    content["methods"].append(row("index", tells="snow", scores=alone, costs=costs))
    content["methods"].append(row("let-it-snow", tells="snow", scores=alone, costs=None))
    figure = cost_figure(content)
    assert len(figure.axes) == 9
    drawn = {line.get_label(): line.get_xydata()[0].tolist() for line in figure.axes[6].lines}
    assert drawn["unet"] == [40.25, 0.8]
    assert drawn["index"] == [5.0, 0.3]
    assert "let-it-snow" not in drawn


def test_heat_map_marks_what_is_best_or_not_told_from_it(content: dict[str, Any]) -> None:
    accuracy, cloud, *_ = strata_heat_map(content["strata"]).axes
    np.testing.assert_array_equal(accuracy.images[0].get_array(), [[0.9, 0.6], [0.5, 0.45]])
    weights = {text.get_text(): text.get_fontweight() for text in accuracy.texts}
    assert weights == {"0.90": "bold", "0.60": "normal", "0.50": "bold", "0.45": "bold"}
    assert not cloud.texts, "no stratum has cloud"
    labels = [label.get_text() for label in accuracy.get_yticklabels()]
    assert labels == ["Elevation: 0-1500 m (12.3 k, 6)", "Situation: low <sun> (12.3 k, 6)"]


def test_heat_map_marks_nothing_that_one_scene_shows(content: dict[str, Any]) -> None:
    for one in content["strata"]:
        one["scores"]["overall_accuracy"]["interval"] = None
    accuracy = strata_heat_map(content["strata"]).axes[0]
    assert {text.get_fontweight() for text in accuracy.texts} == {"normal"}


def test_page_holds_scores_costs_pairs_and_pictures(
    content: dict[str, Any], tmp_path: Path
) -> None:
    save(new_figure(3, 3), tmp_path / "costs.png")
    write_method_page(tmp_path / "page.html", content, {"Cost": [tmp_path / "costs.png"]})
    page = (tmp_path / "page.html").read_text()
    assert "<h2>spot2, alps: 6 historical scenes</h2>" in page
    # Three classes and cloud-free snow for two methods, cloud for all three.
    assert page.count("<td>unet</td>") == 4
    assert page.count("<td>clouds</td>") == 1
    assert "<td>0.800<small>[0.700, 0.900]</small></td>" in page
    assert "<td>40.2</td><td>2.5</td><td>7,000</td><td>1,234,567</td>" in page
    assert "<td>-</td><td>2.5</td><td>300</td><td>3</td>" in page
    assert "rule<small>on other pixels than the first method</small>" in page
    assert "<td><b>+0.300</b><small>[+0.100, +0.500] p = 0.004</small></td>" in page
    assert "Situation: low &lt;sun&gt;" in page
    assert page.count("data:image/png;base64,iVBORw0KGgo") == 1
    assert 'src="/' not in page and "http" not in page


def test_page_tells_why_neurons_were_turned(content: dict[str, Any], tmp_path: Path) -> None:
    write_method_page(tmp_path / "page.html", content, {})
    assert "neurons" not in (tmp_path / "page.html").read_text()
    neuron = {"row": 7, "column": 5, "bright": 1045, "cloud": 11}
    neuron |= {"bright_share": 0.749, "cloud_share": 0.0125}
    tuning = {"bright": 16054, "cloud": 11713}
    content["turned"] = {"bright_share": 0.5, "recall_loss": 0.02, "tuning": tuning}
    content["turned"]["flipped"] = [neuron]
    content["methods"].append(row("som", "sentinel2", scores=scores(0.8, 0.7), costs=None))
    write_method_page(tmp_path / "page.html", content, {})
    page = (tmp_path / "page.html").read_text()
    cells = ("7", "5", "1,045", "11", "74.9 %", "1.2 %")
    assert "<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>" in page
    assert "16,054 pixels of bright rock, soil and snow and 11,713 of cloud" in page
    assert "more than 50 %" in page and "no more than 2 %" in page
    assert "<h2>Sentinel-2, alps" in page


def test_strata_are_in_the_order_of_their_bins() -> None:
    bins = ("180-256", "0-60", "120-180", "60-120")
    score = {"overall_accuracy": entry(0.5), "f2_cloud": entry(0.5)}
    strata = [row("unet", partition="situation", part="low sun", scores=score)]
    strata += [row("unet", partition="hillshade", part=part, scores=score) for part in bins]
    labels = [label.get_text() for label in strata_heat_map(strata).axes[0].get_yticklabels()]
    assert [label.split(": ")[1].split(" (")[0] for label in labels] == [
        *("0-60", "60-120", "120-180", "180-256", "low sun"),
    ]


def test_looks_differ_for_more_methods_than_colours() -> None:
    looks = symbols([f"method {i}" for i in range(9)])
    assert len({tuple(look.values()) for look in looks.values()}) == 9
