"""Snow products made by Let-it-snow (LIS): the snow maps that labels are made of.

Maps of snow / no snow are those of Theia (L2B-SNOW) and of LIS itself; the newer products of Theia
and of Copernicus tell the snow fraction. LIS computes the fraction only where it has found snow, so
that a fraction above 0 means what 100 means in a map of snow / no snow.

Sources: Gascoin et al. (2019), Theia Snow collection, Earth Syst. Sci. Data 11, 493-514; Gascoin et
al. (2020), Remote Sens. 12, 2904 (fraction); the product guides of LIS 1.11 and of the Copernicus
High Resolution Snow & Ice Monitoring Service (codes).
"""

import os
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from firn.classes import NO_DATA, PUBLISHED, SurfaceClass
from firn.errors import ProductError
from firn.products.archive import Product

if TYPE_CHECKING:
    import xarray as xr

#: Files that hold a map of snow / no snow: Theia's, LIS's own.
MAPS = ("*_SNW_R2.tif", "LIS_SEB.TIF")
#: Files that hold a fraction, at the top of the canopy where there is a choice, for that is what
#: the satellite saw: Copernicus's, Theia's without and with the correction for trees.
FRACTIONS = ("*_FSCTOC.tif", "LIS_S2-SNOW-FSC-TOC_*.tif", "LIS_S2-SNOW-FSC_*.tif")
#: Codes of both kinds beside the common ones: inland water, and no data in newer products.
WATER = 210
NEWER_NO_DATA = 255


def read_snow(path: str | os.PathLike[str], fraction_min: float = 1) -> "xr.DataArray":
    """Read a snow product on its own 20 m grid.

    Parameters
    ----------
    path : path
        A zip or folder with one of the files `MAPS` or `FRACTIONS`.
    fraction_min : float
        Per cent of snow from which a pixel is snow, above 0; for products of the snow fraction.

    Returns
    -------
    DataArray of uint8, (y, x)
        0 no snow, 100 snow, 205 cloud or cloud shadow, 254 no data or water.
        ``attrs["product_id"]`` is the product's name.

    Raises
    ------
    ProductError
        The product is of no known kind, or its map is missing, damaged or has other codes.
    """
    product = Product(path)
    name, is_fraction = _recognise(product)
    codes = product.read(name)
    known = np.zeros(256, bool)
    known[[*PUBLISHED.values(), NO_DATA, NEWER_NO_DATA]] = True
    if is_fraction:
        known[[*range(101), WATER]] = True
    if codes.dtype != np.uint8 or not known[codes.values].all():
        found = np.unique(codes.values)[:12].tolist()
        raise ProductError(
            f"{product.path}: {name} ({codes.dtype}) has the codes {found}, expected uint8 "
            f"{'0 to 100, 205, 210' if is_fraction else '0, 100, 205'} and 254 or 255; fetch the "
            "product again"
        )
    table = _common_codes(fraction_min if is_fraction else PUBLISHED[SurfaceClass.SNOW])
    snow = codes.copy(data=table[codes.values])
    snow.attrs = {**codes.attrs, "nodata": NO_DATA, "product_id": _product_id(product, name)}
    return snow.rename("snow")


def _recognise(product: Product) -> tuple[str, bool]:
    """File that holds the map, and whether it is a fraction."""
    for pattern in (*MAPS, *FRACTIONS):
        if product.matches(pattern):
            return product.find(pattern), pattern in FRACTIONS
    raise ProductError(
        f"{product.path}: has none of the files {', '.join((*MAPS, *FRACTIONS))}; give a snow "
        "product of Theia, Copernicus or Let-it-snow"
    )


def _common_codes(snow_min: float) -> npt.NDArray[np.uint8]:
    """Table from a product's codes to the common ones; up to 100, ``snow_min`` parts snow."""
    table = np.full(256, NO_DATA, np.uint8)
    numbers = np.arange(101)
    table[:101] = np.where(
        numbers >= snow_min, PUBLISHED[SurfaceClass.SNOW], PUBLISHED[SurfaceClass.GROUND]
    )
    table[PUBLISHED[SurfaceClass.CLOUD]] = PUBLISHED[SurfaceClass.CLOUD]
    return table


def _product_id(product: Product, name: str) -> str:
    """Name that the file shares with the product; LIS's own file has that of the product's folder.

    LIS writes its map to ``{product}/LIS_PRODUCTS/LIS_SEB.TIF``.
    """
    file = PurePosixPath(name)
    for suffix in ("_SNW_R2.tif", "_FSCTOC.tif"):
        if file.name.lower().endswith(suffix.lower()):
            return file.name[: -len(suffix)]
    if file.name.upper() == "LIS_SEB.TIF":
        folder = (product.path.absolute() / file).parent
        folder = folder.parent if folder.name.upper() == "LIS_PRODUCTS" else folder
        return folder.name.removesuffix(".zip")
    return file.stem
