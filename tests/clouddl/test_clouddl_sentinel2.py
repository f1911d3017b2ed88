"""CloudDL on Sentinel-2 itself: its images, and its scores beside the masks that taught it."""

from pathlib import Path

import minimal_products
import numpy as np
import pytest
from minimal_products import EPSG, SIDE, full, transform
from pseudo_files import SIZE, write_scene
from rasterio.crs import CRS

from firn import netcdf, raster
from firn.clouddl.plan import plan_sentinel2
from firn.clouddl.sentinel2 import TruthFiles, judge_held_out, write_own_images
from firn.config import load_config
from firn.grid import Grid
from firn.samples import SampleRow, Samples, SceneFiles, read_samples

SHAPE = (SIDE // 20, SIDE // 20)
GRID = Grid(CRS.from_epsg(EPSG), transform(20), *SHAPE)
PLACE = ("32TPT", "20180314")
#: Upper-left pixel of the patch in its tile.
CORNER = (2, 1)


@pytest.fixture
def scene(tmp_path: Path) -> SceneFiles:
    """A patch whose near infrared is bright in its first two columns; pixel (0, 0) has no data."""
    files = write_scene(tmp_path, *PLACE, np.zeros((1, SIZE, SIZE)), corners=(CORNER,))
    patches = netcdf.read(files.patches).load()
    patches["toa"][:] = 1234
    patches["toa"][:, 3, :, :2] = 6000
    patches["toa"][:, 4, 5, 5] = 65535
    patches["toa"][:, 2, 0, 0] = 0
    files.patches.unlink()
    netcdf.write(files.patches, patches)
    images = tmp_path / "own.nc"
    write_own_images(files.patches, images)
    return SceneFiles(*PLACE, files.patches, images)


def test_images_are_those_of_sentinel2(scene: SceneFiles) -> None:
    sample = read_samples(scene, [0], [0]).sample(0)
    assert np.isnan(sample.channels[:, 0, 0]).all()
    assert sample.labels[0, 0] == 255 and (sample.labels.reshape(-1)[1:] == 0).all()
    np.testing.assert_allclose(sample.channels[0].reshape(-1)[1:], 0.1234, rtol=1e-6)
    np.testing.assert_allclose(sample.channels[3, 1:, :2], 0.6, rtol=1e-6)
    assert sample.channels[4, 5, 5] == pytest.approx(2), "saturated: as bright as can be told"
    assert netcdf.arrays(scene.pseudo, "band")[0].tolist() == ["B02", "B03", "B04", "B08", "B11"]


class BrightIsCloud:
    """Cloud where the near infrared is above 0.5, ground elsewhere."""

    def predict(
        self, channels: np.ndarray, window: tuple[int, int, int, int] | None = None
    ) -> np.ndarray:
        cloud = np.nan_to_num(channels[3]) > 0.5
        return np.stack([~cloud, np.zeros_like(cloud), cloud]).astype(np.float32)


def test_model_and_masks_are_judged_on_the_same_pixels(tmp_path: Path, scene: SceneFiles) -> None:
    """Half of the 64 pixels are cloud; of its first column four have no data, mask or truth."""
    edge, fmask, truth = (full(SHAPE, value, "uint8") for value in (0, 1, 0))
    edge[3, 1], fmask[4, 1] = 1, 0
    truth[:, :5] = 205
    truth[5, 1] = 254
    product = minimal_products.maja(
        tmp_path,
        {
            # Cloud all over.
            "MASKS/CLM_R2": full(SHAPE, 2, "uint8"),
            "MASKS/MG2_R2": full(SHAPE, 0, "uint8"),
            "MASKS/EDG_R2": edge,
        },
    )
    raster.write(tmp_path / "fmask.tif", fmask, GRID)
    raster.write(tmp_path / "truth.tif", truth, GRID)
    files = TruthFiles(product, tmp_path / "fmask.tif", tmp_path / "truth.tif")
    samples = Samples([SampleRow(*PLACE, 0, 0, "evaluation", 63, 0, 0, 1)], [scene])
    judged = judge_held_out(BrightIsCloud(), samples, {PLACE: files}, "muscate")
    assert {name: counts["/".join(PLACE)].tolist() for name, counts in judged.items()} == {
        "model": [[32, 0, 0], [0, 0, 0], [16, 0, 12]],
        "MAJA": [[0, 0, 32], [0, 0, 0], [0, 0, 28]],
        "FMask": [[32, 0, 0], [0, 0, 0], [28, 0, 0]],
    }


def test_training_takes_the_images_as_they_are() -> None:
    config = load_config(Path(__file__).parents[1] / "workflow" / "clouddl.yaml")
    rows = {name: plan_sentinel2(config, name, "alps", 1) for name in ("dem", "no-dem")}
    for name, dem in (("dem", "real"), ("no-dem", "none")):
        row = rows[name]
        assert (row.sensor, row.truth, row.training.emulation) == ("sentinel2a", True, "stored")
        assert row.network.clouddl.dem == dem
