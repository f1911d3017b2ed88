"""Any calibrated GeoTIFF as a scene, described by a sensor YAML and its own tags."""

import os
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from firn import raster
from firn.errors import DataError, ProductError
from firn.grid import Grid
from firn.sensors import Sensor, load_sensor

if TYPE_CHECKING:
    import xarray as xr

#: Tags of the file that are read when the sensor YAML does not tell.
TIME_TAG = "ACQUISITION_TIME"
SUN_ZENITH_TAG = "SUN_ZENITH"
SUN_AZIMUTH_TAG = "SUN_AZIMUTH"


class GeotiffScene:
    """An opened GeoTIFF of reflectance; implements `firn.products.Scene`.

    Pixels become reflectance by the sensor's ``scale`` and ``offset``. Bands are found by their
    description in the file, or by their order when none is described. The largest number that the
    file's integer type can hold counts as saturated. What the instrument's saturation was is
    unknown, so ``saturation`` and ``minimum`` are empty.
    """

    saturation: Mapping[str, float] = MappingProxyType({})
    minimum: Mapping[str, float] = MappingProxyType({})

    def __init__(self, path: str | os.PathLike[str], sensor: Sensor) -> None:
        self._path = Path(path)
        if sensor.scale is None:
            raise ProductError(
                f"{path}: the sensor {sensor.name} has no scale; give the reflectance of one "
                "digital number as 'scale' in its YAML file"
            )
        self._scale, self._offset = sensor.scale, sensor.offset
        try:
            self._tags = {key.upper(): value for key, value in raster.tags(path).items()}
            self.grid = raster.grid_of(path)
            self._nodata = raster.nodata(path)
            names = raster.band_names(path)
        except DataError as error:
            raise ProductError(str(error)) from error
        self._indexes = self._band_indexes(sensor.band_names, names)
        self.scene_id = self._path.stem
        self.platform = sensor.platform
        self.instrument = sensor.instruments[0] if sensor.instruments else sensor.platform
        self.bands = sensor.band_names
        self.acquisition_time = self._time()
        self.sun_zenith = self._angle(sensor.sun_zenith, SUN_ZENITH_TAG, 90)
        self.sun_azimuth = self._angle(sensor.sun_azimuth, SUN_AZIMUTH_TAG, 360)

    def _time(self) -> datetime:
        text = self._tags.get(TIME_TAG, "")
        try:
            time = datetime.fromisoformat(text)
        except ValueError as error:
            raise ProductError(
                f"{self._path}: its tag {TIME_TAG} is {text!r}, expected an ISO 8601 time; set it "
                f"with gdal_edit -mo {TIME_TAG}=2001-06-14T11:02:46"
            ) from error
        return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)

    def _angle(self, given: float | None, tag: str, largest: float) -> float:
        text = self._tags.get(tag) if given is None else given
        try:
            angle = float("nan" if text is None else text)
        except ValueError:
            angle = float("nan")
        if not 0 <= angle <= largest:
            raise ProductError(
                f"{self._path}: its tag {tag} is {text!r}, expected 0 to {largest:g} degrees; set "
                f"the tag, or {tag.lower()} in the sensor YAML"
            )
        return angle

    def _band_indexes(self, bands: Sequence[str], described: Sequence[str]) -> dict[str, int]:
        """Index of each band; a band of the file without description is described by its number."""
        if set(bands) <= set(described):
            return {band: described.index(band) + 1 for band in bands}
        if set(described) & set(bands) or len(described) != len(bands):
            raise ProductError(
                f"{self._path}: has the bands {list(described)}, expected {list(bands)}; describe "
                "them in the file, or list them in the sensor YAML in the order of the file"
            )
        return {band: i for i, band in enumerate(bands, start=1)}

    def read(
        self, bands: Sequence[str], grid: Grid | None = None
    ) -> "tuple[xr.DataArray, npt.NDArray[np.bool_]]":
        """Read bands in their own grid or warped (cubic) to ``grid``; see `products.Scene`."""
        if missing := [band for band in bands if band not in self._indexes]:
            raise ProductError(
                f"{self._path}: has no band {', '.join(missing)}, only {', '.join(self.bands)}; "
                "use a model trained without it"
            )
        target = grid or self.grid
        numbers, nearest = self._numbers([self._indexes[band] for band in bands], target)
        valid = np.isfinite(nearest) & self._covers(target)
        if self._nodata is not None:
            valid &= (nearest != self._nodata) & (numbers != self._nodata)
        reflectance = numbers.astype(np.float32) * np.float32(self._scale) + np.float32(
            self._offset
        )
        reflectance[~valid] = np.nan
        saturated = np.zeros(valid.shape, bool)
        if np.issubdtype(nearest.dtype, np.integer):
            saturated = valid & (nearest == np.iinfo(nearest.dtype).max)
        data = raster.data_array(
            reflectance, target, name="toa", units="1", band=list(bands), product_id=self.scene_id
        )
        return data, saturated

    def _numbers(self, indexes: Sequence[int], target: Grid) -> tuple[raster.Array, raster.Array]:
        """Numbers of the file on ``target`` by cubic and by nearest interpolation."""
        try:
            nearest = raster.read_on(self._path, target, "nearest", indexes=indexes)
            if self.grid.holds(target):
                return nearest, nearest
            cubic = raster.read_on(self._path, target, "cubic", indexes=indexes)
        except DataError as error:
            raise ProductError(str(error)) from error
        return cubic, nearest

    def _covers(self, target: Grid) -> npt.NDArray[np.bool_]:
        """Which pixels of ``target`` the file reaches; a file without no-data value cannot tell."""
        if self.grid.holds(target):
            return np.ones(target.shape, bool)
        near = self.grid.crop(*self.grid.window_around(target, margin=2))
        reached = raster.resample(np.ones(near.shape, np.uint8), near, target, "nearest", fill=0)
        return np.asarray(reached > 0)


def open_geotiff(
    path: str | os.PathLike[str], sensor: Sensor | str | os.PathLike[str]
) -> GeotiffScene:
    """Open a calibrated GeoTIFF that ``sensor``, a name, a YAML file or a `Sensor`, describes.

    Raises
    ------
    ConfigError
        The sensor is unknown or its description is not valid.
    ProductError
        The file is damaged, lacks a band, or neither it nor the sensor tells scale, time or sun.
    """
    return GeotiffScene(path, sensor if isinstance(sensor, Sensor) else load_sensor(str(sensor)))
