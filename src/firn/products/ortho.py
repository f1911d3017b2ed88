"""SPOT Level-1A scenes that `firn.orthorectification` has put on the map: a GeoTIFF of its own.

Bands hold reflectance times 10000 (uint16, 0 without data); the last one, ``saturated``, has a bit
for each of them. Everything else stands in the tags.
"""

import json
import os
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from firn import cog, raster
from firn.errors import DataError, ProductError
from firn.grid import Grid
from firn.products.dimap import SpotL1A
from firn.sensors import STACK_NODATA, STACK_SCALE

if TYPE_CHECKING:
    import xarray as xr

#: Tag that tells such a file from any other GeoTIFF, and its value.
KIND_TAG, KIND = "FIRN_KIND", "orthorectified SPOT Level-1A scene"
SATURATED_BAND = "saturated"
_LARGEST = 65535


def is_ortho(path: str | os.PathLike[str]) -> bool:
    """Whether a raster is one that `write_ortho` made."""
    try:
        return raster.tags(path).get(KIND_TAG) == KIND
    except DataError:
        return False


def write_ortho(
    path: str | os.PathLike[str],
    scene: SpotL1A,
    reflectance: npt.NDArray[np.float32],
    saturated: npt.NDArray[np.bool_],
    grid: Grid,
    tags: Mapping[str, str],
) -> None:
    """Write a scene that has been put on the map, as a cloud-optimised GeoTIFF.

    Parameters
    ----------
    path : path
    scene : SpotL1A
    reflectance : ndarray, (band, y, x), dimensionless
        NaN where there is no data.
    saturated : ndarray of bool, same shape
    grid : Grid
    tags : mapping
        Further tags of the file.
    """
    scaled = np.clip(np.rint(reflectance * STACK_SCALE), 1, _LARGEST)
    numbers = np.where(np.isnan(reflectance), STACK_NODATA, scaled).astype(np.uint16)
    bits = np.zeros(grid.shape, np.uint16)
    for index, flags in enumerate(saturated):
        bits |= np.where(flags, 1 << index, 0).astype(np.uint16)
    cog.write(
        path,
        np.concatenate([numbers, bits[np.newaxis]]),
        grid,
        nodata=None,
        band_names=(*scene.bands, SATURATED_BAND),
        overview_resampling="nearest",
        tags={
            KIND_TAG: KIND,
            "SCENE_ID": scene.scene_id,
            "PLATFORM": scene.platform,
            "INSTRUMENT": scene.instrument,
            "ACQUISITION_TIME": scene.acquisition_time.isoformat(),
            "SUN_ZENITH": f"{scene.sun_zenith:.6f}",
            "SUN_AZIMUTH": f"{scene.sun_azimuth:.6f}",
            "SATURATION": json.dumps(dict(scene.saturation)),
            "MINIMUM": json.dumps(dict(scene.minimum)),
            "SOLAR_IRRADIANCE": scene.irradiance_source,
            **tags,
        },
    )


class OrthoScene:
    """An orthorectified scene; implements `firn.products.Scene`."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._path = path
        try:
            tags = raster.tags(path)
            self.grid = raster.grid_of(path)
            self.bands = raster.band_names(path)[:-1]
            self.scene_id = tags["SCENE_ID"]
            self.platform = tags["PLATFORM"]
            self.instrument = tags["INSTRUMENT"]
            self.acquisition_time = datetime.fromisoformat(tags["ACQUISITION_TIME"]).astimezone(UTC)
            self.sun_zenith = float(tags["SUN_ZENITH"])
            self.sun_azimuth = float(tags["SUN_AZIMUTH"])
            self.saturation: Mapping[str, float] = MappingProxyType(json.loads(tags["SATURATION"]))
            self.minimum: Mapping[str, float] = MappingProxyType(json.loads(tags["MINIMUM"]))
        except (DataError, KeyError, ValueError, TypeError) as error:
            raise self._damaged(error) from error

    def _damaged(self, error: Exception) -> ProductError:
        return ProductError(
            f"{self._path}: is no complete orthorectified scene ({error}); make it again with firn "
            "orthorectify"
        )

    def read(
        self, bands: Sequence[str], grid: Grid | None = None
    ) -> "tuple[xr.DataArray, npt.NDArray[np.bool_]]":
        """Read bands in their own grid or warped (cubic) to ``grid``; see `products.Scene`."""
        if missing := [band for band in bands if band not in self.bands]:
            raise ProductError(
                f"{self._path}: has no band {', '.join(missing)}, only {', '.join(self.bands)}; "
                "use a model trained without it"
            )
        target = grid or self.grid
        positions = [self.bands.index(band) for band in bands]
        nearest = numbers = self._numbers([p + 1 for p in positions], target, "nearest")
        if not self.grid.holds(target):
            numbers = self._numbers([p + 1 for p in positions], target, "cubic")
        (flags,) = self._numbers([len(self.bands) + 1], target, "nearest")
        valid = (nearest != STACK_NODATA) & (numbers != STACK_NODATA)
        reflectance = np.where(valid, numbers / np.float32(STACK_SCALE), np.float32(np.nan))
        saturated = np.stack([flags & (1 << p) > 0 for p in positions]) & valid
        data = raster.data_array(
            reflectance.astype(np.float32),
            target,
            name="toa",
            units="1",
            band=list(bands),
            product_id=self.scene_id,
        )
        return data, saturated

    def _numbers(self, indexes: Sequence[int], target: Grid, kernel: str) -> raster.Array:
        try:
            return raster.read_on(self._path, target, kernel, indexes=indexes, nodata=STACK_NODATA)
        except DataError as error:
            raise self._damaged(error) from error


def open_ortho(path: str | os.PathLike[str]) -> OrthoScene:
    """Open a scene that `write_ortho` made.

    Raises
    ------
    ProductError
        The file is damaged or another one.
    """
    return OrthoScene(path)
