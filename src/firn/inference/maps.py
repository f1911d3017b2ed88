"""The rasters of a map, written strip by strip."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from firn import cog
from firn.classes import (
    CLASS_NAMES,
    NO_DATA,
    PROBABILITY_NODATA,
    PROBABILITY_STEPS,
    PUBLISHED_COLOURS,
    PUBLISHED_NAMES,
    Quality,
)
from firn.grid import Grid
from firn.inference.surroundings import Bytes
from firn.map_summary import MapSummary

#: Rasters of a map, and how their overviews are made.
OVERVIEWS = MappingProxyType(
    {"snow.tif": "mode", "probability.tif": "average", "quality.tif": "nearest"}
)


@dataclass(frozen=True)
class SceneMap:
    """A map, or some rows of it, as it is published.

    Parameters
    ----------
    snow : ndarray of uint8, (y, x)
        0 ground, 100 snow, 205 cloud, 254 no data.
    probability : ndarray of uint8, (class, y, x)
        Half per cents, 255 = no data.
    quality : ndarray of uint8, (y, x)
        Bits of `Quality`.
    """

    snow: Bytes
    probability: Bytes
    quality: Bytes


class MapRasters:
    """The three rasters of a map while it grows.

    Attributes
    ----------
    summary : MapSummary
        Of what has been written.
    """

    def __init__(self, snow: cog.Pieces, probability: cog.Pieces, quality: cog.Pieces) -> None:
        self._snow, self._probability, self._quality = snow, probability, quality
        self.summary = MapSummary()

    def write(self, strip: SceneMap, row: int) -> None:
        """Write a strip whose first row is ``row``."""
        self._snow.write(strip.snow, row)
        self._probability.write(strip.probability, row)
        self._quality.write(strip.quality, row)
        self.summary.add(strip.snow, strip.probability, strip.quality, row)


@contextmanager
def map_rasters(folder: Path, grid: Grid, source: Mapping[str, Any]) -> Iterator[MapRasters]:
    """Begin the rasters of a map in a new folder, from where `publish` takes them."""
    tags = {"FIRN_PROVENANCE": json.dumps(source, sort_keys=True)}
    bits = {f"BIT_{bit.value}": str(bit.name).lower() for bit in Quality}
    folder.mkdir()
    with (
        cog.pieces(
            folder / "snow.tif",
            grid,
            np.uint8,
            nodata=NO_DATA,
            band_names=["class"],
            tags=tags,
            colours=PUBLISHED_COLOURS,
            categories=PUBLISHED_NAMES,
        ) as snow,
        cog.pieces(
            folder / "probability.tif",
            grid,
            np.uint8,
            count=len(CLASS_NAMES),
            nodata=PROBABILITY_NODATA,
            band_names=CLASS_NAMES,
            tags=tags | {"scale": f"probability = value / {PROBABILITY_STEPS}"},
        ) as probability,
        cog.pieces(
            folder / "quality.tif",
            grid,
            np.uint8,
            nodata=None,
            band_names=["quality"],
            tags=tags | bits,
        ) as quality,
    ):
        yield MapRasters(snow, probability, quality)


def publish(scratch: Path, folder: Path) -> None:
    """Copy the rasters of a map, once they are complete, as cloud-optimised GeoTIFFs.

    Beside ``snow.tif`` comes its legend.
    """
    cog.write_legend(folder / "snow.tif", PUBLISHED_NAMES, PUBLISHED_COLOURS)
    for name, overviews in OVERVIEWS.items():
        cog.publish(scratch / name, folder / name, overviews)
