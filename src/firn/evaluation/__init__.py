"""Evaluation: one confusion matrix per scene and stratum, and everything that follows from it."""

from firn.evaluation.comparison import (
    compare,
    comparison_table,
    situation_table,
    write_table,
)
from firn.evaluation.maps import JudgedMap, evaluate_maps
from firn.evaluation.pseudo import evaluate_pseudo

__all__ = [
    "JudgedMap",
    "compare",
    "comparison_table",
    "evaluate_maps",
    "evaluate_pseudo",
    "situation_table",
    "write_table",
]
