"""Sunlight outside the atmosphere: its irradiance in the bands of SPOT, and the Sun's distance."""

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from firn.sensors import packaged

_J2000 = datetime(2000, 1, 1, 12, tzinfo=UTC)


def earth_sun_distance(when: datetime) -> float:
    """Distance of the Sun in astronomical units, good to 0.0001.

    The low-precision formula of the Astronomical Almanac: with the mean anomaly ``g = 357.528 +
    0.9856003 n`` degrees, ``n`` days after noon of 1 January 2000, ``d = 1.00014 - 0.01671 cos g -
    0.00014 cos 2g``.

    Parameters
    ----------
    when : datetime
        UTC, with or without time zone.
    """
    days = (when.replace(tzinfo=UTC) - _J2000).total_seconds() / 86400
    anomaly = np.radians(357.528 + 0.9856003 * days)
    return float(1.00014 - 0.01671 * np.cos(anomaly) - 0.00014 * np.cos(2 * anomaly))


def sunlight(when: datetime, sun_elevation: float) -> float:
    """Sunlight on a horizontal plane outside the atmosphere: 1 with an overhead Sun at 1 au.

    Parameters
    ----------
    when : datetime
        UTC.
    sun_elevation : float
        Degrees.
    """
    return float(np.sin(np.radians(sun_elevation))) / earth_sun_distance(when) ** 2


@cache
def _irradiances() -> dict[str, dict[str, Any]]:
    content: dict[str, dict[str, Any]] = yaml.safe_load(
        Path(packaged("irradiance/spot.yaml")).read_text(encoding="utf-8")
    )
    return content


def solar_irradiance(platform: str, instrument: str) -> tuple[Mapping[str, float], str]:
    """Irradiance of a SPOT instrument's bands at one astronomical unit.

    Returns
    -------
    irradiance : mapping of band to float, W m-2 um-1
    source : str
        ``integrated``, ``cnes`` or ``unverified``; see ``firn/data/irradiance/spot.yaml``.

    Raises
    ------
    KeyError
        There is no such instrument.
    """
    entry = _irradiances()[f"{platform}-{instrument}"]
    return {band: float(v) for band, v in entry.items() if band != "source"}, str(entry["source"])


def reflectance_of_radiance(irradiance: float, when: datetime, sun_zenith: float) -> float:
    """Top-of-atmosphere reflectance of unit radiance, m2 sr um W-1.

    ``pi d^2 / (irradiance cos(sun zenith))`` with the Sun's distance ``d``.

    Parameters
    ----------
    irradiance : float
        At one astronomical unit, W m-2 um-1.
    when : datetime
    sun_zenith : float
        Degrees.
    """
    cosine = np.cos(np.radians(sun_zenith))
    return float(np.pi * earth_sun_distance(when) ** 2 / (irradiance * cosine))
