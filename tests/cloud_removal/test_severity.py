"""Burn severity: indices, classes and scores by hand."""

import numpy as np
import pytest

from firn.cloud_removal.severity import (
    available,
    burn_severity,
    burned_scores,
    index_change,
    severity_classes,
)
from firn.errors import DataError

BANDS = ("B04", "B08", "B8A", "B12")


def image(red: float, nir: float, narrow: float, swir: float) -> np.ndarray:
    return np.array([red, nir, narrow, swir], float)[:, None, None]


def test_changes_by_hand() -> None:
    """NBR falls from 0.5 to -0.2, NDVI from 0.6 to 0.2."""
    before, after = image(0.1, 0.4, 0.3, 0.1), image(0.1, 0.15, 0.16, 0.24)
    assert index_change(before, after, BANDS, "dnbr")[0, 0] == pytest.approx(0.7)
    assert index_change(before, after, BANDS, "dndvi")[0, 0] == pytest.approx(0.4)


def test_no_data_and_black_pixels_are_unknown() -> None:
    before = image(0.1, 0.4, 0.3, 0.1)
    for after in (image(0.1, 0.2, np.nan, 0.2), image(0.1, 0.2, 0, 0)):
        change = index_change(before, after, BANDS, "dnbr")
        assert severity_classes(change, "dnbr").tolist() == [[255]]


def test_classes_begin_at_their_breaks() -> None:
    changes = np.array([-0.3, 0.0999, 0.10, 0.2699, 0.27, 0.6599, 0.66, 1.2, np.nan])
    assert severity_classes(changes, "dnbr").tolist() == [0, 0, 1, 1, 2, 2, 3, 3, 255]
    changes = np.array([0.0899, 0.09, 0.14, 0.22, 0.44])
    assert severity_classes(changes, "dndvi").tolist() == [0, 1, 2, 3, 3]


def test_snow_that_melts_did_not_burn() -> None:
    """Its NBR is high, and falls when it melts; without the bands of the NDSI nobody sees it."""
    bands = ("B03", "B11", "B8A", "B12")
    snow = np.array([0.8, 0.1, 0.7, 0.08])[:, None, None]
    meadow = np.array([0.08, 0.2, 0.35, 0.1])[:, None, None]
    ground = np.array([0.1, 0.3, 0.25, 0.2])[:, None, None]
    assert burn_severity(snow, ground, bands, "dnbr").tolist() == [[255]]
    assert burn_severity(snow[2:], ground[2:], bands[2:], "dnbr").tolist() == [[3]]
    assert burn_severity(meadow, ground, bands, "dnbr").tolist() == [[2]]


def test_indices_need_their_bands() -> None:
    assert available(BANDS) == ("dnbr", "dndvi")
    assert available(("B04", "B03", "B02", "B08")) == ("dndvi",)
    rgb = np.zeros((3, 1, 1))
    with pytest.raises(DataError, match="dnbr needs the band B8A and B12"):
        index_change(rgb, rgb, ("B04", "B03", "B08"), "dnbr")


def test_burned_scores_by_hand() -> None:
    """10 of 12 mapped pixels burned, and 10 of 15 burned ones are mapped."""
    matrix = np.array([[80, 1, 1, 0], [4, 2, 1, 0], [1, 1, 3, 1], [0, 0, 0, 2]])
    scores = burned_scores(matrix)
    assert scores["precision"] == pytest.approx(10 / 12)
    assert scores["recall"] == pytest.approx(10 / 15)
    assert scores["f1"] == pytest.approx(20 / 27)
    nothing = burned_scores(np.diag([5, 0, 0, 0]))
    assert nothing == {"precision": None, "recall": None, "f1": None}
