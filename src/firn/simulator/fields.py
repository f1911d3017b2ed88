"""Random fields: the raw material of roughness, geology, snow patches and clouds."""

import numpy as np
import numpy.typing as npt
from scipy import fft

FloatArray = npt.NDArray[np.float32]


def fractal(
    rng: np.random.Generator,
    shape: tuple[int, int],
    resolution: float,
    outer_scale: float,
    slope: float = 3.0,
    stretch: tuple[float, float] = (1.0, 1.0),
) -> FloatArray:
    """Gaussian random field with a power-law spectrum, zero mean and unit variance.

    The power density falls as ``k**-slope`` at scales below ``outer_scale`` and is flat above. The
    field is periodic, so it can be shifted without a seam.

    Parameters
    ----------
    rng : Generator
    shape : (int, int)
    resolution : float
        Pixel size, m.
    outer_scale : float
        Largest structure, m.
    slope : float
        3 looks like terrain and cloud decks, 2 is rougher, 4 smoother.
    stretch : (float, float)
        Elongation along y and x (streaks of cirrus).
    """
    ky = fft.fftfreq(shape[0], resolution)[:, None] * stretch[0]
    kx = fft.rfftfreq(shape[1], resolution)[None, :] * stretch[1]
    wave = np.sqrt(ky**2 + kx**2 + (1 / outer_scale) ** 2)
    amplitude = (wave ** (-slope / 2)).astype(np.float32)
    amplitude[0, 0] = 0
    noise = rng.standard_normal(shape, dtype=np.float32)
    field = fft.irfft2(fft.rfft2(noise) * amplitude, s=shape)
    return np.asarray((field - field.mean()) / field.std(), np.float32)


def enlarge(field: FloatArray, factor: int, shape: tuple[int, int]) -> FloatArray:
    """Bilinear enlargement by a whole factor, cut to ``shape``; pixel areas stay aligned."""
    rows, cols = (np.asarray((np.arange(side) + 0.5) / factor - 0.5, np.float32) for side in shape)
    once = _interpolate(field, rows, axis=0)
    return _interpolate(once, cols, axis=1)


def _interpolate(field: FloatArray, position: FloatArray, axis: int) -> FloatArray:
    last = field.shape[axis] - 1
    low = np.clip(np.floor(position), 0, last).astype(int)
    high = np.minimum(low + 1, last)
    weight = np.clip(position - low, 0, 1).astype(np.float32)
    weight = weight[:, None] if axis == 0 else weight[None, :]
    near, far = np.take(field, low, axis), np.take(field, high, axis)
    return np.asarray(near + weight * (far - near), np.float32)


def shrink(field: npt.NDArray[np.floating], factor: int) -> FloatArray:
    """Mean over blocks of ``factor`` x ``factor`` pixels along the last two axes."""
    if factor == 2:
        # The same sums as below: numpy takes ten times as long to reduce axes of two pixels.
        pairs = field[..., ::2] + field[..., 1::2]
        return np.asarray((pairs[..., ::2, :] + pairs[..., 1::2, :]) / 4, np.float32)
    *lead, height, width = field.shape
    blocks = field.reshape(*lead, height // factor, factor, width // factor, factor)
    return np.asarray(blocks.mean(axis=(-3, -1)), np.float32)


def displaced(field: FloatArray, rows: float, cols: float) -> FloatArray:
    """Periodic field moved by a number of pixels (positive = down, right), bilinearly."""
    whole_rows, whole_cols = int(np.floor(rows)), int(np.floor(cols))
    moved = np.roll(field, (whole_rows, whole_cols), (0, 1))
    down, right = np.float32(rows - whole_rows), np.float32(cols - whole_cols)
    moved = moved + right * (np.roll(moved, 1, 1) - moved)
    return np.asarray(moved + down * (np.roll(moved, 1, 0) - moved), np.float32)


def sigmoid(x: npt.NDArray[np.floating]) -> FloatArray:
    """Logistic function."""
    return np.asarray(1 / (1 + np.exp(-x)), np.float32)
