"""Where the sun stands."""

from datetime import datetime

import numpy as np


def sun_position(when: datetime, latitude: float, longitude: float) -> tuple[float, float]:
    """Sun zenith and azimuth in degrees, azimuth clockwise from north.

    Declination and equation of time by the Fourier series of Spencer (1971, Search 2, 172), good to
    about 0.05 degrees.

    Parameters
    ----------
    when : datetime, UTC
    latitude, longitude : float
        Degrees.
    """
    hour = when.hour + when.minute / 60 + when.second / 3600
    day = 2 * np.pi * (when.timetuple().tm_yday - 1 + (hour - 12) / 24) / 365
    declination = (
        0.006918
        - 0.399912 * np.cos(day)
        + 0.070257 * np.sin(day)
        - 0.006758 * np.cos(2 * day)
        + 0.000907 * np.sin(2 * day)
        - 0.002697 * np.cos(3 * day)
        + 0.00148 * np.sin(3 * day)
    )
    equation = 229.18 * (
        0.000075
        + 0.001868 * np.cos(day)
        - 0.032077 * np.sin(day)
        - 0.014615 * np.cos(2 * day)
        - 0.040849 * np.sin(2 * day)
    )
    angle = np.radians(15 * (hour - 12) + longitude + equation / 4)
    phi = np.radians(latitude)
    cos_zenith = np.sin(phi) * np.sin(declination) + np.cos(phi) * np.cos(declination) * np.cos(
        angle
    )
    south = np.cos(angle) * np.sin(phi) - np.tan(declination) * np.cos(phi)
    azimuth = np.degrees(np.arctan2(np.sin(angle), south)) + 180
    return float(np.degrees(np.arccos(np.clip(cos_zenith, -1, 1)))), float(azimuth % 360)
