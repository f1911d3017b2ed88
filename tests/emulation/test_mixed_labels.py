"""Labels of mixed pixels."""

import numpy as np

from firn.classes import IGNORE
from firn.emulation.labels import mixed
from firn.sensors import load_sensor

#: A transfer of 0.2 at the Nyquist frequency of 20 m in every band: weights 0.2, 0.6, 0.2.
SENSOR = load_sensor("spot2").model_copy(update={"mtf_nyquist": 0.2})


def halves() -> np.ndarray:
    """Ground on the left of column 6, snow from there on."""
    return np.tile((np.arange(12) >= 6).astype(np.uint8), (12, 1))


def test_share_of_a_straight_edge_by_hand() -> None:
    """Beside the edge a pixel sees 0.8 of its own class, all others see nothing else."""
    for least, width in ((0.79, 0), (0.81, 1), (1.0, 1)):
        unclear = mixed(halves(), SENSOR, least)
        assert unclear.sum() == 12 * 2 * width
        assert unclear[:, 6 - width : 6 + width].all()


def test_whole_areas_and_a_share_of_nothing_are_never_mixed() -> None:
    assert not mixed(np.ones((8, 8), np.uint8), SENSOR, 1.0).any()
    assert not mixed(halves(), SENSOR, 0.0).any()


def test_neighbours_without_a_label_say_nothing() -> None:
    label = halves()
    label[:, 6:] = IGNORE
    assert not mixed(label, SENSOR, 1.0).any()


def test_ignored_pixels_are_not_judged() -> None:
    label = np.random.default_rng(0).choice([0, 1, 2, IGNORE], (30, 30)).astype(np.uint8)
    unclear = mixed(label, SENSOR, 0.9)
    assert not unclear[label == IGNORE].any()
    assert unclear.any()
