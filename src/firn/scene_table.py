"""The maps of a run as a table: CSV, and GeoParquet 1.1."""

import csv
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import shapely

from firn.files import atomic_path
from firn.published_maps import PathLike, PublishedMap

#: Columns, in order: all that a map tells, its raster as the path from the table, its footprint.
SCHEMA = pa.schema(
    {
        **dict.fromkeys(
            ("product", "experiment", "method", "sensor", "model", "satellite", "instrument"),
            pa.string(),
        ),
        "time": pa.timestamp("ms", tz="UTC"),
        **dict.fromkeys(
            (
                "sun_elevation",
                "sun_azimuth",
                "ground",
                "snow",
                "cloud",
                "saturated",
                "no_data",
                "confidence",
            ),
            pa.float64(),
        ),
        "map": pa.string(),
        "footprint": pa.binary(),
    }
)


def write_tables(maps: Sequence[PublishedMap], parquet: PathLike, table: PathLike) -> None:
    """Write a row for each map, to two files in one folder, each atomically.

    Parameters
    ----------
    maps : sequence of PublishedMap
    parquet : path
        GeoParquet with the footprint as WKB.
    table : path
        CSV with the footprint as WKT and times in ISO 8601.
    """
    rows = [_row(one, Path(parquet).parent) for one in maps]
    footprints = [one.footprint for one in maps]
    _write_csv(table, rows, shapely.to_wkt(footprints, rounding_precision=7))
    _write_parquet(parquet, rows, footprints)


def _row(one: PublishedMap, folder: Path) -> dict[str, Any]:
    """Columns of a map, but for its footprint."""
    raster = os.path.relpath(one.item.with_name("snow.tif"), folder)
    return {name: getattr(one, name, raster) for name in SCHEMA.names[:-1]}


def _write_csv(path: PathLike, rows: Sequence[dict[str, Any]], footprints: Sequence[str]) -> None:
    with atomic_path(path) as temporary, open(temporary, "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(SCHEMA.names)
        for row, footprint in zip(rows, footprints, strict=True):
            time = row["time"].isoformat(timespec="milliseconds")
            writer.writerow([*(row | {"time": time}).values(), footprint])


def _write_parquet(
    path: PathLike, rows: Sequence[dict[str, Any]], footprints: Sequence[shapely.Polygon]
) -> None:
    column: dict[str, Any] = {
        "encoding": "WKB",
        "geometry_types": ["Polygon"],
        "orientation": "counterclockwise",
    }
    if footprints:
        column["bbox"] = list(map(float, shapely.total_bounds(footprints)))
    # Without another CRS, coordinates are longitude and latitude (OGC:CRS84).
    geo = {"version": "1.1.0", "primary_column": "footprint", "columns": {"footprint": column}}
    whole = [
        row | {"footprint": wkb} for row, wkb in zip(rows, shapely.to_wkb(footprints), strict=True)
    ]
    table = pa.Table.from_pylist(whole, SCHEMA.with_metadata({"geo": json.dumps(geo)}))
    with atomic_path(path) as temporary:
        pq.write_table(table, temporary, compression="zstd")
