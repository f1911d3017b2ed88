"""Training on scenes in 13 bands, maps, scores and figures."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from firn import raster
from firn.classes import CLASS_NAMES, IGNORE, NO_DATA, SurfaceClass
from firn.companions.patch_training import LabelledScenes, train_patch_cnn
from firn.companions.plan import MAPPED, companion_scenes
from firn.companions.scenes import STRATA, Surface, bands, channels_of, read_stack
from firn.companions.scoring import read_map, summary, write_maps, write_scores
from firn.companions.som_training import spectra_of_scenes, train_som, tuning_of_scenes
from firn.companions.spectra import joined
from firn.companions_config import Companions, PatchCnnSettings, SomSettings
from firn.errors import ConfigError, DataError
from firn.grid import Grid
from firn.methods import load_model
from firn.methods.patch_cnn import PATCH, PatchNetwork
from firn.methods.som import SomModel
from firn.plots import som as plots
from firn.training.loop import EpochRecord

GRID = Grid.from_bounds("EPSG:32632", 600000, 5190000, 602400, 5191800, 60)
SOM = SomSettings(rows=6, columns=5, epochs=6)
CNN = PatchCnnSettings(epochs=3, steps=30, batch_size=64, learning_rate=0.01)
#: Reflectance of all bands, with the SWIR apart.
LOOKS = {Surface.LAND: (0.1, 0.15), Surface.OPAQUE_CLOUD: (0.6, 0.5), Surface.SNOW: (0.8, 0.1)}
CLASSES = {
    Surface.LAND: SurfaceClass.GROUND,
    Surface.OPAQUE_CLOUD: SurfaceClass.CLOUD,
    Surface.SNOW: SurfaceClass.SNOW,
}


def scene(folder: Path, name: str, seed: int) -> tuple[Path, Path]:
    """Stack and truth of stripes of land, cloud and snow, with a corner without data."""
    rng = np.random.default_rng(seed)
    kinds = np.array(list(LOOKS))[(np.arange(GRID.width) + seed) // 7 % 3]
    codes = np.tile(kinds, (GRID.height, 1)).astype(np.uint8)
    values = np.empty((13, *GRID.shape))
    for kind, (most, swir) in LOOKS.items():
        values[:, codes == kind] = most
        values[11:, codes == kind] = swir
    numbers = (10000 * values + rng.normal(0, 200, values.shape)).astype(np.uint16)
    known = np.vectorize(CLASSES.get)(codes).astype(np.uint8)
    numbers[:, :3, :4], codes[:3, :4], known[:3, :4] = 0, 0, IGNORE
    flags = [known == SurfaceClass.GROUND, np.zeros(GRID.shape), known == SurfaceClass.SNOW]
    stack, truth = folder / f"{name}-stack.tif", folder / f"{name}-truth.tif"
    raster.write(stack, numbers, GRID, nodata=0, band_names=bands())
    layers = np.stack([known, codes, *flags]).astype(np.uint8)
    raster.write(truth, layers, GRID, band_names=("class", "surface", *STRATA))
    return stack, truth


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with scenes, models, maps and scores."""
    folder = tmp_path_factory.mktemp("run")
    (train, train_truth), (tune, tune_truth), (judged, judged_truth) = (
        scene(folder, name, seed) for seed, name in enumerate(("train", "tune", "judged"))
    )
    spectra = joined(spectra_of_scenes(["train"], [train], [train_truth], 300, 1))
    tuning = tuning_of_scenes([tune], [tune_truth])
    train_som(spectra, tuning, SOM, 1, "cpu", folder / "som.safetensors", ["train"])
    for name in ("cnn", "again"):
        train_patch_cnn(
            ([train], [train_truth]),
            ([tune], [tune_truth]),
            CNN,
            1,
            "cpu",
            folder / f"{name}.safetensors",
            folder / f"{name}.csv",
            ["train"],
        )
    models = [folder / "som.safetensors", folder / "cnn.safetensors"]
    maps = {method: folder / f"{method}.tif" for method in MAPPED}
    write_maps(judged, models, maps)
    named = {(method, "x/1"): path for method, path in maps.items()}
    write_scores(named, {"x/1": judged_truth}, models[0], 20, 1, folder / "scores.json")
    return folder


def test_maps_are_right_and_on_the_ground(run: Path) -> None:
    truth = raster.read(run / "judged-truth.tif").values[0]
    for method in MAPPED:
        data = raster.read(run / f"{method}.tif")
        assert Grid.of(data) == GRID
        assert (data.values[0][:3, :4] == NO_DATA).all()
        found = read_map(run / f"{method}.tif")
        assert (found[:3, :4] == IGNORE).all()
        judged = truth != IGNORE
        # The dilation takes a pixel along each edge of cloud.
        assert (found == truth)[judged].mean() > (0.85 if method in ("som", "patch-cnn") else 0.99)


def test_scores_count_every_judged_pixel(run: Path) -> None:
    content = json.loads((run / "scores.json").read_text())
    truth = raster.read(run / "judged-truth.tif").values[0]
    for row in content["rows"]:
        assert row["sensor"] == "sentinel2" and row["scene"] == "x/1"
        matrix = np.array(row["confusion_matrix"])
        found = read_map(run / f"{row['method']}.tif")
        for reference in range(3):
            counted = (truth == reference).sum()
            if row["stratum"] == "all":
                assert matrix[reference].sum() == counted
        if row["stratum"] == "snow":
            expected = [((truth == 1) & (found == c)).sum() for c in range(3)]
            np.testing.assert_array_equal(matrix[1], expected)
            assert not matrix[[0, 2]].any()
    pairs = [(row["method"], row["stratum"]) for row in content["rows"]]
    assert set(pairs) == {(m, s) for m in MAPPED for s in ("all", "bright rock and soil", "snow")}
    assert content["som"]["spectra"]["snow"] == 300
    assert len(content["summary"]) == len(pairs)


def test_cloud_free_scenes_have_no_recall_but_count_in_the_pool() -> None:
    cloudy = [[5, 0, 1], [0, 0, 0], [2, 0, 6]]
    free = [[9, 0, 3], [0, 0, 0], [0, 0, 0]]
    rows = [
        {"method": "som", "stratum": "all", "scene": name, "confusion_matrix": matrix}
        for name, matrix in (("a", cloudy), ("b", free))
    ]
    (total,) = summary(rows, 10, 1)
    assert total["binary_cloud"]["precision"] == pytest.approx(6 / 10)
    assert total["binary_cloud"]["recall"] == pytest.approx(6 / 8)
    means = total["mean_over_scenes"]
    assert means["recall"] == {"mean": 6 / 8, "n_scenes": 1}
    assert means["precision"] == {"mean": pytest.approx((6 / 7 + 0) / 2), "n_scenes": 2}


def test_patches_are_those_of_their_pixels(run: Path) -> None:
    scenes = LabelledScenes([run / "train-stack.tif"], [run / "train-truth.tif"], cloud_only=False)
    assert len(scenes.cell) == GRID.height * GRID.width - 12
    reflectance = np.nan_to_num(read_stack(run / "train-stack.tif")[0])
    truth = raster.read(run / "train-truth.tif").values[0]
    chosen = np.array([0, 500, 901, len(scenes.cell) - 1])
    patches, labels = scenes.batch(chosen)
    for patch, label, cell in zip(patches.numpy(), labels, scenes.cell[chosen], strict=True):
        row, col = divmod(int(cell), GRID.width)
        assert label == truth[row, col] != IGNORE
        np.testing.assert_array_equal(patch[:, 8, 8], reflectance[:, row, col])
        below = min(PATCH - 1, 8 + GRID.height - 1 - row)
        np.testing.assert_array_equal(patch[:, below, 8], reflectance[:, row + below - 8, col])
        assert (patch[:, below + 1 :] == 0).all()
    binary = LabelledScenes([run / "train-stack.tif"], [run / "train-truth.tif"], cloud_only=True)
    assert set(np.unique(binary.labels[0])) == {0, 2, IGNORE}


def test_patches_in_training_see_what_scenes_give(run: Path) -> None:
    """The half pixel is the same in both."""
    model = load_model(run / "cnn.safetensors")
    network = model.network  # type: ignore[attr-defined]
    assert isinstance(network, PatchNetwork)
    scenes = LabelledScenes([run / "tune-stack.tif"], [run / "tune-truth.tif"], cloud_only=False)
    chosen = np.arange(0, len(scenes.cell), 37)
    with torch.no_grad():
        single = torch.softmax(network.judge(scenes.batch(chosen)[0]), dim=1).numpy()
    whole = model.predict(channels_of(read_stack(run / "tune-stack.tif")[0]))
    dense = whole.reshape(3, -1)[:, scenes.cell[chosen]].T
    np.testing.assert_allclose(dense, single, rtol=1e-3, atol=1e-5)


def test_training_repeats_and_keeps_the_best_epoch(run: Path) -> None:
    assert (run / "cnn.safetensors").read_bytes() == (run / "again.safetensors").read_bytes()
    assert (run / "cnn.csv").read_text() == (run / "again.csv").read_text()
    header, *lines = (run / "cnn.csv").read_text().split()
    assert header == ",".join(EpochRecord.__dataclass_fields__)
    losses = [float(line.split(",")[2]) for line in lines]
    training = load_model(run / "cnn.safetensors").card.training
    assert training["best_epoch"] == 1 + int(np.argmin(losses))
    assert training["validation_loss"] == min(losses)


def test_online_training_follows_the_seed(run: Path, tmp_path: Path) -> None:
    spectra = joined(
        spectra_of_scenes(["t"], [run / "train-stack.tif"], [run / "train-truth.tif"], 50, 1)
    )
    tuning = tuning_of_scenes([run / "tune-stack.tif"], [run / "tune-truth.tif"])
    settings = SomSettings(rows=3, columns=3, training="online", iterations=200)
    weights = [
        train_som(spectra, tuning, settings, seed, "cpu", tmp_path / "m.safetensors", []).weights
        for seed in (1, 1, 2)
    ]
    np.testing.assert_array_equal(weights[0], weights[1])
    assert not np.array_equal(weights[0], weights[2])


def test_scenes_are_dealt_as_configured() -> None:
    names = ["32TPT/20180118", "32TPT/20180315", "32TPT/20190516"]
    settings = Companions(tuning=names[1:2], evaluation=names[2:])
    assert companion_scenes(settings, names)["train"] == names[:1]
    with pytest.raises(ConfigError, match="32TPT/20190516 is not among the Sentinel-2 scenes"):
        companion_scenes(settings, names[:2])
    with pytest.raises(ConfigError, match="no scene is left to train"):
        companion_scenes(settings, names[1:])
    with pytest.raises(ValueError, match="is in tuning and in evaluation"):
        Companions(tuning=names[:1], evaluation=names[:1])


def test_no_labelled_pixel_is_told(run: Path, tmp_path: Path) -> None:
    empty = np.zeros((5, *GRID.shape), np.uint8)
    empty[0] = IGNORE
    raster.write(tmp_path / "none.tif", empty, GRID, band_names=("class", "surface", *STRATA))
    with pytest.raises(DataError, match=r"none\.tif: no pixel is labelled"):
        LabelledScenes([run / "train-stack.tif"], [tmp_path / "none.tif"], cloud_only=False)


def test_figures_show_the_map(run: Path) -> None:
    model = load_model(run / "som.safetensors")
    assert isinstance(model, SomModel)
    hits = plots.hits_figure(model)
    shown = [axes for axes in hits.axes if axes.images and axes.get_title()]
    counts = {"all": model.hits.sum(), "land": model.hits[:, 0].sum()}
    titles = [axes.get_title() for axes in shown][:2]
    assert titles == [f"{name}\n{count:,}" for name, count in counts.items()]
    land = np.ma.filled(shown[1].images[0].get_array(), np.nan)
    assert np.nansum(land) == model.hits[:, 0].sum() > 0
    planes = [a for a in plots.planes_figure(model).axes if a.get_title() in bands()]
    assert len(planes) == 13
    values = np.asarray(planes[0].images[0].get_array())
    low, high = model.low[0], model.high[0]
    np.testing.assert_allclose(values.ravel(), low + model.weights[:, 0] * (high - low))


def test_outcomes_have_the_published_colours() -> None:
    truth = np.array([[2, 0, 2, 1, IGNORE, 0]], np.uint8)
    told = np.array([[2, 1, 0, 2, 2, IGNORE]], np.uint8)
    image = (255 * plots.outcome_image(truth, told)[0]).round().astype(int)
    tp, tn, fn, fp = (0, 102, 102), (0, 102, 204), (255, 102, 102), (153, 0, 0)
    np.testing.assert_array_equal(image[:4], [tp, tn, fn, fp])
    np.testing.assert_array_equal(image[4], image[5])


def test_scores_figure_shows_the_share_that_is_right(run: Path) -> None:
    content = json.loads((run / "scores.json").read_text())
    figure = plots.scores_figure(content["summary"])
    lines = {line.get_label(): line.get_xdata() for line in figure.axes[0].lines}
    matrix = next(
        np.array(r["confusion_matrix"])
        for r in content["rows"]
        if r["method"] == "som" and r["stratum"] == "all"
    )
    # Ground taken for snow is a right mask.
    right = (matrix[:2, :2].sum() + matrix[2, 2]) / matrix.sum()
    assert np.asarray(lines["som"])[0] == pytest.approx(right)
    assert len(CLASS_NAMES) == 3
