"""Metadata documents of a Sentinel-2 L1C SAFE.

The elements are those of ESA's Sentinel-2 products specification (PSD 14) that say something about
the image. The roots and their sections stand in a namespace, all that is below does not.
"""

import hashlib
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from math import cos
from pathlib import Path

from firn.sensors import load_sensor
from firn.simulator.formats import naming
from firn.simulator.formats.metadata import RESOLUTIONS, Sentinel2Metadata, short_band
from firn.simulator.formats.xml import angle_grid, angle_pair, corners, epsg, node, timestamp

QUANTIFICATION = 10000
_PSD = "https://psd-14.sentinel2.eo.esa.int/PSD/"
_MIME = {".jp2": "application/octet-stream", ".xml": "text/xml", ".gml": "text/xml"}


def granule(meta: Sentinel2Metadata) -> str:
    """Name of the granule's folder."""
    return naming.l1c_granule_name(meta.platform, meta.sensing_time, meta.tile)


def granule_id(meta: Sentinel2Metadata) -> str:
    """Name of the granule in the metadata."""
    time = naming.compact_time(meta.sensing_time)
    orbit = naming.absolute_orbit(meta.platform, meta.sensing_time)
    return f"{meta.platform}_OPER_MSI_L1C_TL_SGS__{time}_A{orbit:06d}_T{meta.tile}_N{meta.baseline}"


def datastrip(meta: Sentinel2Metadata) -> str:
    """Name of the datastrip's folder."""
    return naming.l1c_datastrip_name(meta.sensing_time)


def image_prefix(meta: Sentinel2Metadata) -> str:
    """Name of an image file up to its band."""
    return f"T{meta.tile}_{naming.compact_time(meta.sensing_time)}"


def product(meta: Sentinel2Metadata, bands: Sequence[str]) -> ET.Element:
    """``MTD_MSIL1C.xml``: how to turn the digital numbers of ``bands`` into reflectance."""
    return _root(
        "Level-1C_User_Product",
        "User_Product_Level-1C.xsd",
        [
            node("n1:General_Info", [_product_info(meta, bands), _image_characteristics(meta)]),
            node("n1:Geometric_Info", [_footprint(meta)]),
        ],
    )


def tile(meta: Sentinel2Metadata) -> ET.Element:
    """``MTD_TL.xml``: grid and angles. The tile is seen from the zenith."""
    return _root(
        "Level-1C_Tile_ID",
        "S2_PDI_Level-1C_Tile_Metadata.xsd",
        [
            node(
                "n1:General_Info",
                [
                    node("TILE_ID", granule_id(meta), metadataLevel="Brief"),
                    node("DATASTRIP_ID", _datastrip_id(meta), metadataLevel="Standard"),
                    node("DOWNLINK_PRIORITY", "NOMINAL", metadataLevel="Standard"),
                    node("SENSING_TIME", timestamp(meta.sensing_time), metadataLevel="Standard"),
                ],
            ),
            node("n1:Geometric_Info", [_geocoding(meta), _angles(meta)]),
        ],
    )


def datastrip_document(meta: Sentinel2Metadata) -> ET.Element:
    """``MTD_DS.xml``."""
    time = timestamp(meta.sensing_time)
    strip = [node("DATASTRIP_SENSING_START", time), node("DATASTRIP_SENSING_STOP", time)]
    return _root(
        "Level-1C_DataStrip_ID",
        "S2_PDI_Level-1C_Datastrip_Metadata.xsd",
        [
            node(
                "n1:General_Info",
                [
                    _datatake("Datatake_Info", meta),
                    node("Datastrip_Time_Info", strip),
                    node("Processing_Info", [node("PROCESSING_BASELINE", meta.baseline)]),
                ],
            )
        ],
    )


def manifest(safe: Path, meta: Sentinel2Metadata) -> ET.Element:
    """``manifest.safe``: size and MD5 of every file in the folder ``safe``."""
    files = sorted(p for p in safe.rglob("*") if p.is_file())
    return node(
        "xfdu:XFDU",
        [
            node(
                "informationPackageMap",
                [node("xfdu:contentUnit", unitType="Product_Level-1C", ID=meta.l1c_name)],
            ),
            node("dataObjectSection", [_data_object(file, safe) for file in files]),
        ],
        **{
            "xmlns:xfdu": "urn:ccsds:schema:xfdu:1",
            "version": "esa/safe/sentinel/1.1/sentinel-2/msi/archive_l1c_user_product",
        },
    )


def _data_object(file: Path, safe: Path) -> ET.Element:
    href = file.relative_to(safe).as_posix()
    digest = hashlib.md5(file.read_bytes(), usedforsecurity=False).hexdigest()
    stream = node(
        "byteStream",
        [
            node("fileLocation", locatorType="URL", href=f"./{href}"),
            node("checksum", digest, checksumName="MD5"),
        ],
        mimeType=_MIME[file.suffix],
        size=file.stat().st_size,
    )
    return node("dataObject", [stream], ID=href.replace("/", "_"))


def _root(name: str, schema: str, sections: Sequence[ET.Element]) -> ET.Element:
    return node(f"n1:{name}", sections, **{"xmlns:n1": f"{_PSD}{schema}"})


def _datastrip_id(meta: Sentinel2Metadata) -> str:
    strip = datastrip(meta).removeprefix("DS_")
    return f"{meta.platform}_OPER_MSI_L1C_DS_{strip}_N{meta.baseline}"


def _datatake(tag: str, meta: Sentinel2Metadata) -> ET.Element:
    time = naming.compact_time(meta.sensing_time)
    orbit = naming.absolute_orbit(meta.platform, meta.sensing_time)
    return node(
        tag,
        [
            node("SPACECRAFT_NAME", meta.platform.replace("S2", "Sentinel-2")),
            node("DATATAKE_TYPE", "INS-NOBS"),
            node("DATATAKE_SENSING_START", timestamp(meta.sensing_time)),
            node("SENSING_ORBIT_NUMBER", meta.relative_orbit),
            node("SENSING_ORBIT_DIRECTION", "DESCENDING"),
        ],
        datatakeIdentifier=f"G{meta.platform}_{time}_{orbit:06d}_N{meta.baseline}",
    )


def _product_info(meta: Sentinel2Metadata, bands: Sequence[str]) -> ET.Element:
    time = timestamp(meta.sensing_time)
    folder = f"GRANULE/{granule(meta)}/IMG_DATA/{image_prefix(meta)}"
    images = node(
        "Granule",
        [node("IMAGE_FILE", f"{folder}_{band}") for band in bands],
        datastripIdentifier=_datastrip_id(meta),
        granuleIdentifier=granule_id(meta),
        imageFormat="JPEG2000",
    )
    return node(
        "Product_Info",
        [
            node("PRODUCT_START_TIME", time),
            node("PRODUCT_STOP_TIME", time),
            node("PRODUCT_URI", f"{meta.l1c_name}.SAFE"),
            node("PROCESSING_LEVEL", "Level-1C"),
            node("PRODUCT_TYPE", "S2MSI1C"),
            node("PROCESSING_BASELINE", meta.baseline),
            node("GENERATION_TIME", time),
            _datatake("Datatake", meta),
            node("Query_Options", [node("PRODUCT_FORMAT", "SAFE_COMPACT")]),
            node("Product_Organisation", [node("Granule_List", [images])]),
        ],
    )


def _image_characteristics(meta: Sentinel2Metadata) -> ET.Element:
    offsets = [
        node("RADIO_ADD_OFFSET", meta.radio_add_offset, band_id=index)
        for index in range(len(RESOLUTIONS))
    ]
    irradiances = [
        node("SOLAR_IRRADIANCE", meta.solar_irradiance[band], bandId=index, unit="W/m²/µm")
        for index, band in enumerate(RESOLUTIONS)
    ]
    return node(
        "Product_Image_Characteristics",
        [
            _special_value("NODATA", 0),
            _special_value("SATURATED", 65535),
            node("QUANTIFICATION_VALUE", QUANTIFICATION, unit="none"),
            *([node("Radiometric_Offset_List", offsets)] if meta.radio_add_offset else []),
            node(
                "Reflectance_Conversion",
                [
                    node("U", f"{_irradiance_factor(meta):.9f}"),
                    node("Solar_Irradiance_List", irradiances),
                ],
            ),
            _spectral_information(meta),
        ],
    )


def _special_value(text: str, value: int) -> ET.Element:
    return node(
        "Special_Values",
        [node("SPECIAL_VALUE_TEXT", text), node("SPECIAL_VALUE_INDEX", value)],
    )


def _irradiance_factor(meta: Sentinel2Metadata) -> float:
    """Ratio of the sun's irradiance that day to that at 1 au.

    The distance law is that of ESA's L1C algorithm: d = 1 - 0.01673 cos(0.0172 (day - 2)) au.
    """
    day = meta.sensing_time.timetuple().tm_yday
    distance = 1 - 0.01673 * cos(0.0172 * (day - 2))
    return float(distance**-2)


def _spectral_information(meta: Sentinel2Metadata) -> ET.Element:
    sensor = load_sensor(meta.platform.lower().replace("s2", "sentinel2"))
    return node(
        "Spectral_Information_List",
        [
            node(
                "Spectral_Information",
                [
                    node("RESOLUTION", RESOLUTIONS[band.name]),
                    node(
                        "Wavelength",
                        [
                            node("MIN", round(band.centre_nm - band.width_nm / 2, 1), unit="nm"),
                            node("MAX", round(band.centre_nm + band.width_nm / 2, 1), unit="nm"),
                            node("CENTRAL", band.centre_nm, unit="nm"),
                        ],
                    ),
                ],
                bandId=index,
                physicalBand=short_band(band.name),
            )
            for index, band in enumerate(sensor.bands)
        ],
    )


def _footprint(meta: Sentinel2Metadata) -> ET.Element:
    points = corners(meta.grid)
    ring = ("upperLeft", "upperRight", "lowerRight", "lowerLeft", "upperLeft")
    text = " ".join(f"{points[name][1]:.9f} {points[name][0]:.9f}" for name in ring)
    return node(
        "Product_Footprint",
        [node("Product_Footprint", [node("Global_Footprint", [node("EXT_POS_LIST", text)])])],
    )


def _geocoding(meta: Sentinel2Metadata) -> ET.Element:
    grids = {step: meta.grid.with_resolution(step) for step in (10, 20, 60)}
    code = epsg(meta.grid)
    return node(
        "Tile_Geocoding",
        [
            node("HORIZONTAL_CS_NAME", f"WGS84 / UTM zone {code % 100}{'NS'[code >= 32700]}"),
            node("HORIZONTAL_CS_CODE", f"EPSG:{code}"),
            *(
                node(
                    "Size",
                    [node("NROWS", grid.height), node("NCOLS", grid.width)],
                    resolution=step,
                )
                for step, grid in grids.items()
            ),
            *(
                node(
                    "Geoposition",
                    [
                        node("ULX", f"{grid.transform.c:.12g}"),
                        node("ULY", f"{grid.transform.f:.12g}"),
                        node("XDIM", step),
                        node("YDIM", -step),
                    ],
                    resolution=step,
                )
                for step, grid in grids.items()
            ),
        ],
        metadataLevel="Brief",
    )


def _angles(meta: Sentinel2Metadata) -> ET.Element:
    sun = [
        angle_grid("Zenith", meta.sun_zenith, meta.grid),
        angle_grid("Azimuth", meta.sun_azimuth, meta.grid),
    ]
    view_means = [
        node("Mean_Viewing_Incidence_Angle", angle_pair(0, 0), bandId=index)
        for index in range(len(RESOLUTIONS))
    ]
    view_grids = [
        node(
            "Viewing_Incidence_Angles_Grids",
            [angle_grid("Zenith", 0, meta.grid), angle_grid("Azimuth", 0, meta.grid)],
            bandId=index,
            detectorId=1,
        )
        for index in range(len(RESOLUTIONS))
    ]
    return node(
        "Tile_Angles",
        [
            node("Sun_Angles_Grid", sun),
            node("Mean_Sun_Angle", angle_pair(meta.sun_zenith, meta.sun_azimuth)),
            *view_grids,
            node("Mean_Viewing_Incidence_Angle_List", view_means),
        ],
        metadataLevel="Standard",
    )
