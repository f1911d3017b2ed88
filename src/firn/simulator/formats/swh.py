"""SPOT World Heritage L1C scenes (orthorectified reflectance) in MUSCATE format, zipped."""

import os
import xml.etree.ElementTree as ET
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from firn.errors import ProductError
from firn.grid import Grid
from firn.raster import write
from firn.simulator.formats import muscate
from firn.simulator.formats.metadata import SpotMetadata
from firn.simulator.formats.package import check_shape, zipped_folder
from firn.simulator.formats.xml import node, write_xml

NODATA = 0
#: SPOT5 and SPOT4 add SWIR to the three bands of SPOT1-3.
BANDS = ("XS1", "XS2", "XS3", "SWIR")


def write_swh(
    path: str | os.PathLike[str],
    bands: Mapping[str, npt.NDArray[np.uint16]],
    saturation: Mapping[str, float],
    minimum: Mapping[str, float],
    grid: Grid,
    meta: SpotMetadata,
) -> None:
    """Write a SPOT World Heritage L1C scene as a zip.

    Parameters
    ----------
    path : path
        The zip file.
    bands : mapping of band to ndarray of uint16, (y, x)
        Top-of-atmosphere milli-reflectance of XS1, XS2, XS3 and, if there is one, SWIR; 0 where
        there is no data.
    saturation, minimum : mapping of band to float
        Reflectance of the instrument's digital numbers 255 and 0.
    grid : Grid
    meta : SpotMetadata

    Raises
    ------
    ProductError
        The bands are not SPOT's, or not the same in ``bands``, ``saturation`` and ``minimum``.
    GridError
        An array does not have the shape of the grid.
    """
    names = tuple(band for band in BANDS if band in bands)
    if names not in (BANDS[:3], BANDS) or not set(bands) == set(saturation) == set(minimum):
        raise ProductError(
            f"{path}: images of {sorted(bands)}, saturation of {sorted(saturation)} and minimum of "
            f"{sorted(minimum)}; expected XS1, XS2, XS3 and perhaps SWIR in all three"
        )
    with zipped_folder(path, meta.scene_id, meta.acquisition_time) as folder:
        for band in names:
            check_shape(f"{path}: {band}", bands[band], grid)
            write(folder / _image_name(meta, band), bands[band], grid, nodata=NODATA)
        document = _document(names, saturation, minimum, grid, meta)
        write_xml(folder / f"{meta.scene_id}_MTD_ALL.xml", document)


def _image_name(meta: SpotMetadata, band: str) -> str:
    return f"{meta.scene_id}_{band}.tif"


def _document(
    bands: tuple[str, ...],
    saturation: Mapping[str, float],
    minimum: Mapping[str, float],
    grid: Grid,
    meta: SpotMetadata,
) -> ET.Element:
    identity = muscate.Identity(
        product_id=meta.scene_id,
        platform=meta.platform,
        level="L1C",
        acquisition_time=meta.acquisition_time,
        project="SPOTWORLDHERITAGE",
        zone=meta.scene_id.split("_")[3],
        instrument=meta.instrument,
    )
    images = [node("IMAGE_FILE", _image_name(meta, band), band_id=band) for band in bands]
    limits = [
        node(
            "Band_Index_List",
            muscate.quality_indexes(
                {"ReflectanceMin": minimum[band], "ReflectanceMax": saturation[band]}
            ),
            band_id=band,
        )
        for band in bands
    ]
    return muscate.document(
        [
            muscate.dataset_identification(identity),
            muscate.product_characteristics(identity, {"XS": bands}),
            muscate.product_organisation([muscate.image("Reflectance", "uint16", images)]),
            muscate.geoposition({"XS": grid}),
            muscate.geometric_informations(meta.sun_zenith, meta.sun_azimuth, grid),
            node("Radiometric_Informations", [muscate.special_values({"nodata": NODATA})]),
            muscate.quality_informations(limits),
        ]
    )
