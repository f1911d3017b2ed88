"""Counts of one experiment, added up scene by scene, and the metrics that they give."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from firn.confusion import confusion_matrix
from firn.errors import DataError
from firn.evaluation.scores import intervals, scores
from firn.seeds import generator

#: Bins of confidence in the calibration error.
CALIBRATION_BINS = 10

Classes = npt.NDArray[np.uint8]


class Strata(NamedTuple):
    """A partition of pixels: the names of its parts and the part of each pixel, -1 = in none."""

    names: Sequence[str]
    part: npt.NDArray[np.integer[Any]]


def binned(values: npt.NDArray[Any] | float, edges: Sequence[float], unit: str) -> Strata:
    """Partition values by edges; a part includes its lower edge and not its upper one."""
    names = [f"{low:g}-{high:g}{unit}" for low, high in pairwise(edges)]
    index = np.digitize(values, edges) - 1
    return Strata(names, np.where(np.isnan(values) | (index >= len(names)), -1, index))


def flagged(flags: npt.NDArray[np.bool_], yes: str, no: str) -> Strata:
    """Partition pixels by a flag."""
    return Strata([no, yes], flags.astype(np.int8))


def whole(name: str) -> Strata:
    """Put all pixels into one part."""
    return Strata([name], np.zeros((), np.int8))


def _zeros() -> npt.NDArray[np.int64]:
    return np.zeros((3, 3), np.int64)


@dataclass
class Tally:
    """Pixel counts by scene and stratum.

    Attributes
    ----------
    scenes : dict of scene to ndarray, (reference, predicted)
    strata : dict of partition to dict of part to dict of scene to ndarray, (reference, predicted)
    excluded : Counter
        Pixels left out, by reason.
    """

    scenes: dict[str, npt.NDArray[np.int64]] = field(default_factory=dict)
    strata: dict[str, dict[str, dict[str, npt.NDArray[np.int64]]]] = field(default_factory=dict)
    excluded: Counter[str] = field(default_factory=Counter)
    _calibration: npt.NDArray[np.float64] = field(
        default_factory=lambda: np.zeros((3, CALIBRATION_BINS))
    )

    def exclude(self, reasons: Mapping[str, npt.NDArray[np.bool_]]) -> npt.NDArray[np.bool_]:
        """Count pixels to leave out, each under the first reason that holds; give what remains.

        Parameters
        ----------
        reasons : mapping of reason to ndarray of bool, (y, x)

        Returns
        -------
        ndarray of bool, (y, x)
            Pixels that no reason excludes.
        """
        remaining = ~np.zeros_like(next(iter(reasons.values())))
        for reason, where in reasons.items():
            self.excluded[reason] += int(np.count_nonzero(where & remaining))
            remaining &= ~where
        return remaining

    def add(
        self,
        scene: str,
        reference: Classes,
        predicted: Classes,
        confidence: npt.NDArray[np.floating[Any]],
        strata: Mapping[str, Strata],
        judged: npt.NDArray[np.bool_],
    ) -> None:
        """Add pixels of a scene; a scene may come in several pieces.

        Parameters
        ----------
        scene : str
        reference, predicted : ndarray of uint8, (y, x)
            Classes 0-2 wherever ``judged``.
        confidence : ndarray, (y, x)
            Probability of the predicted class.
        strata : mapping of partition to Strata
        judged : ndarray of bool, (y, x)
            Pixels to count.
        """
        truth, guess = reference[judged], predicted[judged]
        matrix = confusion_matrix(truth, guess)
        self.scenes[scene] = self.scenes.get(scene, _zeros()) + matrix
        for name, (parts, part_of_pixel) in strata.items():
            of_judged = np.broadcast_to(part_of_pixel, judged.shape)[judged]
            for i, part in enumerate(parts):
                self.add_part(name, part, scene, truth, guess, of_judged == i)
        self._calibrate(confidence[judged].astype(np.float64), truth == guess)

    def add_part(
        self,
        partition: str,
        part: str,
        scene: str,
        reference: Classes,
        predicted: Classes,
        judged: npt.NDArray[np.bool_],
    ) -> None:
        """Add pixels of a scene to one part of a partition and to nothing else."""
        parts = self.strata.setdefault(partition, {})
        counts = parts.setdefault(part, defaultdict(_zeros))
        counts[scene] = counts[scene] + confusion_matrix(reference[judged], predicted[judged])

    def _calibrate(
        self, confidence: npt.NDArray[np.float64], correct: npt.NDArray[np.bool_]
    ) -> None:
        bins = np.clip((confidence * CALIBRATION_BINS).astype(int), 0, CALIBRATION_BINS - 1)
        for row, weights in enumerate((np.ones_like(confidence), confidence, correct)):
            self._calibration[row] += np.bincount(bins, weights, CALIBRATION_BINS)

    def expected_calibration_error(self) -> float | None:
        """Mean gap between confidence and accuracy, over bins of confidence weighted by pixels.

        Guo et al. (2017), Proc. ICML, arXiv 1706.04599, equation 3.
        """
        count, confidence, correct = self._calibration
        return float(np.abs(correct - confidence).sum() / count.sum()) if count.any() else None

    def reliability(self) -> list[dict[str, float | int]]:
        """Mean confidence and accuracy of each bin of confidence that holds pixels.

        Returns
        -------
        list of dict
            ``n_pixels``, ``confidence`` and ``accuracy``, by rising confidence.
        """
        return [
            {
                "n_pixels": int(count),
                "confidence": float(confidence / count),
                "accuracy": float(correct / count),
            }
            for count, confidence, correct in self._calibration.T
            if count
        ]

    def metrics(
        self, experiment: Mapping[str, Any], *, resamples: int, seed: int
    ) -> dict[str, Any]:
        """Content of the metrics file but for the provenance.

        Parameters
        ----------
        experiment : mapping
            ``name``, ``method``, ``sensor``, ``area`` and ``judged_on``.
        resamples : int
            Bootstrap resamples of scenes.
        seed : int

        Raises
        ------
        DataError
            No scene was added.
        """
        if not self.scenes:
            raise DataError(f"{experiment['name']}: there is no scene to evaluate on; add one")
        matrices = np.stack([self.scenes[scene] for scene in sorted(self.scenes)])
        # Keyed by the scenes alone: the intervals of all methods rest on the same resamples.
        rng = generator(seed, "bootstrap", *sorted(self.scenes))
        by_stratum = {
            name: {part: sum(counts.values(), _zeros()) for part, counts in parts.items()}
            for name, parts in self.strata.items()
        }
        by_stratum["scene"] = self.scenes
        return {
            "experiment": dict(experiment),
            **scores(matrices.sum(axis=0)),
            "by_stratum": {
                name: {part: scores(matrix) for part, matrix in parts.items()}
                for name, parts in by_stratum.items()
            },
            "by_stratum_and_scene": {
                name: {
                    part: {scene: matrix.tolist() for scene, matrix in counts.items()}
                    for part, counts in parts.items()
                }
                for name, parts in self.strata.items()
            },
            "confidence_interval": intervals(matrices, resamples, rng),
            "expected_calibration_error": self.expected_calibration_error(),
            "reliability": self.reliability(),
            "excluded": dict(self.excluded),
        }
