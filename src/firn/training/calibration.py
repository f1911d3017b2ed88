"""Calibration: probabilities of a network that say how often it is right.

A network trained to the end is surer than it is right. Dividing its logits by one number, the
temperature, mends most of that and changes no class (Guo et al. 2017, Proc. ICML, arXiv 1706.04599,
section 4.2). The number is fitted on the validation split, which chose the epoch, but taught no
weight. The methods without a network have no logits: the majority's class shares are frequencies
already, and the thresholds give certainties, not probabilities.
"""

import math

import numpy as np
import numpy.typing as npt

#: Validation pixels that a temperature is fitted on. Its error is then that of the patches, not of
#: the pixels.
CALIBRATION_PIXELS = 500_000
#: Temperatures searched: from that of a network that is right everywhere to one that knows nothing.
TEMPERATURES = (0.05, 20.0)


def fit_temperature(logits: npt.NDArray[np.float64], labels: npt.NDArray[np.uint8]) -> float:
    """Temperature of the highest likelihood of the labels.

    The negative log-likelihood is convex in 1 / temperature, so it has one minimum, which Brent's
    bounded search finds on a logarithmic scale. Pixels count alike: class weights would calibrate
    to classes as common as each other.

    Parameters
    ----------
    logits : ndarray, (pixel, class)
    labels : ndarray of uint8, (pixel,)
        Classes.

    Returns
    -------
    float
        Within `TEMPERATURES`.
    """
    # Takes a while to be imported, and is needed once per training.
    from scipy.optimize import minimize_scalar
    from scipy.special import logsumexp

    of_label = np.take_along_axis(logits, labels[:, None].astype(np.intp), axis=1)[:, 0]

    def negative_log_likelihood(log_temperature: float) -> float:
        scaled = math.exp(-log_temperature)
        return float(np.mean(logsumexp(scaled * logits, axis=1) - scaled * of_label))

    low, high = (math.log(bound) for bound in TEMPERATURES)
    found = minimize_scalar(
        negative_log_likelihood, bounds=(low, high), method="bounded", options={"xatol": 1e-6}
    )
    return math.exp(found.x)
