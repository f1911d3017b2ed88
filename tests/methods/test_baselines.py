"""The baselines without context: majority, threshold, pixel."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from firn.config import NetworkSettings
from firn.confusion import confusion_matrix, kappa
from firn.errors import ModelError
from firn.methods.base import ModelCard
from firn.methods.majority import MajorityModel
from firn.methods.pixel import PixelModel
from firn.methods.threshold import (
    BRIGHTNESS_CANDIDATES,
    ELEVATION_CANDIDATES,
    INDEX_CANDIDATES,
    ThresholdModel,
    confusions,
    histogram,
)
from firn.sensors import Band, Sensor, load_sensor

RELIEF = ("hillshade", "dem")


def card(sensor: str) -> ModelCard:
    bands = load_sensor(sensor).band_names
    channels = (*bands, *RELIEF)
    return ModelCard(
        method="baseline-threshold",
        sensor=sensor,
        bands=bands,
        channels=channels,
        mean=[0.0] * len(channels),
        std=[1.0] * len(channels),
        architecture=ThresholdModel.architecture(load_sensor(sensor)),
    )


def pixels(*columns: tuple[float, ...]) -> np.ndarray:
    """Channels (channel, 1, pixel) from one tuple per pixel."""
    return np.array(columns, np.float32).T[:, None, :]


def test_majority_gives_the_shares_everywhere() -> None:
    labels = np.array([[0, 0, 0, 1], [2, 0, 255, 255]], np.uint8)
    model = MajorityModel.fit(card("spot2"), [(np.zeros((5, 2, 4), np.float32), labels)])
    probabilities = model.predict(np.full((5, 7, 6), np.nan, np.float32), (1, 1, 2, 3))
    assert probabilities.shape == (3, 2, 3)
    np.testing.assert_allclose(probabilities[:, 1, 2], [4 / 6, 1 / 6, 1 / 6])


def test_majority_needs_a_label() -> None:
    with pytest.raises(ModelError, match="not all zero"):
        MajorityModel.fit(card("spot2"), [])


def test_band_roles_follow_from_wavelengths() -> None:
    assert card("spot2").architecture == {"visible": ["XS1", "XS2"], "green": "XS1", "swir": None}
    assert card("spot4").architecture["swir"] == "SWIR"
    infrared = Sensor(
        name="x",
        platform="X",
        instruments=("X",),
        pixel_size=20,
        bands=(Band(name="N", centre_nm=840, width_nm=100),),
    )
    with pytest.raises(ModelError, match="no band below 700 nm"):
        ThresholdModel.architecture(infrared)


def test_threshold_without_swir_by_hand() -> None:
    """Dark is ground; bright is snow above 2000 m and cloud below."""
    channels = pixels(
        (0.1, 0.1, 0.4, 150, 2500),
        (0.5, 0.7, 0.5, 150, 2500),
        (0.7, 0.5, 0.5, 150, 1500),
        (0.1, 0.1, 0.2, 150, 500),
    )
    labels = np.array([[0, 1, 2, 0]], np.uint8)
    model = ThresholdModel.fit(card("spot2"), [(channels, labels)])
    np.testing.assert_array_equal(model.predict(channels).argmax(axis=0), labels)
    brightness, _, elevation = model.thresholds
    assert 0.1 <= brightness < 0.6
    assert 1500 <= elevation < 2500
    again = ThresholdModel.restore(model.card, model.tensors())
    np.testing.assert_array_equal(again.predict(channels), model.predict(channels))


def test_threshold_with_swir_by_hand() -> None:
    """Bright: NDSI (0.6 - 0.1) / 0.7 = 0.71 is snow, (0.6 - 0.5) / 1.1 = 0.09 is cloud."""
    channels = pixels(
        (0.6, 0.6, 0.5, 0.1, 150, 1000),
        (0.6, 0.6, 0.5, 0.5, 150, 3000),
        (0.1, 0.1, 0.2, 0.02, 150, 3000),
    )
    labels = np.array([[1, 2, 0]], np.uint8)
    model = ThresholdModel.fit(card("spot4"), [(channels, labels)])
    np.testing.assert_array_equal(model.predict(channels).argmax(axis=0), labels)
    assert 0.09 <= model.thresholds[1] < 0.71


def test_threshold_with_swir_needs_elevation_as_well() -> None:
    """Three bright pixels of one high index: the lowest is an ice cloud in a valley."""
    channels = pixels(
        (0.6, 0.6, 0.5, 0.1, 150, 2500),
        (0.6, 0.6, 0.5, 0.1, 150, 1000),
        (0.6, 0.6, 0.5, 0.5, 150, 3000),
        (0.1, 0.1, 0.2, 0.02, 150, 3000),
    )
    labels = np.array([[1, 2, 2, 0]], np.uint8)
    model = ThresholdModel.fit(card("spot4"), [(channels, labels)])
    np.testing.assert_array_equal(model.predict(channels).argmax(axis=0), labels)
    assert 1000 <= model.thresholds[2] < 2500


def test_threshold_never_gives_nan() -> None:
    model = ThresholdModel(card("spot4"), 0.3, 0.4, 1000)
    channels = np.full((6, 2, 2), np.nan, np.float32)
    channels[:, 0, 0] = 0
    np.testing.assert_array_equal(model.predict(channels).sum(axis=0), 1)


def test_threshold_ignores_unlabelled_pixels() -> None:
    channels = pixels((0.1, 0.1, 0.1, 1, 1), (0.5, 0.5, 0.5, 1, 1))
    with pytest.raises(ModelError, match="no training pixel is labelled"):
        ThresholdModel.fit(card("spot2"), [(channels, np.full((1, 2), 255, np.uint8))])


@settings(max_examples=10)
@given(st.integers(0, 2**32 - 1), st.integers(0, 98), st.integers(0, 98), st.integers(0, 100))
def test_grid_search_counts_what_the_rule_predicts(
    seed: int, first: int, second: int, third: int
) -> None:
    """The confusion of any thresholds is that of classifying with them."""
    rng = np.random.default_rng(seed)
    swir, elevation = rng.uniform(0, 1.1, 60), rng.uniform(0, 5200, 60)
    channels = np.stack([*[rng.uniform(0, 1.1, 60)] * 3, swir, np.ones(60), elevation])
    # Some values lie on candidates.
    channels[:2, :9] = BRIGHTNESS_CANDIDATES[first]
    channels[5, 5:20] = ELEVATION_CANDIDATES[third]
    channels = channels.astype(np.float32)[:, None, :]
    labels = rng.choice([0, 1, 2, 255], (1, 60)).astype(np.uint8)
    candidates = (BRIGHTNESS_CANDIDATES, INDEX_CANDIDATES, ELEVATION_CANDIDATES)
    counts = histogram(card("spot4"), candidates, [(channels, labels)])
    chosen = (float(c[i]) for c, i in zip(candidates, (first, second, third), strict=True))
    predicted = ThresholdModel(card("spot4"), *chosen).predict(channels).argmax(axis=0)
    np.testing.assert_array_equal(
        confusions(counts)[first, second, third], confusion_matrix(labels, predicted)
    )


def test_pixel_network_sees_one_pixel() -> None:
    names = ("XS1", "XS2", "XS3", *RELIEF)
    model = PixelModel(
        ModelCard(
            method="baseline-pixel",
            sensor="spot2",
            bands=names[:3],
            channels=names,
            mean=[0.0] * 5,
            std=[1.0] * 5,
            architecture=PixelModel.architecture(NetworkSettings()),
        )
    )
    channels = np.random.default_rng(1).normal(size=(5, 6, 7)).astype(np.float32)
    before = model.predict(channels)
    channels[:, 3, 4] += 1
    changed = np.abs(model.predict(channels) - before).max(axis=0) > 1e-6
    assert changed[3, 4] and changed.sum() == 1
    assert (model.margin, model.lost, model.alignment) == (0, 0, 1)


def test_kappa_by_hand() -> None:
    """Agreement 0.7; by chance (0.5 x 0.6 + 0.5 x 0.4) = 0.5; kappa = 0.2 / 0.5 = 0.4."""
    matrix = np.array([[40, 10, 0], [20, 30, 0], [0, 0, 0]])
    assert kappa(matrix) == pytest.approx(0.4)
    assert np.isnan(kappa(np.diag([5, 0, 0])))


@given(
    hnp.arrays(np.uint8, (4, 5), elements=st.sampled_from([0, 1, 2, 255])),
    hnp.arrays(np.uint8, (4, 5), elements=st.sampled_from([0, 1, 2, 255])),
)
def test_confusion_matrix_counts_each_pair(reference: np.ndarray, predicted: np.ndarray) -> None:
    matrix = confusion_matrix(reference, predicted)
    for i in range(3):
        for j in range(3):
            assert matrix[i, j] == ((reference == i) & (predicted == j)).sum()
