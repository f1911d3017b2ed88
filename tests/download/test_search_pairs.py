"""The search of pairs: clear images of two periods, and the nearest radar images of one orbit."""

import json
from datetime import date
from pathlib import Path
from zlib import crc32

import pytest
from server import Item, Server

from firn.cloud_removal.pair_table import COLUMNS
from firn.cloud_removal.search import choose_pairs, write_pairs
from firn.cloud_removal_config import PairSearch
from firn.download.tiles import core_box, tile_box
from firn.errors import DownloadError
from firn.tables import read_rows


def settings(tmp_path: Path, *tiles: str, **changes: object) -> PairSearch:
    """Search over a small polygon in the middle of each tile."""
    polygons = []
    for tile in tiles or ("31TCH",):
        west, south, east, north = core_box(tile)
        lon, lat = (west + east) / 2, (south + north) / 2
        ring = [[lon, lat], [lon + 0.1, lat], [lon + 0.1, lat + 0.1], [lon, lat]]
        polygons.append({"type": "Polygon", "coordinates": [ring]})
    area = tmp_path / "area.geojson"
    area.write_text(json.dumps({"type": "GeometryCollection", "geometries": polygons}))
    content = {
        "area": str(area),
        "t0": [date(2019, 6, 1), date(2019, 6, 30)],
        "t1": [date(2019, 9, 1), date(2019, 9, 30)],
        **changes,
    }
    return PairSearch.model_validate(content)


def optical(day: str, cloud_cover: float, tile: str = "31TCH") -> list[Item]:
    """Level 1C, which tells the cloud cover, and MAJA's Level 2A, which does not."""
    start = f"{day[:4]}-{day[4:6]}-{day[6:]}T10:54:01Z"
    level1 = f"S2A_MSIL1C_{day}T105401_N0207_R051_T{tile}_{day}T130000"
    level2 = f"SENTINEL2A_{day}-105401-457_L2A_T{tile}_C_V1-0"
    box = tuple(tile_box(tile))
    return [
        Item(level1, "PEPS_S2_L1C", start, box, b"1", cloud_cover),
        Item(level2, "THEIA_REFLECTANCE_SENTINEL2_L2A", start, box, level2.encode(), None),
    ]


def radar(
    moment: str, orbit: str | None, tile: str = "31TCH", east: float = 0, mode: str = "IW_GRDH_1SDV"
) -> Item:
    """GRD product at a time, as 20190612T0600."""
    start = f"{moment[:4]}-{moment[4:6]}-{moment[6:8]}T{moment[9:11]}:{moment[11:13]}:00Z"
    west, south, right, north = tile_box(tile)
    box_name = f"{tile} {east}".encode()
    return Item(
        product_id=f"S1A_{mode}_{moment}00_{moment}25_020452_022F7E_{crc32(box_name) & 0xFFFF:04X}",
        collection="PEPS_S1_L1",
        start=start,
        box=(west + east, south, right + east, north),
        content=moment.encode() + box_name,
        cloud_cover=None,
        orbit=orbit,
        product_type="GRD",
    )


def test_clearest_images_and_nearest_orbit_are_taken(
    server: Server, eodag: Path, tmp_path: Path
) -> None:
    server.items = [
        *optical("20190612", 3),
        *optical("20190622", 1),
        *optical("20190910", 2),
        *optical("20190920", 80),
        *optical("20191005", 0),
        radar("20190623T0600", "descending"),
        radar("20190620T1800", "ascending"),
        radar("20190911T0600", "descending"),
        radar("20190910T1800", "ascending"),
    ]
    pairs, _ = choose_pairs(settings(tmp_path))
    clearest = next(p for p in pairs if p.name == "31TCH-20190622-20190910")
    # Descending is 19.1 + 19.1 hours away, ascending 40.9 + 7.1.
    assert clearest.orbit == "descending"
    assert clearest.sentinel1_t0.product_id.startswith("S1A_IW_GRDH_1SDV_20190623")
    assert clearest.sentinel1_t1.product_id.startswith("S1A_IW_GRDH_1SDV_20190911")
    assert clearest.sentinel2_t0.cloud_cover == 1
    # The cloudy image and that beyond the period are in no pair; of 12 June no radar is near.
    assert [pair.name for pair in pairs] == ["31TCH-20190622-20190910"]


def test_orbit_may_be_asked_for(server: Server, eodag: Path, tmp_path: Path) -> None:
    server.items = [
        *optical("20190622", 1),
        *optical("20190910", 2),
        radar("20190623T0600", "descending"),
        radar("20190911T0600", "descending"),
        radar("20190620T1800", "ascending"),
        radar("20190910T1800", "ascending"),
    ]
    (pair,), _ = choose_pairs(settings(tmp_path, orbit="ascending"))
    assert pair.orbit == "ascending"
    assert "T1800" in pair.sentinel1_t0.product_id


def test_of_one_pass_the_frame_that_shows_more(server: Server, eodag: Path, tmp_path: Path) -> None:
    server.items = [
        *optical("20190622", 1),
        *optical("20190910", 2),
        radar("20190622T0600", "descending", east=0.9),
        radar("20190622T0601", "descending", east=0.1),
        radar("20190911T0600", "descending"),
        radar("20190910T1200", "descending", mode="EW_GRDM_1SDH"),
    ]
    (pair,), _ = choose_pairs(settings(tmp_path))
    assert "T060100" in pair.sentinel1_t0.product_id
    assert pair.sentinel1_t1.product_id.startswith("S1A_IW_GRDH_1SDV_20190911")


def test_polygons_far_apart_and_the_number_of_pairs(
    server: Server, eodag: Path, tmp_path: Path
) -> None:
    for tile in ("31TCH", "32TPT"):
        for day, cover in (("20190603", 1), ("20190613", 2), ("20190903", 1), ("20190913", 0.5)):
            server.items += optical(day, cover, tile)
            server.items.append(radar(f"{day}T0600", "descending", tile))
    pairs, notes = choose_pairs(settings(tmp_path, "31TCH", "32TPT", pairs=2))
    assert [pair.name for pair in pairs] == [
        "31TCH-20190603-20190903",
        "31TCH-20190603-20190913",
        "32TPT-20190603-20190903",
        "32TPT-20190603-20190913",
    ]
    found = settings(tmp_path, "31TCH", "32TPT", pairs=2)
    table = tmp_path / "pairs.tsv"
    write_pairs(table, pairs, notes, found)
    rows = list(read_rows(str(table), COLUMNS, frozenset({"orbit", "cloud_cover", "size"})))
    assert len(rows) == 16
    assert rows[2].values["image"] == "sentinel1_t0"
    assert rows[2].values["orbit"] == "descending"
    assert rows[2].values["collection"] == "S1_SAR_GRD"


def test_missing_orbits_and_radar_are_told(server: Server, eodag: Path, tmp_path: Path) -> None:
    server.items = [
        *optical("20190622", 1),
        *optical("20190910", 2),
        radar("20190623T0600", None),
        radar("20190911T0600", "descending"),
    ]
    with pytest.raises(DownloadError, match="1 products do not say the direction of their orbit"):
        choose_pairs(settings(tmp_path))
    server.items[4] = radar("20190623T0600", "ascending")
    with pytest.raises(DownloadError, match="no Sentinel-1 images of one orbit direction within 6"):
        choose_pairs(settings(tmp_path))


def test_no_clear_image_is_told(server: Server, eodag: Path, tmp_path: Path) -> None:
    server.items = [*optical("20190622", 1), *optical("20190910", 40)]
    with pytest.raises(DownloadError, match="31TCH: no clear image in t1"):
        choose_pairs(settings(tmp_path))
    server.items = []
    with pytest.raises(DownloadError, match="as clear as that in both periods"):
        choose_pairs(settings(tmp_path))
