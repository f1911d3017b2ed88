"""From the pixels of a map to those of a raw image, and back."""

import minimal_products
import numpy as np
import pytest
from rasterio.warp import transform

from firn.grid import Grid
from firn.orthorectification.geometry import ViewingGeometry
from firn.orthorectification.mapping import Correction, ImageMap
from firn.products.location import LocationModel

GEOMETRY = ViewingGeometry(LocationModel(*minimal_products.REAL_LOCATION, (3000, 3000)), 28.0, "s")
#: 8 x 10 km in the middle of the scene.
GRID = Grid.from_bounds("EPSG:32721", 608000, 8280000, 618000, 8288000, 20)


def relief() -> np.ndarray:
    """Hills of 1200 m with slopes up to 45 degrees."""
    rows, cols = np.indices(GRID.shape)
    return (600 + 600 * np.sin(rows / 30) * np.cos(cols / 30)).astype(np.float32)


def test_every_pixel_is_where_the_geometry_says() -> None:
    height = relief()
    image_map = ImageMap(GEOMETRY, GRID, height)
    places = np.concatenate([strip for _, strip in image_map.strips(Correction.none())], axis=1)
    assert places.shape == (2, *GRID.shape)
    rows, cols = np.array([0, 77, 200, 399]), np.array([499, 3, 250, 0])
    x, y = 608000 + (cols + 0.5) * 20, 8288000 - (rows + 0.5) * 20
    lon, lat = (np.array(v) for v in transform(GRID.crs, "EPSG:4326", x, y))
    expected = GEOMETRY.image(lon, lat, height[rows, cols].astype(float))
    np.testing.assert_allclose(places[:, rows, cols], expected, atol=2e-3)


def test_correction_by_hand() -> None:
    """Row: 5 pixels more, and 2 per km of height; column: 3 from the middle to the edge."""
    coefficients = np.array([[5.0, 0, 0, 2.0], [0, 0, 3.0, 0]])
    image_map = ImageMap(GEOMETRY, GRID, relief())
    plain, corrected = (
        next(image_map.strips(c))[1] for c in (Correction.none(), Correction(coefficients))
    )
    rows = relief()[: plain.shape[1]]
    np.testing.assert_allclose(corrected[0] - plain[0], 5 + 2 * rows / 1000, atol=1e-3)
    np.testing.assert_allclose(corrected[1] - plain[1], 3 * (plain[1] / 1500 - 1), atol=1e-3)


@pytest.mark.parametrize("step", [4, 6])
def test_ground_of_a_pixel_is_seen_at_that_pixel(step: int) -> None:
    correction = Correction(np.array([[4.0, 0, 0, 0], [-7.0, 0, 0, 0]]))
    image_map = ImageMap(GEOMETRY, GRID, relief())
    ground = image_map.ground(correction, step)
    assert ground.shape == (2, 3000 // step, 3000 // step)
    places = np.concatenate([strip for _, strip in image_map.strips(correction)], axis=1)
    row, col = (int(v) // step for v in places[:, 200, 250])
    line, column = ground[:, row, col]
    # Pixels of 20 x 25 m: whole pixels of the image are within one of the map.
    assert abs(line - 200) < 1.5 * step
    assert abs(column - 250) < 1.5 * step
    near = places[:, int(line), int(column)]
    assert np.abs(near - [row * step, col * step]).max() < 2
    seen = np.isfinite(ground[0])
    assert 0.95 < seen.sum() * step**2 * 20 * 25.3 / (8000 * 10000) < 1.05


def test_unknown_ground_is_seen_nowhere() -> None:
    height = relief()
    height[:, 250:] = np.nan
    image_map = ImageMap(GEOMETRY, GRID, height)
    _, strip = next(image_map.strips(Correction.none()))
    assert np.isnan(strip[:, :, 250:]).all()
    assert np.isfinite(strip[:, :, :250]).all()
    ground = image_map.ground(Correction.none(), 2)
    assert np.nanmax(ground[1]) < 250
