"""Snow maps of scenes that have no snow product."""

import json
from pathlib import Path

import minimal_products
import numpy as np
import pytest
from minimal_products import EPSG, SIDE, full, transform
from rasterio.crs import CRS

from firn import raster
from firn.config import LabelSettings, SnowMapSettings
from firn.errors import GridError, ProductError
from firn.grid import Grid
from firn.labels import write_labels
from firn.products.identity import TileDate
from firn.raster import Array
from firn.snow_maps import write_snow_map

FINE, COARSE = (SIDE // 10, SIDE // 10), (SIDE // 20, SIDE // 20)
ROW = TileDate("32TPT", "20180314")
GRID = Grid(CRS.from_epsg(EPSG), transform(20), *COARSE)
#: Surface reflectance x 10000 in B3, B4, B11.
SOIL, SNOW, FAINT_SNOW = (1400, 1800, 2600), (9000, 8000, 1000), (1300, 1000, 700)


@pytest.fixture
def dem(tmp_path: Path) -> Path:
    """Rises southwards, 100 m a row, from 1050 m; unknown in the last column."""
    heights = np.repeat(np.arange(24, dtype=np.float32)[:, None] * 100 + 1050, 24, axis=1)
    heights[:, -1] = -9999
    raster.write(tmp_path / "dem.tif", heights, GRID, nodata=-9999)
    return tmp_path / "dem.tif"


def product(folder: Path) -> Path:
    """Soil with snow from row 10 on in the left half, faint snow in the right, cloud below."""
    bands = {}
    for index, (band, shape) in enumerate({"B3": FINE, "B4": FINE, "B11": COARSE}.items()):
        step = shape[0] // 24
        values = full(shape, SOIL[index], "int16")
        values[10 * step :, : 12 * step] = SNOW[index]
        values[:, 12 * step :] = FAINT_SNOW[index]
        values[20 * step :] = 9000
        values[:, : 2 * step] = -10000
        bands[f"FRE_{band}"] = values
    clm = full(COARSE, 0, "uint8")
    clm[20:] = 2 | 4
    return minimal_products.zip_folder(
        minimal_products.maja(folder, {**bands, "MASKS/CLM_R2": clm})
    )


def expected_codes() -> Array:
    """The lowest snowy row is the 11th, at 2050 m; the line is two rows below it, at 1850 m.

    23 bands hold 24 rows of 2300 m, so that the last two share one; all of them have 10 of 24
    columns that are snowy. The column without elevation is not above the line.
    """
    codes = np.zeros(COARSE, np.uint8)
    codes[10:20, 2:12] = 100
    codes[9:20, 12:23] = 100
    codes[20:] = 205
    codes[:, :2] = 254
    return codes


def test_map_of_a_maja_product(tmp_path: Path, dem: Path) -> None:
    output = tmp_path / "out" / "snow.tif"
    write_snow_map(product(tmp_path), dem, ROW, SnowMapSettings(), output)
    snow = raster.read(output)
    assert snow.dtype == np.uint8
    assert (Grid.of(snow), snow.attrs["nodata"]) == (GRID, 254)
    # The cubic kernel mixes snow and soil beside an edge: there the class is not told by hand.
    judged = np.ones(COARSE, bool)
    judged[8:11], judged[19:21], judged[:, 1:3], judged[:, 11:13] = (False,) * 4
    np.testing.assert_array_equal(snow.values[0][judged], expected_codes()[judged])
    assert raster.tags(output)["product_id"] == "SENTINEL2A_20180314-102459-123_L2A_T32TPT_C_V1-0"
    first = output.read_bytes()
    write_snow_map(product(tmp_path), dem, ROW, SnowMapSettings(), output)
    assert output.read_bytes() == first


def test_its_settings_count(tmp_path: Path, dem: Path) -> None:
    output = tmp_path / "snow.tif"
    write_snow_map(product(tmp_path), dem, ROW, SnowMapSettings(ndsi_pass2=0.5), output)
    codes = raster.read(output).values[0]
    assert (codes[:20, 13:] == 0).all()
    assert (codes[11:19, 3:11] == 100).all()


def test_labels_are_made_of_it(tmp_path: Path, dem: Path) -> None:
    l2a, snow = product(tmp_path), tmp_path / "snow.tif"
    raster.write(tmp_path / "exclusion.tif", full(COARSE, 0, "uint8"), GRID)
    write_snow_map(l2a, dem, ROW, SnowMapSettings(), snow)
    labels = tmp_path / "labels.tif"
    write_labels(snow, l2a, tmp_path / "exclusion.tif", ROW, LabelSettings(), labels)
    codes, values = raster.read(snow).values[0], raster.read(labels).values[0]
    for code, label in ((0, 0), (100, 1), (205, 2), (254, 255)):
        assert (codes == code).any()
        assert (values[codes == code] == label).all()
    assert json.loads(raster.tags(labels)["FIRN_PROVENANCE"])["sources"] == [
        "SENTINEL2A_20180314-102459-123_L2A_T32TPT_C_V1-0"
    ]
    foreign = tmp_path / "foreign.tif"
    raster.write(foreign, codes, GRID)
    with pytest.raises(ProductError, match=r"foreign\.tif: is not a snow map that firn made"):
        write_labels(foreign, l2a, tmp_path / "exclusion.tif", ROW, LabelSettings(), labels)


def test_products_that_do_not_fit(tmp_path: Path, dem: Path) -> None:
    l2a = product(tmp_path)
    with pytest.raises(ProductError, match="is a product of 32TPT/20180314"):
        write_snow_map(
            l2a, dem, TileDate("32TPT", "20180315"), SnowMapSettings(), tmp_path / "snow.tif"
        )
    raster.write(tmp_path / "other.tif", full((5, 5), 1, "float32"), GRID.crop(0, 0, 5, 5))
    with pytest.raises(GridError, match=r"is not on the grid of .*other\.tif"):
        write_snow_map(l2a, tmp_path / "other.tif", ROW, SnowMapSettings(), tmp_path / "snow.tif")
    assert not (tmp_path / "snow.tif").exists()
