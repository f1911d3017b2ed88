"""Training: fits any method to samples, in steps that can be killed and continued."""

from firn.training.data import PatchSource, PseudoPatches, TrainingData, open_training_data
from firn.training.fitting import fit
from firn.training.loop import train
from firn.training.run import Run
from firn.training.selection import select, selected

__all__ = [
    "PatchSource",
    "PseudoPatches",
    "Run",
    "TrainingData",
    "fit",
    "open_training_data",
    "select",
    "selected",
    "train",
]
