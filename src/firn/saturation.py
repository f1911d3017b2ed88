"""Saturation and minimum reflectance of historical scenes, and their kernel density.

Barrou Dumont et al. (2024), IEEE JSTARS, doi 10.1109/JSTARS.2024.3361838: the gains of historical
scenes are drawn from two Gaussian kernel densities, one of the saturation and one of the minimum
reflectance, each joint over the bands. Unlike there, impossible draws are rejected.
"""

import json
import logging
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import xarray as xr
from scipy.stats import gaussian_kde

from firn import netcdf
from firn.errors import DataError, ProductError
from firn.products.spot import SpotProduct, open_spot
from firn.provenance import provenance
from firn.sensors import Sensor

FloatArray = npt.NDArray[np.float64]
Quantity = Literal["saturation", "minimum"]

#: Rounds of drawing anew the impossible draws. With one draw in ten possible, a request of a
#: million would have ended after 130.
MAX_ROUNDS = 200

#: Spread of reflectance below which values are the same but for rounding.
SAME = 1e-9

logger = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class Saturations:
    """Saturation and minimum TOA reflectance of the scenes of one sensor over one area.

    Parameters
    ----------
    sensor, area : str
    bands : tuple of str
    scenes, dates : tuple of str
        Identifier and date (YYYY-MM-DD) of each scene.
    saturation, minimum : ndarray, (scene, band), dimensionless
        Reflectance of the largest and of the lowest digital number.
    bandwidth : float
        Factor of the standard deviation of the samples that makes that of the kernel.

    Raises
    ------
    DataError
        There are fewer scenes than bands + 1, or the samples span no volume. A minimum that all
        scenes share, as Level-1A scenes without bias do, is taken as it is.
    """

    sensor: str
    area: str
    bands: tuple[str, ...]
    scenes: tuple[str, ...]
    dates: tuple[str, ...]
    saturation: FloatArray
    minimum: FloatArray
    bandwidth: float

    def __post_init__(self) -> None:
        """Refuse samples that no density can be fitted to."""
        if len(self.scenes) <= len(self.bands):
            raise DataError(
                f"saturation of {self.sensor} over {self.area}: {len(self.scenes)} scenes, a "
                f"density over {len(self.bands)} bands needs {len(self.bands) + 1} or more; add "
                "scenes of the area to the scene table"
            )
        self._density("saturation")
        if not self._one_minimum:
            self._density("minimum")

    @property
    def _one_minimum(self) -> bool:
        """Whether the minimum is the same in all scenes."""
        return bool(np.all(np.ptp(self.minimum, axis=0) <= SAME))

    def _density(self, quantity: Quantity) -> gaussian_kde:
        samples = self.saturation if quantity == "saturation" else self.minimum
        try:
            # A constant sample passes the factorisation when rounding leaves it a tiny variance.
            if np.any(np.ptp(samples, axis=0) <= SAME):
                raise np.linalg.LinAlgError("a band is constant")
            return gaussian_kde(samples.T, bw_method=self.bandwidth)
        except np.linalg.LinAlgError as error:
            raise DataError(
                f"{quantity} of {self.sensor} over {self.area}: the {len(self.scenes)} scenes span "
                f"no volume over the bands {', '.join(self.bands)} ({error}); check that the "
                "scenes are different ones, or add scenes with other gains"
            ) from error

    def density(self, quantity: Quantity, band: str, reflectance: FloatArray) -> FloatArray:
        """Density of one band, the others summed out, before impossible draws are rejected.

        A minimum that all scenes share has none: 0.
        """
        if quantity == "minimum" and self._one_minimum:
            return np.zeros(reflectance.shape)
        marginal = self._density(quantity).marginal([self.bands.index(band)])
        return np.asarray(marginal(reflectance), np.float64)

    def draw(self, n: int, rng: np.random.Generator) -> tuple[FloatArray, FloatArray]:
        """Draw ``n`` gains, saturation and minimum independently of each other.

        A pair with a negative minimum, or a saturation not above the minimum, in any band is drawn
        anew.

        Returns
        -------
        saturation, minimum : ndarray, (n, band), dimensionless

        Raises
        ------
        DataError
            Hardly any draw is possible.
        """
        saturation_density = self._density("saturation")
        saturation = np.empty((n, len(self.bands)))
        minimum = np.empty_like(saturation)
        missing = np.arange(n)
        for _ in range(MAX_ROUNDS):
            if not missing.size:
                return saturation, minimum
            saturation[missing] = saturation_density.resample(missing.size, seed=rng).T
            minimum[missing] = self._minima(missing.size, rng)
            low, high = minimum[missing], saturation[missing]
            missing = missing[np.any((low < 0) | (high <= low), axis=1)]
        if missing.size:
            raise DataError(
                f"saturation of {self.sensor} over {self.area}: {missing.size} of {n} draws still "
                f"have a negative minimum or a saturation below it after {MAX_ROUNDS} rounds; make "
                "the bandwidth smaller, or check ReflectanceMin and ReflectanceMax of the scenes"
            )
        return saturation, minimum

    def _minima(self, n: int, rng: np.random.Generator) -> FloatArray:
        if self._one_minimum:
            return np.tile(self.minimum[0], (n, 1))
        return np.asarray(self._density("minimum").resample(n, seed=rng).T)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the samples as NetCDF, atomically."""
        reflectance = {"units": "1"}
        dataset = xr.Dataset(
            {
                "saturation": (
                    ("scene", "band"),
                    self.saturation,
                    {**reflectance, "long_name": "TOA reflectance of the largest digital number"},
                ),
                "minimum": (
                    ("scene", "band"),
                    self.minimum,
                    {**reflectance, "long_name": "TOA reflectance of the lowest digital number"},
                ),
                "date": ("scene", np.array(self.dates, object)),
            },
            coords={
                "scene": np.array(self.scenes, object),
                "band": np.array(self.bands, object),
            },
            attrs={
                "sensor": self.sensor,
                "area": self.area,
                "bandwidth": self.bandwidth,
                "provenance": json.dumps(
                    provenance(self.scenes, {"bandwidth": self.bandwidth}), sort_keys=True
                ),
            },
        )
        netcdf.write(path, dataset)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> "Saturations":
        """Read what `save` wrote; `DataError` when the file is missing or damaged."""
        with netcdf.read(path) as dataset:
            try:
                return cls(
                    sensor=str(dataset.attrs["sensor"]),
                    area=str(dataset.attrs["area"]),
                    bands=tuple(map(str, dataset["band"].values)),
                    scenes=tuple(map(str, dataset["scene"].values)),
                    dates=tuple(map(str, dataset["date"].values)),
                    saturation=dataset["saturation"].values.astype(np.float64),
                    minimum=dataset["minimum"].values.astype(np.float64),
                    bandwidth=float(dataset.attrs["bandwidth"]),
                )
            except KeyError as error:
                raise DataError(
                    f"{path}: has no {error}; delete it and run its rule again"
                ) from error


def collect(
    paths: Sequence[str | os.PathLike[str]], sensor: Sensor, area: str, bandwidth: float
) -> Saturations:
    """Collect the gains of SPOT scenes from their metadata.

    A scene that cannot be used is left out with a warning, so that one bad product does not cost
    the others. Which scenes may be used (not those that maps are judged on) is for the caller to
    say.

    Parameters
    ----------
    paths : sequence of path
        SWH products, Level 1C or 1A.
    sensor : Sensor
        Its bands are collected; the scenes must be of its platform.
    area : str
    bandwidth : float

    Raises
    ------
    DataError
        Too few scenes remain, or they span no volume.
    """
    scenes: dict[str, SpotProduct] = {}
    for path in paths:
        try:
            scene = open_spot(path)
            _check_scene(scene, path, sensor)
        except ProductError as error:
            logger.warning("left out of the saturation of %s: %s", sensor.name, error)
            continue
        scenes[scene.scene_id] = scene
    ordered = [scenes[scene_id] for scene_id in sorted(scenes)]
    shape = (len(ordered), len(sensor.bands))
    return Saturations(
        sensor=sensor.name,
        area=area,
        bands=sensor.band_names,
        scenes=tuple(scene.scene_id for scene in ordered),
        dates=tuple(scene.acquisition_time.date().isoformat() for scene in ordered),
        saturation=_table([scene.saturation for scene in ordered], sensor).reshape(shape),
        minimum=_table([scene.minimum for scene in ordered], sensor).reshape(shape),
        bandwidth=bandwidth,
    )


def _table(rows: Sequence[Mapping[str, float]], sensor: Sensor) -> FloatArray:
    return np.array([[row[band] for band in sensor.band_names] for row in rows], np.float64)


def _check_scene(scene: SpotProduct, path: str | os.PathLike[str], sensor: Sensor) -> None:
    if scene.platform != sensor.platform:
        raise ProductError(
            f"{path}: is of {scene.platform}, expected {sensor.platform}; correct the scene table"
        )
    if missing := set(sensor.band_names) - set(scene.bands):
        raise ProductError(
            f"{path}: its metadata tell no saturation of {', '.join(sorted(missing))}; leave the "
            "scene out, or use a sensor without the band"
        )
