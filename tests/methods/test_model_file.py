"""Model files: what they hold, that they are reproducible, and what is refused."""

import json
import pickle
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from safetensors import safe_open

from firn import __version__, config
from firn.classes import CLASS_NAMES
from firn.config import NetworkSettings
from firn.errors import ModelError
from firn.methods import FITTED, load_model, save_model
from firn.methods.base import ModelCard
from firn.methods.majority import MajorityModel
from firn.methods.model_file import read_tensors, write_tensors
from firn.methods.trained import TRAINED
from firn.methods.unet import UNetModel

CHANNELS = ("XS1", "hillshade", "dem")


def card(method: str, **changes: object) -> ModelCard:
    fields: dict[str, object] = {
        "method": method,
        "sensor": "spot2",
        "bands": CHANNELS[:1],
        "channels": CHANNELS,
        "mean": (0.3, 150.0, 1500.0),
        "std": (0.1, 70.0, 500.0),
        "training": {"run": "intensive", "seed": 3},
        "provenance": {"sources": ["a"]},
    }
    return ModelCard(**(fields | changes))


@pytest.fixture
def unet(tmp_path: Path) -> Path:
    architecture = UNetModel.architecture(NetworkSettings(widths=(2, 3), padding="same"))
    save_model(UNetModel(card("unet", architecture=architecture)), tmp_path / "m.safetensors")
    return tmp_path / "m.safetensors"


def test_model_survives_the_file(unet: Path) -> None:
    model = load_model(unet)
    channels = np.random.default_rng(0).uniform(size=(3, 6, 6)).astype(np.float32)
    save_model(model, unet.with_name("again"))
    again = load_model(unet.with_name("again"))
    np.testing.assert_array_equal(model.predict(channels), again.predict(channels))
    assert again.card == model.card
    assert unet.read_bytes() == unet.with_name("again").read_bytes()


def test_metadata_describe_the_model(unet: Path) -> None:
    with safe_open(unet, framework="numpy") as file:
        metadata = file.metadata()
    assert metadata["method"] == "unet"
    assert metadata["firn_version"] == __version__
    assert json.loads(metadata["architecture"]) == {
        "widths": [2, 3],
        "padding": "same",
        "bilinear": True,
        "pixel_features": 0,
    }
    assert json.loads(metadata["channels"]) == list(CHANNELS)
    assert json.loads(metadata["classes"]) == list(CLASS_NAMES)
    assert len(metadata["digest"]) == 16


def test_temperature_survives_the_file_and_is_1_in_older_ones(unet: Path) -> None:
    model = load_model(unet)
    save_model(type(model).restore(replace(model.card, temperature=1.7), model.tensors()), unet)
    assert load_model(unet).card.temperature == 1.7
    tensors, metadata = read_tensors(unet)
    del metadata["temperature"]
    write_tensors(unet, tensors, metadata)
    assert load_model(unet).card == model.card


def test_same_content_gives_the_same_bytes(tmp_path: Path) -> None:
    """The library orders the metadata anew at each call, so one repetition would prove little."""
    for attempt in range(6):
        tensors = {c: np.arange(3.0) for c in "badc"}
        write_tensors(tmp_path / f"{attempt}", tensors, dict.fromkeys("hgfeji", "x"))
    assert len({(tmp_path / f"{attempt}").read_bytes() for attempt in range(6)}) == 1
    tensors, metadata = read_tensors(tmp_path / "0")
    assert sorted(metadata) == list("efghij")
    np.testing.assert_array_equal(tensors["d"], [0, 1, 2])


def test_pickle_is_refused(tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return (Path.touch, (tmp_path / "sprung",))

    path = tmp_path / "model.safetensors"
    path.write_bytes(pickle.dumps(Trap()))
    with pytest.raises(ModelError, match="is not a whole safetensors file"):
        load_model(path)
    assert not (tmp_path / "sprung").exists()


def test_truncated_file_is_refused(unet: Path) -> None:
    content = unet.read_bytes()
    unet.write_bytes(content[:-10])
    with pytest.raises(ModelError, match=r"m\.safetensors: is not a whole"):
        load_model(unet)


def test_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"none\.safetensors: no such model file"):
        load_model(tmp_path / "none.safetensors")


def test_foreign_safetensors_are_refused(tmp_path: Path) -> None:
    write_tensors(tmp_path / "m", {"x": np.zeros(2)}, {"format": "pt"})
    with pytest.raises(ModelError, match="not those of a firn model"):
        load_model(tmp_path / "m")


def test_unknown_method_is_refused(tmp_path: Path) -> None:
    save_model(MajorityModel(card("no-such-method"), np.array([1, 2, 3])), tmp_path / "m")
    with pytest.raises(ModelError, match=r"m: method no-such-method: unknown; firn knows unet"):
        load_model(tmp_path / "m")


def test_weights_must_fit_the_architecture(unet: Path) -> None:
    tensors, metadata = read_tensors(unet)
    del tensors["head.weight"]
    write_tensors(unet, tensors, metadata)
    with pytest.raises(ModelError, match=r"m\.safetensors: its weights do not fit"):
        load_model(unet)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"channels": ("XS1", "dem", "hillshade")}, "are not the bands"),
        ({"mean": (0.3,)}, "1 means"),
        ({"classes": ("snow", "cloud", "ground")}, "are not firn's"),
        ({"temperature": 0.0}, "temperature of 0.0 is not positive"),
    ],
)
def test_card_must_be_consistent(change: dict[str, object], message: str) -> None:
    with pytest.raises(ModelError, match=message):
        card("unet", **change)


def test_every_configurable_method_is_registered() -> None:
    assert set(config.METHODS) == {*FITTED, *TRAINED}
