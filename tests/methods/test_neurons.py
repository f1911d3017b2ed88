"""Self-organising maps: nearest neurons, and both ways to learn."""

import numpy as np
import pytest
import torch

from firn.methods import neurons
from firn.methods.neurons import (
    Shape,
    assign,
    assign_on,
    best_matching,
    mean_distances,
    principal_start,
    quantisation_error,
    train_batch,
    train_online,
    widths,
)


@pytest.fixture
def samples() -> np.ndarray:
    """Spectra along a bent line, with some noise."""
    rng = np.random.default_rng(3)
    t = rng.random(3000)
    line = np.stack([t, t**2, 1 - t, 0.2 + 0 * t], axis=1)
    return (line + 0.01 * rng.standard_normal(line.shape)).astype(np.float32)


def test_nearest_neuron_is_that_of_the_smallest_distance(samples: np.ndarray) -> None:
    weights = np.random.default_rng(1).random((35, 4)).astype(np.float32)
    distance = np.linalg.norm(samples[:, None] - weights[None], axis=-1)
    # More samples than one chunk, and a last one that is not whole.
    assert len(samples) > neurons.CHUNK
    np.testing.assert_array_equal(best_matching(samples, weights), distance.argmin(axis=1))
    assert quantisation_error(samples, weights) == pytest.approx(distance.min(axis=1).mean())


def test_first_of_equal_neurons_is_taken() -> None:
    weights = np.array([[1, 0], [0, 0], [0, 0]], np.float32)
    np.testing.assert_array_equal(best_matching(np.zeros((2, 2), np.float32), weights), [1, 1])


def test_one_epoch_by_hand() -> None:
    """Two neurons, width 0.5: the other's samples weigh exp(-1 / 0.5) = 0.135."""
    samples = np.array([[0.0], [0.2], [1.0]], np.float32)
    shape = Shape(1, 2)
    (width,) = widths(shape, 1)
    assert width == 0.5
    start = principal_start(samples, shape)
    np.testing.assert_array_equal(best_matching(samples, start), [0, 0, 1])
    h = np.exp(-2)
    expected = [(0.2 + h) / (2 + h), (h * 0.2 + 1) / (2 * h + 1)]
    np.testing.assert_allclose(train_batch(samples, shape, 1)[:, 0], expected, rtol=1e-5)


def test_neighbourhood_shrinks_from_half_a_side_to_half_a_neuron() -> None:
    shrinking = list(widths(Shape(20, 15), 20))
    assert shrinking[0] == 10
    assert shrinking[-1] == pytest.approx(0.5)
    ratios = np.array(shrinking[1:]) / shrinking[:-1]
    np.testing.assert_allclose(ratios, ratios[0])


def test_start_lies_on_the_two_principal_axes() -> None:
    rng = np.random.default_rng(2)
    samples = np.zeros((5000, 3), np.float32)
    samples[:, 2] = 5 + 2 * rng.standard_normal(5000)
    samples[:, 0] = 0.5 * rng.standard_normal(5000)
    start = principal_start(samples, Shape(5, 3)).reshape(5, 3, 3)
    np.testing.assert_allclose(start[2, 1], [0, 0, 5], atol=0.1)
    # Two standard deviations, the larger along the longer side.
    np.testing.assert_allclose(start[4, 1] - start[2, 1], [0, 0, 4], atol=0.15)
    np.testing.assert_allclose(np.abs(start[2, 2] - start[2, 1]), [1, 0, 0], atol=0.15)


def test_training_on_a_device_is_that_on_the_cores(samples: np.ndarray) -> None:
    weights = principal_start(samples, Shape(4, 3))
    sums, counts = assign(samples, weights)
    others = assign_on(torch.device("cpu"))(samples, weights)
    np.testing.assert_array_equal(counts, others[1])
    np.testing.assert_allclose(sums, others[0], rtol=1e-6)
    np.testing.assert_allclose(sums.sum(axis=0), samples.sum(axis=0), rtol=1e-4)


def test_batch_training_orders_the_map_and_is_better_than_its_start(samples: np.ndarray) -> None:
    shape = Shape(10, 2)
    trained = train_batch(samples, shape, 15)
    np.testing.assert_array_equal(trained, train_batch(samples, shape, 15))
    assert quantisation_error(samples, trained) < 0.5 * quantisation_error(
        samples, principal_start(samples, shape)
    )
    along = trained.reshape(10, 2, 4)[:, :, 0].mean(axis=1)
    assert (np.diff(along) > 0).all() or (np.diff(along) < 0).all()


def test_online_training_learns_and_follows_its_generator(samples: np.ndarray) -> None:
    shape = Shape(6, 4)
    trained = [train_online(samples, shape, 3000, np.random.default_rng(s)) for s in (1, 1, 2)]
    np.testing.assert_array_equal(trained[0], trained[1])
    assert not np.array_equal(trained[0], trained[2])
    assert quantisation_error(samples, trained[0]) < 0.1


def test_first_step_online_by_hand() -> None:
    """Rate 0.5, width 1: the winner goes half of the way, its neighbour exp(-1/2) of that."""
    sample = np.array([[1.0, 1.0]], np.float32)
    shape = Shape(1, 2)
    start = np.random.default_rng(5).random((2, 2), dtype=np.float32)
    winner = np.linalg.norm(1 - start, axis=1).argmin()
    near = np.where(np.arange(2) == winner, 1, np.exp(-0.5))
    expected = start + 0.5 * near[:, None] * (1 - start)
    found = train_online(sample, shape, 1, np.random.default_rng(5))
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_distances_from_neighbours_by_hand() -> None:
    weights = np.array([[0], [1], [3], [7]], np.float32)
    np.testing.assert_allclose(
        mean_distances(weights, Shape(2, 2)), [[(1 + 3) / 2, (1 + 6) / 2], [7 / 2, 5]]
    )


def test_constant_samples_train(samples: np.ndarray) -> None:
    flat = np.full((50, 3), 0.3, np.float32)
    np.testing.assert_allclose(train_batch(flat, Shape(3, 3), 4), 0.3, rtol=1e-5)
