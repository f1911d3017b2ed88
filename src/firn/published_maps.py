"""Published maps as their STAC items tell of them."""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import shapely

from firn.errors import DataError
from firn.files import read_json

PathLike = str | os.PathLike[str]


@dataclass(frozen=True)
class PublishedMap:
    """A map of a run.

    Parameters
    ----------
    product : str
        Identifier of the scene in its archive.
    experiment : str
        Method, sensor and area, as the folder of the map is named.
    method, sensor : str
        Of the model.
    model : str
        Digest of the model.
    satellite, instrument : str
        In lower case.
    gsd : float
        Pixel size, m.
    time : datetime
        Of acquisition, UTC.
    sun_elevation, sun_azimuth : float
        Degrees, the azimuth clockwise from north.
    ground, snow, cloud, saturated : float or None
        Per cent of the pixels with data; None where no pixel has.
    no_data : float
        Per cent of all pixels.
    confidence : float or None
        Mean probability of the class that a pixel was given, 0-1.
    footprint : Polygon
        Longitude and latitude.
    item : Path
        STAC item, beside the rasters.
    """

    product: str
    experiment: str
    method: str
    sensor: str
    model: str
    satellite: str
    instrument: str
    gsd: float
    time: datetime
    sun_elevation: float
    sun_azimuth: float
    ground: float | None
    snow: float | None
    cloud: float | None
    saturated: float | None
    no_data: float
    confidence: float | None
    footprint: shapely.Polygon
    item: Path


def read_maps(items: Iterable[PathLike]) -> list[PublishedMap]:
    """Read the STAC items of maps, ``{experiment}/{scene}/item.json``.

    Returns
    -------
    list of PublishedMap
        By experiment, time and product.

    Raises
    ------
    DataError
        An item is missing or damaged.
    """
    maps = [_read(Path(item)) for item in items]
    return sorted(maps, key=lambda one: (one.experiment, one.time, one.product))


def _read(path: Path) -> PublishedMap:
    content = read_json(path)
    try:
        told = content["properties"]
        return PublishedMap(
            product=told["firn:product"],
            experiment=path.parents[1].name,
            method=told["firn:method"],
            sensor=told["firn:sensor"],
            model=told["firn:model"],
            satellite=told["platform"],
            instrument=told["instruments"][0],
            gsd=told["gsd"],
            time=datetime.fromisoformat(told["datetime"]),
            sun_elevation=told["view:sun_elevation"],
            sun_azimuth=told["view:sun_azimuth"],
            ground=told.get("firn:ground_cover"),
            snow=told.get("eo:snow_cover"),
            cloud=told.get("eo:cloud_cover"),
            saturated=told.get("firn:saturated"),
            no_data=told["firn:no_data"],
            confidence=told.get("firn:confidence"),
            footprint=shapely.Polygon(content["geometry"]["coordinates"][0]),
            item=path,
        )
    except (KeyError, IndexError, TypeError, ValueError) as error:
        raise DataError(
            f"{path}: is not the item of a map ({error!r}); delete it and run its rule again"
        ) from error
