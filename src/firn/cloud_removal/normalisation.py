"""Normalisation: from backscatter and reflectance to the numbers of the network, and back.

Everything is fitted on training tiles alone, and stored with the model.

Each channel of a tile goes through an offset and a factor of its own, so that the way back is the
same whatever the numbers were fitted on. Sentinel-1 is taken in dB. What lies beyond -1 to 1 in
Sentinel-2 is clipped there, for the network cannot answer with more; nothing brings that back.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from pydantic import ValidationError
from scipy.spatial import cKDTree

from firn.cloud_removal.tiles import POLARISATIONS, Tiles
from firn.cloud_removal_config import NormalisationSettings
from firn.errors import DataError
from firn.moments import Moments

FloatArray = npt.NDArray[np.float32]


class Scaling(NamedTuple):
    """Numbers of the network = (values - ``offset``) / ``scale``; both (tile, channel)."""

    offset: FloatArray
    scale: FloatArray

    def forward(self, values: FloatArray) -> FloatArray:
        """Normalise (tile, channel, y, x)."""
        offset, scale = self._planes()
        return np.asarray((values - offset) / scale, np.float32)

    def inverse(self, numbers: FloatArray) -> FloatArray:
        """Undo `forward`."""
        offset, scale = self._planes()
        return np.asarray(numbers * scale + offset, np.float32)

    def _planes(self) -> tuple[FloatArray, FloatArray]:
        return self.offset[:, :, None, None], self.scale[:, :, None, None]


class Normalised(NamedTuple):
    """What a network sees of some tiles.

    Attributes
    ----------
    inputs : ndarray of float32, (tile, channel, y, x)
        Sentinel-1 of t0 (VV, VH), of t1 (VV, VH), Sentinel-2 of t0; 0 where there is no data.
    target : ndarray of float32, (tile, band, y, x)
        Sentinel-2 of t1, from -1 to 1; NaN where there is no data.
    scaling : Scaling
        Of the bands: what `Normalisation.inverse` needs.
    """

    inputs: FloatArray
    target: FloatArray
    scaling: Scaling


@dataclass(frozen=True)
class Normalisation:
    """Fitted normalisation.

    Attributes
    ----------
    settings : NormalisationSettings
    bands : tuple of str
        Of Sentinel-2, in the order of the tiles.
    sentinel1_mean, sentinel1_std : tuple of float
        Of VV and VH in the training tiles, dB.
    sentinel2_mean, sentinel2_std : tuple of float
        Of each band in the training tiles.
    """

    settings: NormalisationSettings
    bands: tuple[str, ...]
    sentinel1_mean: tuple[float, ...]
    sentinel1_std: tuple[float, ...]
    sentinel2_mean: tuple[float, ...]
    sentinel2_std: tuple[float, ...]

    @classmethod
    def fit(
        cls, tiles: Iterable[Tiles], bands: Sequence[str], settings: NormalisationSettings
    ) -> "Normalisation":
        """Fit on training tiles.

        Parameters
        ----------
        tiles : iterable of Tiles
            In pieces of any size, of which one is in memory at a time.
        bands : sequence of str
        settings : NormalisationSettings

        Raises
        ------
        DataError
            There are no data, or a channel has one value alone.
        """
        radar = [Moments() for _ in POLARISATIONS]
        groups = _groups(bands, settings)
        optical = [Moments() for _ in groups]
        for piece in tiles:
            for power in (piece.sentinel1_t0, piece.sentinel1_t1):
                decibel = to_decibel(power, settings)
                for channel, moments in enumerate(radar):
                    moments.add(_known(decibel[:, channel]))
            for reflectance in (piece.sentinel2_t0, piece.sentinel2_t1):
                for group, moments in zip(groups, optical, strict=True):
                    moments.add(_known(reflectance[:, group]))
        sentinel1 = [_fitted(m, name) for m, name in zip(radar, POLARISATIONS, strict=True)]
        by_band: dict[int, tuple[float, float]] = {}
        for group, moments in zip(groups, optical, strict=True):
            fitted = _fitted(moments, ", ".join(bands[i] for i in group))
            by_band |= dict.fromkeys(group, fitted)
        sentinel2 = [by_band[i] for i in range(len(bands))]
        return cls(
            settings,
            tuple(bands),
            tuple(mean for mean, _ in sentinel1),
            tuple(std for _, std in sentinel1),
            tuple(mean for mean, _ in sentinel2),
            tuple(std for _, std in sentinel2),
        )

    def forward(self, tiles: Tiles) -> Normalised:
        """Normalise tiles.

        Parameters
        ----------
        tiles : Tiles
            With the bands that it was fitted on.

        Raises
        ------
        DataError
            By tile: a channel has one value alone. By year: the limits of the year are unknown.
        """
        radar = [
            to_decibel(power, self.settings) for power in (tiles.sentinel1_t0, tiles.sentinel1_t1)
        ]
        backscatter = self.sentinel1_scaling(*radar)
        reflectance = self.sentinel2_scaling(tiles)
        inputs = [backscatter.forward(decibel) for decibel in radar]
        inputs.append(np.clip(reflectance.forward(tiles.sentinel2_t0), -1, 1))
        target = np.clip(reflectance.forward(tiles.sentinel2_t1), -1, 1)
        stacked = np.concatenate(inputs, axis=1)
        return Normalised(np.nan_to_num(stacked, copy=False, nan=0.0), target, reflectance)

    def inverse(self, numbers: FloatArray, scaling: Scaling) -> FloatArray:
        """Reflectance of what a network answers, (tile, band, y, x)."""
        return scaling.inverse(numbers)

    def sentinel1_scaling(self, *decibel: FloatArray) -> Scaling:
        """Scaling of backscatter (dB), whose limits are those of all images together."""
        if self.settings.sentinel1 == "standardised":
            return _standardised(
                len(decibel[0]),
                self.sentinel1_mean,
                self.sentinel1_std,
                self.settings.sentinel1_scale,
            )
        both = np.concatenate(decibel, axis=2)
        return _between(*_limits(both), POLARISATIONS, "Sentinel-1")

    def sentinel2_scaling(self, tiles: Tiles) -> Scaling:
        """Scaling of the reflectance of tiles; it does not look at the later image."""
        if self.settings.sentinel2 == "standardised":
            return _standardised(
                len(tiles), self.sentinel2_mean, self.sentinel2_std, self.settings.sentinel2_scale
            )
        if self.settings.sentinel2 == "min-max-tile":
            return _between(*_limits(tiles.sentinel2_t0), self.bands, "Sentinel-2")
        return _between(tiles.year_low, tiles.year_high, self.bands, "the year of Sentinel-2")

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {
            "settings": self.settings.model_dump(mode="json"),
            "bands": list(self.bands),
            "sentinel1": {"mean": list(self.sentinel1_mean), "std": list(self.sentinel1_std)},
            "sentinel2": {"mean": list(self.sentinel2_mean), "std": list(self.sentinel2_std)},
        }

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> "Normalisation":
        """Undo `as_dict`.

        Raises
        ------
        DataError
            A key is missing or wrong.
        """
        try:
            return cls(
                NormalisationSettings.model_validate(content["settings"]),
                tuple(content["bands"]),
                tuple(content["sentinel1"]["mean"]),
                tuple(content["sentinel1"]["std"]),
                tuple(content["sentinel2"]["mean"]),
                tuple(content["sentinel2"]["std"]),
            )
        except (KeyError, TypeError, ValidationError) as error:
            raise DataError(f"the normalisation cannot be read ({error}); fit it again") from error


def to_decibel(power: FloatArray, settings: NormalisationSettings) -> FloatArray:
    """Backscatter in dB; what is 0 or less is imputed first.

    Parameters
    ----------
    power : ndarray, (tile, polarisation, y, x)
        Linear; NaN without data.
    settings : NormalisationSettings

    Returns
    -------
    ndarray of float32, (tile, polarisation, y, x)
        NaN where there is no data, and where a whole image has no positive backscatter.
    """
    if np.any(power <= 0):
        power = power.copy()
        for image in power.reshape(-1, *power.shape[-2:]):
            _impute(image, settings)
    return np.asarray(10 * np.log10(power), np.float32)


def to_power(decibel: FloatArray) -> FloatArray:
    """Linear backscatter: undoes `to_decibel` where nothing was imputed."""
    return np.asarray(10 ** (decibel / 10), np.float32)


def _impute(image: FloatArray, settings: NormalisationSettings) -> None:
    """Replace what is 0 or less, in place."""
    wrong, right = image <= 0, image > 0
    if not wrong.any():
        return
    if not right.any():
        image[wrong] = np.nan
    elif settings.imputation == "smallest":
        image[wrong] = image[right].min()
    else:
        count = min(settings.neighbours, int(right.sum()))
        _, nearest = cKDTree(np.argwhere(right)).query(np.argwhere(wrong), k=[*range(1, count + 1)])
        image[wrong] = image[right][nearest].mean(axis=1)


def _groups(bands: Sequence[str], settings: NormalisationSettings) -> list[list[int]]:
    """Positions of the bands that share their moments."""
    groups = [[bands.index(b) for b in group if b in bands] for group in settings.groups]
    grouped = {i for group in groups for i in group}
    return [g for g in groups if g] + [[i] for i in range(len(bands)) if i not in grouped]


def _known(values: FloatArray) -> FloatArray:
    return values[np.isfinite(values)]


def _fitted(moments: Moments, name: str) -> tuple[float, float]:
    """Mean and standard deviation."""
    if not moments.count:
        raise DataError(f"{name}: the training tiles have no data; look at the report of the tiles")
    mean, std = float(moments.mean()), float(moments.std())
    if not std > 1e-6:
        raise DataError(f"{name}: is the same everywhere in the training tiles ({mean:g})")
    return mean, std


def _standardised(
    count: int, mean: Sequence[float], std: Sequence[float], factor: float
) -> Scaling:
    offset = np.tile(np.asarray(mean, np.float32), (count, 1))
    return Scaling(offset, np.tile(np.asarray(std, np.float32) / np.float32(factor), (count, 1)))


def _limits(values: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Lowest and highest value of each channel of each tile, (tile, channel)."""
    low = np.fmin.reduce(values, axis=(2, 3))
    return low, np.fmax.reduce(values, axis=(2, 3))


def _between(low: FloatArray, high: FloatArray, channels: Sequence[str], what: str) -> Scaling:
    """Scaling that takes ``low`` to -1 and ``high`` to 1."""
    wrong = ~(high > low)
    if wrong.any():
        tile, channel = np.argwhere(wrong)[0]
        raise DataError(
            f"{what}: {channels[channel]} of tile {tile} has no range between a lowest and a "
            "highest value; leave the tile out, or normalise by the training tiles (standardised)"
        )
    half = np.float32(0.5)
    return Scaling(half * (high + low), half * (high - low))
