"""Readers of satellite products, from a zip or a folder, and what every SPOT-like scene offers."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

import numpy as np
import numpy.typing as npt

from firn.grid import Grid

if TYPE_CHECKING:
    import xarray as xr


class Scene(Protocol):
    """A scene that can be classified: TOA reflectance in named bands, and its sun.

    Angles are in degrees, the azimuth clockwise from north; times are UTC.
    """

    @property
    def scene_id(self) -> str:
        """Identifier, unique in its archive."""

    @property
    def platform(self) -> str:
        """Platform as the metadata spells it (``SPOT4``)."""

    @property
    def instrument(self) -> str:
        """Instrument as the metadata spells it (``HRVIR1``)."""

    @property
    def acquisition_time(self) -> datetime:
        """Time of acquisition."""

    @property
    def sun_zenith(self) -> float:
        """Sun zenith of the scene's mean."""

    @property
    def sun_azimuth(self) -> float:
        """Sun azimuth of the scene's mean."""

    @property
    def bands(self) -> tuple[str, ...]:
        """Names of the bands."""

    @property
    def saturation(self) -> Mapping[str, float]:
        """Reflectance at which each band saturates; empty when unknown."""

    @property
    def minimum(self) -> Mapping[str, float]:
        """Reflectance of the lowest number of each band; empty when unknown."""

    @property
    def grid(self) -> Grid:
        """Grid of the bands."""

    def read(
        self, bands: Sequence[str], grid: Grid | None = None
    ) -> "tuple[xr.DataArray, npt.NDArray[np.bool_]]":
        """Read bands in their own grid, or warped (cubic) to ``grid``.

        Returns
        -------
        reflectance : DataArray of float32, (band, y, x), dimensionless
            NaN where there is no data.
        saturated : ndarray of bool, (band, y, x)

        Raises
        ------
        ProductError
            A band is missing or damaged.
        GridError
            The scene and ``grid`` share no ground.
        """
