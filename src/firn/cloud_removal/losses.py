"""Losses of the adversarial training, each a sum and the number that it is to be divided by."""

from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional

Adversarial = Literal["bce", "least-squares"]


def adversarial_loss(logits: Tensor, label: float, kind: Adversarial) -> Tensor:
    """Loss of verdicts against what they should say, summed over them.

    Parameters
    ----------
    logits : Tensor, any shape
    label : float
        1 = real, 0 = simulated; smoothed labels lie between.
    kind : str
        ``bce``: binary cross-entropy; ``least-squares``: squared distance of the logit (LSGAN, Mao
        et al. 2017).
    """
    target = torch.full_like(logits, label)
    if kind == "bce":
        return functional.binary_cross_entropy_with_logits(logits, target, reduction="sum")
    return functional.mse_loss(logits, target, reduction="sum")


def absolute_error(simulated: Tensor, target: Tensor, valid: Tensor) -> Tensor:
    """Absolute error summed over the bands of valid pixels.

    Parameters
    ----------
    simulated, target : Tensor, (sample, band, y, x)
        ``target`` may be anything that is finite where it is not valid.
    valid : Tensor of bool, (sample, y, x)
    """
    return ((simulated - target).abs() * valid[:, None]).sum()
