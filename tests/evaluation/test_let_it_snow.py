"""Let-it-snow as a row of the comparison."""

from pathlib import Path

import numpy as np
import pytest
from affine import Affine
from rasterio.crs import CRS

from firn import raster
from firn.config import EvaluationSettings, Experiment
from firn.evaluation.let_it_snow import evaluate_let_it_snow, with_let_it_snow
from firn.evaluation.maps import JudgedMap
from firn.files import write_json
from firn.grid import Grid
from firn.sensors import load_sensor
from firn.snow_bands import snow_bands

BANDS = ("XS1", "XS2", "SWIR")
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
        assert (bands, grid) == (BANDS, GRID)
        return raster.data_array(self.values, grid, name="toa", units="1"), self.values > 1


#: Rows: snow (NDSI 0.6), bright soil (0), too dark for the first pass, snow below cloud.
ROWS = [(0.8, 0.7, 0.2), (0.5, 0.5, 0.5), (0.16, 0.15, 0.04), (0.8, 0.7, 0.2)]


@pytest.fixture
def image() -> Image:
    values = np.repeat(np.array(ROWS, np.float32).T[..., None], GRID.width, axis=2)
    values[0, 0, 5] = np.nan
    return Image(values)


@pytest.fixture
def judged(tmp_path: Path) -> JudgedMap:
    """A map of clouds alone, without data in its first column, on flat ground without snow line."""
    names = ("snow", "probability", "quality", "item", "reference", "dem")
    judged = JudgedMap("S1", *(tmp_path / name for name in names))
    other = np.full((4, 6), 205, np.uint8)
    other[:, 0] = 254
    raster.write(judged.snow, other, GRID, nodata=254)
    reference = np.zeros((4, 6), np.uint8)
    reference[2] = 1
    reference[0] = 1
    reference[3] = 2
    raster.write(judged.reference, reference, GRID)
    raster.write(judged.quality, np.zeros((4, 6), np.uint8), GRID)
    raster.write(judged.dem, np.full((4, 6), 2000, np.float32), GRID, nodata=-9999)
    sun = {"view:sun_elevation": 30, "view:sun_azimuth": 150, "firn:model": "1f"}
    write_json(judged.item, {"properties": sun})
    return judged


def test_clouds_are_given_and_published_thresholds_decide(
    judged: JudgedMap, image: Image, tmp_path: Path
) -> None:
    new = with_let_it_snow(judged, image, BANDS, tmp_path / "new")
    snow = raster.read(new.snow).values[0]
    np.testing.assert_array_equal(snow[:, 1:5], np.repeat([[100], [0], [0], [205]], 4, axis=1))
    np.testing.assert_array_equal(snow[:, 0], 254)
    assert snow[0, 5] == 254
    probability = raster.read(new.probability).values
    np.testing.assert_array_equal(probability[:, :, 2].T, 200 * np.eye(3)[[1, 0, 0, 2]])
    assert (new.quality, new.reference, new.scene) == (judged.quality, judged.reference, "S1")


def test_scores_by_hand(judged: JudgedMap, image: Image) -> None:
    """Columns 1 to 5, but for the pixel without data: 4 of the 9 pixels of snow are found."""
    metrics = evaluate_let_it_snow(
        [judged],
        [image],
        BANDS,
        "let-it-snow-spot4",
        Experiment(method="let-it-snow", sensor="spot4", area="alps"),
        EvaluationSettings(bootstrap=20),
        seed=1,
    )
    assert metrics["confusion_matrix"] == [[5, 0, 0], [5, 4, 0], [0, 0, 5]]
    assert metrics["snow_cloud_free"]["recall"] == pytest.approx(4 / 9)
    assert metrics["experiment"]["method"] == "let-it-snow"
    assert "1f" not in str(metrics["provenance"]), "it has no model"
