"""Geometry: the sharpness of a sensor, and the position of its image."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from firn.sensors import Band, Sensor

FloatArray = npt.NDArray[np.float64]


def transfer(sensor: Sensor, band: Band, resolution: float) -> float:
    """Modulation transfer of a band at the Nyquist frequency of the stacks, 1 / (2 ``resolution``).

    Between its own Nyquist frequency, where the sensor's description gives it, and that of the
    stacks, the transfer is that of a Gaussian. Smaller pixels are also averaged on the way to the
    stacks, with the triangle of a bilinear interpolation twice ``resolution`` wide.

    Parameters
    ----------
    sensor : Sensor
        Describes the transfer of ``band``.
    band : Band
    resolution : float
        Pixel size of the stacks, m.
    """
    at_nyquist = band.mtf_nyquist or sensor.mtf_nyquist
    assert at_nyquist is not None
    pixel = band.pixel_size or sensor.pixel_size
    native = at_nyquist ** ((pixel / resolution) ** 2)
    finer = round(resolution / pixel)
    if finer <= 1:
        return float(native)
    offsets = (np.arange(2 * finer) + 0.5) / finer - 1
    weights = 1 - np.abs(offsets)
    averaged = np.sum(weights * np.cos(np.pi * offsets)) / weights.sum()
    return float(native * max(averaged, 0))


def blur_ratio(
    sensor: Sensor,
    source: Sensor,
    source_bands: Sequence[str],
    weights: FloatArray,
    resolution: float,
) -> FloatArray:
    """Transfer, at the Nyquist frequency of the stacks, from mixed source bands to the sensor's.

    1 where the sensor is as sharp as its source, or sharper: detail that is not there is not made.
    So is that of a sensor whose description gives no transfer.

    Parameters
    ----------
    sensor, source : Sensor
    source_bands : sequence of str
    weights : ndarray, (band, source band)
    resolution : float
        Pixel size of the stacks, m.

    Returns
    -------
    ndarray, (band,)
    """
    before = weights @ [transfer(source, source.band(name), resolution) for name in source_bands]
    after = [
        transfer(sensor, band, resolution) if band.mtf_nyquist or sensor.mtf_nyquist else np.inf
        for band in sensor.bands
    ]
    ratios: FloatArray = np.minimum(np.array(after) * weights.sum(axis=1) / before, 1.0)
    return ratios


def blur_weights(ratio: float) -> FloatArray:
    """Weights of a blur whose transfer at the Nyquist frequency is ``ratio``.

    ``(a, 1 - 2 a, a)`` has the transfer ``1 - 2 a (1 - cos(pi f))`` at the frequency f, relative to
    that of Nyquist: 1 at f = 0, so that energy is conserved, and ``1 - 4 a`` at f = 1. It stays
    within 0.1 of a Gaussian's down to a ratio of 0.05.
    """
    side = (1 - ratio) / 4
    return np.array([side, 1 - 2 * side, side])


def shift_weights(shift: float) -> FloatArray:
    """Weights that move an image by ``shift`` pixels towards higher indices.

    Those of cubic convolution (Keys 1981, IEEE Transactions on Acoustics, Speech, and Signal
    Processing 29(6), a = -1/2), exact for quadratic images. They sum to 1.
    """
    reach = int(np.ceil(abs(shift))) + 1
    distance = np.abs(np.arange(-reach, reach + 1) + shift)
    near = 1.5 * distance**3 - 2.5 * distance**2 + 1
    far = -0.5 * distance**3 + 2.5 * distance**2 - 4 * distance + 2
    weights: FloatArray = np.where(distance <= 1, near, np.where(distance < 2, far, 0.0))
    return weights


def filter_weights(ratios: FloatArray, shift: float) -> npt.NDArray[np.float32]:
    """Weights along one axis that blur each band and move all of them.

    Parameters
    ----------
    ratios : ndarray, (band,)
        As `blur_ratio` gives them.
    shift : float
        Pixels towards higher indices.

    Returns
    -------
    ndarray of float32, (band, weight)
        Each row sums to 1; its middle weighs the pixel itself.
    """
    rows = [np.convolve(blur_weights(ratio), shift_weights(shift)) for ratio in ratios]
    reach = max(len(row) // 2 for row in rows)
    padded = np.array([np.pad(row, reach - len(row) // 2) for row in rows])
    used = np.flatnonzero(np.abs(padded).max(axis=0) > 1e-6)
    margin = max(reach - used[0], used[-1] - reach) if used.size else 0
    kept = padded[:, reach - margin : reach + margin + 1]
    return np.asarray(kept, np.float32)
