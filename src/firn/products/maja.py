"""MAJA Level-2A products of Sentinel-2 in the MUSCATE format: surface reflectance and masks.

Source: CNES, MAJA output format (labo.obs-mip.fr, Sentinel-2 format documentation) and the metadata
template of CNES/MAJA, METADATA_MUSCATE 1.16.
"""

import os
from collections.abc import Sequence

import numpy as np
import xarray as xr

from firn import raster
from firn.errors import ProductError
from firn.products.archive import Product
from firn.products.resampling import to_grid
from firn.raster import Grid

#: CLM bits (values) that the label filters read: mono-temporal threshold, high cloud at 1.38 um.
CLM_MONO_TEMPORAL = 4
CLM_HIGH_CLOUD = 128


class MajaL2A:
    """An opened MAJA Level-2A product of one tile.

    Attributes
    ----------
    product_id : str
    platform : str
        ``sentinel2a``, ``sentinel2b``, ...
    tile : str
        MGRS tile without the leading T (``32TPT``).
    sensing_time : datetime
        UTC.
    sun_zenith, sun_azimuth : float
        Mean over the tile, degrees.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._product = Product(path)
        _, self._metadata = self._product.metadata("*_MTD_ALL.xml")
        self.product_id = self._metadata.text("Product_Characteristics/PRODUCT_ID")
        self.platform = self._metadata.text("Product_Characteristics/PLATFORM").lower()
        zone = self._metadata.text("Dataset_Identification/GEOGRAPHICAL_ZONE")
        self.tile = zone.removeprefix("T")
        self.sensing_time = self._metadata.time("Product_Characteristics/ACQUISITION_DATE")
        self.sun_zenith = self._metadata.number("Sun_Angles/ZENITH_ANGLE", 0, 90)
        self.sun_azimuth = self._metadata.number("Sun_Angles/AZIMUTH_ANGLE", 0, 360)

    def grid(self, resolution: float = 20) -> Grid:
        """Tile grid at a pixel size in metres."""
        grid = self._product.grid(self._mask_name("CLM"))
        return grid if resolution == grid.resolution else grid.with_resolution(resolution)

    def read_reflectance(self, bands: Sequence[str], resolution: float = 20) -> xr.DataArray:
        """Read slope-corrected surface reflectance (FRE).

        Parameters
        ----------
        bands : sequence of str
            ``B02`` to ``B12`` or ``B8A``; B01, B09 and B10 are not in these products.
        resolution : float
            Pixel size in metres; resampled as Level-1C is.

        Returns
        -------
        DataArray of float32, (band, y, x), dimensionless
            NaN where there is no data.

        Raises
        ------
        ProductError
            A band is missing or damaged.
        """
        scale = self._metadata.number("REFLECTANCE_QUANTIFICATION_VALUE", low=1)
        nodata = self._metadata.number("Special_Values_List/SPECIAL_VALUE[@name='nodata']")
        target = self.grid(resolution)
        layers = []
        for band in bands:
            numbers = self._product.read(self._product.find(f"*_FRE_{muscate_name(band)}.tif"))
            values = numbers.values.astype(np.float32) / np.float32(scale)
            values[numbers.values == nodata] = np.nan
            layers.append(to_grid(values, Grid.of(numbers), target))
        return raster.data_array(
            np.stack(layers),
            target,
            name="surface_reflectance",
            units="1",
            band=list(bands),
            product_id=self.product_id,
        )

    def cloud_mask(self) -> xr.DataArray:
        """CLM at 20 m, uint8 (y, x).

        Bits: 0 clouds and shadows, 1 clouds, 2 clouds by the mono-temporal threshold, 3
        multi-temporal, 4 thinnest clouds, 5 shadow of a cloud inside and 6 outside the image, 7
        high clouds (1.38 um).
        """
        return self._mask("CLM")

    def geophysical_mask(self) -> xr.DataArray:
        """MG2 at 20 m, uint8 (y, x).

        Bits: 0 water, 1 clouds, 2 snow, 3 cloud shadow, 4 and 5 topographic shadow and hidden
        surface (in an order that depends on the version of MAJA: use both), 6 sun too low, 7
        tangent sun.
        """
        return self._mask("MG2")

    def edge_mask(self) -> xr.DataArray:
        """EDG at 20 m, uint8 (y, x): 1 outside the swath."""
        return self._mask("EDG")

    def saturation_mask(self) -> xr.DataArray:
        """SAT at 20 m, uint8 (y, x): bits 0 to 5 are B05, B06, B07, B8A, B11, B12."""
        return self._mask("SAT")

    def _mask_name(self, kind: str) -> str:
        return self._product.find(f"MASKS/*_{kind}_R2.tif")

    def _mask(self, kind: str) -> xr.DataArray:
        mask = self._product.read(self._mask_name(kind))
        if mask.dtype != np.uint8:
            raise ProductError(
                f"{self._product.path}: the {kind} mask is {mask.dtype}, expected uint8 bits; "
                "fetch the product again"
            )
        return mask


def muscate_name(band: str) -> str:
    """Band name as MUSCATE spells it, without zero padding: ``B02`` is ``B2``."""
    return "B" + band.removeprefix("B").removeprefix("0")


def open_l2a(path: str | os.PathLike[str]) -> MajaL2A:
    """Open a MAJA Level-2A product, a zip or a folder.

    Raises
    ------
    ProductError
        The product is damaged or incomplete.
    """
    return MajaL2A(path)
