"""The patch network on a scene in 13 bands, beside a patch for each pixel."""

from functools import partial

import torch

from benchmarks.cost import Row, compare, measure
from benchmarks.products import SEED
from firn.methods.patch_cnn import PATCH, PatchNetwork

BANDS = 13


def network() -> PatchNetwork:
    """Make the published network, with random weights."""
    torch.manual_seed(SEED)
    return PatchNetwork(BANDS, "cloud", "relu", batch_norm=False, dropout=0.3).eval()


def scene(size: int) -> torch.Tensor:
    """Image, (1, band, y, x), of which ``size`` x ``size`` pixels are judged."""
    generator = torch.Generator().manual_seed(SEED)
    return torch.rand((1, BANDS, size + PATCH, size + PATCH), generator=generator)


def whole(size: int) -> torch.Tensor:
    """Logits, (class, y, x), of a scene at once."""
    with torch.inference_mode():
        logits: torch.Tensor = network()(scene(size))[0]
    return logits


def plain(size: int) -> torch.Tensor:
    """Logits, (class, y, x), of a patch for each pixel."""
    judged, image = network(), scene(size)[0]
    rows = []
    with torch.inference_mode():
        for row in range(size):
            patches = image[:, row : row + PATCH].unfold(2, PATCH, 1)[:, :, :size]
            rows.append(judged.judge(patches.permute(2, 0, 1, 3)).T)
    return torch.stack(rows, dim=1)


def rows(size: int, repeats: int) -> list[Row]:
    """Rows ``patch-cnn``.

    Parameters
    ----------
    size : int
        Side of the part of the scene that is judged, pixels.
    repeats : int
        Measurements of which the median counts.
    """
    ours, baseline = partial(measure, whole, size), partial(measure, plain, size)
    return compare(f"patch-cnn, {size} x {size}", ours, baseline, repeats)
