"""What the figures of patches and scenes read from files."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from affine import Affine
from pseudo_files import SIZE, write_scene
from rasterio.crs import CRS

from firn import raster
from firn.evaluation import JudgedMap
from firn.grid import Grid
from firn.plots import maps
from firn.plots.patches import read_examples
from firn.samples import SampleRow, Samples

GRID = Grid(CRS.from_epsg(32632), Affine(20, 0, 600000, 0, -20, 5200020), 12, 12)


class Snow:
    """Says snow everywhere."""

    lost = 0

    def predict(
        self, channels: np.ndarray, window: tuple[int, int, int, int] | None = None
    ) -> np.ndarray:
        snow = np.zeros((3, *channels.shape[1:]), np.float32)
        snow[1] = 1
        return snow


def test_example_by_hand(tmp_path: Path) -> None:
    labels = np.zeros((1, SIZE, SIZE), np.uint8)
    scene = write_scene(tmp_path, "32TPT", "20180315", labels, dn=51)
    row = SampleRow("32TPT", "20180315", 0, 0, "evaluation", 63, 0, 0, 1)
    (example,) = read_examples(Samples([row], [scene]), [0], Snow())
    assert example.title == "32TPT\n2018-03-15"
    assert example.gains == "SPOT2-HRV1"
    np.testing.assert_allclose(example.sentinel2[:, 2, 3], [0.4, 0.3, 0.2])
    np.testing.assert_allclose(example.pseudo[:, 2, 3], [0.2, 0.2, 0.2])
    assert np.isnan(example.pseudo[:, 0, 0]).all()
    assert example.label[0, 0] == 255
    assert (example.predicted == 1).all()


@dataclass
class FlatScene:
    """A scene whose bands are 0.1, 0.2, ... everywhere."""

    scene_id: str = "S1"
    platform: str = "SPOT4"
    instrument: str = "HRVIR1"
    acquisition_time: datetime = datetime(2001, 6, 14, 11, 2, tzinfo=UTC)
    sun_zenith: float = 26.0
    sun_azimuth: float = 150.0
    bands: tuple[str, ...] = ("XS1", "XS2", "XS3", "SWIR")
    saturation: dict[str, float] = field(default_factory=dict)
    minimum: dict[str, float] = field(default_factory=dict)
    grid: Grid = GRID

    def read(
        self, bands: tuple[str, ...], grid: Grid | None = None
    ) -> tuple[xr.DataArray, np.ndarray]:
        assert grid == GRID
        levels = [0.1 * (1 + self.bands.index(band)) for band in bands]
        values = np.ones((len(bands), *grid.shape), np.float32) * np.array(levels)[:, None, None]
        return raster.data_array(values, grid, name="s", units="1"), np.zeros(values.shape, bool)


def test_quicklook_is_on_the_grid_of_the_map(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    codes = np.full(GRID.shape, 100, np.uint8)
    codes[:, :4] = 254
    reference = np.full((4, 12), 205, np.uint8)
    probability = np.full((3, *GRID.shape), 150, np.uint8)
    paths = {name: tmp_path / f"{name}.tif" for name in ("snow", "probability", "reference")}
    raster.write(paths["snow"], codes, GRID, nodata=254)
    raster.write(paths["probability"], probability, GRID, nodata=255)
    raster.write(paths["reference"], reference, GRID.crop(0, 0, 4, 12), nodata=255)
    unused = tmp_path / "unused"
    judged_map = JudgedMap("S1", quality=unused, item=unused, dem=unused, **paths)
    look = maps.read_quicklook(FlatScene(), judged_map)
    assert look.title == "SPOT4 HRVIR1, 2001-06-14 11:02 UTC, sun elevation 64°"
    np.testing.assert_allclose(look.image[:, 5, 5], [0.3, 0.2, 0.1])
    assert look.reference[:, 5].tolist() == [2] * 4 + [255] * 8
    assert look.predicted[5].tolist() == [255] * 4 + [1] * 8
    np.testing.assert_allclose(look.confidence[5, 4:], 0.75)
    assert np.isnan(look.confidence[5, :4]).all()
    monkeypatch.setattr(maps, "_LONGEST", 4)
    thinned = maps.read_quicklook(FlatScene(), judged_map)
    assert thinned.predicted.shape == (4, 4)
    assert thinned.resolution == 60
