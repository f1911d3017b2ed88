"""SPOT 4 and SPOT 5 Take5 Level-1C scenes in their older format: one image of all bands, zipped.

Source of the layout: help and reader of the SPOT Take5 products of SNAP (senbox-org/s2tbx).
"""

import os
import xml.etree.ElementTree as ET
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from firn.errors import GridError, ProductError
from firn.grid import Grid
from firn.raster import write
from firn.simulator.formats.metadata import SpotMetadata
from firn.simulator.formats.package import check_shape, zipped_folder
from firn.simulator.formats.xml import epsg, node, write_xml

BANDS = ("XS1", "XS2", "XS3", "SWIR")
SCALE = 1000
NODATA = -10000


def write_take5(
    path: str | os.PathLike[str],
    bands: Mapping[str, npt.NDArray[np.uint16]],
    saturated: Mapping[str, npt.NDArray[np.bool_]],
    grid: Grid,
    meta: SpotMetadata,
) -> None:
    """Write a Take5 L1C scene as a zip.

    Parameters
    ----------
    path : path
        The zip file.
    bands : mapping of band to ndarray of uint16, (y, x)
        Top-of-atmosphere milli-reflectance of XS1, XS2, XS3 and SWIR; 0 where there is no data.
    saturated : mapping of band to ndarray of bool, (y, x)
    grid : Grid
        In a UTM zone.
    meta : SpotMetadata

    Raises
    ------
    ProductError
        The bands are not those of Take5.
    GridError
        An array does not have the shape of the grid, or that is in no UTM zone.
    """
    if not set(bands) == set(saturated) == set(BANDS):
        raise ProductError(
            f"{path}: images of {sorted(bands)}, saturation of {sorted(saturated)}; expected "
            f"{', '.join(BANDS)}"
        )
    for band in BANDS:
        check_shape(f"{path}: {band}", bands[band], grid)
        check_shape(f"{path}: saturation of {band}", saturated[band], grid)
    image = np.stack([bands[band] for band in BANDS]).astype(np.int16)
    flags = [saturated[band].astype(np.uint8) << bit for bit, band in enumerate(BANDS)]
    document = _document(grid, meta)
    with zipped_folder(path, meta.scene_id, meta.acquisition_time) as folder:
        (folder / "MASK").mkdir()
        write(folder / f"{meta.scene_id}.TIF", np.where(image == 0, NODATA, image), grid)
        write(folder / "MASK" / f"{meta.scene_id}_SAT.TIF", np.bitwise_or.reduce(flags), grid)
        write_xml(folder / f"{meta.scene_id}.xml", document)


def _document(grid: Grid, meta: SpotMetadata) -> ET.Element:
    left, _, _, top = grid.bounds
    # The format tells azimuths from -180 to 180 degrees.
    azimuth = (meta.sun_azimuth + 180) % 360 - 180
    return node(
        "METADATA",
        [
            node(
                "HEADER",
                [
                    node("IDENT", meta.scene_id),
                    node("DATE_PDV", f"{meta.acquisition_time:%Y-%m-%d %H:%M:%S}"),
                    node("PLATEFORM", meta.platform),
                    node("SENSOR", meta.instrument),
                    node("MODE", "XS"),
                    node("LEVEL", "N1_TUILE"),
                ],
            ),
            node("FILES", [node("GEOTIFF", f"{meta.scene_id}.TIF")]),
            node(
                "GEOMETRY",
                [
                    node("PROJECTION", _projection(grid)),
                    node("RESOLUTION", grid.resolution),
                    node("NB_COLS", grid.width),
                    node("NB_ROWS", grid.height),
                    node("PIXEL_SIZE_X", grid.resolution),
                    node("PIXEL_SIZE_Y", -grid.resolution),
                    node("ORIGIN_X", left),
                    node("ORIGIN_Y", top),
                ],
            ),
            node(
                "RADIOMETRY",
                [
                    node("BANDS", ";".join(BANDS)),
                    node("ANGLES", [node("PHI_S", azimuth), node("THETA_S", meta.sun_zenith)]),
                    node("QUANTIFICATION", [node("VALUE", f"{SCALE:.1f}")]),
                ],
            ),
        ],
    )


def _projection(grid: Grid) -> str:
    """Name of a UTM zone, as ``UTM32N``."""
    code = epsg(grid)
    if code // 100 not in (326, 327):
        raise GridError(f"EPSG:{code} is no UTM zone, which this product format needs")
    return f"UTM{code % 100}{'N' if code < 32700 else 'S'}"
