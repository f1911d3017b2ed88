"""Open whatever can be classified."""

import os
from pathlib import Path

from firn.errors import ProductError
from firn.products import Scene, take5
from firn.products.archive import Product
from firn.products.dimap import SpotL1A
from firn.products.geotiff import open_geotiff
from firn.products.ortho import is_ortho, open_ortho
from firn.products.spot import open_spot
from firn.products.take5 import open_take5
from firn.sensors import Sensor

GEOTIFF_SUFFIXES = (".tif", ".tiff")


def open_scene(path: str | os.PathLike[str], sensor: Sensor | None = None) -> Scene:
    """Open a scene that is on the map: a SPOT product (a zip or a folder) or a GeoTIFF.

    Products are SWH Level-1C and Take5 Level-1C; what is neither is opened as SWH. A GeoTIFF is one
    that firn has orthorectified, or a calibrated one of a known sensor.

    Parameters
    ----------
    path : path
        A SWH Level-1C product (a zip or a folder), a Level-1A one that firn has orthorectified, or
        a calibrated GeoTIFF of a known sensor.
    sensor : Sensor, optional
        Needed for the last: its bands and scale.

    Raises
    ------
    ProductError
        The product is missing, damaged or incomplete, or not on the map yet, or a GeoTIFF comes
        without its sensor.
    """
    if Path(path).suffix.lower() not in GEOTIFF_SUFFIXES:
        if Product(path).matches(take5.METADATA):
            return open_take5(path)
        scene = open_spot(path)
        if isinstance(scene, SpotL1A):
            raise ProductError(
                f"{path}: is a Level-1A scene, which is not on a map; put it there with firn "
                f"orthorectify, or name it {scene.scene_id} in the scene table"
            )
        return scene
    if is_ortho(path):
        return open_ortho(path)
    if sensor is None:
        raise ProductError(
            f"{path}: a GeoTIFF does not tell its sensor; give one (--sensor spot4, or the path of "
            "a YAML file with bands and scale)"
        )
    return open_geotiff(path, sensor)
