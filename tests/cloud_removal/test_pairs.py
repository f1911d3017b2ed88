"""Real images: readers, areas, orbits, and the real pair that comes with firn."""

import json
from pathlib import Path

import numpy as np
import pytest
from rasterio.crs import CRS
from rasterio.warp import transform_geom

from firn import raster
from firn.cloud_removal.normalisation import Normalisation, to_decibel, to_power
from firn.cloud_removal.pairs import (
    area_mask,
    pair_files,
    prepare_sentinel2,
    read_area,
    read_sentinel2,
)
from firn.cloud_removal.sentinel1 import orbit_of, prepare_sentinel1, read_gamma0
from firn.cloud_removal.tiles import Tiles
from firn.cloud_removal_config import BANDS, NormalisationSettings, RealPair, SnapSettings
from firn.errors import DataError, GridError, ProductError
from firn.grid import Grid
from firn.sensors import packaged
from tests import minimal_products
from tests.cloud_removal.pair_files import GRID, write_pair

FOREST, FOREST_SENTINEL1 = packaged("crops/forest"), packaged("crops/forest-sentinel1")


def real_pair(folder: Path, **changes: object) -> RealPair:
    files = write_pair(folder)
    named = ("sentinel2_t0", "sentinel2_t1", "sentinel1_t0", "sentinel1_t1")
    content = {name: str(getattr(files, name)) for name in named} | {"orbit": "ascending"}
    return RealPair.model_validate(content | changes)


def square(left: float, top: float, side: float) -> dict:
    ring = [[left, top], [left + side, top], [left + side, top - side], [left, top - side]]
    polygon = {"type": "Polygon", "coordinates": [[*ring, ring[0]]]}
    return transform_geom(GRID.crs, CRS.from_epsg(4326), polygon)


def write_area(path: Path, *polygons: dict) -> str:
    features = [{"type": "Feature", "properties": {}, "geometry": p} for p in polygons]
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    return str(path)


def test_real_pair_passes_through_readers_and_normalisation() -> None:
    image, cloud, grid = read_sentinel2(FOREST, BANDS)
    assert image.shape == (7, 120, 120)
    assert cloud is None
    assert grid.resolution == 10
    red = raster.read(Path(FOREST) / "B04.tif").values[0]
    np.testing.assert_allclose(image[0], red / 10000, rtol=1e-6)
    # A band of 20 m keeps its mean, and is smooth between its pixels.
    swir = raster.read(Path(FOREST) / "B11.tif").values[0] / 10000
    assert image[5].mean() == pytest.approx(swir.mean(), rel=0.01)
    assert np.isfinite(image).all()
    gamma = read_gamma0(FOREST_SENTINEL1, grid, "dB")
    decibel = raster.read(Path(FOREST_SENTINEL1) / "VH.tif").values[0]
    np.testing.assert_allclose(10 * np.log10(gamma[1]), decibel, atol=1e-4)
    assert gamma[0].mean() > gamma[1].mean()

    def cut(values: np.ndarray) -> np.ndarray:
        return np.stack([values[:, r : r + 60, c : c + 60] for r in (0, 60) for c in (0, 60)])

    unknown = np.full((4, 7), np.nan, np.float32)
    tiles = Tiles(
        sentinel1_t0=cut(gamma),
        sentinel1_t1=cut(gamma),
        sentinel2_t0=cut(image),
        sentinel2_t1=cut(image),
        cloud_t1=np.zeros((4, 60, 60), np.uint8),
        severity=np.full((4, 60, 60), 255, np.uint8),
        year_low=unknown,
        year_high=unknown,
        tile_row=np.array([0, 0, 60, 60], np.int32),
        tile_col=np.array([0, 60, 0, 60], np.int32),
        area=np.array(["forest"] * 4, object),
    )
    normalisation = Normalisation.fit([tiles], BANDS, NormalisationSettings())
    inputs, target, scaling = normalisation.forward(tiles)
    assert np.isfinite(inputs).all()
    assert inputs.shape == (4, 11, 60, 60)
    back = normalisation.inverse(target, scaling)
    inside = np.abs(target) < 1
    assert inside.mean() > 0.99
    np.testing.assert_allclose(back[inside], tiles.sentinel2_t1[inside], atol=1e-6)
    scaled = normalisation.sentinel1_scaling(to_decibel(cut(gamma), normalisation.settings))
    power = to_power(scaled.inverse(inputs[:, :2]))
    np.testing.assert_allclose(power, cut(gamma), rtol=1e-4)


def test_missing_band_is_named(tmp_path: Path) -> None:
    path = write_pair(tmp_path).sentinel2_t1
    with pytest.raises(ProductError, match="lacks B05"):
        read_sentinel2(path, ["B04", "B05"])
    with pytest.raises(ProductError, match=r"B10\.tif: is not there"):
        read_sentinel2(FOREST, ["B04", "B10"])


def test_area_of_many_polygons_is_cut_out(tmp_path: Path) -> None:
    left, _, _, top = GRID.bounds
    area = write_area(
        tmp_path / "area.geojson",
        square(left + 100, top - 100, 200),
        square(left + 600, top - 500, 300),
    )
    pair = real_pair(tmp_path / "real", area=area)
    files = pair_files(tmp_path / "pair")
    prepare_sentinel2(pair, BANDS, files)
    grid = raster.grid_of(files.sentinel2_t1)
    assert grid == GRID.crop(10, 10, 70, 80)
    later = raster.read(files.sentinel2_t1).values
    source = raster.read(pair.sentinel2_t1).values[:, 10:80, 10:90]
    np.testing.assert_array_equal(later[:, :20, :20], source[:, :20, :20])
    np.testing.assert_array_equal(later[:, 40:, 50:], source[:, 40:, 50:])
    assert (later[:, :20, 20:] == 0).all()
    assert (raster.read(files.severity).values == 255).all()
    prepare_sentinel1(pair, grid, SnapSettings(), (files.sentinel1_t0, files.sentinel1_t1))
    gamma = raster.read(files.sentinel1_t1).values
    expected = raster.read(pair.sentinel1_t1).values[:, 10:80, 10:90]
    np.testing.assert_array_equal(gamma, expected)
    assert raster.tags(files.sentinel1_t1)["orbit_direction"] == "ascending"


def test_area_elsewhere_or_without_polygons_is_refused(tmp_path: Path) -> None:
    left, _, _, top = GRID.bounds
    far = write_area(tmp_path / "far.geojson", square(left + 50000, top, 200))
    with pytest.raises(GridError, match="outside"):
        area_mask(far, GRID)
    points = tmp_path / "points.geojson"
    points.write_text('{"type": "Point", "coordinates": [10, 46]}')
    with pytest.raises(DataError, match="no polygon"):
        read_area(points)
    points.write_text("polygons")
    with pytest.raises(DataError, match="GeoJSON"):
        read_area(points)


def test_misaligned_sentinel1_is_refused(tmp_path: Path) -> None:
    left, bottom, right, top = GRID.bounds
    half = Grid.from_bounds(GRID.crs, left + 5, bottom + 5, right + 5, top + 5, 10)
    path = write_pair(tmp_path / "half", half).sentinel1_t0
    with pytest.raises(GridError, match=r"corner 600005\.00.*are not those of the Sentinel-2"):
        read_gamma0(path, GRID)
    small = write_pair(tmp_path / "small", GRID.crop(0, 0, 90, 96)).sentinel1_t0
    with pytest.raises(GridError, match="do not cover"):
        read_gamma0(small, GRID)


def test_larger_image_on_the_same_pixels_is_cut(tmp_path: Path) -> None:
    path = write_pair(tmp_path).sentinel1_t0
    inner = GRID.crop(7, 11, 32, 48)
    expected = raster.read(path).values[:, 7:39, 11:59]
    np.testing.assert_array_equal(read_gamma0(path, inner), expected)


def test_missing_polarisation_is_named(tmp_path: Path) -> None:
    path = tmp_path / "vv.tif"
    raster.write(path, np.ones((1, 96, 96), np.float32), GRID, band_names=["VV"])
    with pytest.raises(ProductError, match="lacks VH"):
        read_gamma0(path, GRID)
    with pytest.raises(ProductError, match=r"VV\.tif: is not there"):
        read_gamma0(tmp_path, GRID)


def test_missing_and_mixed_orbits_are_refused(tmp_path: Path) -> None:
    pair = real_pair(tmp_path / "real", orbit=None)
    with pytest.raises(DataError, match="nothing says whether its orbit"):
        orbit_of(pair.sentinel1_t0, None)
    images = {}
    for direction in ("ascending", "descending"):
        images[direction] = str(tmp_path / f"{direction}.tif")
        gamma = np.ones((2, 96, 96), np.float32)
        tags = {"orbit_direction": direction}
        raster.write(images[direction], gamma, GRID, band_names=("VV", "VH"), tags=tags)
    with pytest.raises(DataError, match="the configuration says ascending"):
        orbit_of(images["descending"], "ascending")
    mixed = real_pair(
        tmp_path / "mixed",
        orbit=None,
        sentinel1_t0=images["ascending"],
        sentinel1_t1=images["descending"],
    )
    outputs = (tmp_path / "t0.tif", tmp_path / "t1.tif")
    with pytest.raises(DataError, match="images of one direction"):
        prepare_sentinel1(mixed, GRID, SnapSettings(), outputs)


def test_two_tiles_are_no_pair(tmp_path: Path) -> None:
    left, bottom, right, top = GRID.bounds
    other = Grid.from_bounds(GRID.crs, left + 960, bottom, right + 960, top, 10)
    elsewhere = write_pair(tmp_path / "other", other).sentinel2_t0
    pair = real_pair(tmp_path / "real", sentinel2_t0=str(elsewhere))
    with pytest.raises(GridError, match="images of one tile"):
        prepare_sentinel2(pair, BANDS, pair_files(tmp_path / "pair"))


def test_clouds_of_maja_have_no_data(tmp_path: Path) -> None:
    products = []
    for date, cloudy in (("20180314", (0, 0)), ("20180424", (3, 5))):
        mask = np.zeros((24, 24), np.uint8)
        mask[cloudy] = 3
        rasters = {
            "SRE_B4": np.full((48, 48), 7000, np.int16),
            "SRE_B11": np.full((24, 24), 1500, np.int16),
            "MASKS/CLM_R2": mask,
        }
        name = f"SENTINEL2A_{date}-102459-123"
        products.append(str(minimal_products.maja(tmp_path, rasters, name=name)))
    pair = RealPair(
        sentinel2_t0=products[0], sentinel2_t1=products[1], sentinel1_t0="-", sentinel1_t1="-"
    )
    files = pair_files(tmp_path / "pair")
    prepare_sentinel2(pair, ("B04", "B11"), files)
    cloud = raster.read(files.cloud_t1).values[0]
    assert np.argwhere(cloud).tolist() == [[6, 10], [6, 11], [7, 10], [7, 11]]
    later, earlier = (raster.read(p).values for p in (files.sentinel2_t1, files.sentinel2_t0))
    assert (later[:, cloud == 1] == 0).all()
    assert (later[0, cloud == 0] == 7000).all()
    assert (later[1, cloud == 0] == 1500).all()
    assert (earlier[:, :2, :2] == 0).all()
    assert (earlier[:, 2:] > 0).all()
