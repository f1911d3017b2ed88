"""Change detection between two images, without supervision: PCA and k-means.

Celik 2009 (IEEE Geosci. Remote Sens. Lett. 6, 772-776), with two differences. The cluster of change
is that of the larger differences, not the smaller one: where more than half of the ground burned,
the smaller one is what stayed. And it is fitted on training tiles and applied to others, so that
an image in which nothing changed is not cut in two.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import sliding_window_view
from scipy.ndimage import binary_opening

from firn.errors import DataError

FloatArray = npt.NDArray[np.floating]

#: Pixels per side of the neighbourhood that a pixel is judged by, and components kept of it.
BLOCK, COMPONENTS = 4, 3
UNKNOWN = 255

_ITERATIONS = 100
_OFFSET = np.arange(-2, 3)
_DIAMOND = np.abs(_OFFSET)[:, None] + np.abs(_OFFSET)[None] <= 2


@dataclass(frozen=True)
class ChangeDetector:
    """Fitted change detection.

    Attributes
    ----------
    mean : ndarray, (feature,)
        Of the blocks' absolute differences; a block is (band, y, x), flattened.
    components : ndarray, (component, feature)
    centres : ndarray, (2, component)
        Of the clusters: unchanged, changed.
    """

    mean: npt.NDArray[np.float64]
    components: npt.NDArray[np.float64]
    centres: npt.NDArray[np.float64]

    @classmethod
    def fit(cls, pairs: Iterable[tuple[FloatArray, FloatArray]]) -> "ChangeDetector":
        """Fit on pairs of images, (band, y, x), of the same bands, NaN = no data.

        Raises
        ------
        DataError
            No block has data in both images, or nothing differs anywhere.
        """
        features = np.concatenate([_blocks(*pair) for pair in pairs])
        if not len(features) or not np.ptp(features, axis=0).any():
            raise DataError(
                "change detection: the training tiles have no block that differs between their two "
                "images; give tiles with data on both dates"
            )
        mean = features.mean(axis=0)
        _, vectors = np.linalg.eigh(np.cov(features, rowvar=False))
        # eigh sorts upwards. The sign of a component is arbitrary, and made the same everywhere.
        components = vectors[:, : -COMPONENTS - 1 : -1].T
        components *= np.where(components.sum(axis=1) < 0, -1, 1)[:, None]
        centres = _two_means((features - mean) @ components.T, features.mean(axis=1))
        return cls(mean, components, centres)

    def detect(self, before: FloatArray, after: FloatArray) -> npt.NDArray[np.uint8]:
        """Tell of each pixel whether it changed.

        Specks smaller than a diamond of five pixels are left out.

        Parameters
        ----------
        before, after : ndarray of float, (band, y, x)
            NaN = no data.

        Returns
        -------
        ndarray of uint8, (y, x)
            1 = changed, 0 = not, 255 = no data in the neighbourhood.
        """
        difference = np.abs(after.astype(np.float64) - before)
        ahead = (BLOCK - 1) // 2
        edges = ((0, 0), (ahead, BLOCK - 1 - ahead), (ahead, BLOCK - 1 - ahead))
        windows = sliding_window_view(
            np.pad(difference, edges, mode="symmetric"), (BLOCK, BLOCK), axis=(1, 2)
        )
        filters = self.components.reshape(-1, len(difference), BLOCK, BLOCK)
        features = np.einsum("byxij,kbij->yxk", windows, filters, optimize=True)
        features -= self.components @ self.mean
        known = np.isfinite(features).all(axis=-1)
        distance = np.square(features[..., None, :] - self.centres).sum(axis=-1)
        changed = _without_specks(known & (distance[..., 1] < distance[..., 0]))
        return np.where(known, changed.astype(np.uint8), np.uint8(UNKNOWN))

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {
            "mean": self.mean.tolist(),
            "components": self.components.tolist(),
            "centres": self.centres.tolist(),
        }

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> "ChangeDetector":
        """Undo `as_dict`."""
        return cls(*(np.array(content[name]) for name in ("mean", "components", "centres")))


def _blocks(before: FloatArray, after: FloatArray) -> npt.NDArray[np.float64]:
    """Absolute differences of the blocks that have data, side by side: (block, feature)."""
    difference = np.abs(after.astype(np.float64) - before)
    bands, height, width = difference.shape
    rows, cols = height // BLOCK, width // BLOCK
    cut = difference[:, : rows * BLOCK, : cols * BLOCK]
    parts = cut.reshape(bands, rows, BLOCK, cols, BLOCK).transpose(1, 3, 0, 2, 4)
    features = parts.reshape(rows * cols, -1)
    return features[np.isfinite(features).all(axis=1)]


def _without_specks(changed: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Open by a diamond; what touches the edge of the image goes on beyond it."""
    reach = len(_OFFSET) // 2
    beyond = np.pad(changed, reach, mode="edge")
    return np.asarray(binary_opening(beyond, _DIAMOND)[reach:-reach, reach:-reach])


def _two_means(
    features: npt.NDArray[np.float64], difference: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Centres of two clusters, that of the smaller differences first.

    Lloyd's iteration begins with the halves below and above the middle of the differences, so that
    it needs no random start.
    """
    changed = difference > (difference.min() + difference.max()) / 2
    for _ in range(_ITERATIONS):
        centres = np.stack([features[~changed].mean(axis=0), features[changed].mean(axis=0)])
        distance = np.square(features[:, None] - centres).sum(axis=-1)
        nearer = distance[:, 1] < distance[:, 0]
        if (nearer == changed).all() or nearer.all() or not nearer.any():
            break
        changed = nearer
    if difference[changed].mean() < difference[~changed].mean():
        centres = centres[::-1]
    return centres
