"""Theia snow products (L2B-SNOW) in MUSCATE format, zipped."""

import os
import xml.etree.ElementTree as ET

import numpy as np
import numpy.typing as npt

from firn.classes import NO_DATA, PUBLISHED, SurfaceClass
from firn.errors import ProductError
from firn.raster import Grid, write
from firn.simulator.formats import muscate
from firn.simulator.formats.metadata import Sentinel2Metadata
from firn.simulator.formats.naming import muscate_platform
from firn.simulator.formats.package import check_shape, zipped_folder
from firn.simulator.formats.xml import node, write_xml


def write_snow(
    path: str | os.PathLike[str],
    codes: npt.NDArray[np.uint8],
    meta: Sentinel2Metadata,
) -> None:
    """Write a Theia snow product as a zip: the map and its metadata, without the vector outlines.

    Parameters
    ----------
    path : path
        The zip file.
    codes : ndarray of uint8, (y, x) at 20 m
        0 no snow, 100 snow, 205 cloud or its shadow, 254 no data.
    meta : Sentinel2Metadata

    Raises
    ------
    ProductError
        There is another code.
    GridError
        The array does not have the shape of the 20 m grid.
    """
    known = {*PUBLISHED.values(), NO_DATA}
    if unknown := set(np.unique(codes).tolist()) - known:
        raise ProductError(f"{path}: codes {sorted(unknown)}, expected only {sorted(known)}")
    grid = meta.grid.with_resolution(20)
    check_shape(f"{path}: snow codes", codes, grid)
    name = meta.snow_name
    with zipped_folder(path, name, meta.sensing_time) as folder:
        write(folder / f"{name}_SNW_R2.tif", codes, grid, nodata=NO_DATA)
        write_xml(folder / f"{name}_MTD_ALL.xml", _document(codes, grid, meta))


def _document(codes: npt.NDArray[np.uint8], grid: Grid, meta: Sentinel2Metadata) -> ET.Element:
    identity = muscate.Identity(
        product_id=meta.snow_name,
        platform=muscate_platform(meta.platform),
        level="L2B-SNOW",
        acquisition_time=meta.sensing_time,
        project="SENTINEL2",
        zone=f"T{meta.tile}",
        orbit=meta.relative_orbit,
    )
    count = max(int((codes != NO_DATA).sum()), 1)
    percents = {
        "SnowPercent": 100 * int((codes == PUBLISHED[SurfaceClass.SNOW]).sum()) / count,
        "CloudPercent": 100 * int((codes == PUBLISHED[SurfaceClass.CLOUD]).sum()) / count,
    }
    map_file = node("IMAGE_FILE", f"{meta.snow_name}_SNW_R2.tif", group_id="R2")
    quality = node("Global_Index_List", muscate.quality_indexes(percents))
    return muscate.document(
        [
            muscate.dataset_identification(identity),
            muscate.product_characteristics(identity, {"R2": ()}),
            muscate.product_organisation([muscate.image("Snow", "byte", [map_file])]),
            muscate.geoposition({"R2": grid}),
            muscate.geometric_informations(meta.sun_zenith, meta.sun_azimuth, grid),
            node("Radiometric_Informations", [muscate.special_values({"nodata": NO_DATA})]),
            muscate.quality_informations([quality]),
        ]
    )
