"""Quality and cloud masks of Sentinel-2 L1C: polygons before baseline 04.00, rasters since.

Source: Sentinel-2 Products Specification Document (S2-PDGS-TAS-DI-PSD), versions 13 and 14.
"""

import xml.etree.ElementTree as ET
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from rasterio.features import shapes

from firn.grid import Grid
from firn.simulator.formats import safe_xml
from firn.simulator.formats.jpeg2000 import write_jp2
from firn.simulator.formats.metadata import RESOLUTIONS, Sentinel2Metadata
from firn.simulator.formats.package import check_shape
from firn.simulator.formats.xml import epsg, node, write_xml

Bool = npt.NDArray[np.bool_]
Ring = list[tuple[float, float]]

#: Bands of ``MSK_QUALIT``, and which of them, counted from 0, tell no data and saturation.
QUALITY_COUNT, NO_DATA_BAND, SATURATED_BAND = 8, 5, 7
_GML = "http://www.opengis.net/gml/3.2"
_EOP = "http://www.opengis.net/eop/2.0"


@dataclass(frozen=True)
class L1CMasks:
    """What is flagged in an L1C product.

    Parameters
    ----------
    no_data, saturated : mapping of band (``B02``) to ndarray of bool
        At the band's native resolution.
    opaque, cirrus, snow : ndarray of bool, (y, x) at 60 m
        Polygons, before baseline 04.00, tell no snow.
    """

    no_data: Mapping[str, Bool]
    saturated: Mapping[str, Bool]
    opaque: Bool
    cirrus: Bool
    snow: Bool


def write_masks(
    folder: Path, bands: Sequence[str], masks: L1CMasks | None, meta: Sentinel2Metadata
) -> None:
    """Write the masks of a product; without ``masks``, a cloud mask that holds no feature.

    Raises
    ------
    GridError
        A mask does not have the shape of its grid.
    """
    grid = meta.grid.with_resolution(60)
    clear = np.zeros(grid.shape, bool)
    clouds = (clear, clear, clear) if masks is None else (masks.opaque, masks.cirrus, masks.snow)
    for mask in clouds:
        check_shape(f"{folder}: cloud mask", mask, grid)
    if meta.radio_add_offset:
        write_jp2(folder / "MSK_CLASSI_B00.jp2", np.stack(clouds).astype(np.uint8), grid)
    else:
        features = {"OPAQUE": clouds[0], "CIRRUS": clouds[1]}
        _write_polygons(folder, "MSK_CLOUDS_B00", features, grid, meta)
    if masks is None:
        return
    for band in bands:
        _write_quality(folder, band, masks.no_data[band], masks.saturated[band], meta)


def _write_quality(
    folder: Path, band: str, no_data: Bool, saturated: Bool, meta: Sentinel2Metadata
) -> None:
    grid = meta.grid.with_resolution(RESOLUTIONS[band])
    for mask in (no_data, saturated):
        check_shape(f"{folder}: mask of {band}", mask, grid)
    if meta.radio_add_offset:
        flags = np.zeros((QUALITY_COUNT, *grid.shape), np.uint8)
        flags[NO_DATA_BAND], flags[SATURATED_BAND] = no_data, saturated
        write_jp2(folder / f"MSK_QUALIT_{band}.jp2", flags, grid)
        return
    for kind, features in {
        "TECQUA": {},
        "DEFECT": {},
        "NODATA": {"QT_NODATA_PIXELS": no_data},
        "SATURA": {"QT_SATURATED_PIXELS_L1A": saturated},
    }.items():
        _write_polygons(folder, f"MSK_{kind}_{band}", features, grid, meta)


def _write_polygons(
    folder: Path, name: str, masks: Mapping[str, Bool], grid: Grid, meta: Sentinel2Metadata
) -> None:
    """Write outlines of masks, by type, as GML."""
    features = [
        _feature(f"{kind}.{number}", kind, rings)
        for kind, mask in masks.items()
        for number, rings in enumerate(_outlines(mask, grid), start=1)
    ]
    bounds = node("gml:Null", "missing")
    if features:
        left, bottom, right, top = grid.bounds
        corners = [
            node("gml:lowerCorner", f"{left:.0f} {bottom:.0f}"),
            node("gml:upperCorner", f"{right:.0f} {top:.0f}"),
        ]
        bounds = node("gml:Envelope", corners, srsName=f"urn:ogc:def:crs:EPSG::{epsg(grid)}")
    document = node(
        "eop:Mask",
        [
            node("gml:name", f"{name} of {safe_xml.granule_id(meta)}"),
            node("gml:boundedBy", [bounds]),
            *([node("eop:maskMembers", features)] if features else []),
        ],
        **{"xmlns:eop": _EOP, "xmlns:gml": _GML, "gml:id": name},
    )
    write_xml(folder / f"{name}.gml", document)


def _outlines(mask: Bool, grid: Grid) -> list[list[Ring]]:
    """Rings of the polygons around a mask's pixels, the outer one of each first."""
    found = shapes(mask.astype(np.uint8), mask=mask, transform=grid.transform)
    return [shape["coordinates"] for shape, _ in found]


def _feature(identifier: str, kind: str, rings: Sequence[Ring]) -> ET.Element:
    sides = []
    for side, ring in zip(("exterior", *["interior"] * len(rings)), rings, strict=False):
        text = " ".join(f"{x:.0f} {y:.0f}" for x, y in ring)
        positions = node("gml:posList", text, srsDimension=2)
        sides.append(node(f"gml:{side}", [node("gml:LinearRing", [positions])]))
    polygon = node("gml:Polygon", sides, **{"gml:id": f"{identifier}_Polygon"})
    return node(
        "eop:MaskFeature",
        [
            node("eop:maskType", kind, codeSpace="urn:gs2:S2PDGS:maskType"),
            node("eop:extentOf", [polygon]),
        ],
        **{"gml:id": identifier},
    )
