"""A SPOT product of either level, for what its metadata tell."""

import os

from firn.products.archive import Product
from firn.products.dimap import METADATA, SpotL1A, open_l1a
from firn.products.swh import SwhScene, open_swh

#: What tells identity, sun and gains of a SPOT scene without reading its image.
SpotProduct = SwhScene | SpotL1A


def open_spot(path: str | os.PathLike[str]) -> SpotProduct:
    """Open a SWH scene of Level 1C or 1A, whichever the zip or folder holds.

    Raises
    ------
    ProductError
        The product is damaged, incomplete or of another kind.
    """
    names = {name.rsplit("/", 1)[-1].upper() for name in Product(path).names}
    return open_l1a(path) if METADATA in names else open_swh(path)
