"""SPOT World Heritage Level-1C scenes (Theia, MUSCATE format): orthorectified TOA reflectance.

Pixels are milli-reflectance with 0 for no data. The scale is not in a public format document, so
each band is checked against its ``ReflectanceMax``, and against what is darker than anything.
"""

import os
from collections.abc import Mapping, Sequence
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from firn import raster
from firn.errors import ProductError
from firn.grid import Grid
from firn.products.archive import Product

if TYPE_CHECKING:
    import xarray as xr

#: Pixel value of reflectance 1, and of no data.
SCALE = 1000
NODATA = 0
#: Every band that a SPOT 1-5 multispectral scene may have, in the order firn uses.
BANDS = ("XS1", "XS2", "XS3", "SWIR")
#: Largest plausible ``ReflectanceMax``: at a low sun the smallest gain saturates at about 2.
LARGEST_REFLECTANCE = 5.0
#: Pixels may exceed ``ReflectanceMax`` by the overshoot of an interpolation, not by this factor.
UNIT_MARGIN = 2.0
#: Reflectance below which no place is at the top of the atmosphere: that of the air above 4800 m,
#: rounded down (Rayleigh optical thickness by Hansen and Travis 1974, Space Sci. Rev. 16, 527,
#: times 0.55; scattered once, views up to 27 degrees from the zenith).
DARKEST = {"XS1": 0.015, "XS2": 0.008, "XS3": 0.003, "SWIR": 0.0}


class SwhScene:
    """An opened SPOT scene; implements `firn.products.Scene`.

    Opening and all attributes but ``grid`` read the metadata only.

    Attributes
    ----------
    scene_id : str
        Product identifier.
    platform, instrument : str
        ``SPOT4``, ``HRVIR1``.
    acquisition_time : datetime
        UTC.
    sun_zenith, sun_azimuth : float
        Mean over the scene, degrees.
    bands : tuple of str
        Of ``XS1``, ``XS2``, ``XS3``, ``SWIR`` those that the metadata describe.
    saturation, minimum : mapping of band to float
        TOA reflectance of the instrument's DN 255 and DN 0 (``ReflectanceMax``,
        ``ReflectanceMin``).
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._product = Product(path)
        self._checked: set[str] = set()
        self._metadata_name, self._metadata = self._product.metadata("*MTD_ALL.xml")
        identity = "Product_Characteristics"
        self.scene_id = self._metadata.text(f"{identity}/PRODUCT_ID")
        self.platform = self._metadata.text(f"{identity}/PLATFORM")
        self.instrument = self._metadata.text(f"{identity}/INSTRUMENT")
        self.acquisition_time = self._metadata.time(f"{identity}/ACQUISITION_DATE")
        self.sun_zenith = self._metadata.number("Sun_Angles/ZENITH_ANGLE", 0, 90)
        self.sun_azimuth = self._metadata.number("Sun_Angles/AZIMUTH_ANGLE", 0, 360)
        self.bands = tuple(
            band for band in BANDS if self._metadata.elements(f"Band_Index_List[@band_id='{band}']")
        )
        if not self.bands:
            raise ProductError(
                f"{self._metadata.source}: has no Band_Index_List of {', '.join(BANDS)}; give a "
                "SWH Level-1C multispectral scene"
            )
        self.saturation: Mapping[str, float] = self._indices("ReflectanceMax", 0)
        self.minimum: Mapping[str, float] = self._indices("ReflectanceMin", -LARGEST_REFLECTANCE)
        for band in self.bands:
            if self.saturation[band] <= self.minimum[band]:
                raise ProductError(
                    f"{self._metadata.source}: {band} saturates at reflectance "
                    f"{self.saturation[band]:g}, not above its minimum {self.minimum[band]:g}; "
                    "leave the scene out"
                )

    def _indices(self, name: str, low: float) -> Mapping[str, float]:
        return MappingProxyType(
            {
                band: self._metadata.number(
                    f"Band_Index_List[@band_id='{band}']/QUALITY_INDEX[@name='{name}']",
                    low,
                    LARGEST_REFLECTANCE,
                )
                for band in self.bands
            }
        )

    def _band_name(self, band: str) -> str:
        return self._product.find(f"*{band}*.tif", beside=self._metadata_name)

    @cached_property
    def grid(self) -> Grid:
        """Grid of the first band."""
        return self._product.grid(self._band_name(self.bands[0]))

    def read(
        self, bands: Sequence[str], grid: Grid | None = None
    ) -> "tuple[xr.DataArray, npt.NDArray[np.bool_]]":
        """Read bands in their own grid or warped (cubic) to ``grid``; see `products.Scene`.

        A pixel is saturated from the whole milli-reflectance of ``ReflectanceMax`` on. Where
        ``grid`` is given, it is where the nearest pixel of the scene is.
        """
        target = grid or self.grid
        reflectance = np.empty((len(bands), *target.shape), np.float32)
        saturated = np.empty(reflectance.shape, bool)
        for index, band in enumerate(bands):
            reflectance[index], saturated[index] = self._read_band(band, target)
        data = raster.data_array(
            reflectance,
            target,
            name="toa",
            units="1",
            band=list(bands),
            product_id=self.scene_id,
        )
        return data, saturated

    def _read_band(
        self, band: str, target: Grid
    ) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.bool_]]:
        if band not in self.bands:
            raise ProductError(
                f"{self._product.path}: has no band {band}, only {', '.join(self.bands)}; use a "
                "model trained without it"
            )
        name = self._band_name(band)
        self._check_units(name, band)
        nearest = numbers = self._product.read_on(name, target, "nearest", nodata=NODATA)
        if not self._product.grid(name).holds(target):
            numbers = self._product.read_on(name, target, "cubic", nodata=NODATA)
        valid = (nearest != NODATA) & (numbers != NODATA)
        reflectance = np.where(valid, numbers / np.float32(SCALE), np.float32(np.nan))
        saturated = valid & (nearest >= np.floor(self.saturation[band] * SCALE))
        return reflectance.astype(np.float32, copy=False), saturated

    def _check_units(self, name: str, band: str) -> None:
        """Refuse a band whose numbers are surely not milli-reflectance.

        A dark scene has small numbers as well, so the low side is judged by what cannot be: more
        than half of the pixels darker than the air above them, or than the instrument's DN 0. Per
        cent of ground is found out by that, of snow and cloud all over it is not.
        """
        if band in self._checked:
            return
        floor = np.floor(SCALE * max(DARKEST[band], self.minimum[band]))
        largest, seen, dark = 0.0, 0, 0
        for numbers in self._product.strips(name):
            largest = max(largest, float(numbers.max(initial=0)))
            seen += int(np.count_nonzero(numbers != NODATA))
            dark += int(np.count_nonzero((numbers != NODATA) & (numbers < floor)))
        limit = UNIT_MARGIN * self.saturation[band] * SCALE
        if numbers.dtype not in (np.uint16, np.int16) or largest > limit or dark > seen / 2:
            raise ProductError(
                f"{self._product.path}: {name} ({numbers.dtype}, largest value {largest:g}) is not "
                f"in milli-reflectance, whose largest value should be near {SCALE} x "
                f"ReflectanceMax = {self.saturation[band] * SCALE:.0f} in 16 bits, most of it not "
                f"below {floor:.0f}; give the Level-1C product, or describe the file by a sensor "
                "YAML with its scale"
            )
        self._checked.add(band)


def open_swh(path: str | os.PathLike[str]) -> SwhScene:
    """Open a SWH Level-1C scene, a zip or a folder.

    Raises
    ------
    ProductError
        The product is damaged or incomplete.
    """
    return SwhScene(path)
