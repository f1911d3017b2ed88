"""Theia snow products (Let-it-snow, Level 2B): the snow maps that labels are made of.

Source: Gascoin et al. (2019), Theia Snow collection, Earth Syst. Sci. Data 11, 493-514.
"""

import os

import numpy as np
import xarray as xr

from firn.classes import NO_DATA, PUBLISHED
from firn.errors import ProductError
from firn.products.archive import Product


def read_snow(path: str | os.PathLike[str]) -> xr.DataArray:
    """Read a snow map on its own 20 m grid.

    Parameters
    ----------
    path : path
        A zip or folder with the file ``*_SNW_R2.tif``.

    Returns
    -------
    DataArray of uint8, (y, x)
        0 no snow, 100 snow, 205 cloud or cloud shadow, 254 no data (newer products code it 255).

    Raises
    ------
    ProductError
        The map is missing or damaged, or has other codes, as maps of the snow fraction have.
    """
    product = Product(path)
    name = product.find("*_SNW_R2.tif")
    codes = product.read(name)
    unknown = np.setdiff1d(codes.values, [*PUBLISHED.values(), NO_DATA, 255])
    if codes.dtype != np.uint8 or unknown.size:
        raise ProductError(
            f"{product.path}: {name} ({codes.dtype}) has the codes {unknown[:5].tolist()}, "
            "expected uint8 0, 100, 205 and 254 or 255; give the snow map (SNW), not the snow "
            "fraction (FSC)"
        )
    snow = codes.where(codes < NO_DATA, NO_DATA).astype(np.uint8)
    snow.attrs = {**codes.attrs, "nodata": NO_DATA}
    return snow.rename("snow")
