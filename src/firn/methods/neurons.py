"""Self-organising maps: neurons on a rectangular grid that learn what samples look like.

Two ways to learn. *Batch*: all samples at once, epoch by epoch, each neuron moving to the mean of
the samples that are nearest to it and to its neighbours, which shrink to itself (Kohonen 2001,
Self-Organizing Maps, section 3.6). *Online*: one sample after the other, as the first maps did.

Distances are Euclidean, in the samples and on the grid. The nearest neuron to x is the one of the
largest x·w - |w|²/2, so that a matrix product finds it. Torch is imported only where a device is
given.
"""

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import torch

FloatArray = npt.NDArray[np.float32]
Index = npt.NDArray[np.intp]
#: Sum of the samples nearest to each neuron, (neuron, feature), and their number, (neuron,).
Assigned = tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]

#: Samples whose products with all neurons are computed at once: they stay in the cache.
CHUNK = 2048
#: Samples that a GPU takes at once.
DEVICE_CHUNK = 1 << 18
#: Width of the neighbourhood at the end of a batch training, neurons.
NARROWEST = 0.5
#: Learning rate and width of the neighbourhood of an online training, at its end.
RATES, LAST_WIDTH = (0.5, 0.05), 1.0


@dataclass(frozen=True)
class Shape:
    """Rows and columns of a map; its neurons are counted row by row."""

    rows: int
    columns: int

    def __len__(self) -> int:
        return self.rows * self.columns

    @property
    def widest(self) -> float:
        """Width of the neighbourhood that a training begins with, neurons."""
        return max(self.rows, self.columns) / 2

    def positions(self) -> npt.NDArray[np.float64]:
        """Row and column of each neuron, (neuron, 2)."""
        at = np.indices((self.rows, self.columns)).reshape(2, -1).T
        return at.astype(np.float64)

    def squared_distances(self) -> npt.NDArray[np.float64]:
        """Squared distance on the grid between any two neurons, (neuron, neuron)."""
        at = self.positions()
        squares: npt.NDArray[np.float64] = ((at[:, None] - at[None]) ** 2).sum(axis=-1)
        return squares


def principal_start(samples: FloatArray, shape: Shape) -> FloatArray:
    """Weights spread over the plane of the two largest principal components of the samples.

    The longer side of the map follows the larger one; the plane reaches two standard deviations.

    Parameters
    ----------
    samples : ndarray, (sample, feature)
    shape : Shape

    Returns
    -------
    ndarray of float32, (neuron, feature)
    """
    mean = samples.mean(axis=0, dtype=np.float64)
    covariance = np.cov(samples, rowvar=False, dtype=np.float64).reshape(len(mean), -1)
    values, vectors = np.linalg.eigh(covariance)
    # The sign of an eigenvector is arbitrary: its largest part is made positive.
    vectors = vectors * np.sign(vectors[np.abs(vectors).argmax(axis=0), range(len(mean))])
    axes = (vectors * np.sqrt(np.maximum(values, 0)))[:, ::-1][:, :2].T
    if len(axes) == 1:
        axes = np.concatenate([axes, np.zeros_like(axes)])
    if shape.columns > shape.rows:
        axes = axes[::-1]
    sides = np.array([shape.rows, shape.columns])
    steps = 2 * shape.positions() / np.maximum(sides - 1, 1) - 1
    return np.asarray(mean + 2 * steps @ axes, np.float32)


def best_matching(samples: FloatArray, weights: FloatArray, threads: int | None = None) -> Index:
    """Nearest neuron of each sample; the first of several.

    Parameters
    ----------
    samples : ndarray, (sample, feature)
    weights : ndarray, (neuron, feature)
    threads : int, optional
        One for each core that the process may use by default.

    Returns
    -------
    ndarray of intp, (sample,)
    """
    found = np.empty(len(samples), np.intp)
    # A feature that is always 1 brings -|w|²/2 into the product.
    half = (weights.astype(np.float64) ** 2).sum(axis=1) / 2
    towards = np.concatenate([weights.T, -half[None]]).astype(np.float32)

    def search(start: int) -> None:
        part = slice(start, start + CHUNK)
        values = np.ones((len(found[part]), len(towards)), np.float32)
        values[:, :-1] = samples[part]
        (values @ towards).argmax(axis=1, out=found[part])

    with ThreadPoolExecutor(threads or _cores()) as pool:
        list(pool.map(search, range(0, len(samples), CHUNK)))
    return found


def _cores() -> int:
    """Cores that this process may use; not every system tells them apart from all."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def assign(samples: FloatArray, weights: FloatArray) -> Assigned:
    """Sum and number of the samples that are nearest to each neuron."""
    neuron, count = best_matching(samples, weights), len(weights)
    sums = [np.bincount(neuron, feature, count) for feature in samples.T]
    return np.stack(sums, axis=1), np.bincount(neuron, minlength=count).astype(np.float64)


def assign_on(device: "torch.device") -> Callable[[FloatArray, FloatArray], Assigned]:
    """Give `assign`, computed by torch on a device; the samples are sent to it each time."""
    import torch

    def assigned(samples: FloatArray, weights: FloatArray) -> Assigned:
        near = torch.from_numpy(weights).to(device)
        half = near.square().sum(dim=1) / 2
        sums = torch.zeros(near.shape, dtype=torch.float64, device=device)
        counts = torch.zeros(len(near), dtype=torch.float64, device=device)
        for start in range(0, len(samples), DEVICE_CHUNK):
            values = torch.from_numpy(samples[start : start + DEVICE_CHUNK]).to(device)
            neuron = torch.addmm(-half, values, near.T).argmax(dim=1)
            sums.index_add_(0, neuron, values.double())
            counts += torch.bincount(neuron, minlength=len(near))
        return sums.cpu().numpy(), counts.cpu().numpy()

    return assigned


def widths(shape: Shape, epochs: int) -> Iterator[float]:
    """Width of the neighbourhood in each epoch of a batch training: it shrinks by one factor."""
    for epoch in range(epochs):
        share = epoch / (epochs - 1) if epochs > 1 else 1.0
        yield shape.widest * (NARROWEST / shape.widest) ** share


def train_batch(
    samples: FloatArray, shape: Shape, epochs: int, device: "torch.device | None" = None
) -> FloatArray:
    """Train a map on all samples at once.

    It begins from the principal components, and draws no random number.

    Parameters
    ----------
    samples : ndarray of float32, (sample, feature)
    shape : Shape
    epochs : int
    device : torch.device, optional
        Where nearest neurons are looked for; this process's cores by default.

    Returns
    -------
    ndarray of float32, (neuron, feature)
    """
    nearest = assign if device is None or device.type == "cpu" else assign_on(device)
    distances, weights = shape.squared_distances(), principal_start(samples, shape)
    for width in widths(shape, epochs):
        sums, counts = nearest(samples, weights)
        near = np.exp(-distances / (2 * width**2))
        total = near @ counts
        # A neuron far from all samples, whose neighbours they hardly are, stays where it is.
        moved = total > 1e-6
        weights[moved] = ((near @ sums)[moved] / total[moved, None]).astype(np.float32)
    return weights


def train_online(
    samples: FloatArray, shape: Shape, iterations: int, rng: np.random.Generator
) -> FloatArray:
    """Train a map on one random sample after the other, with the published schedule.

    Weights begin at random between 0 and 1. In step t of T, the learning rate is
    0.5 (0.05 / 0.5)^(t/T), and the width of the Gaussian neighbourhood falls linearly from half of
    the longer side to 1.

    Parameters
    ----------
    samples : ndarray of float32, (sample, feature)
        Scaled to 0-1.
    shape : Shape
    iterations : int
    rng : Generator

    Returns
    -------
    ndarray of float32, (neuron, feature)
    """
    distances = shape.squared_distances().astype(np.float32)
    weights = rng.random((len(shape), samples.shape[1]), dtype=np.float32)
    order = rng.integers(len(samples), size=iterations)
    first, last = RATES
    for step, index in enumerate(order):
        share = step / iterations
        width = shape.widest + (LAST_WIDTH - shape.widest) * share
        away = samples[index] - weights
        winner = int(np.einsum("ij,ij->i", away, away).argmin())
        rate = first * (last / first) ** share
        near = np.exp(distances[winner] * np.float32(-1 / (2 * width**2)))
        weights += (np.float32(rate) * near)[:, None] * away
    return weights


def quantisation_error(samples: FloatArray, weights: FloatArray) -> float:
    """Mean distance between a sample and its nearest neuron."""
    away = samples - weights[best_matching(samples, weights)]
    return float(np.linalg.norm(away, axis=1).mean(dtype=np.float64))


def mean_distances(weights: FloatArray, shape: Shape) -> npt.NDArray[np.float64]:
    """U-matrix: mean distance of each neuron's weights from those beside, above and below it.

    Ultsch & Siemon (1990), Proc. INNC, 305-308.

    Returns
    -------
    ndarray, (row, column)
    """
    total, count = np.zeros((shape.rows, shape.columns)), np.zeros((shape.rows, shape.columns))
    at = weights.reshape(shape.rows, shape.columns, -1).astype(np.float64)
    for axis in (0, 1):
        step = np.linalg.norm(np.diff(at, axis=axis), axis=-1)
        for side in (slice(None, -1), slice(1, None)):
            here = (side, slice(None)) if axis == 0 else (slice(None), side)
            total[here] += step
            count[here] += 1
    return total / np.maximum(count, 1)
