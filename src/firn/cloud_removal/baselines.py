"""What a simulation has to beat: the earlier image itself, and linear regression."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from firn.cloud_removal.normalisation import to_decibel
from firn.cloud_removal.tiles import Tiles
from firn.cloud_removal_config import NormalisationSettings
from firn.errors import DataError

FloatArray = npt.NDArray[np.float32]


class Simulator(Protocol):
    """Anything that simulates the later Sentinel-2 image without looking at it."""

    def simulate(self, tiles: Tiles) -> FloatArray:
        """Give reflectance, (tile, band, y, x); NaN where it cannot tell."""


class CopyOfT0:
    """The earlier image: right wherever nothing changed."""

    def simulate(self, tiles: Tiles) -> FloatArray:
        """See `Simulator.simulate`."""
        return tiles.sentinel2_t0


@dataclass(frozen=True)
class Regression:
    """Least squares of each later band on the backscatter (dB) of both dates, pixel by pixel.

    Attributes
    ----------
    settings : NormalisationSettings
        Of the imputation of backscatter.
    with_optical : bool
        The bands of the earlier image are predictors too.
    coefficients : ndarray of float64, (predictor, band)
        The first is the constant.
    """

    settings: NormalisationSettings
    with_optical: bool
    coefficients: npt.NDArray[np.float64]

    @classmethod
    def fit(
        cls, tiles: Iterable[Tiles], settings: NormalisationSettings, *, with_optical: bool
    ) -> "Regression":
        """Fit on training tiles, where both dates have data and the later one no cloud.

        Raises
        ------
        DataError
            There is no such pixel.
        """
        products: npt.NDArray[np.float64] | float = 0.0
        targets: npt.NDArray[np.float64] | float = 0.0
        count = 0
        for piece in tiles:
            predictors = _predictors(piece, settings, with_optical)
            later = np.moveaxis(piece.sentinel2_t1, 1, -1).reshape(-1, piece.sentinel2_t1.shape[1])
            use = np.isfinite(predictors).all(axis=1) & np.isfinite(later).all(axis=1)
            use &= piece.cloud_t1.ravel() == 0
            x, y = predictors[use], later[use].astype(np.float64)
            products, targets, count = products + x.T @ x, targets + x.T @ y, count + len(x)
        if not count:
            raise DataError(
                "regression: no pixel of the training tiles has data on both dates without cloud; "
                "look at the report of the tiles"
            )
        coefficients, *_ = np.linalg.lstsq(np.asarray(products), np.asarray(targets), rcond=None)
        return cls(settings, with_optical, coefficients)

    def simulate(self, tiles: Tiles) -> FloatArray:
        """See `Simulator.simulate`."""
        predictors = _predictors(tiles, self.settings, self.with_optical)
        count, _, height, width = tiles.sentinel2_t0.shape
        simulated = (predictors @ self.coefficients).reshape(count, height, width, -1)
        return np.asarray(np.moveaxis(simulated, -1, 1), np.float32)


def _predictors(
    tiles: Tiles, settings: NormalisationSettings, with_optical: bool
) -> npt.NDArray[np.float64]:
    """Stack a constant and the predictors of each pixel, (pixel, predictor)."""
    images = [to_decibel(power, settings) for power in (tiles.sentinel1_t0, tiles.sentinel1_t1)]
    if with_optical:
        images.append(tiles.sentinel2_t0)
    stacked = np.moveaxis(np.concatenate(images, axis=1), 1, -1)
    flat = stacked.reshape(-1, stacked.shape[-1]).astype(np.float64)
    return np.concatenate([np.ones((len(flat), 1)), flat], axis=1)
