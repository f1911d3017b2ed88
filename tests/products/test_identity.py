"""Whether a SPOT scene is the one of its table row."""

from pathlib import Path

import minimal_products
import numpy as np
import pytest

from firn.errors import ProductError
from firn.products.dimap import open_l1a
from firn.products.identity import check_scene
from firn.products.swh import open_swh

NAME = "SPOT4-HRVIR1-XS_20010614-110246-780_L1C_039-264-0_D_V1-0"


@pytest.mark.parametrize(
    ("scene_id", "platform"), [(NAME.replace("20010614", "20010615"), "SPOT4"), (NAME, "SPOT2")]
)
def test_a_scene_of_another_row_is_refused(tmp_path: Path, scene_id: str, platform: str) -> None:
    bands = {"XS1": np.ones((4, 4), np.uint16)}
    path = minimal_products.swh(tmp_path, bands, {"XS1": 0.5}, name=NAME)
    scene = open_swh(path)
    check_scene(path, scene, NAME, "SPOT4")
    with pytest.raises(ProductError, match=rf"is {NAME} of SPOT4, .* {scene_id} of {platform};"):
        check_scene(path, scene, scene_id, platform)


def test_a_level_1a_scene_goes_by_both_of_its_names(tmp_path: Path) -> None:
    calibration = dict.fromkeys(("XS1", "XS2", "XS3"), (1.0, 0.0))
    path = minimal_products.spot_l1a(tmp_path, np.ones((3, 4, 4), np.uint8), calibration)
    scene = open_l1a(path)
    for name in ("26933810702101419061X", path.name):
        check_scene(path, scene, name, "SPOT2")
    with pytest.raises(ProductError, match="correct that row of the table"):
        check_scene(path, scene, path.name.replace("HRV-1", "HRV-2"), "SPOT2")
