"""The second cloud mask of the virtual archive: right in the main, and wrong in other places."""

from pathlib import Path

import numpy as np
from small_world import simulation

from firn import raster
from firn.cloud_labels import maja_classes
from firn.products.cloud_masks import read_fmask
from firn.products.maja import open_l2a
from firn.simulator.archive import simulate_sentinel2
from firn.simulator.fmask import BANDS, CLEAR, CLOUD, NULL, SHADOW, SNOW, WATER, fmask, write_fmask
from firn.simulator.plan import sentinel2_plans


def scene(**values: float) -> dict[str, np.ndarray]:
    """A scene of dark ground with a square of 20 pixels of other values."""
    ground = {"B02": 0.08, "B03": 0.08, "B04": 0.07, "B08": 0.25, "B10": 0.001}
    toa = {b: np.full((80, 80), (ground | {"B11": 0.2, "B12": 0.1})[b], np.float32) for b in BANDS}
    for band, value in values.items():
        toa[band][40:60, 40:60] = value
    return toa


def test_published_tests_tell_the_classes() -> None:
    white = {"B02": 0.5, "B03": 0.5, "B04": 0.5, "B08": 0.5, "B11": 0.4, "B12": 0.3}
    codes = fmask(scene(**white), 45, 180)
    assert codes[50, 50] == CLOUD
    assert codes[38, 50] == CLOUD, "clouds grow"
    assert codes[5, 5] == CLEAR
    # 1500 m at 45 degrees: 75 pixels to the north, out of the image; from the west it stays in.
    assert (codes == SHADOW).sum() == 0
    assert fmask(scene(**white), 20, 180)[20, 50] == SHADOW
    assert fmask(scene(**white | {"B11": 0.1, "B12": 0.05}), 45, 180)[50, 50] == SNOW
    assert fmask(scene(B08=0.02, B04=0.03), 45, 180)[50, 50] == WATER
    assert fmask(scene(B10=0.02), 45, 180)[50, 50] == CLOUD, "cirrus"
    assert fmask(scene(B08=np.nan), 45, 180)[50, 50] == NULL


def test_masks_of_a_virtual_scene_agree_in_part(tmp_path: Path) -> None:
    climate = {"cloud_cover": [0.4, 0.6], "cloud_kinds": {"cumulus": 1.0}}
    world = simulation(climate=climate, sentinel2={"32TPT": ["20230615"]})
    (plan,) = sentinel2_plans(world, 3)
    paths = {name: tmp_path / f"{name}.zip" for name in ("l1c", "l2a", "snow")}
    simulate_sentinel2(world, plan, 3, **paths, truth=tmp_path / "truth")
    write_fmask(paths["l1c"], tmp_path / "fmask.tif")
    write_fmask(paths["l1c"], tmp_path / "again.tif")
    assert (tmp_path / "fmask.tif").read_bytes() == (tmp_path / "again.tif").read_bytes()
    grid = raster.grid_of(tmp_path / "truth/class.tif")
    truth = raster.read(tmp_path / "truth/class.tif").values[0]
    product = open_l2a(paths["l2a"])
    masks = {
        "fmask": read_fmask(tmp_path / "fmask.tif", grid),
        "maja": maja_classes(
            product.cloud_mask().values,
            product.geophysical_mask().values,
            product.edge_mask().values,
        ),
    }
    judged = np.isin(truth, (0, 100, 205))
    right = {}
    for name, classes in masks.items():
        right[name] = (classes == 2) == (truth == 205)
        assert right[name][judged].mean() > 0.6, name
    assert (right["maja"] != right["fmask"])[judged].mean() > 0.01, "wrong in other places"
