"""The store of the maps that batches make: what is found again, and what is made anew."""

import os
from dataclasses import replace
from pathlib import Path

import minimal_products
import numpy as np
import pytest
from minimal_products import EPSG, full
from rasterio.crs import CRS

from firn import raster
from firn.batch_maps import FILES, BatchClassifier, SceneTask
from firn.config import InferenceSettings
from firn.grid import Grid
from firn.inference import Surroundings
from firn.methods import load_model
from firn.sensors import load_sensor

BANDS = ("XS1", "XS2", "XS3")
SHAPE = (12, 12)
GRID = Grid(CRS.from_epsg(EPSG), minimal_products.transform(20), *SHAPE)
NAME = "SPOT2-HRV1-XS_19900614-110246-780_L1C_039-264-0_D_V1-0"


@pytest.fixture
def task(tmp_path: Path) -> SceneTask:
    bands = {band: full(SHAPE, 300, "uint16") for band in BANDS}
    product = minimal_products.swh(tmp_path, bands, dict.fromkeys(BANDS, 0.6), name=NAME)
    raster.write(tmp_path / "dem.tif", np.full(SHAPE, 2000, np.float32), GRID)
    return SceneTask(NAME, minimal_products.zip_folder(product), Surroundings(tmp_path / "dem.tif"))


@pytest.fixture
def classifier(tmp_path: Path, snowy_model: Path) -> BatchClassifier:
    models = {"baseline-majority-spot2": load_model(snowy_model)}
    settings = InferenceSettings(nodata_buffer=0)
    return BatchClassifier(
        models, load_sensor("spot2"), settings, "code", tmp_path / "run", tmp_path / "logs"
    )


def stored(classifier: BatchClassifier) -> list[Path]:
    return list((classifier.root / "store/baseline-majority-spot2" / NAME).iterdir())


def test_map_is_linked_from_the_store(classifier: BatchClassifier, task: SceneTask) -> None:
    assert [outcome.state for outcome in classifier.classify([task])] == ["mapped"]
    (folder,) = stored(classifier)
    published = classifier.root / "maps/baseline-majority-spot2" / NAME
    for name in FILES:
        assert (published / name).resolve() == folder / name
    assert (raster.read(published / "snow.tif").values == 100).all()
    # The whole run can be moved.
    classifier.root.rename(classifier.root.with_name("elsewhere"))
    assert (Path(str(published).replace("/run/", "/elsewhere/")) / "item.json").is_file()


@pytest.mark.parametrize("change", ["settings", "code", "product"])
def test_map_is_made_anew_when_what_it_is_made_of_changes(
    classifier: BatchClassifier, task: SceneTask, change: str
) -> None:
    list(classifier.classify([task]))
    (before,) = stored(classifier)
    list(classifier.classify([task]))
    assert stored(classifier) == [before]
    if change == "settings":
        settings = InferenceSettings(nodata_buffer=0, low_confidence=0.9)
        classifier = replace(classifier, settings=settings)
    elif change == "code":
        classifier = replace(classifier, code="other")
    else:
        os.utime(task.product, ns=(0, 0))
    list(classifier.classify([task]))
    (after,) = stored(classifier)
    assert after != before, "and the outdated one is removed"


def test_scenes_at_the_same_time_give_the_same_maps(
    tmp_path: Path, classifier: BatchClassifier, task: SceneTask
) -> None:
    """Five scenes, one of which is missing, by three threads and by one."""
    others = [NAME.replace("780", str(number)) for number in range(781, 784)]
    tasks = [task, replace(task, scene_id="absent", product=tmp_path / "absent.zip")]
    for other in others:
        bands = {band: full(SHAPE, 300, "uint16") for band in BANDS}
        product = minimal_products.swh(tmp_path, bands, dict.fromkeys(BANDS, 0.6), name=other)
        path = minimal_products.zip_folder(product)
        tasks.append(SceneTask(other, path, task.surroundings))
    told = {}
    for threads in (3, 1):
        root = tmp_path / str(threads)
        outcomes = list(replace(classifier, root=root, threads=threads).classify(tasks))
        assert [outcome.scene_id for outcome in outcomes] == [t.scene_id for t in tasks]
        states = [outcome.state for outcome in outcomes]
        assert states == ["mapped", "failed", "mapped", "mapped", "mapped"]
        told[threads] = {
            path.relative_to(root): path.read_bytes()
            for path in sorted((root / "maps").rglob("*.tif"))
        }
    assert len(told[3]) == 4 * 3
    assert told[3] == told[1]


def test_missing_product_costs_its_scene_only(classifier: BatchClassifier, task: SceneTask) -> None:
    absent = replace(task, product=Path("absent.zip"))
    outcomes = classifier.classify([absent, task])
    failed = next(outcomes)
    assert failed.state == "failed"
    assert failed.reason.startswith("absent.zip: cannot be read (No such file or directory); put")
    assert "Traceback" in Path(failed.log).read_text()
    assert next(outcomes).state == "mapped"
    assert not Path(failed.log).exists(), "the log of a scene that was mapped since is removed"


def test_defect_names_its_kind(
    classifier: BatchClassifier, task: SceneTask, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full_disk(*arguments: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("firn.batch_maps.classify_scene", full_disk)
    (outcome,) = classifier.classify([task])
    assert outcome.reason == "OSError: [Errno 28] No space left on device"
    assert stored(classifier) == []


def test_two_jobs_of_one_scene_do_not_disturb_each_other(
    classifier: BatchClassifier, task: SceneTask, monkeypatch: pytest.MonkeyPatch
) -> None:
    from firn import batch_maps

    real = batch_maps.classify_scene

    def after_the_other(*arguments: object) -> None:
        monkeypatch.setattr("firn.batch_maps.classify_scene", real)
        assert [outcome.state for outcome in classifier.classify([task])] == ["mapped"]
        real(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr("firn.batch_maps.classify_scene", after_the_other)
    assert [outcome.state for outcome in classifier.classify([task])] == ["mapped"]
    (folder,) = stored(classifier)
    assert {path.name for path in folder.iterdir()} == set(FILES)
