"""SPOT 4 and SPOT 5 Take5 Level-1C scenes (Theia, 2013 and 2015): orthorectified TOA reflectance.

One GeoTIFF holds all bands, signed 16 bits, in milli-reflectance; ``MASK/*_SAT.TIF`` has a bit for
each band. Theia's present products of these scenes are in the MUSCATE format of `firn.products.swh`
instead.

Sources: SNAP, help and reader of the SPOT Take5 products (senbox-org/s2tbx: fields, files, bits);
Theia catalogue (sample of the metadata, quantification 1000); Sen2-Agri reader of SPOT 4 (angles,
quantification 1000 where the metadata tell none).
"""

import math
import os
import re
from collections.abc import Mapping, Sequence
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from firn import raster
from firn.errors import GridError, ProductError
from firn.grid import Grid
from firn.products.archive import Product

if TYPE_CHECKING:
    import xarray as xr

#: Metadata file of a scene: ``SPOT4_HRVIR1_XS_20130608_N1_TUILE_EArgentinaD0000B0000.xml``.
METADATA = "SPOT[45]_*_XS_*[0-9].xml"
#: Pixel value of reflectance 1.
SCALE = 1000
#: Bands that a scene may have.
BANDS = ("XS1", "XS2", "XS3", "SWIR")
#: Largest plausible reflectance: at a low sun the smallest gain saturates at about 2.
LARGEST_REFLECTANCE = 5.0
#: Projections by name of which the EPSG code is sure.
_UTM = re.compile(r"UTM(?P<zone>[1-9]|[1-5]\d|60)(?P<hemisphere>[NS])")
_LAMBERT93 = 2154


class Take5Scene:
    """An opened scene; implements `firn.products.Scene`.

    The metadata do not tell at which reflectance the instrument saturates, so ``saturation`` and
    ``minimum`` are empty.

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
        In the order of the file.
    """

    saturation: Mapping[str, float] = MappingProxyType({})
    minimum: Mapping[str, float] = MappingProxyType({})

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._product = Product(path)
        self._metadata_name, self._metadata = self._product.metadata(METADATA)
        self.scene_id = self._metadata.text("HEADER/IDENT")
        self.platform = self._metadata.text("HEADER/PLATEFORM")
        self.instrument = self._metadata.text("HEADER/SENSOR")
        self.acquisition_time = self._metadata.time("HEADER/DATE_PDV")
        self.sun_zenith = self._metadata.number("RADIOMETRY/ANGLES/THETA_S", 0, 90)
        # Angles are told from -180 to 180.
        self.sun_azimuth = self._metadata.number("RADIOMETRY/ANGLES/PHI_S", -180, 360) % 360
        self.bands = tuple(self._metadata.text("RADIOMETRY/BANDS").split(";"))
        self._check()

    def _check(self) -> None:
        """Refuse what is no Level-1C scene, or not surely in milli-reflectance."""
        level = self._metadata.text("HEADER/LEVEL")
        if not level.startswith("N1"):
            raise ProductError(
                f"{self._metadata.source}: is of level {level[:60]!r}, expected N1; give the "
                "Level-1C scene"
            )
        if set(self.bands) - set(BANDS) or len(set(self.bands)) < len(self.bands):
            raise ProductError(
                f"{self._metadata.source}: has the bands {';'.join(self.bands):.60}, expected "
                f"some of {', '.join(BANDS)}; give a multispectral scene"
            )
        told = self._metadata.find_text("RADIOMETRY/QUANTIFICATION/VALUE")
        if told is not None and self._metadata.as_number(told, "QUANTIFICATION/VALUE") != SCALE:
            raise ProductError(
                f"{self._metadata.source}: its quantification is {told[:60]}, expected {SCALE}; "
                "describe the file by a sensor YAML with its scale"
            )

    @cached_property
    def _image_name(self) -> str:
        file = self._metadata.find_text("FILES/GEOTIFF") or f"{self.scene_id}.TIF"
        return self._product.find(_escaped(file), beside=self._metadata_name)

    @cached_property
    def _saturation_name(self) -> str:
        return self._product.find("MASK/*_SAT.TIF", beside=self._metadata_name)

    @cached_property
    def grid(self) -> Grid:
        """Grid of the image, which the metadata confirm.

        Raises
        ------
        ProductError
            The file is damaged, or its georeference is not that of the metadata.
        """
        grid = self._product.grid(self._image_name)
        # The origin may be that of the first pixel's corner or of its centre.
        half = grid.resolution / 2
        fields = {
            "NB_ROWS": (grid.height, 0),
            "NB_COLS": (grid.width, 0),
            "PIXEL_SIZE_X": (grid.transform.a, 0.01),
            "PIXEL_SIZE_Y": (grid.transform.e, 0.01),
            "ORIGIN_X": (grid.transform.c, half),
            "ORIGIN_Y": (grid.transform.f, half),
        }
        wrong = [
            name
            for name, (here, slack) in fields.items()
            if abs(self._metadata.number(f"GEOMETRY/{name}") - here) > slack
        ]
        if self._told_epsg() not in (None, grid.crs.to_epsg()):
            wrong.append("PROJECTION")
        if wrong:
            raise ProductError(
                f"{self._product.path}: the georeference of {self._image_name} is not that of its "
                f"metadata ({', '.join(wrong)}); fetch the product again"
            )
        return grid

    def _told_epsg(self) -> int | None:
        """EPSG code of the projection in the metadata; None where its name is not sure."""
        name = self._metadata.text("GEOMETRY/PROJECTION")
        if match := _UTM.fullmatch(name):
            return (32600 if match["hemisphere"] == "N" else 32700) + int(match["zone"])
        return _LAMBERT93 if name == "LAMBERT93" else None

    def read(
        self, bands: Sequence[str], grid: Grid | None = None
    ) -> "tuple[xr.DataArray, npt.NDArray[np.bool_]]":
        """Read bands in their own grid or warped (cubic) to ``grid``; see `products.Scene`.

        Where ``grid`` is given, a pixel is saturated where the nearest pixel of the scene is.
        """
        target = grid or self.grid
        if not self.grid.overlaps(target):
            raise GridError(
                f"{self._product.path}: covers no part of the grid "
                f"{tuple(round(b) for b in target.bounds)}; give a scene of the same area"
            )
        margin = 0 if self.grid.holds(target) else _kernel_reach(self.grid, target)
        window = self.grid.window_around(target, margin)
        flags = self._flags(window)
        layers = [self._read_band(band, flags, window, target) for band in bands]
        data = raster.data_array(
            np.stack([values for values, _ in layers]),
            target,
            name="toa",
            units="1",
            band=list(bands),
            product_id=self.scene_id,
        )
        return data, np.stack([saturated for _, saturated in layers])

    def _flags(self, window: tuple[int, int, int, int]) -> npt.NDArray[np.uint8]:
        """Bits of saturation in a part of the image."""
        if self._product.grid(self._saturation_name) == self.grid:
            flags = self._product.read(self._saturation_name, window).values
            if flags.dtype == np.uint8:
                return flags
        raise ProductError(
            f"{self._product.path}: {self._saturation_name} is not the saturation of "
            f"{self._image_name}, {self.grid.shape} in uint8; fetch the product again"
        )

    def _read_band(
        self,
        band: str,
        flags: npt.NDArray[np.uint8],
        window: tuple[int, int, int, int],
        target: Grid,
    ) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.bool_]]:
        if band not in self.bands:
            raise ProductError(
                f"{self._product.path}: has no band {band}, only {', '.join(self.bands)}; use a "
                "model trained without it"
            )
        index = self.bands.index(band)
        numbers = self._product.read_bands(self._image_name, [index + 1], window).values[0]
        self._check_units(numbers, band)
        # No data is -10000 or 0, by version; a reflectance at the top of the atmosphere is neither.
        valid = numbers > 0
        values = np.where(valid, numbers / np.float32(SCALE), np.float32(np.nan))
        saturated = valid & ((flags >> index) & 1 > 0)
        part = self.grid.crop(*window)
        if part == target:
            return values, saturated
        warped = raster.resample(values, part, target, "cubic", nodata=np.nan, fill=np.nan).astype(
            np.float32
        )
        # 0 no data, 1 seen, 2 saturated: nearest, as the edge of the scene is.
        state = valid.astype(np.uint8) + saturated
        nearest = raster.resample(state, part, target, "nearest", fill=0)
        warped[nearest == 0] = np.nan
        return warped, np.asarray((nearest == 2) & np.isfinite(warped))

    def _check_units(self, numbers: npt.NDArray[np.generic], band: str) -> None:
        largest = float(numbers.max()) if numbers.size else 0.0
        if numbers.dtype != np.int16 or largest > LARGEST_REFLECTANCE * SCALE:
            raise ProductError(
                f"{self._product.path}: {band} of {self._image_name} ({numbers.dtype}, largest "
                f"value {largest:g}) is not in milli-reflectance in int16, of at most "
                f"{LARGEST_REFLECTANCE * SCALE:g}; give the Level-1C product, or describe the file "
                "by a sensor YAML with its scale"
            )


def _kernel_reach(source: Grid, target: Grid) -> int:
    """Pixels of the source that the cubic kernel needs around a target, with some to spare."""
    return 2 * math.ceil(max(1.0, target.resolution / source.resolution)) + 2


def _escaped(file: str) -> str:
    """File name of the metadata as a pattern that matches it alone."""
    return re.sub(r"([*?[])", r"[\1]", file)


def open_take5(path: str | os.PathLike[str]) -> Take5Scene:
    """Open a Take5 Level-1C scene, a zip or a folder.

    Raises
    ------
    ProductError
        The product is damaged or incomplete, or its units or geometry are not sure.
    """
    return Take5Scene(path)
