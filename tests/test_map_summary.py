"""What a map shows in a few numbers, counted by hand."""

import numpy as np
import pytest
from affine import Affine
from rasterio.crs import CRS

from firn.classes import NO_DATA, PROBABILITY_NODATA, Quality
from firn.grid import Grid
from firn.map_summary import MapSummary

#: 20 m pixels, the upper left corner at (0, 120).
GRID = Grid(CRS.from_epsg(32632), Affine(20, 0, 0, 0, -20, 120), 6, 4)


def strip(codes: list[list[int]], steps: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Classes with one probability each, none of them saturated."""
    snow = np.array(codes, np.uint8)
    probability = np.stack([np.full_like(snow, value) for value in (0, steps, 200 - steps)])
    probability[:, snow == NO_DATA] = PROBABILITY_NODATA
    return snow, probability, np.zeros_like(snow)


def test_shares_and_confidence_by_hand() -> None:
    summary = MapSummary()
    snow, probability, quality = strip([[0, 100, 205, 254], [254, 100, 100, 254]], 160)
    quality[0] = Quality.SATURATED | Quality.SHADED
    summary.add(snow, probability, quality, 0)
    summary.add(*strip([[100, 100, 100, 254]], 120), 2)
    # Eight pixels of twelve have data: 1 ground, 6 snow, 1 cloud; three of them are saturated.
    # Five have a probability of 160 / 200, three of 120 / 200.
    assert summary.properties == {
        "firn:no_data": 33.3333,
        "firn:ground_cover": 12.5,
        "eo:snow_cover": 75,
        "eo:cloud_cover": 12.5,
        "firn:saturated": 37.5,
        "firn:confidence": 0.725,
    }


def test_map_without_data_has_no_shares_and_the_outline_of_its_grid() -> None:
    summary = MapSummary()
    summary.add(*strip([[254] * 4] * 6, 200), 0)
    assert summary.properties == {"firn:no_data": 100}
    assert set(summary.outline(GRID)) == {(0, 0), (80, 0), (80, 120), (0, 120)}


@pytest.mark.parametrize("order", [[0, 1, 2], [2, 0, 1]])
def test_outline_goes_round_the_data_of_all_strips(order: list[int]) -> None:
    """A hole and a bay are inside; the empty first row and last column are not."""
    strips = [
        [[254, 254, 254, 254], [100, 254, 100, 254]],
        [[100, 254, 254, 254], [100, 254, 100, 254]],
        [[254, 254, 254, 254], [0, 0, 205, 254]],
    ]
    summary = MapSummary()
    for number in order:
        summary.add(*strip(strips[number], 200), 2 * number)
    outline = summary.outline(GRID)
    assert set(outline) == {(0, 0), (60, 0), (60, 100), (0, 100)}
    first, second, third = np.array(outline[:3])
    (ax, ay), (bx, by) = second - first, third - second
    assert ax * by - ay * bx > 0, "counterclockwise"


def test_outline_of_a_turned_scene_has_few_corners() -> None:
    """Pixels whose centres lie in a square on its tip: |x - 50| + |y - 50| < 40."""
    y, x = np.mgrid[:100, :100] + 0.5
    inside = np.abs(x - 50) + np.abs(y - 50) < 40
    summary = MapSummary()
    summary.add(*strip(np.where(inside, 100, 254).tolist(), 200), 0)
    grid = Grid(GRID.crs, Affine(1, 0, 0, 0, -1, 100), 100, 100)
    outline = np.array(summary.outline(grid))
    assert len(outline) <= 9
    distance = np.abs(outline - 50).sum(axis=1)
    assert ((distance > 39) & (distance < 41.5)).all()
