"""Where an image lies beside a reference image of the same geometry, window by window.

Windows are compared by their correlation coefficient over the pixels that are valid in both. A
first search over all offsets uses the masked normalised cross-correlation of scikit-image
(Padfield 2012, IEEE Transactions on Image Processing 21, 2706); the offset is then refined below
the pixel. Both images are compared without their slow changes in brightness.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage
from skimage.registration import phase_cross_correlation

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

#: Standard deviation, in pixels, of the Gaussian mean that is taken off.
DETAIL = 2.0
#: Side of the windows of the first search, which finds offsets up to half of it, and of all
#: others; pixels.
SEARCH_WINDOW, WINDOW = 192, 96
#: Pixels by which a refinement looks around.
REACH = 4
#: More windows than these, evenly spread, tell little more.
MOST_SEARCH_WINDOWS, MOST_WINDOWS = 80, 400
#: Share of valid pixels that a window needs.
VALID_SHARE = 0.3
#: Correlation below which a window tells nothing.
LEAST_CORRELATION = 0.15


@dataclass(frozen=True)
class Detail:
    """Fine structure of an image, (y, x), and where it is valid."""

    values: npt.NDArray[np.float32]
    valid: BoolArray

    @classmethod
    def of(cls, image: npt.NDArray[np.floating], valid: BoolArray) -> "Detail":
        """Take off the local mean of the valid pixels."""
        weight = ndimage.gaussian_filter(valid.astype(np.float32), DETAIL)
        filled = np.where(valid, image, 0).astype(np.float32)
        mean = ndimage.gaussian_filter(filled, DETAIL) / np.maximum(weight, 1e-3)
        return cls(np.where(valid, filled - mean, 0).astype(np.float32), valid)


@dataclass(frozen=True, eq=False)
class Offsets:
    """Windows in which an image lies beside the reference; all (window,).

    Attributes
    ----------
    row, col : ndarray
        Centre of the window in the image, pixels.
    height : ndarray
        Mean elevation of the window, m.
    down, right : ndarray
        By how many pixels the image lies below and to the right of the reference.
    """

    row: FloatArray
    col: FloatArray
    height: FloatArray
    down: FloatArray
    right: FloatArray

    def __len__(self) -> int:
        """Count the windows."""
        return len(self.row)

    def scaled(self, step: int) -> "Offsets":
        """Offsets in pixels ``step`` times smaller."""
        return Offsets(
            self.row * step, self.col * step, self.height, self.down * step, self.right * step
        )

    @classmethod
    def joined(cls, parts: list["Offsets"]) -> "Offsets":
        """All windows of several comparisons."""
        names = ("row", "col", "height", "down", "right")
        return cls(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))


def _windows(valid: BoolArray, side: int, most: int) -> Iterator[tuple[slice, slice]]:
    """Half-overlapping windows with enough valid pixels, thinned evenly where they are too many."""
    height, width = valid.shape
    corners = [
        (row, col)
        for row in range(0, height - side + 1, side // 2)
        for col in range(0, width - side + 1, side // 2)
        if valid[row : row + side, col : col + side].mean() >= VALID_SHARE
    ]
    for row, col in corners[:: -(-len(corners) // most) or 1]:
        yield slice(row, row + side), slice(col, col + side)


def search(image: Detail, reference: Detail, height: npt.NDArray[np.float32]) -> Offsets:
    """Find offsets of any size up to half a window, to the whole pixel.

    Parameters
    ----------
    image, reference : Detail
    height : ndarray, (row, column), m
        NaN where it is unknown.
    """
    found = []
    for window in _windows(image.valid & reference.valid, SEARCH_WINDOW, MOST_SEARCH_WINDOWS):
        shift, _, _ = phase_cross_correlation(
            reference.values[window],
            image.values[window],
            reference_mask=reference.valid[window],
            moving_mask=image.valid[window],
            overlap_ratio=0.5,
        )
        found.append((*_place(window, height), -shift[0], -shift[1]))
    return _offsets(found)


def refine(image: Detail, reference: Detail, height: npt.NDArray[np.float32]) -> Offsets:
    """Find offsets of less than `REACH` pixels, to a fraction of a pixel; see `search`."""
    found = []
    for window in _windows(image.valid & reference.valid, WINDOW, MOST_WINDOWS):
        peak = _peak(_correlations(image, reference, window, REACH))
        if peak is not None:
            found.append((*_place(window, height), peak[0] - REACH, peak[1] - REACH))
    return _offsets(found)


def _place(
    window: tuple[slice, slice], height: npt.NDArray[np.float32]
) -> tuple[float, float, float]:
    """Row and column of a window's centre, and its mean height."""
    row, col = ((side.start + side.stop - 1) / 2 for side in window)
    return row, col, float(np.nanmean(height[window]))


def _offsets(found: Sequence[tuple[float, ...]]) -> Offsets:
    return Offsets(*np.array(found, float).reshape(-1, 5).T)


def _correlations(
    image: Detail, reference: Detail, window: tuple[slice, slice], reach: int
) -> FloatArray:
    """Correlation coefficient at every whole offset up to ``reach``, (down, right)."""
    rows, cols = window
    size = 2 * reach + 1
    surface = np.full((size, size), -1.0)
    inner = (
        slice(rows.start + reach, rows.stop - reach),
        slice(cols.start + reach, cols.stop - reach),
    )
    fixed, fixed_valid = reference.values[inner], reference.valid[inner]
    for down in range(size):
        for right in range(size):
            moved = (
                slice(rows.start + down, rows.stop - 2 * reach + down),
                slice(cols.start + right, cols.stop - 2 * reach + right),
            )
            both = fixed_valid & image.valid[moved]
            if both.mean() >= VALID_SHARE / 2:
                surface[down, right] = _correlation(fixed[both], image.values[moved][both])
    return surface


def _correlation(a: npt.NDArray[np.float32], b: npt.NDArray[np.float32]) -> float:
    a, b = a - a.mean(), b - b.mean()
    scale = float(np.sqrt((a @ a) * (b @ b)))
    return float(a @ b) / scale if scale > 0 else -1.0


def _peak(surface: FloatArray) -> tuple[float, float] | None:
    """Place of the largest correlation by parabolas; None on the edge or where it is small."""
    row, col = (int(i) for i in np.unravel_index(np.argmax(surface), surface.shape))
    last = surface.shape[0] - 1
    if surface[row, col] < LEAST_CORRELATION or not (0 < row < last and 0 < col < last):
        return None
    return (
        row + _vertex(surface[row - 1 : row + 2, col]),
        col + _vertex(surface[row, col - 1 : col + 2]),
    )


def _vertex(values: FloatArray) -> float:
    """Place of the maximum of the parabola through values at -1, 0 and 1."""
    before, middle, after = (float(v) for v in values)
    curvature = before - 2 * middle + after
    return 0.5 * (before - after) / curvature if curvature < 0 else 0.0
