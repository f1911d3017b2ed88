"""Scores on held-out patches."""

from pathlib import Path

import numpy as np
import pytest
from pseudo_files import SIZE, write_scene

from firn.config import EvaluationSettings, Experiment, NetworkSettings
from firn.evaluation import evaluate_pseudo
from firn.methods.base import ModelCard
from firn.methods.edges import judged_edge
from firn.methods.model_file import card_digest
from firn.samples import RELIEF_CHANNELS, SampleRow, Samples

EXPERIMENT = Experiment(method="unet", sensor="spot2", area="alps")
SETTINGS = EvaluationSettings(bootstrap=20)


class Constant:
    """Says snow with probability 0.8 everywhere."""

    card = ModelCard("constant", "spot2", (), RELIEF_CHANNELS, (0.0, 0.0), (1.0, 1.0))

    def predict(
        self, channels: np.ndarray, window: tuple[int, int, int, int] | None = None
    ) -> np.ndarray:
        assert window is not None
        shares = np.array([0.1, 0.8, 0.1], np.float32)
        return np.tile(shares[:, None, None], (1, window[2], window[3]))


def samples(folder: Path, dn: int = 51) -> Samples:
    """One patch, snow but for a row of ground and a row that is ignored; (0, 0) has no data."""
    labels = np.ones((1, SIZE, SIZE), np.uint8)
    labels[0, 2] = 0
    labels[0, 3] = 255
    scene = write_scene(folder, "32TPT", "20180101", labels, dn=dn)
    return Samples([SampleRow("32TPT", "20180101", 0, 0, "evaluation", 0, 0, 0, 0)], [scene])


def test_scores_by_hand(tmp_path: Path) -> None:
    """Without edge, 8 x 8: 8 ignored, 1 without data, 8 ground and 47 snow of 55."""
    metrics = evaluate_pseudo(
        Constant(), samples(tmp_path), "unet-spot2", EXPERIMENT, SETTINGS, edge=0, seed=1
    )
    assert metrics["n_pixels"] == 55
    assert metrics["confusion_matrix"] == [[0, 8, 0], [0, 47, 0], [0, 0, 0]]
    assert metrics["excluded"] == {"patch_edge": 0, "no_data": 1, "ignored": 8}
    assert metrics["kappa"] == 0
    assert metrics["expected_calibration_error"] == pytest.approx(47 / 55 - 0.8, abs=1e-6)
    strata = metrics["by_stratum"]
    assert strata["hillshade"]["180-256"]["n_pixels"] == 55
    assert strata["elevation"]["2000-2500 m"]["n_pixels"] == 55
    assert strata["sun_elevation"]["40-55°"]["n_pixels"] == 55
    assert strata["saturation"]["unsaturated"]["n_pixels"] == 55
    assert strata["forest"] == {}
    assert metrics["empty_strata"].keys() == {"forest"}
    assert strata["scene"]["32TPT/20180101"]["n_pixels"] == 55
    assert metrics["provenance"]["sources"] == [
        "32TPT/20180101",
        f"model {card_digest(Constant.card)}",
    ]


@pytest.mark.parametrize("edge", [1, 2, 3])
def test_edges_of_patches_are_left_out(tmp_path: Path, edge: int) -> None:
    metrics = evaluate_pseudo(
        Constant(), samples(tmp_path), "unet-spot2", EXPERIMENT, SETTINGS, edge=edge, seed=1
    )
    side = SIZE - 2 * edge
    assert metrics["excluded"]["patch_edge"] == SIZE**2 - side**2
    assert metrics["n_pixels"] == side**2 - side, "one row is ignored"


@pytest.mark.parametrize(
    ("padding", "overlap", "edge"), [("same", 92, 46), ("same", 5, 2), ("valid", 92, 92)]
)
def test_edge_is_that_of_the_network_for_all_methods(padding: str, overlap: int, edge: int) -> None:
    """The unpadded U-Net of the reference makes 388 pixels of 572: it loses 92 on each side."""
    assert judged_edge(NetworkSettings(padding=padding), overlap) == edge


def test_saturated_pixels_are_a_stratum(tmp_path: Path) -> None:
    metrics = evaluate_pseudo(
        Constant(), samples(tmp_path, dn=255), "x", EXPERIMENT, SETTINGS, edge=0, seed=1
    )
    assert metrics["by_stratum"]["saturation"]["saturated"]["n_pixels"] == 55
    situations = metrics["by_stratum"]["situation"]
    assert situations["saturated snow"]["confusion_matrix"] == [[0, 0, 0], [0, 47, 0], [0, 0, 0]]
    assert situations["shaded snow"]["n_pixels"] == situations["low sun"]["n_pixels"] == 0
