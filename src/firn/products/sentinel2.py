"""Sentinel-2 Level-1C products in the SAFE format: top-of-atmosphere reflectance.

Both layouts are read: the compact one since baseline 02.04 (December 2016), which holds one tile,
and the older one with long names, which may hold several.

Source: Sentinel-2 Products Specification Document (S2-PDGS-TAS-DI-PSD), versions 12 to 14.
"""

import os
import re
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from itertools import repeat
from math import ceil, floor
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from affine import Affine
from rasterio.crs import CRS

from firn import raster
from firn.errors import GridError, ProductError
from firn.grid import Grid
from firn.products import quality_masks
from firn.products.archive import Product
from firn.products.resampling import any_to_grid, to_grid, to_half
from firn.products.sun_angles import read_sun_angles

if TYPE_CHECKING:
    import xarray as xr

#: Metadata file of the product and of each tile, in the compact and in the older layout.
_PRODUCT_METADATA = ("MTD_MSIL1C.xml", "S2?_*_MTD_SAFL1C_*.xml")
_TILE_METADATA = ("MTD_TL.xml", "S2?_*_MTD_L1C_TL_*.xml")
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
#: Largest absolute map coordinate on Earth, m.
_FARTHEST = 2e7
#: Rows and columns of a tile at 10 m.
TILE_SIZE = 10980
#: First processing baseline whose products carry ``RADIO_ADD_OFFSET`` and masks as rasters.
OFFSET_BASELINE = 400
#: Source pixels around a window that the interpolation at its edge reads, at least.
_MARGIN = 8

_COMPACT_NAME = re.compile(
    r"(?P<platform>S2[A-D])_MSIL1C_\d{8}T\d{6}_N(?P<baseline>\d{4})_R\d{3}"
    r"_T(?P<tile>\d{2}[A-Z]{3})_\d{8}T\d{6}"
)
_OLD_NAME = re.compile(
    r"(?P<platform>S2[AB])_[A-Z]{4}_PRD_MSIL1C_\w{4}_\d{8}T\d{6}_R\d{3}_V\d{8}T\d{6}_\d{8}T\d{6}"
)
#: Tile in the name of a granule's folder: ``L1C_T32TPT_A014237_20180314T102021`` or, older,
#: ``S2A_OPER_MSI_L1C_TL_SGS__20160214T150139_A003379_T33PVP_N02.01``.
_GRANULE_TILE = re.compile(r"_T(\d{2}[A-Z]{3})_")


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

    def __init__(self, path: str | os.PathLike[str], tile: str | None = None) -> None:
        self._product = Product(path)
        pattern = next((p for p in _PRODUCT_METADATA if self._product.matches(p)), "MTD_MSIL1C.xml")
        name, self._user = self._product.metadata(pattern)
        fields = self._parse_name(name)
        self.product_id = fields[0]
        self.platform = "sentinel" + fields["platform"][1:].lower()
        self._granule, self.tile = self._choose_tile(fields.groupdict().get("tile"), tile)
        _, self._tile = self._product.metadata(
            PurePosixPath(self._granule).name, beside=self._granule
        )
        self.baseline = fields.groupdict().get("baseline") or self._processing_baseline()
        self.sensing_time = self._tile.time("General_Info/SENSING_TIME")
        self.sun_zenith = self._tile.number("Mean_Sun_Angle/ZENITH_ANGLE", 0, 90)
        self.sun_azimuth = self._tile.number("Mean_Sun_Angle/AZIMUTH_ANGLE", 0, 360)

    def _parse_name(self, metadata_name: str) -> re.Match[str]:
        """Fields of the product name, from the metadata or else from the SAFE folder."""
        folder = (self._product.path / metadata_name).parent.name
        candidates = [self._user.find_text("PRODUCT_URI"), folder]
        for candidate in candidates:
            for name in (_COMPACT_NAME, _OLD_NAME):
                if match := name.match(candidate or ""):
                    return match
        raise ProductError(
            f"{self._product.path}: neither PRODUCT_URI {candidates[0]!r:.80} nor the folder "
            f"{folder!r} is a Level-1C product name (S2A_MSIL1C_..._N0500_R108_T32TLR_....SAFE); "
            "give the product its name back, or fetch it again"
        )

    def _choose_tile(self, named: str | None, wanted: str | None) -> tuple[str, str]:
        """Metadata file of the tile that is wanted or, when there is one only, of that; its name.

        ``named`` is the tile in the name of the product, if that tells one.
        """
        files = [name for pattern in _TILE_METADATA for name in self._product.matches(pattern)]
        if not files:
            self._product.find(_TILE_METADATA[0])
        tiles: dict[str, str] = {}
        for file in files:
            told = _GRANULE_TILE.search(PurePosixPath(file).parent.name + "_")
            tile = told[1] if told else named
            if tile is None or tile in tiles:
                raise ProductError(
                    f"{self._product.path}: {file} does not stand in a granule of its own, whose "
                    "name tells the tile; fetch the product again"
                )
            tiles[tile] = file
        if len(tiles) > 1 and wanted not in tiles:
            raise ProductError(
                f"{self._product.path}: holds the tiles {', '.join(sorted(tiles))}, but "
                f"{'none is asked for' if wanted is None else f'not {wanted}'}; name one of them, "
                "or leave only its folder in GRANULE"
            )
        tile = wanted if wanted in tiles else next(iter(tiles))
        return tiles[tile], tile

    def _processing_baseline(self) -> str:
        text = self._user.text("Product_Info/PROCESSING_BASELINE")
        if not re.fullmatch(r"\d{2}\.\d{2}", text, re.ASCII):
            raise ProductError(
                f"{self._user.source}: PROCESSING_BASELINE is {text!r:.60}, expected two digits, a "
                "dot and two digits; fetch the product again"
            )
        return text.replace(".", "")

    @cached_property
    def _crs(self) -> CRS:
        code = self._tile.text("Tile_Geocoding/HORIZONTAL_CS_CODE")
        if not re.fullmatch(r"EPSG:32[67](0[1-9]|[1-5]\d|60)", code, re.ASCII):
            raise ProductError(
                f"{self._tile.source}: HORIZONTAL_CS_CODE {code!r:.60} is not the CRS of a tile, "
                "expected EPSG:326xx or 327xx; fetch the product again"
            )
        return CRS.from_epsg(int(code.removeprefix("EPSG:")))

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
            self._tile.number(f"Tile_Geocoding/Geoposition{at}/{field}", -_FARTHEST, _FARTHEST)
            for field in ("ULX", "ULY")
        )
        return Grid(self._crs, Affine(resolution, 0, left, 0, -resolution, top), height, width)

    @cached_property
    def _quantification(self) -> float:
        return self._user.number("QUANTIFICATION_VALUE", 1, SATURATED)

    @cached_property
    def _offsets(self) -> dict[str, float]:
        """Offset of each band that has one."""
        path = "RADIO_ADD_OFFSET"
        names = list(BAND_RESOLUTIONS)
        offsets: dict[str, float] = {}
        for element in self._user.elements(path):
            # Here the attribute is band_id, everywhere else in these files bandId.
            number = element.get("band_id", element.get("bandId", ""))
            band = dict(zip(map(str, range(len(names))), names, strict=True)).get(number)
            if band is None or band in offsets:
                raise ProductError(
                    f"{self._user.source}: {path} has band_id {number!r:.60}, expected each of 0 "
                    "to 12 once; fetch the product again"
                )
            offsets[band] = self._user.as_number(element.text, path, -LARGEST, LARGEST)
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
        self,
        bands: Sequence[str],
        resolution: float = 20,
        window: tuple[int, int, int, int] | None = None,
    ) -> "tuple[xr.DataArray, npt.NDArray[np.bool_]]":
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
        window : (row, col, height, width), optional
            Part of the grid of that pixel size; nothing else is decoded.

        Returns
        -------
        reflectance : DataArray of float32, (band, y, x), dimensionless
            NaN where there is no data. It can be slightly negative.
        saturated : ndarray of bool, (band, y, x)

        Raises
        ------
        ProductError
            A band is unknown, missing, damaged or not of the tile's size.
        GridError
            The window does not lie within the tile.
        """
        target = self.grid(resolution)
        if window is not None:
            target = _part(target, window)
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
        """Decode one band and bring it to ``target``."""
        native = self._native(band)
        name = self._product.find(f"IMG_DATA/*_{band}.jp2", beside=self._granule)
        self._product.check_grid(name, native)
        window = _window_around(target, native)
        source = native.crop(*window)
        numbers = self._product.read(name, window=window).values
        scale, offset = np.float32(self._quantification), np.float32(self.offset(band))
        if source.with_resolution(2 * source.resolution) == target:
            reflectance, flags = to_half(numbers, NODATA, SATURATED)
        else:
            saturated = numbers == SATURATED
            values = np.where(saturated | (numbers == NODATA), np.float32(np.nan), numbers)
            reflectance, flags = (
                to_grid(values, source, target),
                any_to_grid(saturated, source, target),
            )
        reflectance += offset
        reflectance /= scale
        reflectance[flags] = (LARGEST + offset) / scale
        return reflectance, flags

    def _native(self, band: str) -> Grid:
        if band not in BAND_RESOLUTIONS:
            raise ProductError(
                f"{band}: is not a Sentinel-2 band; expected {list(BAND_RESOLUTIONS)}"
            )
        return self.grid(BAND_RESOLUTIONS[band])

    def sun_angles(self, resolution: float = 20) -> "xr.DataArray":
        """Zenith and azimuth of the sun at each pixel, float32 (angle, y, x), degrees.

        Raises
        ------
        ProductError
            The metadata do not tell them.
        """
        return read_sun_angles(self._tile, self.grid(resolution))

    def quality_mask(self, band: str, resolution: float = 20) -> "xr.DataArray":
        """Defects of a band, bool (mask, y, x): the names of `quality_masks.QUALITY`.

        Raises
        ------
        ProductError
            The band is unknown, or its masks are missing or damaged.
        """
        native = self._native(band)
        if self._has_raster_masks:
            file = f"MSK_QUALIT_{band}"
            return self._raster_masks(file, quality_masks.QUALITY, native, resolution)
        files = [f"MSK_{kind}_*{band}" for kind in quality_masks.QUALITY_FILES]
        return self._polygon_masks(files, quality_masks.QUALITY, native, resolution)

    def classification_mask(self, resolution: float = 20) -> "xr.DataArray":
        """Clouds and, since baseline 04.00, snow as Level-1C tells them, bool (mask, y, x).

        The names are those of `quality_masks.CLASSIFICATION`.

        Raises
        ------
        ProductError
            The masks are missing or damaged.
        """
        native = self.grid(60)
        if self._has_raster_masks:
            types = quality_masks.CLASSIFICATION
            return self._raster_masks("MSK_CLASSI_B00", types, native, resolution)
        return self._polygon_masks(["MSK_CLOUDS_*B00"], quality_masks.CLOUDS, native, resolution)

    @property
    def _has_raster_masks(self) -> bool:
        return int(self.baseline) >= OFFSET_BASELINE

    def _raster_masks(
        self, file: str, types: Mapping[str, str], native: Grid, resolution: float
    ) -> "xr.DataArray":
        name = self._product.find(f"QI_DATA/*{file}.jp2", beside=self._granule)
        target = self.grid(resolution)
        return quality_masks.read_raster_masks(self._product, name, types, native, target)

    def _polygon_masks(
        self, files: Sequence[str], types: Mapping[str, str], native: Grid, resolution: float
    ) -> "xr.DataArray":
        documents = [
            self._product.metadata(f"QI_DATA/*{file}*.gml", beside=self._granule)[1]
            for file in files
        ]
        return quality_masks.read_polygon_masks(documents, types, native, self.grid(resolution))


def _part(grid: Grid, window: tuple[int, int, int, int]) -> Grid:
    row, col, height, width = window
    inside = 0 <= row < row + height <= grid.height and 0 <= col < col + width <= grid.width
    if not inside:
        raise GridError(
            f"the window {window} (row, col, height, width) does not lie within the tile of "
            f"{grid.height} x {grid.width} pixels"
        )
    return grid.crop(row, col, height, width)


def _window_around(target: Grid, native: Grid) -> tuple[int, int, int, int]:
    """Window, (row, col, height, width), of the pixels that make up ``target``."""
    pixel = native.resolution
    margin = _MARGIN + 2 * ceil(target.resolution / pixel)
    left, bottom, right, top = target.bounds
    origin_x, _, _, origin_y = native.bounds
    row = max(0, floor((origin_y - top) / pixel) - margin)
    col = max(0, floor((left - origin_x) / pixel) - margin)
    end_row = min(native.height, ceil((origin_y - bottom) / pixel) + margin)
    end_col = min(native.width, ceil((right - origin_x) / pixel) + margin)
    return row, col, end_row - row, end_col - col


def open_l1c(path: str | os.PathLike[str], tile: str | None = None) -> Sentinel2L1C:
    """Open a Level-1C product, a zip or a SAFE folder.

    Parameters
    ----------
    path : path
    tile : str, optional
        MGRS tile (``32TPT``) to read from a product that holds several; a product of one tile is
        opened whatever its tile.

    Raises
    ------
    ProductError
        The product is damaged or incomplete, or holds several tiles but not ``tile``.
    """
    return Sentinel2L1C(path, tile)
