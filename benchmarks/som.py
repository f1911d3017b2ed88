"""The self-organising map: batch training beside MiniSom's, and the neurons of a scene's pixels."""

import sys
from functools import partial
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

from benchmarks.cost import Row, compare, measure, row
from benchmarks.products import SEED
from firn.methods.neurons import Shape, best_matching, quantisation_error, train_batch

FloatArray = npt.NDArray[np.float32]

#: Published size of the map, and bands.
SHAPE, BANDS = Shape(20, 15), 13
EPOCHS = 20
#: Steps of MiniSom for each spectrum: a million, as published, for a scene of 1830 x 1830 pixels.
STEPS = 5


def spectra(count: int) -> FloatArray:
    """Spectra, (spectrum, band), of mixtures of six surfaces under any light, scaled to 0-1."""
    rng = np.random.default_rng(SEED)
    surfaces = rng.random((6, BANDS))
    shares = rng.dirichlet(np.full(6, 0.3), count)
    light = rng.uniform(0.3, 1, (count, 1))
    noise = 0.01 * rng.standard_normal((count, BANDS))
    return np.clip(light * (shares @ surfaces) + noise, 0, 1).astype(np.float32)


def train(count: int, folder: Path) -> None:
    """Train a map and keep its weights."""
    np.save(folder / "ours.npy", train_batch(spectra(count), SHAPE, EPOCHS))


def train_plain(count: int, folder: Path) -> None:
    """Train a map with MiniSom, one spectrum after the other, from the principal components."""
    from minisom import MiniSom

    values = spectra(count)
    # Its width ends at 1, the least that it offers which still lets neighbours learn.
    som = MiniSom(
        SHAPE.rows,
        SHAPE.columns,
        BANDS,
        sigma=SHAPE.widest,
        learning_rate=0.5,
        decay_function="linear_decay_to_zero",
        sigma_decay_function="linear_decay_to_one",
        random_seed=SEED,
    )
    som.pca_weights_init(values)
    som.train(values, STEPS * count, random_order=True)
    np.save(folder / "plain.npy", som.get_weights().reshape(len(SHAPE), BANDS))


def label(size: int) -> None:
    """Find the neuron of each pixel of a scene, and its class by a table."""
    values = np.tile(spectra(size**2 // 10 + 1), (10, 1))[: size**2]
    weights = spectra(len(SHAPE))
    classes = np.arange(len(SHAPE)).astype(np.uint8)
    classes[best_matching(values, weights)]


def label_plain(size: int) -> None:
    """Do the same with the k-d tree of SciPy."""
    values = np.tile(spectra(size**2 // 10 + 1), (10, 1))[: size**2]
    classes = np.arange(len(SHAPE)).astype(np.uint8)
    _, neuron = cKDTree(spectra(len(SHAPE))).query(values, workers=-1)
    classes[neuron]


def rows(folder: Path, size: int, repeats: int) -> list[Row]:
    """Rows ``som``: asked are a twentieth of MiniSom's time, its error or less, and 3 s a scene.

    Where MiniSom is not installed, its rows are left out, and a line says so.

    Parameters
    ----------
    folder : path
        For the weights.
    size : int
        Side of the scene, pixels; the training has a 16th of its pixels.
    repeats : int
        Measurements of which the median counts.
    """
    folder.mkdir(parents=True, exist_ok=True)
    labelled = compare(
        "som-label",
        partial(measure, label, size),
        partial(measure, label_plain, size),
        repeats,
    )
    if find_spec("minisom") is None:
        print(
            "som: MiniSom is not there to compare with: pip install -e '.[bench]'", file=sys.stderr
        )
        return labelled
    count = size**2 // 16
    trained = compare(
        "som",
        partial(measure, train, count, folder),
        partial(measure, train_plain, count, folder),
        repeats,
    )
    values = spectra(count)
    ours, plain = (
        quantisation_error(values, np.load(folder / f"{name}.npy").astype(np.float32))
        for name in ("ours", "plain")
    )
    return [*trained, row("som, quantisation error", ours, plain, "1"), *labelled]
