"""Sensors as users describe them, and every conversion between reflectance and digital numbers."""

import csv
import os
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
    pixel_size: float | None = Field(
        None, gt=0, description="Pixel size, m, where it is not that of the sensor"
    )
    mtf_nyquist: float | None = Field(
        None, gt=0, lt=1, description="Modulation transfer, where it is not that of the sensor"
    )
    saturation: float = Field(
        1.0,
        gt=0,
        description="TOA reflectance of the largest digital number, where no scenes tell it",
    )


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
        None, description="Response table (CSV) by name or path; boxcars where there is none"
    )
    responses: dict[str, str] = Field(
        {}, description="Response tables of instruments that have another one than ``response``"
    )
    mtf_nyquist: float | None = Field(
        None,
        gt=0,
        lt=1,
        description="Modulation transfer of optics, detector and pixel at the Nyquist frequency, "
        "1 / (2 pixel_size); as sharp as the source where it is not given",
    )
    snr: float | None = Field(
        None,
        gt=0,
        description="Signal-to-noise ratio of a pixel at half of the largest digital number; no "
        "noise where it is not given",
    )
    striping: float = Field(
        0.0, ge=0, description="Standard deviation between columns, digital numbers"
    )
    gain_step: float | None = Field(
        None,
        gt=1,
        description="Ratio of neighbouring gain steps; one gain alone where it is not given",
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

    def __hash__(self) -> int:
        """Hash by name; equal sensors are equal in all."""
        return hash(self.name)

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

    def response_of(self, instrument: str) -> str | None:
        """Response table of one of the instruments; None where the sensor has boxcars."""
        return self.responses.get(instrument, self.response)


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


def band_responses(sensor: Sensor, instrument: str) -> tuple[FloatArray, dict[str, FloatArray]]:
    """Responses of an instrument's bands: its table, or boxcars where it has none.

    Returns
    -------
    wavelength : ndarray, nm
    response : dict of band name to ndarray, dimensionless
    """
    table = sensor.response_of(instrument)
    if table is not None:
        return load_response(table)
    wavelength = np.arange(400.0, 2501.0, 2.5)
    return wavelength, {
        band.name: (np.abs(wavelength - band.centre_nm) <= band.width_nm / 2).astype(np.float64)
        for band in sensor.bands
    }


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
