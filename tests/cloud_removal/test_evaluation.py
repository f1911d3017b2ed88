"""Evaluation of simulated images, the baselines, and mosaics."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import rasterio

from firn.cloud_removal.baselines import CopyOfT0, Regression
from firn.cloud_removal.evaluation import COPY, REGIONS, evaluate, fit_detector, tile_by_tile
from firn.cloud_removal.mosaic import to_stack, write_mosaics
from firn.cloud_removal.normalisation import to_decibel
from firn.cloud_removal.severity import index_change, severity_classes
from firn.cloud_removal.tiles import Tiles, area_grids, read_tiles, write_tiles
from firn.cloud_removal_config import BANDS, NormalisationSettings
from firn.errors import DataError
from tests.cloud_removal.tile_files import AREA, make_tiles, write_tile_file

SETTINGS = NormalisationSettings()


class Oracle:
    """It knows the later image."""

    def simulate(self, tiles: Tiles) -> np.ndarray:
        return tiles.sentinel2_t1


class Brighter:
    """It is off by 0.02 everywhere."""

    def simulate(self, tiles: Tiles) -> np.ndarray:
        return tiles.sentinel2_t1 + np.float32(0.02)


@pytest.fixture(scope="module")
def train(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tile_file(tmp_path_factory.mktemp("tiles") / "train.nc", count=4, size=48)


@pytest.fixture(scope="module")
def test(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("tiles") / "test.nc"
    return write_tile_file(path, count=3, size=48, seed=2)


def judge(test: Path, train: Path, **changes: bool) -> dict:
    simulators = {"oracle": Oracle(), "brighter": Brighter()}
    options = {"truth_under_cloud": True} | changes
    detector = fit_detector(train)
    return evaluate(simulators, test, detector, **options, bootstrap=200, seed=1)


def test_an_oracle_is_right_and_a_copy_wrong_where_ground_changed(test: Path, train: Path) -> None:
    content = judge(test, train)
    methods = content["methods"]
    oracle, copied = methods["oracle"]["regions"], methods[COPY]["regions"]
    for region in REGIONS:
        assert oracle[region]["mae"] == 0 and oracle[region]["psnr"] is None
        assert oracle[region]["n_images"] == 3
    assert oracle["changed"]["ssim"] == pytest.approx(1)
    # The edges of a fire are not found to the pixel.
    assert copied["burned"]["mae"] > 0.05 > 0.002 > copied["unchanged"]["mae"]
    assert methods["brighter"]["regions"]["all"]["rmse"] == pytest.approx(0.02, rel=1e-3)
    assert methods["brighter"]["regions"]["all"]["psnr"] == pytest.approx(33.979, abs=0.01)
    parts = [copied[region]["n_pixels"] for region in ("changed", "unchanged")]
    # The change detection leaves out the neighbours of the pixel without data.
    assert copied["all"]["n_pixels"] == 3 * (48**2 - 1) >= sum(parts) >= 3 * (48**2 - 9)
    assert copied["under_cloud"]["n_pixels"] == 3 * 24**2


def test_the_lead_over_the_copy_is_paired(test: Path, train: Path) -> None:
    content = judge(test, train)
    lead = content["methods"]["oracle"]["lead_over_copy"]["changed"]
    values = [tile["changed"]["mae"] for tile in content["tiles"][COPY]]
    assert lead["mae"] == pytest.approx(np.mean(values))
    low, high = lead["interval"]
    assert min(values) - 1e-9 <= low <= lead["mae"] <= high <= max(values) + 1e-9
    assert content["methods"]["brighter"]["lead_over_copy"]["unchanged"]["mae"] < 0


def test_the_lead_over_the_published_generator(test: Path, train: Path) -> None:
    simulators = {"original": Brighter(), "fast": Oracle()}
    detector = fit_detector(train)
    content = evaluate(simulators, test, detector, truth_under_cloud=True, bootstrap=20, seed=1)
    lead = content["methods"]["fast"]["lead_over_original"]["all"]
    assert lead["mae"] == pytest.approx(0.02, rel=1e-3)
    assert lead["interval"] == pytest.approx([0.02, 0.02], rel=1e-3)
    assert content["methods"][COPY]["lead_over_original"]["changed"]["mae"] < 0
    assert "lead_over_original" not in content["methods"]["original"]
    assert "lead_over_original" not in judge(test, train)["methods"]["oracle"]


def test_severity_is_judged_against_both_references(test: Path, train: Path) -> None:
    content = judge(test, train)
    tiles = read_tiles(test)
    expected = np.zeros((4, 4), int)
    for before, after, known in zip(
        tiles.sentinel2_t0, tiles.sentinel2_t1, tiles.severity, strict=True
    ):
        classes = severity_classes(index_change(before, after, BANDS, "dnbr"), "dnbr")
        use = classes < 4
        np.add.at(expected, (known[use], classes[use]), 1)
    observed = content["observed"]["severity"]["dnbr"]
    assert observed["known"]["confusion_matrix"] == expected.tolist()
    oracle = content["methods"]["oracle"]["severity"]["dnbr"]
    assert oracle["known"] == observed["known"]
    assert oracle["true_image"]["overall_accuracy"] == 1
    assert oracle["true_image"]["burned_f1"] == 1
    copied = content["methods"][COPY]["severity"]["dnbr"]["known"]
    assert copied["burned_recall"] == 0 and copied["burned_precision"] is None
    assert content["methods"]["oracle"]["change"]["f1"] == 1
    assert content["methods"][COPY]["change"]["recall"] == 0


def test_without_truth_clouds_hide_the_later_image(test: Path, train: Path) -> None:
    content = judge(test, train, truth_under_cloud=False)
    regions = content["methods"][COPY]["regions"]
    assert regions["under_cloud"]["n_images"] == 0 and regions["under_cloud"]["mae"] is None
    assert regions["all"]["n_pixels"] == 3 * (48**2 - 24**2 - 1)


def test_unknown_severity_counts_nowhere(train: Path, tmp_path: Path) -> None:
    tiles = make_tiles(2, size=48)
    unknown = replace(tiles, severity=np.full_like(tiles.severity, 255))
    write_tiles(tmp_path / "u.nc", unknown, BANDS, area_grids(train), {})
    content = judge(tmp_path / "u.nc", train)
    assert content["methods"][COPY]["regions"]["burned"]["n_images"] == 0
    agreement = content["methods"]["oracle"]["severity"]["dnbr"]["known"]
    assert agreement["kappa"] is None and agreement["overall_accuracy"] is None


def test_content_is_json(test: Path, train: Path) -> None:
    content = judge(test, train)
    assert json.loads(json.dumps(content, allow_nan=False))["data_range"] == 1
    assert sorted(content["shown_first"]) == sorted(content["most_burned"]) == [0, 1, 2]
    assert 0 < content["change_detection"]["share_changed"] < 0.5


def test_tiles_without_data_cannot_be_judged(train: Path, tmp_path: Path) -> None:
    tiles = make_tiles(1, size=48)
    tiles.sentinel2_t1[:] = np.nan
    write_tiles(tmp_path / "empty.nc", tiles, BANDS, area_grids(train), {})
    with pytest.raises(DataError, match=r"empty\.nc: no pixel has data on both dates"):
        judge(tmp_path / "empty.nc", train)


def test_regression_finds_a_linear_world() -> None:
    """Each band is 0.5 + 0.01 VV(t1) - 0.02 VH(t0) + 0.3 of the band before, in dB."""
    tiles = make_tiles(3)
    first, second = (to_decibel(p, SETTINGS) for p in (tiles.sentinel1_t0, tiles.sentinel1_t1))
    of_radar = 0.5 + 0.01 * second[:, :1] - 0.02 * first[:, 1:]
    linear = replace(tiles, sentinel2_t1=(of_radar + 0.3 * tiles.sentinel2_t0).astype(np.float32))
    # What is under cloud teaches nothing.
    linear.sentinel2_t1[(linear.cloud_t1 == 1)[:, None].repeat(7, axis=1)] = 9
    fitted = Regression.fit([linear], SETTINGS, with_optical=True)
    expected = np.zeros((1 + 4 + 7, 7))
    expected[0], expected[2], expected[3] = 0.5, -0.02, 0.01
    expected[5:] = 0.3 * np.eye(7)
    clear = (linear.cloud_t1 == 0)[:, None].repeat(7, axis=1)
    simulated = fitted.simulate(linear)
    np.testing.assert_allclose(simulated[clear], linear.sentinel2_t1[clear], atol=1e-4)
    assert np.isnan(simulated[:, :, 0, 0]).all()
    np.testing.assert_allclose(fitted.coefficients[1:5], expected[1:5], atol=1e-4)
    radar_only = Regression.fit([linear], SETTINGS, with_optical=False)
    assert radar_only.coefficients.shape == (5, 7)
    assert np.isfinite(radar_only.simulate(linear)).all()


def test_regression_is_the_same_in_pieces() -> None:
    tiles = make_tiles(4)
    halves = [
        Tiles(*(getattr(tiles, n)[part] for n in Tiles.__dataclass_fields__))
        for part in (slice(0, 2), slice(2, 4))
    ]
    whole = Regression.fit([tiles], SETTINGS, with_optical=False)
    pieces = Regression.fit(halves, SETTINGS, with_optical=False)
    np.testing.assert_allclose(pieces.coefficients, whole.coefficients, rtol=1e-6, atol=1e-9)


def test_regression_needs_clear_pixels() -> None:
    tiles = make_tiles(1)
    tiles.cloud_t1[:] = 1
    with pytest.raises(DataError, match="regression: no pixel of the training tiles"):
        Regression.fit([tiles], SETTINGS, with_optical=False)


def test_truth_under_cloud_is_hidden_without_touching_the_inputs(test: Path) -> None:
    for tile in tile_by_tile(test, truth_under_cloud=False):
        hidden = tile.cloud_t1[0] == 1
        assert np.isnan(tile.sentinel2_t1[0][:, hidden]).all()
        assert np.isfinite(tile.sentinel2_t0[0][:, hidden]).all()


def test_mosaics_lie_where_the_tiles_do(test: Path, tmp_path: Path) -> None:
    image, severity = tmp_path / "image.tif", tmp_path / "severity.tif"
    write_mosaics(Oracle(), [test], AREA, image, severity, "dnbr", {"sources": "test"})
    tiles, grid = read_tiles(test), area_grids(test)[AREA]
    with rasterio.open(image) as written:
        assert written.crs == grid.crs and written.transform == grid.transform
        assert written.shape == grid.shape == (48, 144)
        assert written.descriptions == BANDS and written.nodata == 0
        values = written.read()
        assert written.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
        assert written.tags()["FIRN_SOURCES"] == "test"
    for number, truth in enumerate(tiles.sentinel2_t1):
        part = values[:, :, 48 * number : 48 * (number + 1)]
        assert (part[:, 0, 0] == 0).all()
        np.testing.assert_allclose(part[:, 1:] / 1e4, truth[:, 1:], atol=6e-5)
    with rasterio.open(severity) as written:
        classes = written.read(1)
        assert written.nodata == 255 and written.tags()["CATEGORY_3"] == "high"
    change = index_change(tiles.sentinel2_t0[1], tiles.sentinel2_t1[1], BANDS, "dnbr")
    np.testing.assert_array_equal(classes[:, 48:96], severity_classes(change, "dnbr"))


def test_ground_without_tiles_has_no_data(train: Path, tmp_path: Path) -> None:
    tiles, grids = make_tiles(2, size=48), area_grids(train)
    moved = replace(tiles, tile_col=np.array([0, 144], np.int32))
    write_tiles(tmp_path / "gap.nc", moved, BANDS, grids, {})
    image, severity = tmp_path / "image.tif", tmp_path / "severity.tif"
    write_mosaics(CopyOfT0(), [tmp_path / "gap.nc"], AREA, image, severity, "dndvi", {})
    with rasterio.open(image) as written, rasterio.open(severity) as classes:
        assert (written.read()[:, :, 48:144] == 0).all()
        assert (classes.read(1)[:, 48:144] == 255).all()
        assert (classes.read(1)[1:, :48] == 0).all()


def test_unknown_area_is_refused(test: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no tile of any split lies in valley"):
        write_mosaics(
            Oracle(), [test], "valley", tmp_path / "a.tif", tmp_path / "b.tif", "dnbr", {}
        )
    assert not (tmp_path / "a.tif").exists()


def test_stack_values_by_hand() -> None:
    reflectance = np.array([[[0.1234, -0.2, 9.0, np.nan]], [[0.5, 0.0, 0.1, 0.1]]])
    expected = [[[1234, 1, 65534, 0]], [[5000, 1, 1000, 0]]]
    assert to_stack(reflectance).tolist() == expected
