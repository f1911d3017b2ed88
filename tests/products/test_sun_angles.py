"""Sun angles of a tile at each pixel."""

from pathlib import Path

import minimal_products
import numpy as np
import pytest
from affine import Affine
from rasterio.crs import CRS

from firn.errors import ProductError
from firn.grid import Grid
from firn.products.sentinel2 import open_l1c
from firn.products.sun_angles import read_sun_angles
from firn.products.xml import Metadata


def test_angles_by_hand(tmp_path: Path) -> None:
    """The centre of pixel (r, c) lies (20 r + 10) / 5000 and (20 c + 10) / 5000 into the cell.

    The zenith is 50 and 60 at the upper nodes, 70 and 80 at the lower ones; the azimuth goes from
    359 to 1, that is 2 degrees to the right, and not back through south.
    """
    angles = open_l1c(minimal_products.sentinel2(tmp_path, {})).sun_angles()
    assert angles.dims == ("angle", "y", "x")
    assert angles.dtype == np.float32
    assert angles.angle.values.tolist() == ["zenith", "azimuth"]
    assert angles.attrs["units"] == "degree"
    zenith, azimuth = angles.values
    assert zenith[0, 0] == pytest.approx(50 + 20 * 0.002 + 10 * 0.002, abs=1e-4)
    assert zenith[20, 3] == pytest.approx(50 + 20 * 410 / 5000 + 10 * 70 / 5000, abs=1e-4)
    np.testing.assert_allclose(azimuth[:, 0], 359.004, atol=1e-3)
    np.testing.assert_allclose(azimuth[:, 23], 359 + 2 * 470 / 5000, atol=1e-3)


def document(rows: int, columns: int) -> Metadata:
    """Planes that grow by 1 each row and 0.5 each column, from 20 and from 350 degrees."""
    grids = ""
    for angle, start in (("Zenith", 20), ("Azimuth", 350)):
        lines = ""
        for row in range(rows):
            values = [str((start + row + column / 2) % 360) for column in range(columns)]
            lines += f"<VALUES>{' '.join(values)}</VALUES>"
        grids += (
            f"<{angle}><COL_STEP>5000</COL_STEP><ROW_STEP>5000</ROW_STEP>"
            f"<Values_List>{lines}</Values_List></{angle}>"
        )
    return Metadata(f"<T><Sun_Angles_Grid>{grids}</Sun_Angles_Grid></T>".encode(), "MTD_TL.xml")


def test_a_whole_tile_has_23_nodes_a_side() -> None:
    """A plane stays a plane; the azimuth runs past 360 and is told from 0 on again."""
    grid = Grid(CRS.from_epsg(32632), Affine(100, 0, 6e5, 0, -100, 5.2e6), 1098, 1098)
    zenith, azimuth = read_sun_angles(document(23, 23), grid).values
    row, column = np.mgrid[:1098, :1098] * 0.02 + 0.01
    np.testing.assert_allclose(zenith, 20 + row + column / 2, atol=1e-4)
    np.testing.assert_allclose(azimuth, (350 + row + column / 2) % 360, atol=1e-4)


@pytest.mark.parametrize(("rows", "columns"), [(22, 23), (23, 22), (46, 23), (1, 1)])
def test_a_grid_that_does_not_span_the_tile(rows: int, columns: int) -> None:
    grid = Grid(CRS.from_epsg(32632), Affine(100, 0, 6e5, 0, -100, 5.2e6), 1098, 1098)
    with pytest.raises(
        ProductError, match=rf"has {rows} rows of .{columns}. angles, expected 23 rows"
    ):
        read_sun_angles(document(rows, columns), grid)


def test_angles_missing_or_no_numbers(tmp_path: Path) -> None:
    safe = minimal_products.sentinel2(tmp_path, {})
    file = next(safe.rglob("MTD_TL.xml"))
    whole = file.read_text()
    for text, message in (
        (whole.replace("50 60", "50 NaN"), "VALUES is 'NaN', expected a number from 0 to 90"),
        (whole.replace("359 1", "359"), "Azimuth has 2 rows of .1. angles"),
        (whole.replace("Sun_Angles_Grid", "Other_Grid"), "no field Sun_Angles_Grid/Zenith"),
    ):
        file.write_text(text)
        with pytest.raises(ProductError, match=message):
            open_l1c(safe).sun_angles()
