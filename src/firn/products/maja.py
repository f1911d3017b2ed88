"""MAJA Level-2A products of Sentinel-2 in the MUSCATE format: surface reflectance and masks.

Sources: CNES, MAJA output format (cesbio.cnrs.fr/maja, Sentinel-2 output format); the metadata
template and the order of the mask bits in the plugins SENTINEL2_MUSCATE and SENTINEL2 of CNES/MAJA
(METADATA_MUSCATE 1.16). Versions 3 and 4 of MAJA write the same files.
"""

import os
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import PurePosixPath
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt

from firn import raster
from firn.config import CloudLayout
from firn.errors import ProductError
from firn.grid import Grid
from firn.products.archive import Product
from firn.products.resampling import to_grid

if TYPE_CHECKING:
    import xarray as xr

#: CLM bits (values) that the label filters read: mono-temporal threshold, high cloud at 1.38 um.
CLM_MONO_TEMPORAL = 4
CLM_HIGH_CLOUD = 128

#: Bits of CLM by name, from bit 0 on, by the layout that a product is in: ``muscate`` is that of
#: Theia and of MAJA's MUSCATE format; ``native`` that of MAJA's own (Earth Explorer) format and of
#: VENuS before 2019. In VENuS products the last bit is a cloud found by stereoscopy.
CLOUD_BITS: Mapping[CloudLayout, tuple[str, ...]] = MappingProxyType(
    {
        "muscate": (
            "cloud_or_shadow",
            "cloud",
            "mono_temporal",
            "multi_temporal",
            "thin_cloud",
            "shadow_inside",
            "shadow_outside",
            "high_cloud",
        ),
        "native": (
            "cloud_or_shadow",
            "cloud",
            "shadow_inside",
            "shadow_outside",
            "mono_temporal",
            "multi_temporal",
            "thin_cloud",
            "high_cloud",
        ),
    }
)
#: Names of the geophysical mask MG2 and their bits (values). The documentation gives bit 4 to
#: topographic shadow and 5 to hidden surface, MAJA 4 writes them the other way round: they are one.
GEOPHYSICAL_BITS: Mapping[str, int] = MappingProxyType(
    {
        "water": 1,
        "cloud": 2,
        "snow": 4,
        "cloud_shadow": 8,
        "topographic_shadow_or_hidden": 16 | 32,
        "sun_too_low": 64,
        "tangent_sun": 128,
    }
)
#: Bands of each resolution group, in the order of the bits of SAT.
SATURATION_BANDS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"R1": ("B02", "B03", "B04", "B08"), "R2": ("B05", "B06", "B07", "B8A", "B11", "B12")}
)


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

    def __init__(self, path: str | os.PathLike[str], cloud_layout: CloudLayout = "muscate") -> None:
        self._product = Product(path)
        self._metadata_name, self._metadata = self._product.metadata("*_MTD_ALL.xml")
        self._cloud_layout = cloud_layout
        self.product_id = self._metadata.text("Product_Characteristics/PRODUCT_ID")
        self.platform = self._metadata.text("Product_Characteristics/PLATFORM").lower()
        zone = self._metadata.text("Dataset_Identification/GEOGRAPHICAL_ZONE")
        self.tile = zone.removeprefix("T")
        self.sensing_time = self._metadata.time("Product_Characteristics/ACQUISITION_DATE")
        self.sun_zenith = self._metadata.number("Sun_Angles/ZENITH_ANGLE", 0, 90)
        self.sun_azimuth = self._metadata.number("Sun_Angles/AZIMUTH_ANGLE", 0, 360)

    def grid(self, resolution: float = 20) -> Grid:
        """Tile grid at a pixel size in metres."""
        grid = self._product.grid(self._mask_name("CLM", "R2"))
        return grid if resolution == grid.resolution else grid.with_resolution(resolution)

    def read_reflectance(
        self, bands: Sequence[str], resolution: float = 20, kind: Literal["FRE", "SRE"] = "FRE"
    ) -> "xr.DataArray":
        """Read surface reflectance.

        Parameters
        ----------
        bands : sequence of str
            ``B02`` to ``B12`` or ``B8A``; B01, B09 and B10 are not in these products.
        resolution : float
            Pixel size in metres; resampled as Level-1C is.
        kind : str
            ``FRE`` is corrected for the slope of the ground, ``SRE`` is not.

        Returns
        -------
        DataArray of float32, (band, y, x), dimensionless
            NaN where there is no data.

        Raises
        ------
        ProductError
            A band is missing, damaged or not on the tile.
        """
        scale = self._metadata.number("REFLECTANCE_QUANTIFICATION_VALUE", 1, 65535)
        nodata = self._metadata.number("Special_Values_List/SPECIAL_VALUE[@name='nodata']")
        target = self.grid(resolution)
        layers = [
            self._read_band(f"{kind}_{muscate_name(band)}", scale, nodata, target) for band in bands
        ]
        return raster.data_array(
            np.stack(layers),
            target,
            name="surface_reflectance",
            units="1",
            band=list(bands),
            product_id=self.product_id,
            kind=kind,
        )

    def _read_band(
        self, image: str, scale: float, nodata: float, target: Grid
    ) -> npt.NDArray[np.float32]:
        name = self._file(image)
        native = self._product.grid(name)
        numbers = self._product.read(name).values
        if numbers.dtype != np.int16 or not np.allclose(native.bounds, target.bounds):
            raise ProductError(
                f"{self._product.path}: {name} ({numbers.dtype}) covers {native.bounds}, expected "
                f"int16 on the tile {target.bounds}; fetch the product again"
            )
        values = numbers.astype(np.float32) / np.float32(scale)
        values[numbers == nodata] = np.nan
        return to_grid(values, native, target)

    def cloud_mask(self) -> "xr.DataArray":
        """CLM at 20 m, uint8 (y, x), its bits in the MUSCATE layout whatever the product's is.

        Bits: 0 clouds and shadows, 1 clouds, 2 clouds by the mono-temporal threshold, 3
        multi-temporal, 4 thinnest clouds, 5 shadow of a cloud inside and 6 outside the image, 7
        high clouds (1.38 um).
        """
        mask = self._mask("CLM", "R2")
        found, wanted = CLOUD_BITS[self._cloud_layout], CLOUD_BITS["muscate"]
        if found == wanted:
            return mask
        codes = np.arange(256, dtype=np.uint8)
        moved = [((codes >> found.index(name)) & 1) << bit for bit, name in enumerate(wanted)]
        table = np.bitwise_or.reduce(moved).astype(np.uint8)
        return mask.copy(data=table[mask.values])

    def geophysical_mask(self) -> "xr.DataArray":
        """MG2 at 20 m, uint8 (y, x).

        Bits: 0 water, 1 clouds, 2 snow, 3 cloud shadow, 4 and 5 (always together) topographic
        shadow or hidden surface, 6 sun too low, 7 tangent sun.
        """
        mask = self._mask("MG2", "R2")
        both = np.uint8(GEOPHYSICAL_BITS["topographic_shadow_or_hidden"])
        values = mask.values
        return mask.copy(data=np.where(values & both, values | both, values))

    def edge_mask(self) -> "xr.DataArray":
        """EDG at 20 m, bool (y, x): outside the swath."""
        mask = self._mask("EDG", "R2")
        return mask.copy(data=mask.values > 0)

    def saturation_mask(self, group: Literal["R1", "R2"] = "R2") -> "xr.DataArray":
        """SAT at 10 m (group R1) or 20 m (R2), uint8 (y, x): bits as in `SATURATION_BANDS`."""
        return self._mask("SAT", group)

    def cloud_flags(self, names: Sequence[str] = CLOUD_BITS["muscate"]) -> "xr.DataArray":
        """CLM by name, bool (mask, y, x)."""
        bits = {name: 1 << bit for bit, name in enumerate(CLOUD_BITS["muscate"])}
        return _flags(self.cloud_mask(), {name: bits[name] for name in names})

    def geophysical_flags(self, names: Sequence[str] = tuple(GEOPHYSICAL_BITS)) -> "xr.DataArray":
        """MG2 by name, bool (mask, y, x)."""
        return _flags(self.geophysical_mask(), {name: GEOPHYSICAL_BITS[name] for name in names})

    def saturation_flags(self, group: Literal["R1", "R2"] = "R2") -> "xr.DataArray":
        """SAT by band, bool (mask, y, x)."""
        bits = {band: 1 << bit for bit, band in enumerate(SATURATION_BANDS[group])}
        return _flags(self.saturation_mask(group), bits)

    def _mask(self, kind: str, group: str) -> "xr.DataArray":
        name = self._mask_name(kind, group)
        mask = self._product.read(name)
        if mask.dtype != np.uint8:
            raise ProductError(
                f"{self._product.path}: the {kind} mask is {mask.dtype}, expected uint8 bits; "
                "fetch the product again"
            )
        return mask

    def _mask_name(self, kind: str, group: str) -> str:
        return self._file(f"{kind}_{group}", folder="MASKS/")

    def _file(self, kind: str, folder: str = "") -> str:
        """Name of an image or mask: the one that the metadata list, or else the one that is there.

        Products whose files were renamed or moved by hand still list the old names.
        """
        pattern = f"*_{kind}.tif"
        listed = {
            PurePosixPath(element.text.strip())
            for tag in ("IMAGE_FILE", "MASK_FILE")
            for element in self._metadata.elements(tag)
            if element.text and fnmatchcase(element.text.strip().lower(), pattern.lower())
        }
        folder_of_metadata = PurePosixPath(self._metadata_name).parent
        present = {str(folder_of_metadata / file) for file in listed} & set(self._product.names)
        if len(present) == 1:
            return present.pop()
        return self._product.find(folder + pattern)


def _flags(mask: "xr.DataArray", bits: Mapping[str, int]) -> "xr.DataArray":
    """Booleans, (mask, y, x), of the bits (values) of a mask, any of them where several."""
    values = np.stack([(mask.values & np.uint8(value)) > 0 for value in bits.values()])
    return raster.data_array(
        values, Grid.of(mask), name=str(mask.name), units="1", band=list(bits)
    ).rename(band="mask")


def muscate_name(band: str) -> str:
    """Band name as MUSCATE spells it, without zero padding: ``B02`` is ``B2``."""
    return "B" + band.removeprefix("B").removeprefix("0")


def open_l2a(path: str | os.PathLike[str], cloud_layout: CloudLayout = "muscate") -> MajaL2A:
    """Open a MAJA Level-2A product, a zip or a folder.

    Parameters
    ----------
    path : path
    cloud_layout : {"muscate", "native"}
        Layout of the bits of its cloud mask CLM, a key of `CLOUD_BITS`; the product does not tell.

    Raises
    ------
    ProductError
        The product is damaged or incomplete.
    """
    return MajaL2A(path, cloud_layout)
