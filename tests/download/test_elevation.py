"""Elevation tiles: which there are, and the mosaic that is made of them."""

import hashlib
from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine
from server import Server, refuse

from firn import raster
from firn.acquisition_config import Acquisition
from firn.config import Area
from firn.download.elevation import dem_box, dem_url, find_dem, write_mosaic
from firn.download.tiles import Box, tile_box
from firn.errors import DataError, DownloadError

AREAS = {"pyrenees": Area(tiles=("31TCH",))}
QUICK = {"attempts": 3, "wait": 0.01, "patience": 1}


def name(lat: int, lon: int) -> str:
    return f"Copernicus_DSM_COG_10_N{lat:02d}_00_E{lon:03d}_00_DEM"


def settings(server: Server, **changes: object) -> Acquisition:
    return Acquisition.model_validate(
        {"scenes": "s.tsv", "dem": f"{server.url}/dem", "retries": QUICK, **changes}
    )


def write_tile(path: Path, lat: int, lon: int, values: np.ndarray) -> Path:
    """Tile of one degree that begins half a pixel off the whole degree, as the real ones do."""
    rows, columns = values.shape
    high, wide = 1 / rows, 1 / columns
    path.parent.mkdir(parents=True, exist_ok=True)
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        height=rows,
        width=columns,
        count=1,
        dtype="float32",
        crs="EPSG:4326",
        transform=Affine(wide, 0, lon - wide / 2, 0, -high, lat + 1 + high / 2),
    ) as dataset:
        dataset.write(values.astype(np.float32), 1)
    return path


def test_tiles_of_an_area_are_found_with_size_and_checksum(server: Server) -> None:
    """31TCH covers 0.53-1.91 E, 42.34-43.35 N: four tiles, of which one is ocean here."""
    there = [(42, 0), (42, 1), (43, 0)]
    for lat, lon in there:
        path = dem_url("/dem", name(lat, lon))
        server.files[path] = f"tile {lat} {lon}".encode()
    tiles = find_dem(f"{server.url}/dem/", AREAS, settings(server))
    assert [tile.product_id for tile in tiles] == [name(*corner) for corner in there]
    assert {r.path for r in server.requests} == {
        f"/dem/{n}/{n}.tif" for n in (name(42, 0), name(42, 1), name(43, 0), name(43, 1))
    }
    assert {r.method for r in server.requests} == {"HEAD"}
    assert tiles[0].size == len(b"tile 42 0")
    assert tiles[0].md5 == hashlib.md5(b"tile 42 0").hexdigest()
    assert tiles[0].file == f"dem/{name(42, 0)}.tif"


def test_tag_of_a_file_put_there_in_parts_is_no_checksum(server: Server) -> None:
    path = dem_url("/dem", name(42, 0))
    server.files[path] = b"tile"
    server.troubles[path] = [refuse(200, b"tile", ETag=f'"{"0" * 32}-5"')]
    (tile,) = find_dem(f"{server.url}/dem", AREAS, settings(server))
    assert (tile.size, tile.md5) == (4, None)


def test_busy_bucket_is_asked_again_and_a_closed_one_is_told(server: Server) -> None:
    path = dem_url("/dem", name(42, 0))
    server.files[path] = b"tile"
    server.troubles[path] = [refuse(503), refuse(429, Retry_After="0")]
    assert len(find_dem(f"{server.url}/dem", AREAS, settings(server))) == 1
    server.troubles[path] = [refuse(403)]
    with pytest.raises(DownloadError, match=rf"{name(42, 0)}: the server refuses it \(HTTP 403\)"):
        find_dem(f"{server.url}/dem", AREAS, settings(server))
    server.files.clear()
    with pytest.raises(DownloadError, match=r"no elevation tile of the areas; correct acquis"):
        find_dem(f"{server.url}/dem", AREAS, settings(server))
    server.stop()
    with pytest.raises(DownloadError, match="is not reachable"):
        find_dem(f"{server.url}/dem", AREAS, settings(server))


def test_spot_scenes_need_more_ground() -> None:
    """60 km beyond each side at least: 0.54 degrees of latitude, 0.73 of longitude at 42.3 N."""
    tile, wide = tile_box("31TCH"), dem_box(AREAS.values(), with_spot=True)
    assert tile.south - wide.south > 0.54
    assert tile.west - wide.west > 0.73


def test_mosaic_holds_every_tile_and_zero_over_the_ocean(tmp_path: Path) -> None:
    """Two tiles of 4 x 4 pixels side by side; north of them there is ocean."""
    west = write_tile(tmp_path / "w.tif", 42, 0, np.full((4, 4), 100) + np.arange(4))
    east = write_tile(tmp_path / "e.tif", 42, 1, np.full((4, 4), 200) + np.arange(4))
    target = tmp_path / "dem.vrt"
    write_mosaic([east, west], Box(0.3, 42.2, 1.8, 43.4), target)
    mosaic = raster.read(target)
    row = [100, 101, 102, 103, 200, 201, 202, 203]
    assert mosaic.values[0].tolist() == [[0] * 8] * 4 + [row] * 4
    left, bottom, right, top = raster.grid_of(target).bounds
    assert (left, bottom) == pytest.approx((-1 / 8, 42 + 1 / 8))
    assert (right, top) == pytest.approx((2 - 1 / 8, 44 + 1 / 8))
    assert "e.tif" in target.read_text()
    assert str(tmp_path) not in target.read_text(), "it can be moved with its tiles"


def test_mosaic_of_tiles_whose_pixels_have_other_widths(tmp_path: Path) -> None:
    """Above 50 degrees pixels are wider: 3 columns where the south has 6."""
    south = write_tile(tmp_path / "s.tif", 49, 6, np.full((6, 6), 10.0))
    north = write_tile(tmp_path / "n.tif", 50, 6, np.full((6, 3), 20.0))
    write_mosaic([south, north], Box(6.2, 49.2, 6.8, 50.8), tmp_path / "dem.vrt")
    values = raster.read(tmp_path / "dem.vrt").values[0]
    # The northern tile begins a quarter of a pixel further west than the mosaic.
    assert values.shape[0] == 12
    assert (values[6:, 1:] == 10).all()
    assert (values[:6, 1:-1] == 20).all()


def test_mosaic_of_nothing_or_of_damage(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"dem\.vrt: there is no elevation tile"):
        write_mosaic([], Box(0, 42, 1, 43), tmp_path / "dem.vrt")
    (tmp_path / "w.tif").write_bytes(b"II*\0 and no more")
    with pytest.raises(DataError, match=r"w\.tif"):
        write_mosaic([tmp_path / "w.tif"], Box(0, 42, 1, 43), tmp_path / "dem.vrt")
    assert not (tmp_path / "dem.vrt").exists()
