"""A small acquisition, and products written from it, that the tests of the writers share."""

import xml.etree.ElementTree as ET
import zipfile
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest

from firn.grid import Grid
from firn.simulator.formats.metadata import RESOLUTIONS, Sentinel2Metadata

SENSING_TIME = datetime(2018, 4, 15, 10, 30, 21, 24000)


@pytest.fixture
def metadata() -> Callable[[str], Sentinel2Metadata]:
    """Give the metadata of a 1.2 km square of tile 32TPT, processed with the given baseline."""

    def make(baseline: str = "02.06") -> Sentinel2Metadata:
        return Sentinel2Metadata(
            platform="S2A",
            sensing_time=SENSING_TIME,
            baseline=baseline,
            tile="32TPT",
            relative_orbit=108,
            grid=Grid.from_bounds("EPSG:32632", 600000, 5198800, 601200, 5200000, 10),
            sun_zenith=40.25,
            sun_azimuth=155.5,
            solar_irradiance={band: 1000.0 + i for i, band in enumerate(RESOLUTIONS)},
        )

    return make


@pytest.fixture
def document() -> Callable[[Path, str], ET.Element]:
    """Parse the one file of a zip whose name ends as given."""

    def parse(path: Path, ending: str) -> ET.Element:
        with zipfile.ZipFile(path) as archive:
            (name,) = [n for n in archive.namelist() if n.endswith(ending)]
            return ET.fromstring(archive.read(name))

    return parse


@pytest.fixture
def member() -> Callable[[Path, str], str]:
    """Give the GDAL path of the one file of a zip whose name ends as given."""

    def find(path: Path, ending: str) -> str:
        with zipfile.ZipFile(path) as archive:
            (name,) = [n for n in archive.namelist() if n.endswith(ending)]
        return f"/vsizip/{path}/{name}"

    return find
