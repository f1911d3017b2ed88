"""SPOT World Heritage Level-1A scenes (DIMAP 1): 8-bit images in sensor geometry.

Radiance is ``L = DN / PHYSICAL_GAIN + PHYSICAL_BIAS`` (Spot Image, www.spot.com, FAQ 2): the gain
divides. Reflectance is ``pi L d^2 / (E0 cos(sun zenith))``.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from xml.etree.ElementTree import Element

import numpy as np
import numpy.typing as npt

from firn.config import BandOrder
from firn.errors import ProductError
from firn.products.archive import Product
from firn.products.location import LocationModel
from firn.solar import reflectance_of_radiance, solar_irradiance

METADATA = "METADATA.DIM"
IMAGERY = "IMAGERY.TIF"
#: Every band that a multispectral scene may have, in the order in which metadata list them.
BANDS = ("XS1", "XS2", "XS3", "SWIR")
#: Bands by ``SENSOR_CODE``: all satellites, SPOT4, SPOT5.
MODES = {"X": BANDS[:3], "I": BANDS, "J": BANDS}
#: Instruments by number of the satellite.
INSTRUMENTS = {1: "HRV", 2: "HRV", 3: "HRV", 4: "HRVIR", 5: "HRG"}
#: Numbers, validity and saturation of bands, (band, row, column), in sensor geometry.
RawImage = tuple[npt.NDArray[np.uint8], npt.NDArray[np.bool_], npt.NDArray[np.bool_]]
#: Largest number that 8 bits hold: full scale.
FULL = 255
#: Plausible reflectance of full scale: one gain step beyond what SPOT has been seen to use.
SMALLEST_SATURATION, LARGEST_SATURATION = 0.05, 5.0
#: By what share the irradiance of the metadata may differ from that of the table; neighbouring
#: bands differ by twice that.
IRRADIANCE_TOLERANCE = 0.08
#: Metres by which the location model may miss the corners; in another order of terms it would miss
#: them by kilometres.
CORNER_TOLERANCE = 200.0
_METRES_PER_DEGREE = 111_320.0


@dataclass(frozen=True)
class Calibration:
    """How digital numbers of one band become reflectance.

    Parameters
    ----------
    gain : float
        Digital numbers per unit of radiance, W-1 m2 sr um.
    bias : float
        Radiance of digital number 0, W m-2 sr-1 um-1.
    factor : float
        Reflectance of unit radiance.
    """

    gain: float
    bias: float
    factor: float

    def reflectance(self, number: float) -> float:
        """Top-of-atmosphere reflectance of a digital number."""
        return self.factor * (number / self.gain + self.bias)


class SpotL1A:
    """An opened Level-1A scene.

    Opening reads the metadata only. The image is not on a map: `firn.orthorectification` puts it
    there.

    Attributes
    ----------
    scene_id : str
        Number of the scene in the SPOT catalogue, ``SKKKJJJYYMMDDHHMMSSIX``: satellite, grid node,
        time, instrument and mode.
    platform, instrument : str
        ``SPOT4``, ``HRVIR1``.
    acquisition_time : datetime
        UTC.
    sun_zenith, sun_azimuth : float
        Of the scene's centre, degrees.
    incidence : float
        Angle between the ray of the scene's centre and the ellipsoid's normal, degrees, without
        sign: on which side the satellite stood, the location model tells.
    bands : tuple of str
        Of ``XS1``, ``XS2``, ``XS3``, ``SWIR`` those of the scene.
    saturation, minimum : mapping of band to float
        TOA reflectance of DN 255 and DN 0.
    irradiance_source : str
        Where the solar irradiance is from: ``metadata``, or as in `firn.solar.solar_irradiance`.
    location : LocationModel
    """

    def __init__(self, path: str | os.PathLike[str], band_order: BandOrder = "reversed") -> None:
        self._product = Product(path)
        self._metadata_name, self._metadata = self._product.metadata(METADATA)
        self._check_level()
        self.platform, self.instrument, mode = self._identity()
        self.acquisition_time = self._time()
        self.scene_id = self._scene_number(mode)
        source = "Scene_Source"
        self.sun_zenith = 90 - self._metadata.number(f"{source}/SUN_ELEVATION", 1, 90)
        self.sun_azimuth = self._metadata.number(f"{source}/SUN_AZIMUTH", -360, 360) % 360
        self.incidence = abs(self._metadata.number(f"{source}/INCIDENCE_ANGLE", -45, 45))
        self.bands = MODES[mode]
        described = self._described()
        listed = self._listed(described)
        in_file = (*reversed(self.bands[:3]), *self.bands[3:])
        self._positions = (
            listed if band_order == "listed" else {b: in_file.index(b) for b in self.bands}
        )
        irradiance, self.irradiance_source = self._irradiance(listed)
        self._calibration = {
            band: self._band_calibration(band, described[band], irradiance[band])
            for band in self.bands
        }
        self.saturation: Mapping[str, float] = self._reflectances(FULL)
        self.minimum: Mapping[str, float] = self._reflectances(0)
        for band in self.bands:
            if not SMALLEST_SATURATION < self.saturation[band] < LARGEST_SATURATION:
                raise self._error(
                    f"{band} would saturate at reflectance {self.saturation[band]:g}; its gain is "
                    "not in DN per W m-2 sr-1 um-1, leave the scene out"
                )
        self._nodata, self._saturated = self._special_values()
        self.location = self._location_model()

    def _error(self, message: str) -> ProductError:
        return ProductError(f"{self._metadata.source}: {message}")

    def _check_level(self) -> None:
        level = self._metadata.text("Data_Processing/PROCESSING_LEVEL")
        bits = self._metadata.text("Raster_Encoding/NBITS")
        if (level, bits) != ("1A", "8"):
            raise self._error(
                f"is of level {level} with {bits} bits; expected level 1A with 8 bits"
            )

    def _identity(self) -> tuple[str, str, str]:
        """Platform, instrument and mode."""
        source = "Scene_Source"
        mission = self._metadata.text(f"{source}/MISSION").upper()
        number = int(self._metadata.number(f"{source}/MISSION_INDEX", 1, 5))
        kind = self._metadata.text(f"{source}/INSTRUMENT").upper().replace("-", "")
        index = int(self._metadata.number(f"{source}/INSTRUMENT_INDEX", 1, 2))
        mode = self._metadata.text(f"{source}/SENSOR_CODE").upper()
        if mission != "SPOT" or kind != INSTRUMENTS[number]:
            raise self._error(f"is of {mission}{number} {kind}, expected a scene of SPOT 1-5")
        if mode not in MODES:
            raise self._error(f"is of mode {mode}; expected a multispectral scene, mode X, I or J")
        return f"SPOT{number}", f"{kind}{index}", mode

    def _time(self) -> datetime:
        source = "Scene_Source"
        day = self._metadata.text(f"{source}/IMAGING_DATE")
        hour = self._metadata.text(f"{source}/IMAGING_TIME")
        return self._metadata.as_time(f"{day}T{hour}", f"{source}/IMAGING_DATE, IMAGING_TIME")

    def _scene_number(self, mode: str) -> str:
        node = "".join(filter(str.isdigit, self._metadata.text("Scene_Source/GRID_REFERENCE")))
        if len(node) < 6:
            raise self._error(f"GRID_REFERENCE {node!r} should hold six digits, as 049-262")
        # Some tell the shift along the track as well, 049-262-3.
        number = self.platform[-1], node[:6], f"{self.acquisition_time:%y%m%d%H%M%S}"
        return "".join((*number, self.instrument[-1], mode))

    def _described(self) -> dict[str, Element]:
        """Give what the metadata tell of each band."""
        described = {
            self._child(element, "BAND_DESCRIPTION").upper(): element
            for element in self._metadata.elements("Spectral_Band_Info")
        }
        count = self._metadata.number("Raster_Dimensions/NBANDS", 1, 16)
        if set(described) != set(self.bands) or count != len(self.bands):
            raise self._error(
                f"describes {count:g} bands, {', '.join(described) or 'none by name'}; expected "
                f"{', '.join(self.bands)}"
            )
        return described

    def _listed(self, described: Mapping[str, Element]) -> dict[str, int]:
        """Position of each band in the metadata's own order, from 0."""
        count = len(self.bands)
        listed = {
            band: int(self._child_number(element, "BAND_INDEX", 1, count)) - 1
            for band, element in described.items()
        }
        if sorted(listed.values()) != list(range(count)):
            raise self._error("BAND_INDEX of the bands does not count from 1; leave the scene out")
        return listed

    def _irradiance(self, listed: Mapping[str, int]) -> tuple[Mapping[str, float], str]:
        """Solar irradiance of the bands, of the metadata or else of firn's table, and source."""
        table, source = solar_irradiance(self.platform, self.instrument)
        told = {
            int(self._child_number(element, "BAND_INDEX", 1, 16)): self._child_number(
                element, "SOLAR_IRRADIANCE_VALUE", 1, 3000
            )
            for element in self._metadata.elements("Band_Solar_Irradiance")
        }
        if not {index + 1 for index in listed.values()} <= set(told):
            return table, source
        irradiance = {band: told[index + 1] for band, index in listed.items()}
        for band, value in irradiance.items():
            if abs(value / table[band] - 1) > IRRADIANCE_TOLERANCE:
                raise self._error(
                    f"the solar irradiance of {band} is {value:g}, expected about "
                    f"{table[band]:g} W m-2 um-1; its unit or its band is in doubt, leave the "
                    "scene out"
                )
        return irradiance, "metadata"

    def _band_calibration(self, band: str, element: Element, irradiance: float) -> Calibration:
        self._check_unit(band, self._child(element, "PHYSICAL_UNIT"))
        # Older products spell the bias in the French way.
        french = element.find("PHYSICAL_BIAS") is None
        return Calibration(
            gain=self._child_number(element, "PHYSICAL_GAIN", 1e-6),
            bias=self._child_number(element, "PHYSICAL_BIAIS" if french else "PHYSICAL_BIAS"),
            factor=reflectance_of_radiance(irradiance, self.acquisition_time, self.sun_zenith),
        )

    def _check_unit(self, band: str, unit: str) -> None:
        compact = "".join(unit.lower().replace("µ", "u").replace("*", ".").split())
        if "w.m-2.sr-1.um-1" not in compact:
            raise self._error(
                f"the unit of {band} is {unit!r}, expected W.m-2.Sr-1.um-1; leave the scene out"
            )

    def _child(self, element: Element, tag: str) -> str:
        text = (element.findtext(tag) or "").strip()
        if not text:
            raise self._error(f"a {element.tag} has no {tag}; fetch the product again")
        return text

    def _child_number(
        self, element: Element, tag: str, low: float = -np.inf, high: float = np.inf
    ) -> float:
        return self._metadata.as_number(self._child(element, tag), tag, low, high)

    def _reflectances(self, number: int) -> Mapping[str, float]:
        return MappingProxyType(
            {band: c.reflectance(number) for band, c in self._calibration.items()}
        )

    def _special_values(self) -> tuple[int | None, int]:
        """Digital numbers of no data, if there is one, and of saturation."""
        special = {
            self._child(element, "SPECIAL_VALUE_TEXT").upper(): int(
                self._child_number(element, "SPECIAL_VALUE_INDEX", 0, FULL)
            )
            for element in self._metadata.elements("Special_Value")
        }
        return special.get("NODATA"), special.get("SATURATED", FULL)

    def _location_model(self) -> LocationModel:
        rows, cols = (
            int(self._metadata.number(f"Raster_Dimensions/{tag}", 2, 100_000))
            for tag in ("NROWS", "NCOLS")
        )
        path = "Simplified_Location_Model/Direct_Location_Model"
        longitude, latitude = (
            np.array(
                [
                    self._metadata.as_number(element.text, f"{path}/{kind}")
                    for element in self._metadata.elements(f"{path}/{kind}_List/{kind}")
                ]
            )
            for kind in ("lc", "pc")
        )
        if (len(longitude), len(latitude)) != (6, 6):
            raise self._error(
                f"{path} has {len(longitude)} and {len(latitude)} coefficients, expected six for "
                "longitude and six for latitude"
            )
        origin = int(self._metadata.number("PIXEL_ORIGIN", 0, 1))
        model = LocationModel(longitude, latitude, (rows, cols), origin)
        self._check_corners(model)
        return model

    def _check_corners(self, model: LocationModel) -> None:
        vertices = np.array(
            [
                [
                    self._child_number(vertex, f"FRAME_{name}")
                    for name in ("ROW", "COL", "LON", "LAT")
                ]
                for vertex in self._metadata.elements("Dataset_Frame/Vertex")
            ]
        )
        if len(vertices) != 4:
            raise self._error(f"Dataset_Frame has {len(vertices)} corners, expected four")
        row, col, lon, lat = vertices.T
        found = model.ground(row - model.origin, col - model.origin)
        east = (found[0] - lon) * np.cos(np.radians(lat)) * _METRES_PER_DEGREE
        north = (found[1] - lat) * _METRES_PER_DEGREE
        error = float(np.hypot(east, north).max())
        if not error <= CORNER_TOLERANCE:
            raise self._error(
                f"its location model misses the corners of Dataset_Frame by {error:.0f} m; the "
                "order of its terms or of its pixels is unknown, leave the scene out"
            )

    def read(self, bands: Sequence[str]) -> RawImage:
        """Read bands in sensor geometry.

        Returns
        -------
        numbers : ndarray of uint8, (band, row, column)
        valid : ndarray of bool, same shape
            False where all bands hold the number of no data, and in lines and columns of a band
            that hold nothing else (lost lines, margins of a band). A single such number is dark
            ground.
        saturated : ndarray of bool, same shape

        Raises
        ------
        ProductError
            A band is unknown, or the image is missing, damaged or not as the metadata say.
        """
        if missing := [band for band in bands if band not in self.bands]:
            raise ProductError(
                f"{self._product.path}: has no band {', '.join(missing)}, only "
                f"{', '.join(self.bands)}; use a model trained without it"
            )
        name = self._product.find(IMAGERY, beside=self._metadata_name)
        image = self._product.read_image(name)
        expected = (len(self.bands), *self.location.shape)
        if image.dtype != np.uint8 or image.shape != expected:
            raise ProductError(
                f"{self._product.path}: {name} has {image.shape} {image.dtype} numbers, expected "
                f"{expected} of uint8 as in {METADATA}; fetch the product again"
            )
        empty = image == self._nodata if self._nodata is not None else np.zeros(image.shape, bool)
        lost = np.all(empty, axis=1, keepdims=True) | np.all(empty, axis=2, keepdims=True)
        nothing = np.asarray(np.all(empty, axis=0) | lost)
        indexes = [self._positions[band] for band in bands]
        numbers = np.asarray(image[indexes], np.uint8)
        return numbers, ~nothing[indexes], numbers == self._saturated

    def reflectance(self, band: str, numbers: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """TOA reflectance of (interpolated) digital numbers of a band, any shape."""
        low, high = self.minimum[band], self.saturation[band]
        return np.asarray(low + numbers * ((high - low) / FULL), np.float32)


def open_l1a(path: str | os.PathLike[str], band_order: BandOrder = "reversed") -> SpotL1A:
    """Open a SWH Level-1A scene, a zip or a folder with ``SCENE01/METADATA.DIM``.

    Parameters
    ----------
    path : path
    band_order : {"reversed", "listed"}
        Order of the bands in ``IMAGERY.TIF``; see `firn.config.BandOrder`.

    Raises
    ------
    ProductError
        The product is damaged, incomplete or no multispectral Level-1A scene of SPOT 1-5, or its
        units or its geometry are in doubt.
    """
    return SpotL1A(path, band_order)
