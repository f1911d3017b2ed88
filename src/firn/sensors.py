"""Sensors: bands, responses, and every conversion between reflectance and digital numbers."""

import csv
import os
from collections.abc import Sequence
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from firn.errors import ConfigError, DataError

FloatArray = npt.NDArray[np.floating[Any]]

#: Scale of Sentinel-2 reflectance on disk.
STACK_SCALE = 10000
#: Stack value of a pixel without data, and of one that saturated the instrument.
STACK_NODATA = 0
STACK_SATURATED = 65535


class Band(BaseModel):
    """A spectral band."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(description="Name as in the products (XS1, B03)")
    centre_nm: float = Field(gt=0, description="Centre wavelength, nm")
    width_nm: float = Field(gt=0, description="Full width of the equivalent boxcar, nm")


class Sensor(BaseModel):
    """A sensor as a user describes it: ``config/sensors/*.yaml``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(description="Name used in file paths and experiment names")
    platform: str = Field(description="Platform as product metadata spells it")
    instruments: tuple[str, ...] = Field(
        description="Instruments whose scenes count for this sensor"
    )
    pixel_size: float = Field(gt=0, description="Pixel size of the product, m")
    bits: int = Field(8, ge=1, le=16, description="Bits of the digital numbers")
    bands: tuple[Band, ...] = Field(min_length=1)
    response: str | None = Field(
        None, description="Response table (CSV) by name or path, for plots and the simulator"
    )
    scale: float | None = Field(
        None, gt=0, description="Reflectance of one digital number of a calibrated GeoTIFF"
    )
    offset: float = Field(
        0.0, description="Reflectance of digital number 0 of a calibrated GeoTIFF"
    )
    sun_zenith: float | None = Field(
        None, ge=0, lt=90, description="Sun zenith of a GeoTIFF that does not tell it, degrees"
    )
    sun_azimuth: float | None = Field(
        None, ge=0, le=360, description="Sun azimuth of such a GeoTIFF, degrees from north"
    )

    @property
    def band_names(self) -> tuple[str, ...]:
        """Band names in order."""
        return tuple(band.name for band in self.bands)

    def band(self, name: str) -> Band:
        """Band by name; `ConfigError` when the sensor has none such."""
        for band in self.bands:
            if band.name == name:
                return band
        raise ConfigError(f"sensor {self.name}: has no band {name}, only {list(self.band_names)}")


def sensor_names() -> list[str]:
    """Names of the sensors that come with firn."""
    folder = resources.files("firn.data") / "sensors"
    return sorted(entry.name.removesuffix(".yaml") for entry in folder.iterdir())


@cache
def load_sensor(name: str | os.PathLike[str]) -> Sensor:
    """Load a sensor by its name (``spot2``) or from the path of a YAML file.

    A name is looked up in ``config/sensors`` of the working directory, then among firn's own.

    Raises
    ------
    ConfigError
        No such sensor, or its description is not valid or that of a sensor of another name.
    """
    text = str(name)
    local = Path("config/sensors") / f"{text}.yaml"
    is_path = text.endswith((".yaml", ".yml"))
    if is_path or local.is_file():
        path = Path(text) if is_path else local
        if not path.is_file():
            raise ConfigError(f"{path}: no such sensor file; give a YAML file as in config/sensors")
        source = path.read_text(encoding="utf-8")
    else:
        entry = resources.files("firn.data") / "sensors" / f"{text}.yaml"
        if not entry.is_file():
            raise ConfigError(
                f"sensor {text}: unknown; firn knows {', '.join(sensor_names())}, "
                "others are given as the path of a YAML file"
            )
        source = entry.read_text(encoding="utf-8")
    try:
        sensor = Sensor.model_validate(yaml.safe_load(source))
    except (ValidationError, yaml.YAMLError) as error:
        raise ConfigError(f"sensor file {text}: {error}") from error
    if not is_path and sensor.name != text:
        raise ConfigError(
            f"sensor file {local}: describes {sensor.name}; write name: {text} in it, or rename it "
            f"to {sensor.name}.yaml"
        )
    return sensor


def load_response(name: str | os.PathLike[str]) -> tuple[FloatArray, dict[str, FloatArray]]:
    """Load a spectral response table.

    Parameters
    ----------
    name : str or path
        Name of a table that comes with firn (``spot1_hrv1``) or path of a CSV file whose first
        column is ``wavelength_nm`` and whose others are bands.

    Returns
    -------
    wavelength : ndarray, nm
    response : dict of band name to ndarray, dimensionless
    """
    wavelength, columns = load_spectra(
        name if str(name).endswith(".csv") else packaged(f"responses/{name}.csv")
    )
    return wavelength, columns


def packaged(relative: str) -> str:
    """Path of a data file that comes with firn."""
    return str(resources.files("firn.data").joinpath(relative))


def load_spectra(path: str | os.PathLike[str]) -> tuple[FloatArray, dict[str, FloatArray]]:
    """Load a CSV of spectra: the first column is the wavelength in nm, each other one a spectrum.

    Raises
    ------
    DataError
        The file is missing, is not numeric or its wavelengths do not increase.
    """
    try:
        with open(path, encoding="utf-8", newline="") as stream:
            rows = list(csv.reader(stream))
        table = np.array(rows[1:], dtype=float)
        names = rows[0][1:]
    except (OSError, ValueError, IndexError) as error:
        raise DataError(
            f"{path}: is not a table of spectra ({error}); the first column must be the wavelength "
            "in nm, the others numbers"
        ) from error
    if table.ndim != 2 or len(table) < 2 or np.any(np.diff(table[:, 0]) <= 0):
        raise DataError(f"{path}: needs two rows or more, with wavelengths (nm) that increase")
    return table[:, 0], {name: table[:, i + 1] for i, name in enumerate(names)}


def boxcar_weights(
    sensor: Sensor, source: Sensor, source_bands: Sequence[str]
) -> npt.NDArray[np.float64]:
    """Weights that mix source bands into the sensor's bands, by overlap of boxcars.

    A source band weighs as many nanometres as its interval, centre ± width/2, shares with that of
    the sensor's band (Barrou Dumont et al. 2024; the response functions are ignored).

    Parameters
    ----------
    sensor, source : Sensor
    source_bands : sequence of str
        The source bands at hand.

    Returns
    -------
    ndarray, (sensor band, source band)
        Rows sum to 1.

    Raises
    ------
    ConfigError
        A sensor band overlaps none of the source bands.
    """

    def interval(band: Band) -> tuple[float, float]:
        return band.centre_nm - band.width_nm / 2, band.centre_nm + band.width_nm / 2

    weights = np.zeros((len(sensor.bands), len(source_bands)))
    for i, band in enumerate(sensor.bands):
        low, high = interval(band)
        for j, name in enumerate(source_bands):
            source_low, source_high = interval(source.band(name))
            weights[i, j] = max(0.0, min(high, source_high) - max(low, source_low))
        if not weights[i].any():
            raise ConfigError(
                f"sensor {sensor.name}: band {band.name} overlaps none of {list(source_bands)} of "
                f"{source.name}; add a source band or correct its centre and width"
            )
    normalised: npt.NDArray[np.float64] = weights / weights.sum(axis=1, keepdims=True)
    return normalised


def to_dn(
    reflectance: FloatArray, saturation: FloatArray, minimum: FloatArray, bits: int = 8
) -> npt.NDArray[np.uint16] | npt.NDArray[np.uint8]:
    """Digital numbers of TOA reflectance, rounded to the nearest and clipped.

    ``reflectance = minimum + DN / full * (saturation - minimum)`` with ``full = 2**bits - 1``; a
    DN of ``full`` is saturated.

    Parameters
    ----------
    reflectance : ndarray, dimensionless
    saturation, minimum : ndarray, broadcastable
        Reflectance of the largest DN and of DN 0.
    bits : int
    """
    full = 2**bits - 1
    scaled = (reflectance - minimum) * (full / (saturation - minimum))
    clipped: npt.NDArray[np.float64] = np.clip(np.rint(scaled), 0, full)
    return clipped.astype(np.uint8) if bits <= 8 else clipped.astype(np.uint16)


def to_reflectance(
    dn: npt.NDArray[np.integer[Any]],
    saturation: FloatArray,
    minimum: FloatArray,
    bits: int = 8,
) -> npt.NDArray[np.float32]:
    """TOA reflectance of digital numbers: the inverse of `to_dn` up to quantisation."""
    step = (saturation - minimum) / (2**bits - 1)
    return np.asarray(minimum + dn * step, np.float32)
