"""Cloud labels by MAJA and Fmask, and the readers of cloud masks."""

import json
from pathlib import Path

import minimal_products
import numpy as np
import pytest
from minimal_products import EPSG, SIDE, full, transform
from rasterio.crs import CRS
from rasterio.warp import transform_geom

from firn import raster
from firn.cloud_labels import maja_classes, merge, write_cloud_labels
from firn.errors import DataError, ProductError
from firn.grid import Grid
from firn.products.cloud_masks import read_alcd, read_fmask, read_mask, read_polygons
from firn.products.identity import TileDate

SHAPE = (SIDE // 20, SIDE // 20)
GRID = Grid(CRS.from_epsg(EPSG), transform(20), *SHAPE)


def write_codes(path: Path, codes: list[int], grid: Grid = GRID) -> Path:
    """Codes in the first pixels, the last of them in all others."""
    values = np.full(grid.shape, codes[-1], np.uint8)
    values.reshape(-1)[: len(codes)] = codes
    raster.write(path, values, grid)
    return path


def test_codes_of_fmask_are_read_as_classes(tmp_path: Path) -> None:
    path = write_codes(tmp_path / "fmask.tif", [0, 1, 2, 3, 4, 5])
    assert read_fmask(path, GRID).reshape(-1)[:6].tolist() == [255, 0, 2, 0, 1, 0]
    assert (read_mask(path, GRID) == read_fmask(path, GRID)).all()


def test_other_codes_are_refused(tmp_path: Path) -> None:
    path = write_codes(tmp_path / "fmask.tif", [1, 9])
    with pytest.raises(DataError, match=r"fmask.tif: holds the codes \[9\], which Fmask does not"):
        read_fmask(path, GRID)


def test_reference_of_alcd_counts_where_it_is_sure(tmp_path: Path) -> None:
    coarse = GRID.with_resolution(60)
    folder = tmp_path / "S2A_MSIL1C_20170720"
    write_codes(folder / "Classification/classification_map.tif", [0, 1, 2, 3, 4, 5, 6, 7], coarse)
    write_codes(folder / "Classification/confidence_enhanced.tif", [255] * 5 + [99, 100, 0], coarse)
    assert read_alcd(folder, coarse).reshape(-1)[:8].tolist() == [255, 255, 2, 2, 0, 0, 0, 1]
    sure = read_mask(folder, coarse, confidence=100).reshape(-1)[:8].tolist()
    assert sure == [255, 255, 2, 2, 0, 255, 0, 255]
    # At 20 m each pixel of 60 m stands three times in a row.
    assert read_alcd(folder, GRID)[0, 6:9].tolist() == [2, 2, 2]


def polygon(rows: slice, cols: slice, name: str) -> dict[str, object]:
    left, top = GRID.bounds[0], GRID.bounds[3]
    x = [left + 20 * cols.start, left + 20 * cols.stop]
    y = [top - 20 * rows.start, top - 20 * rows.stop]
    ring = [(x[0], y[0]), (x[1], y[0]), (x[1], y[1]), (x[0], y[1]), (x[0], y[0])]
    shape = {"type": "Polygon", "coordinates": [ring]}
    moved = transform_geom(GRID.crs, "EPSG:4326", shape)
    return {"type": "Feature", "properties": {"class": name}, "geometry": moved}


def test_polygons_of_a_person_become_classes(tmp_path: Path) -> None:
    features = [
        polygon(slice(0, 2), slice(0, 3), "cloud"),
        polygon(slice(1, 3), slice(0, 1), "Snow"),
    ]
    path = tmp_path / "first.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    classes = read_mask(path, GRID)
    assert classes[:4, :4].tolist() == [
        [2, 2, 2, 255],
        [1, 2, 2, 255],
        [1, 255, 255, 255],
        [255, 255, 255, 255],
    ]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{}", "is not a GeoJSON collection"),
        ("nothing", "is not a GeoJSON collection"),
        (
            json.dumps({"features": [{"properties": {"class": "fog"}, "geometry": None}]}),
            "has a None of class 'fog'",
        ),
    ],
)
def test_other_files_are_no_polygons(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "first.geojson"
    path.write_text(content)
    with pytest.raises(DataError, match=message):
        read_polygons(path, GRID)


def test_rasters_of_firn_and_of_published_maps_are_masks(tmp_path: Path) -> None:
    own = write_codes(tmp_path / "own.tif", [0, 1, 2, 255])
    published = write_codes(tmp_path / "published.tif", [0, 100, 205, 254])
    for path in (own, published):
        assert read_mask(path, GRID).reshape(-1)[:4].tolist() == [0, 1, 2, 255]


def test_policies() -> None:
    maja = np.array([0, 0, 1, 2, 2, 255, 2], np.uint8)
    fmask = np.array([0, 2, 0, 2, 1, 2, 255], np.uint8)
    assert merge(maja, fmask, "maja").tolist() == maja.tolist()
    assert merge(maja, fmask, "fmask").tolist() == fmask.tolist()
    assert merge(maja, fmask, "agree").tolist() == [0, 255, 1, 2, 255, 255, 255]


def test_shadow_is_no_cloud_and_cloud_hides_snow() -> None:
    clm = np.array([0, 1 | 32, 1 | 2, 1 | 2, 0], np.uint8)
    mg2 = np.array([4, 0, 4, 0, 0], np.uint8)
    edge = np.array([False, False, False, False, True])
    assert maja_classes(clm, mg2, edge).tolist() == [1, 0, 2, 2, 255]


def test_labels_of_a_scene(tmp_path: Path) -> None:
    clm = full(SHAPE, 0, "uint8")
    clm[0, :2] = 3
    product = minimal_products.maja(
        tmp_path,
        {
            "MASKS/CLM_R2": clm,
            "MASKS/MG2_R2": full(SHAPE, 0, "uint8"),
            "MASKS/EDG_R2": full(SHAPE, 0, "uint8"),
        },
    )
    fmask = write_codes(tmp_path / "fmask.tif", [2, 1, 2, 1])
    row = TileDate("32TPT", "20180314")
    arguments = product, fmask, fmask
    write_cloud_labels(*arguments, row, "agree", "muscate", tmp_path / "labels.tif")
    labels = raster.read(tmp_path / "labels.tif").values[0]
    assert labels[0, :4].tolist() == [2, 255, 255, 0]
    other = TileDate("32TPT", "20190101")
    with pytest.raises(ProductError, match="correct that row"):
        write_cloud_labels(*arguments, other, "agree", "muscate", tmp_path / "labels.tif")
