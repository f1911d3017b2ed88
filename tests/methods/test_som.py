"""The fine-tuned self-organising map as a method."""

from pathlib import Path

import numpy as np
import pytest

from firn.classes import CLASS_NAMES, SurfaceClass
from firn.companions_config import SomSettings
from firn.errors import ModelError
from firn.methods import load_model, save_model
from firn.methods.base import ModelCard
from firn.methods.som import (
    SomModel,
    Thinned,
    Tuning,
    bright_shares,
    describe,
    elected,
    filtered,
    flip_reasons,
    neurons_to_flip,
    scaled,
    weighted_votes,
)
from firn.sensors import load_sensor

RELIEF = ("hillshade", "dem")
SIX = ("land", "water", "shadow", "cirrus", "opaque cloud", "snow")
STANDS_FOR = ("ground", "ground", "ground", "cloud", "cloud", "snow")
CODES = np.array([CLASS_NAMES.index(name) for name in STANDS_FOR], np.uint8)
GROUND, SNOW, CLOUD = SurfaceClass


def card(settings: SomSettings, classes: tuple[str, ...], stands_for: tuple[str, ...]) -> ModelCard:
    bands = ("A", "B")
    return ModelCard(
        method="som",
        sensor="two",
        bands=bands,
        channels=(*bands, *RELIEF),
        mean=[0.0] * 4,
        std=[1.0] * 4,
        architecture=describe(settings, classes, stands_for),
    )


#: Ground, snow and cloud of a small world, and cloud that looks like bright rock.
CENTRES = {GROUND: (0.1, 0.1), SNOW: (0.8, 0.1), CLOUD: (0.6, 0.6)}
SMALL = SomSettings(rows=6, columns=5, epochs=12, median=1, dilation=1)


def spectra(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    classes = rng.integers(0, 3, count).astype(np.uint8)
    at = np.array([CENTRES[SurfaceClass(c)] for c in classes])
    return (at + 0.03 * rng.standard_normal(at.shape)).astype(np.float32), classes


def trained(tuning: Tuning | None = None, settings: SomSettings = SMALL) -> SomModel:
    values, classes = spectra(3000, 1)
    none = Tuning(np.empty((0, 2), np.float32), np.empty((0, 2), np.float32))
    whole = card(settings, CLASS_NAMES, CLASS_NAMES)
    return SomModel.train(whole, values, classes, tuning or none, settings)


def image_of(values: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Channels, (channel, y, x), of spectra with a relief."""
    image = values.T.reshape(2, *shape)
    return np.concatenate([image, np.zeros((2, *shape), np.float32)])


def test_votes_by_hand() -> None:
    hits = np.array(
        [
            [5, 0, 0, 4, 0, 0],  # land
            [0, 0, 0, 3, 0, 2],  # cirrus
            [0, 0, 0, 1, 0, 2],  # snow
            [2, 0, 0, 2, 0, 0],  # a tie: clear
            [0, 0, 0, 4, 4, 0],  # a tie of two clouds: clear, as published
            [0, 0, 0, 0, 0, 0],  # nothing: clear
        ]
    )
    expected = [GROUND, CLOUD, SNOW, GROUND, GROUND, GROUND]
    np.testing.assert_array_equal(elected(hits.astype(float), CODES), expected)


def test_votes_with_correction_count_a_rare_class_as_much() -> None:
    """Half of all cirrus against a tenth of all land."""
    hits = np.array([[9, 0, 0, 5, 0, 0], [81, 0, 0, 5, 0, 0]])
    np.testing.assert_array_equal(elected(weighted_votes(hits, False), CODES), [GROUND, GROUND])
    np.testing.assert_array_equal(elected(weighted_votes(hits, True), CODES), [CLOUD, GROUND])


def test_neurons_turn_by_share_under_a_bound() -> None:
    """Of 100 bright and 1000 cloud spectra: shares by hand, and a budget of 30 of the cloud."""
    met = np.array([[50, 10], [30, 15], [10, 25], [10, 150], [0, 800]])
    shares = bright_shares(met)
    np.testing.assert_allclose(shares[0], 0.5 / 0.51)
    np.testing.assert_allclose(shares[3], 0.1 / 0.25)
    cloudy = np.ones(5, bool)
    # The third would cost 25 more, and is passed over; the fourth and fifth are mostly cloud.
    np.testing.assert_array_equal(
        neurons_to_flip(met, cloudy, 0.5, 0.03), [True, True, False, False, False]
    )
    np.testing.assert_array_equal(
        neurons_to_flip(met, cloudy, 0.5, 0.05), [True, True, True, False, False]
    )
    assert not neurons_to_flip(met, ~cloudy, 0.5, 1.0).any()
    assert not neurons_to_flip(met, cloudy, 0.99, 1.0).any()
    assert not neurons_to_flip(np.zeros((5, 2), int), cloudy, 0.0, 1.0).any()


def test_a_neuron_turns_where_bright_rock_was_taken_for_cloud() -> None:
    rng = np.random.default_rng(4)
    rock = (np.array([0.55, 0.52]) + 0.01 * rng.standard_normal((400, 2))).astype(np.float32)
    cloud = spectra(4000, 9)[0][spectra(4000, 9)[1] == CLOUD]
    settings = SMALL.model_copy(update={"recall_loss": 0.3})
    before = trained()
    model = trained(Tuning(rock, cloud), settings)
    assert (before.neuron_class[before.neurons(rock)] == CLOUD).mean() > 0.9
    assert (model.neuron_class[model.neurons(rock)] == CLOUD).mean() < 0.6
    lost = (model.neuron_class[model.neurons(cloud)] != CLOUD).mean()
    lost -= (before.neuron_class[before.neurons(cloud)] != CLOUD).mean()
    assert 0 <= lost <= settings.recall_loss
    reasons = flip_reasons(model)
    assert len(reasons) == model.flipped.sum() > 0
    assert sum(r["cloud_share"] for r in reasons) == pytest.approx(lost, abs=1e-9)
    assert all(r["bright_share"] > settings.bright_share for r in reasons)
    assert all(r["neuron"] == r["row"] * 5 + r["column"] for r in reasons)
    # Stage 2 is there still.
    assert not model.voted(prior_correction=False).flipped.any()


def test_classes_are_found_and_missing_data_gives_no_nan() -> None:
    model = trained()
    values, classes = spectra(600, 2)
    channels = image_of(values, (20, 30))
    channels[1, 3, 4] = np.nan
    probabilities = model.predict(channels)
    assert probabilities.shape == (3, 20, 30)
    np.testing.assert_array_equal(probabilities.sum(axis=0), 1)
    right = probabilities.argmax(axis=0) == classes.reshape(20, 30)
    right[3, 4] = True
    assert right.mean() > 0.99


def test_a_window_is_the_same_part_of_the_whole() -> None:
    settings = SomSettings(rows=6, columns=5, epochs=12, median=3, dilation=5)
    model = trained(settings=settings)
    assert model.margin == 3
    channels = image_of(spectra(40 * 30, 5)[0], (40, 30))
    whole = model.predict(channels)
    np.testing.assert_array_equal(model.predict(channels, (10, 8, 12, 9)), whole[:, 10:22, 8:17])
    # Beyond the margin nothing matters.
    part = model.predict(channels[:, 7:25, 5:20], (3, 3, 12, 9))
    np.testing.assert_array_equal(part, whole[:, 10:22, 8:17])


def test_filters_by_hand() -> None:
    """A lone pixel goes, and the corners of a square of 4 x 4; dilation adds a rim."""
    cloud = np.zeros((12, 12), bool)
    cloud[1, 1] = True
    cloud[5:9, 5:9] = True
    assert filtered(cloud, 1, 1).sum() == 17
    smooth = filtered(cloud, 3, 1)
    assert smooth.sum() == 12
    assert not smooth[1, 1] and not smooth[5, 5] and smooth[5, 6]
    assert filtered(cloud, 3, 3).sum() == 32


def test_what_the_median_takes_from_cloud_has_the_neurons_clear_class() -> None:
    values = np.tile(np.array([[0.8, 0.1]], np.float32), (49, 1))
    values[24] = (0.6, 0.6)
    settings = SomSettings(rows=6, columns=5, epochs=12, median=3, dilation=1)
    model = trained(settings=settings)
    channels = image_of(values, (7, 7))
    assert model.unfiltered().predict(channels).argmax(axis=0)[3, 3] == CLOUD
    neuron = model.neurons(values[24:25])[0]
    found = model.predict(channels).argmax(axis=0)
    assert found[3, 3] == model.clear_class[neuron] != CLOUD
    assert (np.delete(found.ravel(), 24) == SNOW).all()


def test_model_survives_its_file(tmp_path: Path) -> None:
    rng = np.random.default_rng(4)
    model = trained(Tuning(rng.random((50, 2)).astype(np.float32), spectra(100, 8)[0]))
    path = tmp_path / "model.safetensors"
    save_model(model, path)
    again = load_model(path)
    assert isinstance(again, SomModel)
    channels = image_of(spectra(100, 3)[0], (10, 10))
    np.testing.assert_array_equal(model.predict(channels), again.predict(channels))
    np.testing.assert_array_equal(model.flipped, again.flipped)


@pytest.mark.parametrize("name", ["weights", "low", "hits", "flipped", "met"])
def test_a_part_that_is_missing_or_of_another_shape_is_told(name: str) -> None:
    model = trained()
    tensors = model.tensors()
    with pytest.raises(ModelError, match="holds no whole self-organising map"):
        SomModel.restore(model.card, {n: v for n, v in tensors.items() if n != name})
    with pytest.raises(ModelError, match="does not fit its architecture"):
        SomModel.restore(model.card, tensors | {name: tensors[name][:1]})


def test_thinned_spectra_are_every_so_many() -> None:
    thinned = Thinned(10, 1)
    for start in range(0, 100, 7):
        block = np.arange(start, min(start + 7, 100), dtype=np.float32)
        thinned.add(block[:, None], (block % 3).astype(np.uint8), start)
    values, classes, patches = thinned.values()
    assert thinned.step == 16
    np.testing.assert_array_equal(values[:, 0], np.arange(0, 100, 16))
    np.testing.assert_array_equal(classes, values[:, 0] % 3)
    np.testing.assert_array_equal(patches, values[:, 0] // 7 * 7)


def test_scaling_by_hand() -> None:
    low, high = np.array([0.1, 0.3], np.float32), np.array([0.5, 0.3], np.float32)
    np.testing.assert_allclose(
        scaled(np.array([[0.3, 0.3], [0.7, 9.0]], np.float32), low, high),
        [[0.5, 0], [1.5, 0]],
        rtol=1e-6,
    )


def test_fit_for_spot_holds_out_the_last_fifth_of_the_patches() -> None:
    sensor = load_sensor("spot4")
    bands = sensor.band_names
    channels = (*bands, *RELIEF)
    whole = ModelCard(
        method="som",
        sensor="spot4",
        bands=bands,
        channels=channels,
        mean=[0.0] * 6,
        std=[1.0] * 6,
        architecture=SomModel.architecture(sensor),
    )
    rng = np.random.default_rng(1)
    look = {GROUND: (0.1, 0.1, 0.2, 0.2), SNOW: (0.8, 0.8, 0.7, 0.1), CLOUD: (0.6, 0.6, 0.6, 0.5)}

    def patch() -> tuple[np.ndarray, np.ndarray]:
        labels = rng.choice([0, 1, 2, 255], (16, 16)).astype(np.uint8)
        image = np.zeros((6, 16, 16), np.float32)
        for surface, reflectance in look.items():
            image[:4, labels == surface] = np.array(reflectance)[:, None]
        image[:4] += 0.02 * rng.standard_normal((4, 16, 16)).astype(np.float32)
        image[0, 0, 0] = np.nan
        return image, labels

    patches = [patch() for _ in range(10)]
    model = SomModel.fit(whole, patches)
    held = patches[8:]
    usable = [(labels < 3) & np.isfinite(image[0]) for image, labels in patches]
    fitted = sum(int(u.sum()) for u in usable[:8])
    assert model.hits.sum() == fitted
    clouds = sum(int(((labels == 2) & np.isfinite(image[0])).sum()) for image, labels in held)
    assert model.met[:, 1].sum() == clouds
    image, labels = patch()
    found = model.unfiltered().predict(image).argmax(axis=0)
    use = (labels < 3) & np.isfinite(image[0])
    assert (found == labels)[use].mean() > 0.99


def test_fit_needs_a_label() -> None:
    with pytest.raises(ModelError, match="no training pixel is labelled"):
        SomModel.fit(card(SMALL, CLASS_NAMES, CLASS_NAMES), [])
