"""Quality masks of Sentinel-2 Level-1C: polygons (GML) before baseline 04.00, rasters since.

Source: Sentinel-2 Products Specification Document (S2-PDGS-TAS-DI-PSD), versions 13 to 14.
"""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any
from xml.etree.ElementTree import Element

import numpy as np
import numpy.typing as npt

from firn import raster
from firn.errors import ProductError
from firn.grid import Grid
from firn.products.archive import Product
from firn.products.resampling import any_to_grid
from firn.products.xml import Metadata

if TYPE_CHECKING:
    import xarray as xr

#: Names of the bands of ``MSK_QUALIT``, in their order, by the ``maskType`` of the GML files.
#: The last band tells saturation in the raw image (L1A) only.
QUALITY: Mapping[str, str] = MappingProxyType(
    {
        "ANC_LOST": "ancillary_lost",
        "ANC_DEG": "ancillary_degraded",
        "MSI_LOST": "image_lost",
        "MSI_DEG": "image_degraded",
        "QT_DEFECTIVE_PIXELS": "defective",
        "QT_NODATA_PIXELS": "no_data",
        "QT_PARTIALLY_CORRECTED_PIXELS": "crosstalk_corrected_in_part",
        "QT_SATURATED_PIXELS_L1A": "saturated",
        "QT_SATURATED_PIXELS_L1B": "saturated",
    }
)
#: The same of ``MSK_CLASSI`` and of ``MSK_CLOUDS``, which does not know snow.
CLASSIFICATION: Mapping[str, str] = MappingProxyType(
    {"OPAQUE": "opaque_cloud", "CIRRUS": "cirrus", "SNOW": "snow"}
)
CLOUDS: Mapping[str, str] = MappingProxyType(
    {key: CLASSIFICATION[key] for key in ("OPAQUE", "CIRRUS")}
)
#: GML files that together tell what ``MSK_QUALIT`` does.
QUALITY_FILES = ("TECQUA", "DEFECT", "NODATA", "SATURA")
#: Largest absolute map coordinate on Earth, m.
_FARTHEST = 2e7


def read_raster_masks(
    product: Product, name: str, types: Mapping[str, str], native: Grid, target: Grid
) -> "xr.DataArray":
    """Masks of a JPEG 2000 file whose bands are those of ``types``.

    Parameters
    ----------
    product : Product
    name : str
        File of the product.
    types : mapping
        `QUALITY` or `CLASSIFICATION`.
    native : Grid
        Of the file, as the metadata tell it.
    target : Grid
        On the same bounds. A pixel is flagged that holds, or lies in, a flagged one.

    Returns
    -------
    DataArray of bool, (mask, y, x)

    Raises
    ------
    ProductError
        The file is damaged, lacks a band or is on another grid.
    """
    product.check_grid(name, native)
    masks = list(dict.fromkeys(types.values()))
    bands = product.read_bands(name, range(1, len(masks) + 1)).values
    flags = {
        mask: any_to_grid(band > 0, native, target) for mask, band in zip(masks, bands, strict=True)
    }
    return _named(flags, target)


def read_polygon_masks(
    documents: Iterable[Metadata], types: Mapping[str, str], native: Grid, target: Grid
) -> "xr.DataArray":
    """Masks of GML files.

    Parameters
    ----------
    documents : iterable of Metadata
        The GML files.
    types : mapping
        `QUALITY` or `CLOUDS`.
    native : Grid
        On which the polygons are drawn: a pixel whose centre lies in one is flagged.
    target : Grid
        As in `read_raster_masks`.

    Returns
    -------
    DataArray of bool, (mask, y, x)

    Raises
    ------
    ProductError
        A file holds another kind of mask, a damaged polygon, or is in another CRS than the tile.
    """
    polygons: dict[str, list[dict[str, Any]]] = {mask: [] for mask in types.values()}
    for document in documents:
        _check_crs(document, native)
        for feature in document.elements("MaskFeature"):
            kind = (feature.findtext("{*}maskType") or "").strip()
            if kind not in types:
                raise ProductError(
                    f"{document.source}: has a mask of type {kind[:60]!r}, expected one of "
                    f"{', '.join(types)}; fetch the product again"
                )
            for polygon in feature.iterfind(".//{*}Polygon"):
                polygons[types[kind]].append(_geometry(polygon, document))
    flags = {
        mask: any_to_grid(raster.burn(geometries, native), native, target)
        for mask, geometries in polygons.items()
    }
    return _named(flags, target)


def _named(flags: Mapping[str, npt.NDArray[np.bool_]], target: Grid) -> "xr.DataArray":
    return raster.data_array(
        np.stack(list(flags.values())), target, name="mask", units="1", band=list(flags)
    ).rename(band="mask")


def _check_crs(document: Metadata, tile: Grid) -> None:
    for envelope in document.elements("Envelope"):
        code = envelope.get("srsName", "").rpartition(":")[2]
        if code != str(tile.crs.to_epsg()):
            raise ProductError(
                f"{document.source}: is in EPSG:{code[:60]}, expected EPSG:{tile.crs.to_epsg()} as "
                "in MTD_TL.xml; fetch the product again"
            )


def _geometry(polygon: Element, document: Metadata) -> dict[str, Any]:
    """GeoJSON of a polygon: its outer ring, then its holes."""
    rings = [
        _ring(ring, document)
        for side in ("exterior", "interior")
        for ring in polygon.iterfind(f"{{*}}{side}//{{*}}posList")
    ]
    if not rings:
        raise ProductError(f"{document.source}: has a polygon without a ring; fetch it again")
    return {"type": "Polygon", "coordinates": rings}


def _ring(positions: Element, document: Metadata) -> list[tuple[float, float]]:
    numbers = [
        document.as_number(text, "posList", -_FARTHEST, _FARTHEST)
        for text in (positions.text or "").split()
    ]
    dimension = positions.get("srsDimension", "2")
    if dimension not in ("2", "3") or len(numbers) % int(dimension):
        raise ProductError(
            f"{document.source}: has a posList of {len(numbers)} numbers in {dimension[:60]!r} "
            "dimensions, expected 2 or 3; fetch the product again"
        )
    ring = list(zip(numbers[:: int(dimension)], numbers[1 :: int(dimension)], strict=True))
    if len(ring) < 4 or ring[0] != ring[-1]:
        raise ProductError(
            f"{document.source}: has a polygon whose ring of {len(ring)} corners is not closed; "
            "fetch the product again"
        )
    return ring
