"""Temperature of a network's logits."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.special import log_softmax, softmax
from training_world import preliminary, world

from firn.training.calibration import TEMPERATURES, fit_temperature
from firn.training.passes import Passes


def test_temperature_by_hand() -> None:
    """Logits (4, 0, 0) that are right on 80 of 100 pixels, the others shared.

    Softmax gives e^(4/T) / (e^(4/T) + 2) = 0.8 where 4 / T = ln 8.
    """
    logits = np.tile([4.0, 0.0, 0.0], (100, 1))
    labels = np.repeat([0, 1, 2], (80, 10, 10)).astype(np.uint8)
    assert fit_temperature(logits, labels) == pytest.approx(4 / np.log(8), rel=1e-4)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
def test_temperature_of_drawn_labels_is_found_again(temperature: float) -> None:
    rng = np.random.default_rng(1)
    logits = rng.normal(0, 3, (50_000, 3))
    shares = softmax(logits / temperature, axis=1).cumsum(axis=1)
    labels = (rng.random((len(logits), 1)) > shares).sum(axis=1).astype(np.uint8)
    assert fit_temperature(logits, labels) == pytest.approx(temperature, rel=0.03)


def test_temperature_stays_within_its_bounds() -> None:
    logits = np.tile([0.5, 0.0, 0.0], (50, 1))
    right, wrong = np.zeros(50, np.uint8), np.ones(50, np.uint8)
    assert fit_temperature(logits, right) == pytest.approx(TEMPERATURES[0], rel=1e-3)
    assert fit_temperature(logits, wrong) == pytest.approx(TEMPERATURES[1], rel=1e-3)


def test_logits_are_sampled_evenly_and_only_where_labelled() -> None:
    data = world()
    passes = Passes(preliminary(), data, preliminary().model(data))
    logits, labels = passes.sample_logits(data.validation, 10**9)
    assert len(labels) == len(logits) == 6 * (16 * 16 - 1)
    np.testing.assert_array_equal(np.unique(labels), [0, 1, 2])
    few, of_few = passes.sample_logits(data.validation, 60)
    assert len(of_few) == 6 * 10
    np.testing.assert_array_equal(few[:10], logits[:255:26])
    loss, _ = Passes(
        preliminary(), replace(data, class_weights=(1, 1, 1)), preliminary().model(data)
    ).validate(data.validation)
    likelihood = np.take_along_axis(log_softmax(logits, axis=1), labels[:, None], axis=1)
    assert -likelihood.mean() == pytest.approx(loss, rel=1e-5)


def test_sampling_leaves_the_network_as_it_was() -> None:
    data = world()
    passes = Passes(preliminary(), data, preliminary().model(data))
    before = {n: t.clone() for n, t in passes.network.state_dict().items()}
    passes.sample_logits(data.validation, 100)
    for name, tensor in passes.network.state_dict().items():
        torch.testing.assert_close(tensor, before[name])
