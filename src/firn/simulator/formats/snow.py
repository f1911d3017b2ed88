"""Snow products, zipped: Theia's map (MUSCATE), that of Let-it-snow, and snow fractions."""

import os
import xml.etree.ElementTree as ET

import numpy as np
import numpy.typing as npt

from firn.classes import NO_DATA, PUBLISHED, SurfaceClass
from firn.errors import ProductError
from firn.grid import Grid
from firn.raster import write
from firn.simulation_config import SnowFormat
from firn.simulator.formats import muscate, naming
from firn.simulator.formats.metadata import Sentinel2Metadata
from firn.simulator.formats.naming import muscate_platform
from firn.simulator.formats.package import check_shape, zipped_folder
from firn.simulator.formats.xml import node, write_xml

#: Formats that tell per cent of snow, and their code for no data.
FRACTIONS: tuple[SnowFormat, ...] = ("theia-fraction", "copernicus-fraction")
NEWER_NO_DATA = 255


def write_snow(
    path: str | os.PathLike[str],
    codes: npt.NDArray[np.uint8],
    meta: Sentinel2Metadata,
    form: SnowFormat = "theia",
) -> None:
    """Write a snow product as a zip: the map and, of Theia's, its metadata.

    Parameters
    ----------
    path : path
        The zip file.
    codes : ndarray of uint8, (y, x) at 20 m
        0 no snow, 100 snow, 205 cloud or its shadow, 254 no data; of a fraction 0 to 100 per cent
        at the top of the canopy, and the latter two.
    meta : Sentinel2Metadata
    form : {"theia", "lis", "theia-fraction", "copernicus-fraction"}

    Raises
    ------
    ProductError
        There is another code.
    GridError
        The array does not have the shape of the 20 m grid.
    """
    known = {*PUBLISHED.values(), NO_DATA, *(range(101) if form in FRACTIONS else ())}
    if unknown := set(np.unique(codes).tolist()) - known:
        raise ProductError(f"{path}: codes {sorted(unknown)}, expected only {sorted(known)}")
    grid = meta.grid.with_resolution(20)
    check_shape(f"{path}: snow codes", codes, grid)
    nodata = NEWER_NO_DATA if form in FRACTIONS else NO_DATA
    name, file = _names(form, meta)
    with zipped_folder(path, name, meta.sensing_time) as folder:
        values = np.where(codes == NO_DATA, nodata, codes).astype(np.uint8)
        (folder / file).parent.mkdir(exist_ok=True)
        write(folder / file, values, grid, nodata=nodata)
        if form == "theia":
            write_xml(folder / f"{name}_MTD_ALL.xml", _document(codes, grid, meta))


def _names(form: SnowFormat, meta: Sentinel2Metadata) -> tuple[str, str]:
    """Name of the product, and of the file in it that holds the map."""
    if form == "lis":
        return meta.l2a_name, "LIS_PRODUCTS/LIS_SEB.TIF"
    if form == "theia-fraction":
        product, layer = (
            naming.lis_fraction_name(layer, meta.sensing_time, meta.tile)
            for layer in ("FSC", "FSC-TOC")
        )
        return product, f"{layer}.tif"
    if form == "copernicus-fraction":
        name = naming.copernicus_fraction_name(meta.platform, meta.sensing_time, meta.tile)
        return name, f"{name}_FSCTOC.tif"
    return meta.snow_name, f"{meta.snow_name}_SNW_R2.tif"


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
