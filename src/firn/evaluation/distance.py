"""How well images of two sources can be told apart: the distance of emulated from real ones.

A small fixed network looks at windows of both and says which source each is from. The area under
its ROC curve is the probability that, of a window of each source, it takes the right one for the
first (a classifier two-sample test: Lopez-Paz & Oquab 2017, ICLR, arXiv 1610.06545). 0.5 means that
the sources cannot be told apart, 1 that they always can.
"""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from firn.errors import DataError
from firn.samples import StoredSamples
from firn.seeds import generator

FloatArray = npt.NDArray[np.float32]

#: Side of a window, pixels.
WINDOW = 32
EPOCHS, BATCH, LEARNING_RATE = 8, 64, 2e-3
#: The two halves of the ground: the network is trained on each and tested on the other.
FOLDS = 2


class Windows(NamedTuple):
    """Windows of the same ground in images of two sources, and where they lie.

    ``first`` and ``second`` (window, band, y, x) are reflectances; ``block`` (window) numbers the
    ground: windows of one block never stand on both sides of a test.
    """

    first: FloatArray
    second: FloatArray
    block: npt.NDArray[np.int64]


def windows_of(
    first: StoredSamples, second: StoredSamples, block: npt.NDArray[np.int64]
) -> Windows:
    """Cut samples of two sources, patch by patch the same ground, into windows.

    A window is kept where both sources have data in all of it.

    Parameters
    ----------
    first, second : StoredSamples
    block : ndarray of int, (sample,)
        Which piece of ground each sample lies on.
    """
    count = range(len(first))
    images = [source.batch(count)[0][:, : source.dn.shape[1]] for source in (first, second)]
    cut = [_tiles(image) for image in images]
    whole = np.isfinite(cut[0] + cut[1]).all(axis=(1, 2, 3))
    per_sample = len(whole) // len(first)
    return Windows(cut[0][whole], cut[1][whole], np.repeat(block, per_sample)[whole])


def _tiles(images: FloatArray) -> FloatArray:
    """Windows that lie side by side, (window, band, y, x), from (sample, band, y, x)."""
    samples, bands, height, width = images.shape
    rows, cols = height // WINDOW, width // WINDOW
    inner = images[..., : rows * WINDOW, : cols * WINDOW]
    split = inner.reshape(samples, bands, rows, WINDOW, cols, WINDOW)
    return np.moveaxis(split, (2, 4), (1, 2)).reshape(-1, bands, WINDOW, WINDOW)


def area_under_roc(
    positive: npt.NDArray[np.floating[Any]], negative: npt.NDArray[np.floating[Any]]
) -> float:
    """Probability that a positive case scores above a negative one; a tie counts half.

    That is the area under the ROC curve (Hanley & McNeil 1982, Radiology 143, 29-36).
    """
    ordered = np.sort(negative)
    below = np.searchsorted(ordered, positive, "left")
    not_above = np.searchsorted(ordered, positive, "right")
    return float((below + not_above).mean() / (2 * len(ordered)))


def distance(windows: Windows, seed: int) -> dict[str, Any]:
    """Tell two sources apart.

    Blocks of ground are dealt to two folds; the network that is tested on one has been trained on
    the other. The result is the mean over the folds.

    Parameters
    ----------
    windows : Windows
    seed : int

    Returns
    -------
    dict
        ``auc``, ``folds`` (that of each fold) and ``n_windows`` of each source.

    Raises
    ------
    DataError
        There are fewer than two blocks.
    """
    blocks = np.unique(windows.block)
    if len(blocks) < FOLDS:
        raise DataError(
            f"{len(blocks)} block(s) of ground: the distance of two sources needs {FOLDS}; add "
            "scenes, or make patches smaller"
        )
    dealt = generator(seed, "distance", "folds").permutation(blocks)
    folds = []
    for fold in range(FOLDS):
        tested = np.isin(windows.block, dealt[fold::FOLDS])
        folds.append(_fold(windows, tested, generator(seed, "distance", str(fold))))
    return {
        "auc": float(np.mean(folds)),
        "folds": folds,
        "n_windows": len(windows.block),
    }


def _fold(windows: Windows, tested: npt.NDArray[np.bool_], rng: np.random.Generator) -> float:
    """Area under the curve on the tested windows, of a network trained on the others."""
    images = np.concatenate([windows.first[~tested], windows.second[~tested]])
    labels = np.repeat(np.array([1, 0], np.float32), np.count_nonzero(~tested))
    mean, std = images.mean(axis=(0, 2, 3)), images.std(axis=(0, 2, 3)) + 1e-6
    shift, scale = mean[:, None, None], std[:, None, None]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(int(rng.integers(2**63)))
        network = _network(images.shape[1])
    _train(network, torch.from_numpy((images - shift) / scale), torch.from_numpy(labels), rng)
    first, second = (
        _scores(network, torch.from_numpy((source[tested] - shift) / scale))
        for source in (windows.first, windows.second)
    )
    return area_under_roc(first, second)


def _network(bands: int) -> nn.Sequential:
    """Three convolutions, each halving the image, and a mean over what is left."""
    layers: list[nn.Module] = []
    for before, after in ((bands, 16), (16, 32), (32, 32)):
        layers += [nn.Conv2d(before, after, 3, padding=1, bias=False), nn.BatchNorm2d(after)]
        layers += [nn.ReLU(), nn.MaxPool2d(2)]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(32, 1))


def _train(
    network: nn.Sequential, images: Tensor, labels: Tensor, rng: np.random.Generator
) -> None:
    optimiser = torch.optim.Adam(network.parameters(), lr=LEARNING_RATE)
    network.train()
    for _ in range(EPOCHS):
        for chosen in torch.split(torch.from_numpy(rng.permutation(len(labels))), BATCH):
            scores = network(images[chosen])[:, 0]
            loss = nn.functional.binary_cross_entropy_with_logits(scores, labels[chosen])
            optimiser.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()


def _scores(network: nn.Sequential, images: Tensor) -> FloatArray:
    network.eval()
    with torch.inference_mode():
        parts = [network(part)[:, 0] for part in torch.split(images, 16 * BATCH)]
    return np.asarray(torch.cat(parts).numpy())
