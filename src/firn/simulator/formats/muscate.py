"""Sections of the MUSCATE metadata document that MAJA, snow and SPOT World Heritage products share.

Source: METADATA_MUSCATE version 1.16 as MAJA writes it.
"""

import xml.etree.ElementTree as ET
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from firn.grid import Grid
from firn.simulator.formats.xml import angle_grid, angle_pair, corners, epsg, node, timestamp


@dataclass(frozen=True)
class Identity:
    """What identifies a product.

    Parameters
    ----------
    product_id : str
    platform : str
        ``SENTINEL2A``, ``SPOT4``.
    level : str
        ``L2A``.
    acquisition_time : datetime
        UTC; it also stands for the production date, which the wall clock would change each run.
    project : str
        Theia's project, ``SENTINEL2``.
    zone : str
        Tile or grid node.
    orbit : int, optional
    instrument : str, optional
    """

    product_id: str
    platform: str
    level: str
    acquisition_time: datetime
    project: str
    zone: str
    orbit: int | None = None
    instrument: str | None = None


def document(sections: Iterable[ET.Element]) -> ET.Element:
    """Root of the document."""
    identification = node(
        "Metadata_Identification",
        [
            node("METADATA_FORMAT", "METADATA_MUSCATE", version="1.16"),
            node("METADATA_PROFILE", "DISTRIBUTED"),
            node("METADATA_INFORMATION", "EXPERT"),
        ],
    )
    return node(
        "Muscate_Metadata_Document",
        [identification, *sections],
        **{
            "xmlns:xsi": "http://www.w3.org/2001/XMLSchema-instance",
            "xsi:noNamespaceSchemaLocation": "Muscate_Metadata_Document.xsd",
        },
    )


def dataset_identification(identity: Identity) -> ET.Element:
    """Who distributes the product, and of which place."""
    return node(
        "Dataset_Identification",
        [
            node("IDENTIFIER", identity.product_id),
            node("AUTHORITY", "THEIA"),
            node("PRODUCER", "MUSCATE"),
            node("PROJECT", identity.project),
            node("GEOGRAPHICAL_ZONE", identity.zone, type="Tile"),
            node("ORIGINAL_DATA_DIFFUSER", "firn virtual archive"),
        ],
    )


def product_characteristics(identity: Identity, groups: Mapping[str, Sequence[str]]) -> ET.Element:
    """When and by what the image was taken, and its bands by resolution group."""
    time = timestamp(identity.acquisition_time)
    every_band = [band for bands in groups.values() for band in bands]
    optional = {"ORBIT_NUMBER": identity.orbit, "INSTRUMENT": identity.instrument}
    return node(
        "Product_Characteristics",
        [
            node("PRODUCT_ID", identity.product_id),
            node("ACQUISITION_DATE", time),
            node("PRODUCTION_DATE", time),
            node("PRODUCT_VERSION", "1.0"),
            node("PRODUCT_LEVEL", identity.level),
            node("PLATFORM", identity.platform),
            *(node(tag, value) for tag, value in optional.items() if value is not None),
            node("Band_Global_List", _band_ids(every_band), count=len(every_band)),
            node(
                "Band_Group_List",
                [
                    node(
                        "Group",
                        [node("Band_List", _band_ids(bands), count=len(bands))],
                        group_id=group,
                    )
                    for group, bands in groups.items()
                ],
            ),
        ],
    )


def image(nature: str, encoding: str, files: Iterable[ET.Element]) -> ET.Element:
    """One image: its nature, pixel type and ``IMAGE_FILE`` elements."""
    properties = node("Image_Properties", _properties(nature, encoding))
    return node("Image", [properties, node("Image_File_List", files)])


def mask(nature: str, files: Iterable[ET.Element]) -> ET.Element:
    """One mask: its nature and its ``MASK_FILE`` elements."""
    properties = node("Mask_Properties", _properties(nature, "byte"))
    return node("Mask", [properties, node("Mask_File_List", files)])


def product_organisation(
    images: Iterable[ET.Element], masks: Iterable[ET.Element] = ()
) -> ET.Element:
    """Files of the product."""
    lists = [node("Image_List", images), node("Mask_List", masks)]
    return node("Product_Organisation", [node("Muscate_Product", lists)])


def geoposition(grids: Mapping[str, Grid]) -> ET.Element:
    """Georeference: CRS and corners of the first grid, and the grid of each group."""
    outer = next(iter(grids.values()))
    points = [
        node(
            "Point",
            [node("LAT", lat), node("LON", lon), node("X", x), node("Y", y)],
            name=name,
        )
        for name, (lon, lat, x, y) in corners(outer).items()
    ]
    code = epsg(outer)
    reference = node(
        "Coordinate_Reference_System",
        [
            node("GEO_TABLES", "EPSG"),
            node(
                "Horizontal_Coordinate_System",
                [
                    node("HORIZONTAL_CS_TYPE", "PROJECTED"),
                    node("HORIZONTAL_CS_NAME", f"EPSG {code}"),
                    node("HORIZONTAL_CS_CODE", code),
                ],
            ),
        ],
    )
    positions = node(
        "Geopositioning",
        [
            node("Global_Geopositioning", points),
            node(
                "Group_Geopositioning_List",
                [_group_geopositioning(group, grid) for group, grid in grids.items()],
            ),
        ],
    )
    return node("Geoposition_Informations", [reference, positions])


def geometric_informations(sun_zenith: float, sun_azimuth: float, grid: Grid) -> ET.Element:
    """Angles of the sun, degrees; the view is from the zenith."""
    means = node(
        "Mean_Value_List",
        [
            node("Sun_Angles", angle_pair(sun_zenith, sun_azimuth)),
            node(
                "Mean_Viewing_Incidence_Angle_List",
                [node("Mean_Viewing_Incidence_Angle", angle_pair(0, 0))],
            ),
        ],
    )
    sun = [angle_grid("Zenith", sun_zenith, grid), angle_grid("Azimuth", sun_azimuth, grid)]
    grids = node("Angles_Grids_List", [node("Sun_Angles_Grids", sun)])
    return node("Geometric_Informations", [means, grids])


def special_values(values: Mapping[str, int]) -> ET.Element:
    """Values that are not measurements, by name."""
    return node(
        "Special_Values_List",
        [node("SPECIAL_VALUE", value, name=name) for name, value in values.items()],
    )


def quality_indexes(values: Mapping[str, object]) -> list[ET.Element]:
    """``QUALITY_INDEX`` elements, by name."""
    return [node("QUALITY_INDEX", str(value), name=name) for name, value in values.items()]


def quality_informations(lists: Iterable[ET.Element]) -> ET.Element:
    """Quality of the product: a ``Global_Index_List``, ``Band_Index_List``s or both."""
    quality = node("Product_Quality", lists)
    return node(
        "Quality_Informations",
        [node("Current_Product", [node("Product_Quality_List", [quality], level="Product")])],
    )


def _band_ids(bands: Iterable[str]) -> list[ET.Element]:
    return [node("BAND_ID", band) for band in bands]


def _properties(nature: str, encoding: str) -> list[ET.Element]:
    return [
        node("NATURE", nature),
        node("FORMAT", "image/tiff"),
        node("ENCODING", encoding),
        node("ENDIANNESS", "LittleEndian"),
    ]


def _group_geopositioning(group: str, grid: Grid) -> ET.Element:
    return node(
        "Group_Geopositioning",
        [
            node("ULX", grid.transform.c),
            node("ULY", grid.transform.f),
            node("XDIM", grid.transform.a),
            node("YDIM", grid.transform.e),
            node("NROWS", grid.height),
            node("NCOLS", grid.width),
        ],
        group_id=group,
    )
