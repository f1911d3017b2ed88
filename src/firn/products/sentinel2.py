"""Sentinel-2 Level-1C products in the SAFE format: top-of-atmosphere reflectance.

Source: Sentinel-2 Products Specification Document (S2-PDGS-TAS-DI-PSD), versions 13 to 14.
"""

import os
import re
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from itertools import repeat

import numpy as np
import numpy.typing as npt
import xarray as xr
from affine import Affine
from rasterio.crs import CRS
from rasterio.errors import CRSError

from firn import raster
from firn.errors import ProductError
from firn.products.archive import Product
from firn.products.resampling import any_to_grid, to_grid, to_half
from firn.raster import Grid

#: Bands in the order of the format's ``band_id``, with their native resolution in metres.
BAND_RESOLUTIONS: dict[str, int] = {
    "B01": 60,
    "B02": 10,
    "B03": 10,
    "B04": 10,
    "B05": 20,
    "B06": 20,
    "B07": 20,
    "B08": 10,
    "B8A": 20,
    "B09": 60,
    "B10": 60,
    "B11": 20,
    "B12": 20,
}
#: Digital numbers that are not reflectance; tested before the radiometric offset is added.
NODATA = 0
SATURATED = 65535
#: Largest digital number that is reflectance (15 bits).
LARGEST = 32767
#: Rows and columns of a tile at 10 m.
TILE_SIZE = 10980
#: First processing baseline whose products carry ``RADIO_ADD_OFFSET``.
OFFSET_BASELINE = 400

_NAME = re.compile(
    r"(?P<platform>S2[A-D])_MSIL1C_(?P<sensing>\d{8}T\d{6})_N(?P<baseline>\d{4})_R\d{3}"
    r"_T(?P<tile>\d{2}[A-Z]{3})_\d{8}T\d{6}"
)


class Sentinel2L1C:
    """An opened Level-1C product of one tile.

    Attributes
    ----------
    product_id : str
        Product name without ``.SAFE``.
    platform : str
        ``sentinel2a``, ``sentinel2b``, ...
    tile : str
        MGRS tile without the leading T (``32TPT``).
    baseline : str
        Processing baseline, four digits (``0400``).
    sensing_time : datetime
        UTC.
    sun_zenith, sun_azimuth : float
        Mean over the tile, degrees.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._product = Product(path)
        name, self._user = self._product.metadata("MTD_MSIL1C.xml")
        _, self._tile = self._product.metadata("MTD_TL.xml")
        fields = self._parse_name(name)
        self.product_id = fields[0]
        self.platform = "sentinel" + fields["platform"][1:].lower()
        self.tile = fields["tile"]
        self.baseline = fields["baseline"]
        self.sensing_time = self._tile.time("General_Info/SENSING_TIME")
        self.sun_zenith = self._tile.number("Mean_Sun_Angle/ZENITH_ANGLE", 0, 90)
        self.sun_azimuth = self._tile.number("Mean_Sun_Angle/AZIMUTH_ANGLE", 0, 360)

    def _parse_name(self, metadata_name: str) -> re.Match[str]:
        """Fields of the product name, from the metadata or else from the SAFE folder."""
        folder = (self._product.path / metadata_name).parent.name
        candidates = [self._user.find_text("PRODUCT_URI"), folder]
        for candidate in candidates:
            if match := _NAME.match(candidate or ""):
                return match
        raise ProductError(
            f"{self._product.path}: neither PRODUCT_URI {candidates[0]!r} nor the folder "
            f"{folder!r} is a Level-1C product name (S2A_MSIL1C_..._N0500_R108_T32TLR_....SAFE); "
            "fetch the product in its present format (Collection 1)"
        )

    @cached_property
    def _crs(self) -> CRS:
        code = self._tile.text("Tile_Geocoding/HORIZONTAL_CS_CODE")
        try:
            return CRS.from_user_input(code)
        except CRSError as error:
            raise ProductError(
                f"{self._tile.source}: HORIZONTAL_CS_CODE {code!r} is not a known CRS, expected "
                "EPSG:326xx or 327xx; fetch the product again"
            ) from error

    def grid(self, resolution: float = 20) -> Grid:
        """Tile grid at a pixel size in metres; 10, 20 and 60 m come from the metadata."""
        if resolution not in (10, 20, 60):
            return self.grid(10).with_resolution(resolution)
        at = f"[@resolution='{int(resolution)}']"
        height, width = (
            int(self._tile.number(f"Tile_Geocoding/Size{at}/{field}", 1, TILE_SIZE))
            for field in ("NROWS", "NCOLS")
        )
        left, top = (
            self._tile.number(f"Tile_Geocoding/Geoposition{at}/{field}") for field in ("ULX", "ULY")
        )
        return Grid(self._crs, Affine(resolution, 0, left, 0, -resolution, top), height, width)

    @cached_property
    def _quantification(self) -> float:
        return self._user.number("QUANTIFICATION_VALUE", low=1)

    @cached_property
    def _offsets(self) -> dict[str, float]:
        """Offset of each band that has one."""
        path = "RADIO_ADD_OFFSET"
        names = list(BAND_RESOLUTIONS)
        offsets: dict[str, float] = {}
        for element in self._user.elements(path):
            band_id = element.get("band_id", "")
            if not (band_id.isascii() and band_id.isdigit() and int(band_id) < len(names)):
                raise ProductError(
                    f"{self._user.source}: {path} has band_id {band_id!r}, expected 0 to 12; fetch "
                    "the product again"
                )
            offsets[names[int(band_id)]] = self._user.as_number(element.text, path)
        return offsets

    def offset(self, band: str) -> float:
        """Radiometric offset of a band: 0 before baseline 04.00, required from there on."""
        if band in self._offsets:
            return self._offsets[band]
        if int(self.baseline) >= OFFSET_BASELINE:
            raise ProductError(
                f"{self._user.source}: has no RADIO_ADD_OFFSET of {band}, which baseline "
                f"{self.baseline} needs; fetch the product again"
            )
        return 0.0

    def read(
        self, bands: Sequence[str], resolution: float = 20
    ) -> tuple[xr.DataArray, npt.NDArray[np.bool_]]:
        """Read top-of-atmosphere reflectance, ``(DN + offset) / quantification``.

        Coarser pixels average finer ones (bilinear), finer ones interpolate (cubic). Saturated
        pixels take no part in that: a pixel that holds one is flagged, and given the largest
        reflectance the format can tell, which is a lower bound of the true one.

        Parameters
        ----------
        bands : sequence of str
            ``B01`` to ``B12``, ``B8A``.
        resolution : float
            Pixel size in metres.

        Returns
        -------
        reflectance : DataArray of float32, (band, y, x), dimensionless
            NaN where there is no data. It can be slightly negative.
        saturated : ndarray of bool, (band, y, x)

        Raises
        ------
        ProductError
            A band is unknown, missing, damaged or not of the tile's size.
        """
        target = self.grid(resolution)
        reflectance = np.empty((len(bands), *target.shape), np.float32)
        saturated = np.empty(reflectance.shape, bool)
        # GDAL decodes on every core; what else a band needs is done while the next one is decoded.
        with ThreadPoolExecutor(2) as pool:
            layers = pool.map(self._read_band, bands, repeat(target))
            for index, (values, flags) in enumerate(layers):
                reflectance[index], saturated[index] = values, flags
        data = raster.data_array(
            reflectance,
            target,
            name="toa",
            units="1",
            band=list(bands),
            product_id=self.product_id,
        )
        return data, saturated

    def _read_band(
        self, band: str, target: Grid
    ) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.bool_]]:
        if band not in BAND_RESOLUTIONS:
            raise ProductError(
                f"{band}: is not a Sentinel-2 band; expected {list(BAND_RESOLUTIONS)}"
            )
        native = self.grid(BAND_RESOLUTIONS[band])
        name = self._product.find(f"IMG_DATA/*_{band}.jp2")
        found = self._product.grid(name)
        if found.shape != native.shape or not found.transform.almost_equals(native.transform):
            raise ProductError(
                f"{self._product.path}: {name} has {found.shape} pixels from {found.bounds[:2]}, "
                f"expected {native.shape} from {native.bounds[:2]} as in MTD_TL.xml; fetch the "
                "product again"
            )
        numbers = self._product.read(name).values
        scale, offset = np.float32(self._quantification), np.float32(self.offset(band))
        if native.with_resolution(2 * native.resolution) == target:
            reflectance, flags = to_half(numbers, NODATA, SATURATED)
        else:
            saturated = numbers == SATURATED
            values = np.where(saturated | (numbers == NODATA), np.float32(np.nan), numbers)
            reflectance, flags = (
                to_grid(values, native, target),
                any_to_grid(saturated, native, target),
            )
        reflectance += offset
        reflectance /= scale
        reflectance[flags] = (LARGEST + offset) / scale
        return reflectance, flags


def open_l1c(path: str | os.PathLike[str]) -> Sentinel2L1C:
    """Open a Level-1C product, a zip or a SAFE folder.

    Raises
    ------
    ProductError
        The product is damaged or incomplete.
    """
    return Sentinel2L1C(path)
