"""Sentinel-2 L1C products: a SAFE folder with JPEG 2000 bands, zipped."""

import os
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from firn.errors import ProductError
from firn.simulator.formats import safe_xml
from firn.simulator.formats.jpeg2000 import write_jp2
from firn.simulator.formats.metadata import RESOLUTIONS, Sentinel2Metadata
from firn.simulator.formats.package import check_shape, zipped_folder
from firn.simulator.formats.quality_masks import L1CMasks, write_masks
from firn.simulator.formats.xml import write_xml

NODATA = 0
SATURATED = 65535
#: Largest digital number of a measurement; the specification gives pixels 15 bits.
MAXIMUM = 32767

Float = npt.NDArray[np.float32]
Bool = npt.NDArray[np.bool_]


def write_l1c(
    path: str | os.PathLike[str],
    reflectance: Mapping[str, Float],
    saturated: Mapping[str, Bool] | None,
    meta: Sentinel2Metadata,
    masks: L1CMasks | None = None,
) -> None:
    """Write a Sentinel-2 L1C product as a zipped SAFE folder.

    Parameters
    ----------
    path : path
        The zip file.
    reflectance : mapping of band (``B02``) to ndarray of float32, (y, x)
        Top-of-atmosphere reflectance (already divided by the cosine of the sun zenith) at the
        band's native resolution on the bounds of ``meta.grid``; NaN where there is no data.
    saturated : mapping of band to ndarray of bool, (y, x), optional
        Where the instrument saturated.
    meta : Sentinel2Metadata
    masks : L1CMasks, optional
        Without it, the cloud mask holds no feature, and there is no quality mask.

    Raises
    ------
    ProductError
        A band is unknown or none is given.
    GridError
        An array does not have the shape of its band's grid.
    """
    if not reflectance or set(reflectance) - set(RESOLUTIONS):
        raise ProductError(
            f"{path}: bands {sorted(reflectance)} given, expected some of {', '.join(RESOLUTIONS)}"
        )
    bands = [band for band in RESOLUTIONS if band in reflectance]
    with zipped_folder(path, f"{meta.l1c_name}.SAFE", meta.sensing_time) as safe:
        granule = safe / "GRANULE" / safe_xml.granule(meta)
        for band in bands:
            grid = meta.grid.with_resolution(RESOLUTIONS[band])
            check_shape(f"{path}: {band}", reflectance[band], grid)
            mask = saturated.get(band) if saturated is not None else None
            dn = to_dn(reflectance[band], mask, meta.radio_add_offset)
            image = granule / "IMG_DATA" / f"{safe_xml.image_prefix(meta)}_{band}.jp2"
            write_jp2(image, dn[np.newaxis], grid)
        write_masks(granule / "QI_DATA", bands, masks, meta)
        write_xml(granule / "MTD_TL.xml", safe_xml.tile(meta))
        write_xml(
            safe / "DATASTRIP" / safe_xml.datastrip(meta) / "MTD_DS.xml",
            safe_xml.datastrip_document(meta),
        )
        write_xml(safe / "MTD_MSIL1C.xml", safe_xml.product(meta, bands))
        write_xml(safe / "manifest.safe", safe_xml.manifest(safe, meta))


def to_dn(reflectance: Float, saturated: Bool | None, offset: int) -> npt.NDArray[np.uint16]:
    """Digital numbers of L1C: ``reflectance = (dn + offset) / 10000``, 0 no data, 65535 saturated.

    A measurement stays within 1 to 32767 whatever its reflectance.
    """
    valid = np.isfinite(reflectance)
    scaled = np.rint(np.where(valid, reflectance, 0) * safe_xml.QUANTIFICATION) - offset
    dn = np.where(valid, np.clip(scaled, 1, MAXIMUM), NODATA).astype(np.uint16)
    if saturated is not None:
        dn[valid & saturated] = SATURATED
    return dn
