"""Whether a product is the one that its row of a scene table promises."""

import os
import re
from datetime import datetime
from typing import NamedTuple

from firn.errors import ProductError
from firn.products import Scene
from firn.spot_names import same_scene

PathLike = str | os.PathLike[str]

#: Date and tile in the names of snow products:
#: ``SENTINEL2A_20180314-102459-123_L2B-SNOW_T32TPT_D_V1-0``,
#: ``LIS_S2-SNOW-FSC_T32TPT_20180314T102459_1.11.0_1``, ``FSC_20180314T102459_S2A_T32TPT_V100_1``.
_DATE = re.compile(r"_(\d{8})[-T]\d{6}")
_TILE = re.compile(r"_T(\d{2}[A-Z]{3})_")


class TileDate(NamedTuple):
    """A row of the Sentinel-2 scene table; the date is that of sensing in UTC, YYYYMMDD."""

    tile: str
    date: str


def check_tile_date(path: PathLike, tile: str, sensed: datetime, row: TileDate) -> None:
    """Refuse a Sentinel-2 product of another tile or day than its table row.

    Parameters
    ----------
    path : path
        Of the product, for the error.
    tile : str
        Of the product.
    sensed : datetime
        Sensing time of the product, UTC.
    row : TileDate

    Raises
    ------
    ProductError
        The product is another one.
    """
    _compare(path, TileDate(tile, f"{sensed:%Y%m%d}"), row)


def check_name(path: PathLike, product_id: str, row: TileDate) -> None:
    """Refuse a product whose name tells another tile or day than its table row.

    A name that tells neither is taken: snow maps of other producers are named in other ways.

    Raises
    ------
    ProductError
        The product is another one.
    """
    date, tile = _DATE.search(product_id), _TILE.search(f"{product_id}_")
    if date and tile:
        _compare(path, TileDate(tile[1], date[1]), row)


def _compare(path: PathLike, product: TileDate, row: TileDate) -> None:
    if product != row:
        raise ProductError(
            f"{path}: is a product of {'/'.join(product)}, but stands in the scene table as "
            f"{'/'.join(row)}; correct that row of the table"
        )


def check_scene(path: PathLike, scene: Scene, scene_id: str, platform: str) -> None:
    """Refuse a SPOT scene of another identifier or satellite than its table row.

    A Level-1A scene may stand there by its number or by its name in the archive.

    Parameters
    ----------
    path : path
        Of the product, for the error.
    scene : Scene
    scene_id, platform : str
        As the table has them.

    Raises
    ------
    ProductError
        The scene is another one.
    """
    if scene.platform != platform or not same_scene(scene.scene_id, scene_id):
        raise ProductError(
            f"{path}: is {scene.scene_id} of {scene.platform}, but stands in the scene table as "
            f"{scene_id} of {platform}; correct that row of the table"
        )
