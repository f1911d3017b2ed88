"""SPOT World Heritage L1A scenes (raw image in sensor geometry) in DIMAP 1 format, zipped.

Source of the layout: METADATA.DIM as readers of DIMAP SPOT scenes expect it.
"""

import os
import xml.etree.ElementTree as ET
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import numpy.typing as npt

from firn.errors import ProductError
from firn.raster import write_image
from firn.simulator.formats.package import zipped_folder
from firn.simulator.formats.xml import node, write_xml

NODATA, SATURATED = 0, 255
#: Bands by mode; the image holds the first three the other way round.
MODES = {"X": ("XS1", "XS2", "XS3"), "I": ("XS1", "XS2", "XS3", "SWIR")}
MODES["J"] = MODES["I"]


@dataclass(frozen=True)
class DimapMetadata:
    """One SPOT scene.

    Parameters
    ----------
    scene_number : str
        As made by `firn.simulator.formats.naming.spot_scene_number`.
    platform, instrument : str
        ``SPOT4``, ``HRVIR2``.
    acquisition_time : datetime
        UTC.
    sun_zenith, sun_azimuth, incidence, orientation : float
        Degrees; the orientation is the bearing of the image's upper side.
    longitude_terms, latitude_terms : sequence of float
        Six coefficients each, of 1, row, col, row col, row^2 and col^2, counted from 1.
    gain, bias : mapping of band to float
        DN per W m-2 sr-1 um-1, and W m-2 sr-1 um-1.
    irradiance : mapping of band to float, or None
        W m-2 um-1; products of SPOT5 tell it, others may not.
    """

    scene_number: str
    platform: str
    instrument: str
    acquisition_time: datetime
    sun_zenith: float
    sun_azimuth: float
    incidence: float
    orientation: float
    longitude_terms: Sequence[float]
    latitude_terms: Sequence[float]
    gain: Mapping[str, float]
    bias: Mapping[str, float]
    irradiance: Mapping[str, float] | None


def write_l1a(
    path: str | os.PathLike[str], bands: Mapping[str, npt.NDArray[np.uint8]], meta: DimapMetadata
) -> None:
    """Write a SPOT World Heritage L1A scene as a zip.

    Parameters
    ----------
    path : path
        The zip file.
    bands : mapping of band to ndarray of uint8, (row, column)
        Digital numbers; 0 where there is no data, 255 where the instrument saturates.
    meta : DimapMetadata

    Raises
    ------
    ProductError
        The bands are not those of the scene's mode.
    """
    names = MODES[meta.scene_number[-1]]
    if set(bands) != set(names):
        raise ProductError(
            f"{path}: images of {sorted(bands)}; expected {names} for mode {meta.scene_number[-1]}"
        )
    in_file = (*reversed(names[:3]), *names[3:])
    with zipped_folder(path, "SCENE01", meta.acquisition_time) as folder:
        write_image(folder / "IMAGERY.TIF", np.stack([bands[band] for band in in_file]))
        write_xml(folder / "METADATA.DIM", _document(names, bands[names[0]].shape, meta))


def _document(names: tuple[str, ...], shape: tuple[int, ...], meta: DimapMetadata) -> ET.Element:
    calibration = [
        node(
            "Spectral_Band_Info",
            [
                node("BAND_INDEX", index),
                node("BAND_DESCRIPTION", band),
                node("PHYSICAL_CALIBRATION_DATE", f"{meta.acquisition_time:%Y-%m-%d}"),
                node("PHYSICAL_BIAS", f"{meta.bias[band]:.6f}"),
                node("PHYSICAL_GAIN", f"{meta.gain[band]:.6f}"),
                node("PHYSICAL_UNIT", "equivalent radiance (W.m-2.Sr-1.um-1)"),
            ],
        )
        for index, band in enumerate(names, start=1)
    ]
    special = [
        node(
            "Special_Value",
            [node("SPECIAL_VALUE_INDEX", value), node("SPECIAL_VALUE_TEXT", text)],
        )
        for value, text in ((NODATA, "NODATA"), (SATURATED, "SATURATED"))
    ]
    sections = [
        node("Metadata_Id", [node("METADATA_FORMAT", "DIMAP", version="1.1")]),
        node("Dataset_Id", [node("DATASET_NAME", f"SCENE {meta.scene_number}")]),
        _frame(shape, meta),
        _source(meta),
        node("Raster_CS", [node("RASTER_CS_TYPE", "POINT"), node("PIXEL_ORIGIN", 1)]),
        node("Geoposition", [_location_model(meta)]),
        node("Data_Processing", [node("PROCESSING_LEVEL", "1A")]),
        node("Raster_Encoding", [node("NBITS", 8), node("DATA_TYPE", "UNSIGNED")]),
        node(
            "Raster_Dimensions",
            [node("NCOLS", shape[1]), node("NROWS", shape[0]), node("NBANDS", len(names))],
        ),
        node("Image_Display", special),
        node("Image_Interpretation", calibration),
    ]
    if meta.irradiance is not None:
        sections.append(_irradiance(names, meta.irradiance))
    return node("Dimap_Document", sections)


def _source(meta: DimapMetadata) -> ET.Element:
    number = meta.scene_number
    scene = node(
        "Scene_Source",
        [
            node("IMAGING_DATE", f"{meta.acquisition_time:%Y-%m-%d}"),
            node("IMAGING_TIME", f"{meta.acquisition_time:%H:%M:%S}"),
            node("MISSION", "SPOT"),
            node("MISSION_INDEX", meta.platform[-1]),
            node("INSTRUMENT", meta.instrument[:-1]),
            node("INSTRUMENT_INDEX", meta.instrument[-1]),
            node("SENSOR_CODE", number[-1]),
            node("SCENE_PROCESSING_LEVEL", "1A"),
            node("GRID_REFERENCE", f"{number[1:4]}-{number[4:7]}"),
            node("SHIFT_VALUE", 0),
            node("INCIDENCE_ANGLE", f"{meta.incidence:+.1f}"),
            node("SUN_AZIMUTH", f"{meta.sun_azimuth:.6f}"),
            node("SUN_ELEVATION", f"{90 - meta.sun_zenith:.6f}"),
        ],
    )
    return node(
        "Dataset_Sources",
        [
            node(
                "Source_Information",
                [node("SOURCE_TYPE", "SCENE"), node("SOURCE_ID", number), scene],
            )
        ],
    )


def _frame(shape: tuple[int, ...], meta: DimapMetadata) -> ET.Element:
    def place(tag: str, row: float, col: float) -> ET.Element:
        terms = np.array([1.0, row, col, row * col, row * row, col * col])
        lon, lat = (float(terms @ k) for k in (meta.longitude_terms, meta.latitude_terms))
        values = {"LON": f"{lon:.9f}", "LAT": f"{lat:.9f}", "ROW": f"{row:g}", "COL": f"{col:g}"}
        return node(tag, [node(f"FRAME_{name}", value) for name, value in values.items()])

    rows, cols = shape
    corners = [(1, 1), (1, cols), (rows, cols), (rows, 1)]
    return node(
        "Dataset_Frame",
        [
            *(place("Vertex", row, col) for row, col in corners),
            place("Scene_Center", (rows + 1) / 2, (cols + 1) / 2),
            node("SCENE_ORIENTATION", f"{meta.orientation:.6f}"),
        ],
    )


def _location_model(meta: DimapMetadata) -> ET.Element:
    lists = [
        node(
            f"{kind}_List",
            [node(kind, f"{value:+.16e}", index=i) for i, value in enumerate(terms, start=1)],
        )
        for kind, terms in (("lc", meta.longitude_terms), ("pc", meta.latitude_terms))
    ]
    model = node("Direct_Location_Model", lists, order=2)
    return node("Simplified_Location_Model", [model])


def _irradiance(names: tuple[str, ...], irradiance: Mapping[str, float]) -> ET.Element:
    values = [
        node(
            "Band_Solar_Irradiance",
            [
                node("BAND_INDEX", index),
                node("SOLAR_IRRADIANCE_VALUE", f"{irradiance[band]:.2f}"),
            ],
        )
        for index, band in enumerate(names, start=1)
    ]
    calibration = node("Sensor_Calibration", [node("Solar_Irradiance", values)])
    return node("Data_Strip", [calibration])
