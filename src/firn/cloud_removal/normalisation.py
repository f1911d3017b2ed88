"""Normalisation: from backscatter and reflectance to the numbers of the network, and back.

Everything is fitted on training tiles alone, and stored with the model.

Each channel of a tile goes through an offset and a factor of its own, so that the way back is the
same whatever the numbers were fitted on. Sentinel-1 is taken in dB. What lies beyond the range of
the network in Sentinel-2 is clipped there, for it cannot answer with more; nothing brings that
back.
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
        Sentinel-1 of t0 (VV, VH), of t1 (VV, VH), Sentinel-2 of t0; the middle of the range where
        there is no data.
    target : ndarray of float32, (tile, band, y, x)
        Sentinel-2 of t1, within the range of the network; NaN where there is no data.
    scaling : Scaling
        Of the bands: what `Normalisation.inverse` needs.
    """

    inputs: FloatArray
    target: FloatArray
    scaling: Scaling


class Statistics(NamedTuple):
    """What is fitted on the training tiles, by channel: dB or reflectance.

    Attributes
    ----------
    mean, std : tuple of float
        Of all pixels.
    low, high : tuple of float
        Lowest and highest value of a tile, averaged over tiles.
    """

    mean: tuple[float, ...]
    std: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]


@dataclass(frozen=True)
class Normalisation:
    """Fitted normalisation.

    Attributes
    ----------
    settings : NormalisationSettings
    bands : tuple of str
        Of Sentinel-2, in the order of the tiles.
    sentinel1 : Statistics
        Of VV and VH.
    sentinel2 : Statistics
        Of each band.
    """

    settings: NormalisationSettings
    bands: tuple[str, ...]
    sentinel1: Statistics
    sentinel2: Statistics

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
        radar = [_Gathered(name, [i]) for i, name in enumerate(POLARISATIONS)]
        optical = [
            _Gathered(", ".join(bands[i] for i in group), group)
            for group in _groups(bands, settings)
        ]
        for piece in tiles:
            decibel = [
                to_decibel(power, settings) for power in (piece.sentinel1_t0, piece.sentinel1_t1)
            ]
            reflectance = [piece.sentinel2_t0, piece.sentinel2_t1]
            for gathered, images in ((radar, decibel), (optical, reflectance)):
                for channels in gathered:
                    channels.add(images)
        return cls(settings, tuple(bands), _statistics(radar), _statistics(optical))

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
        lowest = self.settings.lowest
        inputs.append(np.clip(reflectance.forward(tiles.sentinel2_t0), lowest, 1))
        target = np.clip(reflectance.forward(tiles.sentinel2_t1), lowest, 1)
        stacked = np.concatenate(inputs, axis=1)
        middle = (lowest + 1) / 2
        return Normalised(np.nan_to_num(stacked, copy=False, nan=middle), target, reflectance)

    def inverse(self, numbers: FloatArray, scaling: Scaling) -> FloatArray:
        """Reflectance of what a network answers, (tile, band, y, x)."""
        return scaling.inverse(numbers)

    def sentinel1_scaling(self, *decibel: FloatArray) -> Scaling:
        """Scaling of backscatter (dB), whose limits are those of all images together."""
        settings = self.settings
        if settings.sentinel1 == "min-max-tile":
            low, high = _limits(np.concatenate(decibel, axis=2))
            return self._ranged(_between(low, high, POLARISATIONS, "Sentinel-1"))
        scale = settings.sentinel1_scale
        scaling = _fitted_scaling(settings.sentinel1, self.sentinel1, scale, POLARISATIONS)
        return self._ranged(_of_each(scaling, len(decibel[0])))

    def sentinel2_scaling(self, tiles: Tiles) -> Scaling:
        """Scaling of the reflectance of tiles; it does not look at the later image."""
        settings = self.settings
        if settings.sentinel2 == "min-max-tile":
            low, high = _limits(tiles.sentinel2_t0)
            return self._ranged(_between(low, high, self.bands, "Sentinel-2"))
        if settings.sentinel2 == "min-max-year":
            year = _between(tiles.year_low, tiles.year_high, self.bands, "the year of Sentinel-2")
            return self._ranged(year)
        scale = settings.sentinel2_scale
        scaling = _fitted_scaling(settings.sentinel2, self.sentinel2, scale, self.bands)
        return self._ranged(_of_each(scaling, len(tiles)))

    def _ranged(self, scaling: Scaling) -> Scaling:
        """Move a scaling to -1 to 1 into the range of the settings."""
        if self.settings.lowest == -1:
            return scaling
        return Scaling(scaling.offset - scaling.scale, 2 * scaling.scale)

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {
            "settings": self.settings.model_dump(mode="json"),
            "bands": list(self.bands),
            "sentinel1": {name: list(of) for name, of in self.sentinel1._asdict().items()},
            "sentinel2": {name: list(of) for name, of in self.sentinel2._asdict().items()},
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
                *(
                    Statistics(*(tuple(content[name][field]) for field in Statistics._fields))
                    for name in ("sentinel1", "sentinel2")
                ),
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


class _Gathered:
    """What is gathered of channels that share their statistics.

    Parameters
    ----------
    name : str
        For errors.
    channels : list of int
    """

    def __init__(self, name: str, channels: list[int]) -> None:
        self.name, self.channels = name, channels
        self.pixels, self.lows, self.highs = Moments(), Moments(), Moments()

    def add(self, images: Sequence[FloatArray]) -> None:
        """Add both images of tiles, each (tile, channel, y, x)."""
        values = np.concatenate([image[:, self.channels] for image in images], axis=1)
        self.pixels.add(_known(values))
        self.lows.add(_known(np.fmin.reduce(values, axis=(1, 2, 3))))
        self.highs.add(_known(np.fmax.reduce(values, axis=(1, 2, 3))))

    def fitted(self) -> tuple[float, float, float, float]:
        """Mean, standard deviation, and means of the lowest and the highest value of a tile."""
        if not self.pixels.count:
            raise DataError(
                f"{self.name}: the training tiles have no data; look at the report of the tiles"
            )
        mean, std = float(self.pixels.mean()), float(self.pixels.std())
        if not std > 1e-6:
            raise DataError(f"{self.name}: is the same everywhere in the training tiles ({mean:g})")
        return mean, std, float(self.lows.mean()), float(self.highs.mean())


def _statistics(gathered: Sequence[_Gathered]) -> Statistics:
    """Statistics in the order of the channels."""
    by_channel = {i: one.fitted() for one in gathered for i in one.channels}
    return Statistics(*zip(*(by_channel[i] for i in sorted(by_channel)), strict=True))


def _fitted_scaling(
    method: str, fitted: Statistics, factor: float, channels: Sequence[str]
) -> Scaling:
    """Scaling by what was fitted, (1, channel)."""
    mean, std, low, high = (np.asarray([values], np.float32) for values in fitted)
    if method == "min-max":
        return _between(low, high, channels, "the training tiles")
    return Scaling(mean, np.ones_like(std) if method == "centred" else std / np.float32(factor))


def _of_each(scaling: Scaling, count: int) -> Scaling:
    """Give each of ``count`` tiles the scaling of one."""
    return Scaling(*(np.tile(values, (count, 1)) for values in scaling))


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
