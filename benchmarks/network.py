"""The reference U-Net on a CPU, beside a plain pass of float32, channels first."""

from functools import partial

import numpy as np

from benchmarks.baselines.network import PlainUNet
from benchmarks.cost import Row, compare, measure
from benchmarks.memory import model
from benchmarks.products import SEED
from firn.methods.unet import UNetModel


def apply(network: UNetModel, size: int) -> None:
    """Apply a network to an image."""
    image = np.random.default_rng(SEED).random((len(network.card.channels), size, size))
    network.predict(image.astype(np.float32))


def rows(size: int, repeats: int) -> list[Row]:
    """Rows ``network-cpu``: asked is a fifth of the time of the plain pass.

    Parameters
    ----------
    size : int
        Side of the image, pixels.
    repeats : int
        Measurements of which the median counts.
    """
    ours = model().prepared("auto")
    plain = PlainUNet(ours.card, ours.network)
    return compare(
        "network-cpu",
        partial(measure, apply, ours, size),
        partial(measure, apply, plain, size),
        repeats,
    )
