"""The benchmarks of the companion methods compare like with like."""

import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.spatial import cKDTree

from benchmarks import patch_cnn, som
from benchmarks.__main__ import main
from firn.methods.neurons import best_matching


def test_tree_and_product_find_the_same_neurons() -> None:
    values, weights = som.spectra(3000), som.spectra(300)
    np.testing.assert_array_equal(best_matching(values, weights), cKDTree(weights).query(values)[1])


@pytest.mark.usefixtures("one_process")
def test_rows_tell_time_and_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    there = importlib.util.find_spec("minisom") is not None
    output = tmp_path / "bench.json"
    main(["som", "--size", "120", "--repeats", "1", "--output", str(output)])
    names = [row["name"] for row in json.loads(output.read_text())]
    assert "som-label" in names
    assert (names[0] == "som") == ("som, quantisation error" in names) == there
    assert ("MiniSom is not there" in capsys.readouterr().err) != there


def test_scene_and_patches_give_the_same_logits() -> None:
    torch.testing.assert_close(patch_cnn.whole(18), patch_cnn.plain(18), rtol=1e-4, atol=1e-6)
