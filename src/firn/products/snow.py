"""Theia snow products (Let-it-snow, Level 2B): the snow maps that labels are made of.

Source: Gascoin et al. (2019), Theia Snow collection, Earth Syst. Sci. Data 11, 493-514.
"""

import os
from pathlib import PurePosixPath

import numpy as np
import xarray as xr

from firn.classes import NO_DATA, PUBLISHED
from firn.errors import ProductError
from firn.products.archive import Product

#: What the snow map's file name adds to the product's.
SUFFIX = "_SNW_R2.tif"


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
        ``attrs["product_id"]`` is the product's name.

    Raises
    ------
    ProductError
        The map is missing or damaged, or has other codes, as maps of the snow fraction have.
    """
    product = Product(path)
    name = product.find(f"*{SUFFIX}")
    codes = product.read(name)
    unknown = np.setdiff1d(codes.values, [*PUBLISHED.values(), NO_DATA, 255])
    if codes.dtype != np.uint8 or unknown.size:
        raise ProductError(
            f"{product.path}: {name} ({codes.dtype}) has the codes {unknown[:5].tolist()}, "
            "expected uint8 0, 100, 205 and 254 or 255; give the snow map (SNW), not the snow "
            "fraction (FSC)"
        )
    snow = codes.where(codes < NO_DATA, NO_DATA).astype(np.uint8)
    product_id = PurePosixPath(name).name.removesuffix(SUFFIX)
    snow.attrs = {**codes.attrs, "nodata": NO_DATA, "product_id": product_id}
    return snow.rename("snow")
