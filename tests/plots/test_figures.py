"""Figures: what they show is read back from the figure, and the same input gives the same bytes."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure

from firn.classes import COLOURS
from firn.errors import DataError
from firn.evaluation import comparison_table
from firn.evaluation.tally import Tally, binned, flagged, whole
from firn.job_times import read_benchmarks
from firn.plots.calibration import reliability_figure
from firn.plots.evaluation import (
    comparison_figure,
    confusion_figure,
    strata_figure,
)
from firn.plots.kde import saturation_figure
from firn.plots.maps import Quicklook, quicklook_figure
from firn.plots.patches import Example, choose_rows, patches_figure
from firn.plots.runtime import runtime_figure
from firn.plots.score_page import write_comparison_html
from firn.plots.situations import situations_figure
from firn.plots.spectra import spectra_figure
from firn.plots.style import class_image, false_colour, new_figure, save, scale_bar, show_image
from firn.plots.training import loss_figure, read_history
from firn.samples import SampleRow
from firn.saturation import Saturations
from firn.sensors import load_sensor, packaged
from firn.simulation_config import Materials


def blobs(side: int, seed: int) -> np.ndarray:
    """Classes in large patches: 0, 1, 2 and some 255."""
    y, x = np.mgrid[:side, :side] / side
    field = np.sin(9 * x + seed) + np.cos(7 * y * (1 + x) + seed)
    return np.digitize(field, (-0.5, 0.6, 1.8)).astype(np.uint8).clip(0, 3).choose([0, 1, 2, 255])


def metrics(method: str, accuracy: float, sensor: str = "spot2") -> dict[str, Any]:
    rng = np.random.default_rng(len(method))
    tally = Tally()
    for scene in range(4):
        shape = (60, 60)
        reference = rng.integers(0, 3, shape).astype(np.uint8)
        right = rng.random(shape) < accuracy + 0.04 * scene
        predicted = np.where(right, reference, rng.integers(0, 3, shape)).astype(np.uint8)
        dem = rng.uniform(1200, 3400, shape)
        strata = {
            "hillshade": binned(rng.uniform(0, 256, shape), (0, 60, 120, 180, 256), ""),
            "elevation": binned(dem, (0, 1500, 2000, 2500, 3000, 9000), " m"),
            "sun_elevation": binned(20.0 + 10 * scene, (0, 25, 40, 55, 90), "°"),
            "forest": whole("open"),
            "saturation": flagged(rng.random(shape) < 0.3, "saturated", "unsaturated"),
            "sensor": whole(sensor),
        }
        judged = np.ones(shape, bool)
        tally.add(f"S{scene}", reference, predicted, rng.random(shape), strata, judged)
    experiment = {
        "name": f"{method}-{sensor}",
        "method": method,
        "sensor": sensor,
        "area": "alps",
        "judged_on": "historical",
    }
    return tally.metrics(experiment, resamples=200, seed=1)


def all_metrics() -> list[dict[str, Any]]:
    accuracies = {
        "unet": 0.8,
        "baseline-majority": 0.0,
        "baseline-threshold": 0.35,
        "baseline-pixel": 0.6,
    }
    return [
        metrics(method, accuracy, sensor)
        for sensor in ("spot2", "spot4")
        for method, accuracy in accuracies.items()
    ]


def saturations(bands: tuple[str, ...] = ("XS1", "XS2", "XS3")) -> Saturations:
    rng = np.random.default_rng(1)
    centres = np.array([0.35, 0.38, 0.55, 0.5])[: len(bands)]
    return Saturations(
        sensor="spot2",
        area="alps",
        bands=bands,
        scenes=tuple(f"S{i}" for i in range(40)),
        dates=("1990-01-01",) * 40,
        instruments=("HRV1",) * 40,
        sun_elevation=np.full(40, 45.0),
        saturation=rng.choice((0.85, 1.15), (40, 1)) * centres
        + rng.normal(0, 0.02, (40, len(bands))),
        minimum=0.03 + rng.normal(0, 0.004, (40, len(bands))),
        bandwidth=0.1,
    )


def histories(folder: Path) -> dict[int, Path]:
    paths = {}
    for seed in (1, 2, 3):
        rows = [
            f"{e},{1 / e + 0.1 * seed},{1.1 / e + 0.1 * seed},{0.8 - 0.3 / e},0.01"
            for e in range(1, 9)
        ]
        paths[seed] = folder / f"{seed}.csv"
        header = "epoch,train_loss,validation_loss,validation_kappa,learning_rate"
        paths[seed].write_text("\n".join([header, *rows]) + "\n")
    return paths


def examples() -> list[Example]:
    rng = np.random.default_rng(0)
    result = []
    for i in range(3):
        classes = blobs(96, i)
        level = np.array([0.25, 0.8, 0.6, 0.1])[np.where(classes == 255, 3, classes)]
        image = level + rng.normal(0, 0.03, (3, 96, 96))
        image[:, :8] = np.nan
        result.append(
            Example(
                f"32TPT\n2018-0{i + 1}-15",
                f"S{i}",
                image,
                np.clip(image * 1.6, 0, 1),
                classes,
                blobs(96, i),
            )
        )
    return result


def quicklook() -> Quicklook:
    classes = blobs(200, 2)
    level = np.array([0.2, 0.5, 0.45, 0.3])[np.where(classes == 255, 3, classes)]
    image = (level + np.random.default_rng(0).normal(0, 0.02, (3, 200, 200))).astype(np.float32)
    image[:, :, :15] = np.nan
    predicted = classes.copy()
    predicted[:, :15] = 255
    confidence = np.where(predicted == 255, np.nan, 0.5 + level)
    return Quicklook(
        "SPOT4 HRVIR1, 2001-06-14 11:02 UTC, sun elevation 64°",
        image,
        classes,
        predicted,
        confidence,
        20.0,
    )


def benchmarks(folder: Path) -> Path:
    table = "s\th:m:s\tmax_rss\tmax_vms\n{}\t0:00:01\t{}\t10\n"
    (folder / "train").mkdir(parents=True)
    (folder / "train" / "unet-spot2.tsv").write_text(table.format(95.5, 1800))
    (folder / "train" / "unet-spot4.tsv").write_text(table.format(30, 1500))
    (folder / "comparison.tsv").write_text(table.format(0.4, "NA"))
    (folder / "kde").mkdir()
    (folder / "kde" / "a.jsonl").write_text(
        '{"s": 2.5, "max_rss": 120.0}\n{"s": 3.5, "max_rss": 90}\n'
    )
    return folder


def texts(figure: Figure) -> str:
    return "\n".join(
        text.get_text() for text in figure.findobj(lambda artist: hasattr(artist, "get_text"))
    )


def test_figures_are_written_the_same_again(tmp_path: Path) -> None:
    written = []
    for run in ("a", "b"):
        save(confusion_figure(metrics("unet", 0.8)), tmp_path / run / "confusion.png")
        save(patches_figure(examples(), "spot2"), tmp_path / run / "patches.png")
        written.append([path.read_bytes() for path in sorted((tmp_path / run).iterdir())])
    assert written[0] == written[1]
    assert all(content.startswith(b"\x89PNG") for content in written[0])


def test_saturation_figure_shows_every_scene_and_the_density() -> None:
    figure = saturation_figure(saturations(), seed=1)
    panel = figure.axes[0]
    density, scenes = panel.lines
    np.testing.assert_array_equal(scenes.get_xdata(), saturations().saturation[:, 0])
    x, y = density.get_data()
    assert np.trapezoid(y, x) == pytest.approx(1, abs=0.02)
    assert "40 scenes" in texts(figure)


def test_saturation_figure_of_scenes_without_bias() -> None:
    """Level-1A scenes all have the minimum 0: there is no density to draw, and no warning."""
    given = saturations()
    without_bias = replace(given, minimum=np.zeros_like(given.minimum))
    figure = saturation_figure(without_bias, seed=1)
    density, scenes = figure.axes[len(given.bands)].lines
    assert not np.any(density.get_ydata())
    assert set(scenes.get_xdata()) == {0.0}


def test_confusion_figure_gives_shares_by_row() -> None:
    given = metrics("unet", 0.8) | {"confusion_matrix": [[3, 1, 0], [0, 0, 0], [2_000_000, 0, 0]]}
    shown = texts(confusion_figure(given))
    assert "75.0 %\n3" in shown
    assert "100.0 %\n2 M" in shown
    assert "95" not in shown.split("kappa")[0]


def test_reliability_figure_draws_every_bin_and_names_the_error() -> None:
    given = metrics("unet", 0.8)
    figure = reliability_figure([given, metrics("unet", 0.8, "spot4")])
    assert len([axes for axes in figure.axes if axes.get_visible()]) == 2
    points = figure.axes[0].collections[0]
    expected = [[row["confidence"], row["accuracy"]] for row in given["reliability"]]
    np.testing.assert_allclose(points.get_offsets(), expected)
    assert points.get_sizes().sum() == pytest.approx(160)
    assert f"unet ({given['expected_calibration_error']:.3f})" in texts(figure)


def test_strata_figure_names_every_part() -> None:
    shown = texts(strata_figure(metrics("unet", 0.8)))
    for part in ("0-60", "1500-2000 m", "40-55°", "open", "saturated"):
        assert part in shown


def test_strata_without_pixels_are_drawn_empty() -> None:
    tally = Tally()
    pixel = np.zeros((1, 1), np.uint8)
    strata = {"elevation": binned(np.full((1, 1), 100.0), (0, 1500, 2000), " m")}
    tally.add("a", pixel, pixel, np.ones((1, 1)), strata, np.ones((1, 1), bool))
    given = tally.metrics(metrics("unet", 0.8)["experiment"], resamples=10, seed=1)
    assert "1500-2000 m" in texts(strata_figure(given))
    assert "kappa -" in texts(confusion_figure(given))


def test_comparison_figure_and_page_show_the_lead(tmp_path: Path) -> None:
    rows = comparison_table(all_metrics(), {})
    lead = next(row["lead"] for row in rows if row["name"] == "unet-spot2")
    assert f"lead {lead:+.2f}" in texts(comparison_figure(rows))
    rows[0] = rows[0] | {"name": "<b>unet"}
    write_comparison_html(tmp_path / "scores.html", rows, situation_rows()[:3])
    page = (tmp_path / "scores.html").read_text()
    assert f"{lead:.3f}" in page
    assert "&lt;b&gt;unet" in page
    assert page.count("<tr>") == 1 + len(rows) + 1 + 2
    assert "<td>spot2, alps: low sun</td><td>2 k</td><td>0.625</td><td>0.250</td>" in page
    assert "<td>spot2, alps: own &amp; rare</td><td>7</td><td>-</td><td>-</td>" in page
    assert "held-out" not in page, "nothing was judged on pseudo-SPOT"


def situation_rows() -> list[dict[str, Any]]:
    def row(method: str, situation: str, pixels: int, right: float | None, **of: str) -> Any:
        setting = {"sensor": "spot2", "area": "alps", "judged_on": "historical", **of}
        return setting | {
            "method": method,
            "situation": situation,
            "n_pixels": pixels,
            "right": right,
        }

    return [
        row("unet", "low sun", 2000, 0.625),
        row("baseline-pixel", "low sun", 1900, 0.25),
        row("unet", "own & rare", 7, None),
        row("unet", "low sun", 50, 0.5, sensor="spot4"),
    ]


def test_situations_figure_draws_every_method() -> None:
    figure = situations_figure(situation_rows())
    first, second = figure.axes
    drawn = {line.get_label(): line.get_xdata() for line in first.lines}
    np.testing.assert_array_equal(drawn["unet"], [0.625, np.nan])
    np.testing.assert_array_equal(drawn["baseline-pixel"], [0.25, np.nan])
    np.testing.assert_array_equal(second.lines[0].get_xdata(), [0.5])
    assert "low sun (2 k)" in texts(figure)


def test_quicklook_has_scale_classes_and_confidence() -> None:
    figure = quicklook_figure(quicklook())
    shown = texts(figure)
    assert "1 km" in shown
    assert "probability of the class" in shown
    for name in ("ground", "snow", "cloud", "SPOT4 HRVIR1"):
        assert name in shown
    confidence = figure.axes[3].images[0].get_array()
    np.testing.assert_allclose(confidence.filled(np.nan), quicklook().confidence)


def test_spectra_figure_draws_every_band_of_both_sensors() -> None:
    table = packaged("spectra/endmembers.csv")
    sensors = load_sensor("spot4"), load_sensor("sentinel2a")
    shown = texts(spectra_figure(*sensors, table, Materials()))
    for name in ("snow fine", "SPOT4 XS1", "SPOT4 SWIR", "B02", "B11", "Wavelength (nm)"):
        assert name in shown


def test_spectra_figure_draws_the_configured_materials(tmp_path: Path) -> None:
    table = tmp_path / "own.csv"
    table.write_text("nm,neige,granit,schiste,sol\n400,0.9,0.2,0.3,0.1\n1800,0.1,0.2,0.3,0.1\n")
    rest = dict.fromkeys(("soil", "grass", "dry_grass", "forest", "water"), ("sol",))
    own = Materials(snow=("neige",), rock=("granit", "schiste"), **rest)
    figure = spectra_figure(load_sensor("spot4"), load_sensor("sentinel2a"), table, own)
    drawn = {line.get_label(): list(line.get_ydata()) for line in figure.axes[0].lines}
    assert drawn == {"neige": [0.9, 0.1], "granit": [0.2, 0.2], "sol": [0.1, 0.1]}


def test_loss_figure_draws_the_histories(tmp_path: Path) -> None:
    paths = histories(tmp_path)
    figure = loss_figure(paths, 2, paths[1])
    drawn = {tuple(line.get_ydata()) for line in figure.axes[0].lines}
    assert drawn == {tuple(read_history(path)["validation_loss"]) for path in paths.values()}
    assert "seed 2 (selected)" in texts(figure)


def test_damaged_history_is_named(tmp_path: Path) -> None:
    (tmp_path / "history.csv").write_text("epoch,loss\n1,2\n")
    with pytest.raises(DataError, match=r"history\.csv"):
        read_history(tmp_path / "history.csv")


def test_benchmarks_are_gathered_by_rule(tmp_path: Path) -> None:
    jobs = read_benchmarks(benchmarks(tmp_path / "benchmarks"))
    assert jobs["train"] == [(95.5, 1800), (30, 1500)]
    assert jobs["kde"] == [(2.5, 120), (3.5, 90)]
    assert jobs["comparison"][0][0] == 0.4
    shown = texts(runtime_figure(jobs))
    assert "2 min 06 s (2)" in shown or "2 min 05 s (2)" in shown
    assert "0.4 s (1)" in shown


def test_no_benchmark_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="run the workflow first"):
        read_benchmarks(tmp_path)


def test_examples_are_of_many_scenes_and_classes() -> None:
    def row(date: str, *counts: int) -> SampleRow:
        return SampleRow("32TPT", date, 0, 0, "evaluation", *counts, 0)

    rows = [row("1", 90, 5, 5), row("1", 30, 30, 40), row("2", 98, 1, 1), row("1", 40, 20, 40)]
    assert choose_rows(rows, 3) == [1, 2, 3]


def test_classes_have_their_colours() -> None:
    image = class_image(np.array([[0, 1, 2, 255, 3]], np.uint8))
    as_hex = ["#" + "".join(f"{round(255 * c):02x}" for c in pixel) for pixel in image[0]]
    assert as_hex == [COLOURS[0], COLOURS[1], COLOURS[2], COLOURS[255], COLOURS[255]]


def test_false_colour_by_hand() -> None:
    bands = np.array([0.1, 0.3, 0.9, np.nan])[None, None].repeat(3, axis=0)
    stretched = false_colour(bands, 0.1, 0.5)
    np.testing.assert_allclose(stretched[0, :, 0], [0, 0.5, 1, 0.5])


@pytest.mark.parametrize(
    ("pixel_size", "width", "label"), [(20, 512, "2 km"), (20, 3000, "10 km"), (10, 100, "200 m")]
)
def test_scale_bar_is_round_and_below_a_quarter(pixel_size: float, width: int, label: str) -> None:
    figure = new_figure(8, 8)
    axes = figure.subplots()
    show_image(axes, np.zeros((width, width)))
    scale_bar(axes, pixel_size, width)
    assert label in texts(figure)
