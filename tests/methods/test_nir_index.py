"""Snow by the difference of visible and near infrared."""

from pathlib import Path

import numpy as np
import pytest

from firn.errors import ModelError
from firn.methods import ModelCard, load_model, save_model
from firn.methods.nir_index import (
    BRIGHTNESS_CANDIDATES,
    INDEX_CANDIDATES,
    NirIndexModel,
    confusions,
    features,
)
from firn.sensors import load_sensor


def card() -> ModelCard:
    bands = ["XS1", "XS2", "XS3"]
    return ModelCard(
        method="nir-index",
        sensor="spot2",
        bands=bands,
        channels=[*bands, "hillshade", "dem"],
        mean=[0.0] * 5,
        std=[1.0] * 5,
        architecture=NirIndexModel.architecture(load_sensor("spot2")),
    )


def image(*pixels: tuple[float, float]) -> np.ndarray:
    """One row of pixels, (green, near infrared)."""
    green, nir = np.array(pixels, np.float32).T
    zeros = np.zeros_like(green)
    return np.stack([green, zeros, nir, zeros, zeros])[:, None]


#: Snow, plants, dark water with a high index, bright soil, cloud that looks like snow.
PIXELS = ((0.8, 0.7), (0.1, 0.4), (0.05, 0.02), (0.4, 0.5), (0.9, 0.85))
LABELS = np.array([[1, 0, 0, 0, 2]], np.uint8)


def test_bands_are_those_of_the_index() -> None:
    assert card().architecture == {"green": "XS1", "nir": "XS3"}


def test_index_by_hand() -> None:
    green, index = features(card(), image((0.8, 0.7), (0.0, 0.0), (np.nan, 0.3)))
    np.testing.assert_allclose(green, [[0.8, 0, np.nan]])
    np.testing.assert_allclose(index, [[0.1 / 1.5, 0, np.nan]], rtol=1e-6)


def test_matrices_of_thresholds_are_those_of_counting() -> None:
    rng = np.random.default_rng(1)
    counts = rng.integers(0, 9, (2, 4, 3)).astype(float)
    result = confusions(counts)
    assert result.shape == (3, 2, 2, 2)
    for brightness in range(3):
        for index in range(2):
            snow = counts[:, brightness + 1 :, index + 1 :].sum(axis=(1, 2))
            np.testing.assert_array_equal(result[brightness, index, :, 1], snow)
            np.testing.assert_array_equal(
                result[brightness, index].sum(axis=1), counts.sum(axis=(1, 2))
            )


def test_fit_separates_snow_from_ground_and_leaves_cloud_out(tmp_path: Path) -> None:
    model = NirIndexModel.fit(card(), [(image(*PIXELS), LABELS)])
    # Water is as high in the index as snow, soil as bright as need be: both thresholds matter.
    brightness, index = model.thresholds
    assert 0.05 <= brightness < 0.8
    assert -1 / 9 <= index < 1 / 15
    assert np.float32(brightness) in BRIGHTNESS_CANDIDATES
    assert np.float32(index) in INDEX_CANDIDATES
    save_model(model, tmp_path / "m")
    again = load_model(tmp_path / "m")
    assert again.predict(image(*PIXELS)).argmax(axis=0).tolist() == [[1, 0, 0, 0, 1]]
    assert again.predict(image(*PIXELS), (0, 3, 1, 2)).argmax(axis=0).tolist() == [[0, 1]]


def test_cloud_alone_cannot_be_fitted() -> None:
    with pytest.raises(ModelError, match="no training pixel is labelled ground or snow"):
        NirIndexModel.fit(card(), [(image((0.9, 0.8)), np.array([[2]], np.uint8))])


def test_sensor_without_near_infrared_is_refused() -> None:
    sensor = load_sensor("spot2")
    visible = sensor.model_copy(update={"bands": sensor.bands[:2]})
    with pytest.raises(ModelError, match="spot2: has no near infrared"):
        NirIndexModel.architecture(visible)
