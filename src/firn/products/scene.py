"""Open whatever can be classified."""

import os
from pathlib import Path

from firn.errors import ProductError
from firn.products import Scene
from firn.products.geotiff import open_geotiff
from firn.products.swh import open_swh
from firn.sensors import Sensor

GEOTIFF_SUFFIXES = (".tif", ".tiff")


def open_scene(path: str | os.PathLike[str], sensor: Sensor | None = None) -> Scene:
    """Open a SWH Level-1C product (a zip or a folder), or a calibrated GeoTIFF of a known sensor.

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
        return open_swh(path)
    if sensor is None:
        raise ProductError(
            f"{path}: a GeoTIFF does not tell its sensor; give one (--sensor spot4, or the path of "
            "a YAML file with bands and scale)"
        )
    return open_geotiff(path, sensor)
