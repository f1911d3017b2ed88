"""Open whatever can be classified."""

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

from firn.errors import ProductError
from firn.products import Scene, take5
from firn.products.archive import Product
from firn.products.geotiff import open_geotiff
from firn.products.swh import open_swh
from firn.products.take5 import open_take5
from firn.sensors import Sensor

GEOTIFF_SUFFIXES = (".tif", ".tiff")
#: Readers of products, by the metadata file that only their products have.
_READERS: Mapping[str, Callable[[str | os.PathLike[str]], Scene]] = MappingProxyType(
    {take5.METADATA: open_take5}
)


def open_scene(path: str | os.PathLike[str], sensor: Sensor | None = None) -> Scene:
    """Open a SPOT product (a zip or a folder), or a calibrated GeoTIFF of a known sensor.

    Products are SWH Level-1C and Take5 Level-1C; what is neither is opened as SWH.

    Parameters
    ----------
    path : path
    sensor : Sensor, optional
        Needed for a GeoTIFF: its bands and scale.

    Raises
    ------
    ProductError
        The product is missing, damaged or incomplete, or a GeoTIFF comes without its sensor.
    """
    if Path(path).suffix.lower() not in GEOTIFF_SUFFIXES:
        product = Product(path)
        readers = [reader for pattern, reader in _READERS.items() if product.matches(pattern)]
        return (readers or [open_swh])[0](path)
    if sensor is None:
        raise ProductError(
            f"{path}: a GeoTIFF does not tell its sensor; give one (--sensor spot4, or the path of "
            "a YAML file with bands and scale)"
        )
    return open_geotiff(path, sensor)
