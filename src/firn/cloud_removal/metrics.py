"""How far a simulated image is from the real one, by image and over chosen pixels.

The data range, which PSNR and SSIM are relative to, is stated and never taken from the data: 1, for
reflectances.
"""

import math

import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter, minimum_filter

FloatArray = npt.NDArray[np.floating]
BoolArray = npt.NDArray[np.bool_]

#: Reflectance between black and white.
DATA_RANGE = 1.0
#: Metrics of an image, in the order of tables.
METRICS = ("mae", "rmse", "psnr", "ssim", "sam")

# Constants of Wang et al. 2004 (IEEE Trans. Image Process. 13, 600-612).
_SIGMA, _TRUNCATE, _K1, _K2 = 1.5, 3.5, 0.01, 0.03
_RADIUS = int(_TRUNCATE * _SIGMA + 0.5)


def valid_pixels(*images: FloatArray) -> BoolArray:
    """Pixels, (y, x), that have data in every band of every image, (band, y, x)."""
    return np.asarray(np.logical_and.reduce([np.isfinite(i).all(axis=0) for i in images]))


def image_metrics(
    simulated: FloatArray,
    target: FloatArray,
    chosen: BoolArray,
    data_range: float = DATA_RANGE,
    similarity: tuple[FloatArray, BoolArray] | None = None,
) -> dict[str, float | None]:
    """Metrics of an image over chosen pixels.

    Parameters
    ----------
    simulated, target : ndarray of float, (band, y, x)
        Reflectance, NaN = no data.
    chosen : ndarray of bool, (y, x)
        Pixels to judge; those without data in some band of either are left out.
    data_range : float
    similarity : tuple of ndarray, optional
        As `similarity_map` gives it, where it is known already.

    Returns
    -------
    dict
        ``mae``, ``rmse``: reflectance, over all bands; ``psnr``: decibel, of that RMSE; ``ssim``:
        mean over bands and pixels whose whole window has data; ``sam``: mean angle between spectra,
        degrees; ``n_pixels``. None where it is not defined: without a pixel, and the PSNR of equal
        images.
    """
    use = chosen & valid_pixels(simulated, target)
    count = int(use.sum())
    metrics: dict[str, float | None] = {name: None for name in METRICS}
    if count == 0:
        return metrics | {"n_pixels": 0}
    difference = simulated[:, use].astype(np.float64) - target[:, use]
    rmse = math.sqrt(float(np.mean(difference**2)))
    metrics["mae"], metrics["rmse"] = float(np.mean(np.abs(difference))), rmse
    if rmse > 0:
        metrics["psnr"] = 20 * math.log10(data_range / rmse)
    of_pixels, whole = similarity or similarity_map(simulated, target, data_range)
    if (use & whole).any():
        metrics["ssim"] = float(of_pixels[use & whole].mean())
    angles = spectral_angles(simulated[:, use], target[:, use])
    if np.isfinite(angles).any():
        metrics["sam"] = float(np.nanmean(angles))
    return metrics | {"n_pixels": count}


def similarity_map(
    simulated: FloatArray, target: FloatArray, data_range: float = DATA_RANGE
) -> tuple[npt.NDArray[np.float64], BoolArray]:
    """Structural similarity of each pixel, the mean over bands (Wang et al. 2004).

    Windows are Gaussian with a standard deviation of 1.5 pixels, cut at 5 pixels.

    Parameters
    ----------
    simulated, target : ndarray of float, (band, y, x)
        NaN = no data.
    data_range : float

    Returns
    -------
    similarity : ndarray of float64, (y, x)
    whole : ndarray of bool, (y, x)
        Pixels whose window lies in the image and has data throughout; elsewhere the similarity
        tells nothing.
    """
    valid = valid_pixels(simulated, target)
    whole = minimum_filter(valid, 2 * _RADIUS + 1, mode="constant", cval=False)
    first, second = (np.where(valid, image, 0).astype(np.float64) for image in (simulated, target))

    def mean(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        return gaussian_filter(values, _SIGMA, truncate=_TRUNCATE, axes=(-2, -1))

    mean1, mean2 = mean(first), mean(second)
    variances = mean(first**2) - mean1**2 + mean(second**2) - mean2**2
    covariance = mean(first * second) - mean1 * mean2
    c1, c2 = (_K1 * data_range) ** 2, (_K2 * data_range) ** 2
    above = (2 * mean1 * mean2 + c1) * (2 * covariance + c2)
    below = (mean1**2 + mean2**2 + c1) * (variances + c2)
    return np.mean(above / below, axis=0), whole


def spectral_angles(simulated: FloatArray, target: FloatArray) -> npt.NDArray[np.float64]:
    """Angle between the spectra of two images, (band, ...), in degrees.

    NaN where one of them is black in all bands.
    """
    first, second = simulated.astype(np.float64), target.astype(np.float64)
    lengths = np.linalg.norm(first, axis=0) * np.linalg.norm(second, axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        cosine = np.sum(first * second, axis=0) / lengths
    return np.asarray(np.degrees(np.arccos(np.clip(cosine, -1, 1))))
