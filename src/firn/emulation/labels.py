"""Labels of pixels that a sensor cannot see as one class."""

import numpy as np
import numpy.typing as npt

from firn.classes import IGNORE, SurfaceClass
from firn.emulation.acquisition import RESOLUTION
from firn.emulation.arrays import filtered
from firn.emulation.geometry import blur_weights, transfer
from firn.sensors import Sensor

#: Transfer at the Nyquist frequency of a sensor whose description gives none (assumed).
USUAL_TRANSFER = 0.25


def mixed(
    label: npt.NDArray[np.uint8], sensor: Sensor, least_share: float
) -> npt.NDArray[np.bool_]:
    """Where too little of what a pixel sees is of its class.

    A pixel sees its neighbours through the sensor's point spread, taken as the blur whose transfer
    at the Nyquist frequency is the mean of the sensor's bands. Neighbours without a label say
    nothing.

    Parameters
    ----------
    label : ndarray, (y, x)
        Classes; 255 = ignored.
    sensor : Sensor
    least_share : float
        Share of the labelled surroundings that must be of the pixel's class.
    """
    weights = np.asarray(blur_weights(_mean_transfer(sensor)), np.float32)

    def seen(mask: npt.NDArray[np.bool_]) -> npt.NDArray[np.float32]:
        return filtered(mask.astype(np.float32), weights, weights)

    labelled = label != IGNORE
    known = seen(labelled)
    unclear = np.zeros(label.shape, bool)
    for surface in SurfaceClass:
        own = label == surface
        # A hair less than asked for, so that rounding does not decide on a pixel that has it all.
        unclear |= own & (seen(own) < np.float32(least_share - 1e-5) * known)
    return unclear


def _mean_transfer(sensor: Sensor) -> float:
    if sensor.mtf_nyquist is None:
        return USUAL_TRANSFER
    return float(np.mean([transfer(sensor, band, RESOLUTION) for band in sensor.bands]))
