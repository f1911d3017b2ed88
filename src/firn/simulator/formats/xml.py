"""What the metadata documents of all products have in common."""

import xml.etree.ElementTree as ET
from collections.abc import Iterable
from datetime import datetime
from math import ceil
from pathlib import Path

from rasterio.warp import transform as transform_points

from firn.errors import GridError
from firn.grid import Grid

#: Spacing of the angle grids of Sentinel-2 L1C and MUSCATE metadata, m.
ANGLE_STEP = 5000


def node(
    tag: str, content: str | float | Iterable[ET.Element] | None = None, **attributes: object
) -> ET.Element:
    """Build an element whose content is a text, a number or its children."""
    element = ET.Element(tag, {name: str(value) for name, value in attributes.items()})
    if isinstance(content, Iterable) and not isinstance(content, str):
        element.extend(content)
    elif content is not None:
        element.text = str(content)
    return element


def write_xml(path: Path, root: ET.Element) -> None:
    """Write a document, indented, in UTF-8 with a declaration."""
    ET.indent(root)
    path.parent.mkdir(parents=True, exist_ok=True)
    ET.ElementTree(root).write(path, encoding="UTF-8", xml_declaration=True)


def timestamp(time: datetime) -> str:
    """UTC time in ISO 8601 with milliseconds and ``Z``."""
    return f"{time:%Y-%m-%dT%H:%M:%S}.{time.microsecond // 1000:03d}Z"


def epsg(grid: Grid) -> int:
    """EPSG code of the grid's CRS; these formats know no other reference."""
    code = grid.crs.to_epsg()
    if code is None:
        raise GridError(
            f"the CRS {grid.crs.to_wkt()[:60]}... has no EPSG code, which this product format "
            "needs; use a UTM grid such as EPSG:32632"
        )
    return int(code)


def corners(grid: Grid) -> dict[str, tuple[float, float, float, float]]:
    """(longitude, latitude, x, y) of the outer corners, clockwise, and of the centre."""
    left, bottom, right, top = grid.bounds
    points = {
        "upperLeft": (left, top),
        "upperRight": (right, top),
        "lowerRight": (right, bottom),
        "lowerLeft": (left, bottom),
        "center": ((left + right) / 2, (bottom + top) / 2),
    }
    xs, ys = zip(*points.values(), strict=True)
    lons, lats = transform_points(grid.crs, "EPSG:4326", xs, ys)
    return dict(zip(points, zip(lons, lats, xs, ys, strict=True), strict=True))


def angle_grid(tag: str, angle: float, grid: Grid) -> ET.Element:
    """Grid of one constant angle, degrees, with a node every 5 km: 23 x 23 on a whole tile."""
    left, bottom, right, top = grid.bounds
    rows, cols = (ceil(size / ANGLE_STEP) + 1 for size in (top - bottom, right - left))
    line = " ".join([f"{angle:.6g}"] * cols)
    return node(
        tag,
        [
            node("COL_STEP", ANGLE_STEP, unit="m"),
            node("ROW_STEP", ANGLE_STEP, unit="m"),
            node("Values_List", [node("VALUES", line) for _ in range(rows)]),
        ],
    )


def angle_pair(zenith: float, azimuth: float) -> list[ET.Element]:
    """Elements of a direction, degrees."""
    return [
        node("ZENITH_ANGLE", zenith, unit="deg"),
        node("AZIMUTH_ANGLE", azimuth, unit="deg"),
    ]
