"""Let-it-snow as a row of the comparison."""

from pathlib import Path

import numpy as np
import pytest
from affine import Affine
from rasterio.crs import CRS

from firn import raster
from firn.evaluation.let_it_snow import with_let_it_snow
from firn.evaluation.maps import JudgedMap
from firn.grid import Grid
from firn.sensors import load_sensor
from firn.snow_bands import snow_bands

GRID = Grid(CRS.from_epsg(32632), Affine(20, 0, 600000, 0, -20, 5200000), 4, 6)


@pytest.mark.parametrize(
    ("sensor", "bands"),
    [("spot4", ("XS1", "XS2", "SWIR")), ("spot2", None), ("sentinel2a", ("B03", "B04", "B11"))],
)
def test_bands_of_sensors(sensor: str, bands: tuple[str, ...] | None) -> None:
    assert snow_bands(load_sensor(sensor)) == bands


class Image:
    """Reflectance of green, red and SWIR, (band, y, x)."""

    def __init__(self, values: np.ndarray) -> None:
        self.values = values

    def read(self, bands: tuple[str, ...], grid: Grid) -> tuple[object, np.ndarray]:
        assert (bands, grid) == (("XS1", "XS2", "SWIR"), GRID)
        return raster.data_array(self.values, grid, name="toa", units="1"), self.values > 1


def test_clouds_are_given_and_published_thresholds_decide(tmp_path: Path) -> None:
    """Rows: snow (NDSI 0.6), bright soil (0), too dark for the first pass, snow below cloud."""
    rows = [(0.8, 0.7, 0.2), (0.5, 0.5, 0.5), (0.16, 0.15, 0.04), (0.8, 0.7, 0.2)]
    image = np.repeat(np.array(rows, np.float32).T[..., None], GRID.width, axis=2)
    image[0, 0, 5] = np.nan
    judged = JudgedMap("S1", *(tmp_path / name for name in ("s", "p", "q", "i", "r", "d")))
    other = np.full((4, 6), 205, np.uint8)
    other[:, 0] = 254
    raster.write(judged.snow, other, GRID, nodata=254)
    reference = np.zeros((4, 6), np.uint8)
    reference[3] = 2
    raster.write(judged.reference, reference, GRID)
    # Flat: no snow line, so no second pass.
    raster.write(judged.dem, np.full((4, 6), 2000, np.float32), GRID, nodata=-9999)
    new = with_let_it_snow(judged, Image(image), ("XS1", "XS2", "SWIR"), tmp_path / "new")
    snow = raster.read(new.snow).values[0]
    np.testing.assert_array_equal(snow[:, 1:5], np.repeat([[100], [0], [0], [205]], 4, axis=1))
    np.testing.assert_array_equal(snow[:, 0], 254)
    assert snow[0, 5] == 254
    probability = raster.read(new.probability).values
    np.testing.assert_array_equal(probability[:, :, 2].T, 200 * np.eye(3)[[1, 0, 0, 2]])
    assert (new.quality, new.reference, new.scene) == (judged.quality, judged.reference, "S1")
