"""The quality gate tells a good model from a bad one, and the bad one's maps say so."""

import logging
from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

from firn.clouddl.gate import judge, stamp
from firn.clouddl.scores import cloud_scores
from firn.clouddl_config import CloudDL, Gate
from firn.config import InferenceSettings
from firn.files import read_json
from firn.inference import Surroundings, classify_scene
from firn.methods import load_model
from firn.products.swh import open_swh

GOOD = {"a": np.array([[50, 40, 2], [0, 0, 0], [3, 0, 97]])}
BAD = {"a": np.array([[50, 40, 2], [0, 0, 0], [50, 0, 50]])}


def test_gate_passes_a_good_model_and_fails_a_bad_one() -> None:
    gate = Gate(f2=0.9, precision=0.9)
    assert judge(cloud_scores(GOOD), gate)["released"]
    verdict = judge(cloud_scores(BAD), gate)
    assert not verdict["released"]
    checks = {check["score"]: check for check in verdict["checks"]}
    assert checks["precision"]["passed"]
    assert checks["f2"] == {
        "score": "f2",
        "value": pytest.approx(250 / (250 + 200 + 2)),
        "at_least": 0.9,
        "passed": False,
    }


def test_score_without_value_passes_no_threshold_but_none() -> None:
    free = {"a": np.array([[90, 0, 0], [0, 0, 0], [0, 0, 0]])}
    assert not judge(cloud_scores(free), Gate(f2=0.1))["released"]
    assert judge(cloud_scores(free), Gate(f2=0))["released"]


def test_each_sensor_may_have_a_gate_of_its_own() -> None:
    settings = CloudDL(gates={"default": Gate(f2=0.8), "spot4": Gate(f2=0.9)})
    assert (settings.gate("spot4").f2, settings.gate("spot2").f2) == (0.9, 0.8)
    with pytest.raises(ValidationError, match="needs one named default"):
        CloudDL(gates={"spot4": Gate()})


def test_maps_of_a_model_that_is_not_released_say_so(
    tmp_path: Path, snowy_model: Path, caplog: pytest.LogCaptureFixture
) -> None:
    import minimal_products

    bands = {name: np.full((64, 64), 300, np.uint16) for name in ("XS1", "XS2", "XS3")}
    name = "SPOT2-HRV1-XS_19900614-110246-780_L1C_039-264-0_D_V1-0"
    product = minimal_products.swh(tmp_path, bands, dict.fromkeys(bands, 0.6), name=name)
    told = {}
    for released in (None, True, False):
        path = tmp_path / f"{released}.safetensors"
        if released is None:
            path = snowy_model
        else:
            stamp(snowy_model, {"released": released}, path)
        model = load_model(path)
        assert model.card.released is released
        caplog.clear()
        with caplog.at_level(logging.WARNING):
            folder = tmp_path / str(released)
            settings = InferenceSettings(window=64)
            classify_scene(open_swh(product), {folder: model}, Surroundings(2000.0), settings)
        told[released] = "is not released" in caplog.text
        properties = read_json(folder / "item.json")["properties"]
        assert properties.get("firn:released") is released
    assert told == {None: False, True: False, False: True}
