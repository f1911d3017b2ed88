"""Saturation and minimum reflectance of historical scenes, and their kernel density.

Barrou Dumont et al. (2024), IEEE JSTARS, doi 10.1109/JSTARS.2024.3361838: the gains of historical
scenes are drawn from two Gaussian kernel densities, one of the saturation and one of the minimum
reflectance, each joint over the bands. Unlike there, impossible draws are rejected.
"""

import json
import os
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from firn import netcdf
from firn.errors import DataError
from firn.provenance import provenance
from firn.solar import sunlight

FloatArray = npt.NDArray[np.float64]
Quantity = Literal["saturation", "minimum"]

#: Rounds of drawing anew the impossible draws. With one draw in ten possible, a request of a
#: million would have ended after 130.
MAX_ROUNDS = 200
#: Extent of the samples along some direction, as reflectance, that counts as none.
_NO_EXTENT = 1e-9


class Draws(NamedTuple):
    """Drawn gains, and the scenes whose metadata they come from.

    ``saturation`` and ``minimum`` (draw, band) are TOA reflectance; ``saturation_scene`` and
    ``minimum_scene`` (draw,) are positions in `Saturations.scenes`.
    """

    saturation: FloatArray
    minimum: FloatArray
    saturation_scene: npt.NDArray[np.intp]
    minimum_scene: npt.NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Saturations:
    """Saturation and minimum TOA reflectance of the scenes of one sensor over one area.

    Parameters
    ----------
    sensor, area : str
    bands : tuple of str
    scenes, dates, instruments : tuple of str
        Identifier, date (YYYY-MM-DD) and instrument (``HRV1``) of each scene.
    sun_elevation : ndarray, (scene,), degrees
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
    instruments: tuple[str, ...]
    sun_elevation: FloatArray
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
        self._check_extent("saturation", self.saturation)
        if not self._one_minimum:
            self._check_extent("minimum", self.minimum)

    def _check_extent(self, quantity: Quantity, samples: FloatArray) -> None:
        centred = samples - samples.mean(axis=0)
        if np.linalg.matrix_rank(centred, tol=_NO_EXTENT) < len(self.bands):
            raise DataError(
                f"{quantity} of {self.sensor} over {self.area}: the {len(self.scenes)} scenes span "
                f"no volume over the bands {', '.join(self.bands)}; check that the scenes are "
                "different ones, or add scenes with other gains"
            )

    @property
    def _one_minimum(self) -> bool:
        """Whether the minimum is the same in all scenes."""
        return bool(np.all(np.ptp(self.minimum, axis=0) <= _NO_EXTENT))

    @cached_property
    def sunlight(self) -> FloatArray:
        """Sunlight of each scene on a horizontal plane, (scene,); see `firn.solar.sunlight`."""
        return np.array(
            [
                sunlight(datetime.fromisoformat(date), float(elevation))
                for date, elevation in zip(self.dates, self.sun_elevation, strict=True)
            ]
        )

    def density(self, quantity: Quantity, band: str, reflectance: FloatArray) -> FloatArray:
        """Density of one band, the others summed out, before impossible draws are rejected.

        A minimum that all scenes share has none: 0.
        """
        # Takes a second to be imported, and drawing does without it.
        from scipy.stats import gaussian_kde

        if quantity == "minimum" and self._one_minimum:
            return np.zeros(reflectance.shape)
        samples = self.saturation if quantity == "saturation" else self.minimum
        density = gaussian_kde(samples[:, self.bands.index(band)], bw_method=self.bandwidth)
        return np.asarray(density(reflectance), np.float64)

    def draw(self, n: int, rng: np.random.Generator) -> Draws:
        """Draw ``n`` gains, saturation and minimum independently of each other.

        A pair with a negative minimum, or a saturation not above the minimum, in any band is drawn
        anew.

        Raises
        ------
        DataError
            Hardly any draw is possible.
        """
        shape = n, len(self.bands)
        draws = Draws(np.empty(shape), np.empty(shape), np.empty(n, np.intp), np.empty(n, np.intp))
        missing = np.arange(n)
        for _ in range(MAX_ROUNDS):
            if not missing.size:
                return draws
            high, high_scene = draw_density(self.saturation, self.bandwidth, missing.size, rng)
            low, low_scene = self._minima(missing.size, rng)
            for kept, drawn in zip(draws, (high, low, high_scene, low_scene), strict=True):
                kept[missing] = drawn
            missing = missing[np.any((low < 0) | (high <= low), axis=1)]
        if missing.size:
            raise DataError(
                f"saturation of {self.sensor} over {self.area}: {missing.size} of {n} draws still "
                f"have a negative minimum or a saturation below it after {MAX_ROUNDS} rounds; make "
                "the bandwidth smaller, or check ReflectanceMin and ReflectanceMax of the scenes"
            )
        return draws

    def _minima(self, n: int, rng: np.random.Generator) -> tuple[FloatArray, npt.NDArray[np.intp]]:
        if self._one_minimum:
            return np.tile(self.minimum[0], (n, 1)), np.zeros(n, np.intp)
        return draw_density(self.minimum, self.bandwidth, n, rng)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the samples as NetCDF, atomically."""
        # Takes most of a second to be imported, and trainings only read.
        import xarray as xr

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
                "instrument": ("scene", np.array(self.instruments, object)),
                "sun_elevation": ("scene", self.sun_elevation, {"units": "degree"}),
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
        texts = netcdf.arrays(path, "band", "scene", "date", "instrument")
        bands, scenes, dates, instruments = (tuple(text.tolist()) for text in texts)
        sun_elevation, saturation, minimum = netcdf.arrays(
            path, "sun_elevation", "saturation", "minimum"
        )
        attributes = netcdf.attributes(path, "sensor", "area", "bandwidth")
        return cls(
            sensor=str(attributes["sensor"]),
            area=str(attributes["area"]),
            bands=bands,
            scenes=scenes,
            dates=dates,
            instruments=instruments,
            sun_elevation=sun_elevation,
            saturation=saturation,
            minimum=minimum,
            bandwidth=float(attributes["bandwidth"]),
        )


def draw_density(
    samples: FloatArray, bandwidth: float, n: int, rng: np.random.Generator
) -> tuple[FloatArray, npt.NDArray[np.intp]]:
    """Draw from the Gaussian kernel density of samples, (sample, band).

    A draw is a sample, any with the same probability, plus a normal error of mean 0 and covariance
    ``bandwidth**2 * S``, where ``S`` is the covariance of the samples with the divisor n - 1
    (Silverman 1986, Density Estimation, section 6.4.1). That is the density, and these are the
    draws, of ``scipy.stats.gaussian_kde(samples.T, bandwidth)``.

    Returns
    -------
    drawn : ndarray, (n, band)
    centres : ndarray, (n,)
        Position of the sample that each draw lies around.
    """
    count, bands = samples.shape
    covariance = bandwidth**2 * np.cov(samples, rowvar=False).reshape(bands, bands)
    errors = rng.multivariate_normal(np.zeros(bands), covariance, n)
    # With its probabilities given, `choice` takes its numbers from the generator as scipy does.
    centres = rng.choice(count, n, p=np.full(count, 1 / count))
    return np.asarray(samples[centres] + errors, np.float64), centres
