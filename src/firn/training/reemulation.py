"""Emulation of training patches on the training device, anew in each epoch.

It runs the steps of `firn.emulation.arrays`, as the stored emulation does, so that both give the
same patches for the same draws; noise alone comes from the random numbers of torch.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from firn.classes import IGNORE
from firn.compute import to_device
from firn.emulation import arrays
from firn.emulation.acquisition import (
    BRIGHTEST,
    DECISIVE,
    NOISE_MARGIN,
    Acquisition,
    noise_variance,
    stripe_deviation,
)
from firn.sensors import STACK_NODATA, STACK_SATURATED, STACK_SCALE, Sensor
from firn.training.sentinel2 import Sentinel2Samples


@dataclass(frozen=True)
class EpochPatches:
    """The patches of one epoch.

    Parameters
    ----------
    samples : Sentinel2Samples
    acquisitions : sequence of Acquisition
        One for each sample.
    rng : Generator
        Of the noise.
    device : torch.device
        Where patches are emulated.
    turns : ndarray of int, (sample,), or None
        Symmetry of the square that each patch takes, see `turned`. A patch is turned before it is
        taken, so that the columns of the detector remain columns.
    """

    samples: Sentinel2Samples
    acquisitions: Sequence[Acquisition]
    rng: np.random.Generator
    device: torch.device
    turns: npt.NDArray[np.int64] | None

    def batch(
        self, index: Sequence[int], own: Sequence[int] | None = None
    ) -> tuple[Tensor, Tensor]:
        """Emulate some patches.

        Parameters
        ----------
        index : sequence of int
            A batch; the noise of its patches depends on the batches before.
        own : sequence of int, optional
            Positions in ``index`` of the patches that are wanted; all by default.

        Returns
        -------
        channels : Tensor of float32, (patch, channel, y, x)
            On the device; NaN where there is no data.
        labels : Tensor of uint8, (patch, y, x)
        """
        noise = self._noise(len(index), own) if self.samples.emulation.settings.noise else None
        if own is not None:
            index = [index[position] for position in own]
        patch = self.samples.patch[list(index)]

        def load(values: npt.NDArray[np.generic], dtype: torch.dtype) -> Tensor:
            # As few bytes as possible are sent; torch does little with uint16 but to convert it.
            tensor = to_device(values[patch], self.device).to(dtype)
            if self.turns is None:
                return tensor
            return turned(tensor, self.turns[list(index)].tolist())

        toa = load(self.samples.toa, torch.float32)
        hillshade = load(self.samples.hillshade, torch.float32)
        dem = load(self.samples.dem, torch.float32)
        labels = load(self.samples.label, torch.uint8)
        sensor = self.samples.emulation.sensor
        taken = Taken.of([self.acquisitions[i] for i in index], self.device)
        reflectance = emulate(toa, taken, sensor, noise)
        if self.samples.has_saturated[patch].any():
            reflectance = saturate(reflectance, toa, taken, sensor)
        unknown = hillshade == 0
        if self.samples.has_gaps[patch].any():
            unknown |= gaps(toa, taken)
        channels = torch.cat([reflectance, hillshade[:, None], dem[:, None]], dim=1)
        return channels.masked_fill_(unknown[:, None], torch.nan), labels.masked_fill(
            unknown, IGNORE
        )

    @cached_property
    def _field(self) -> Tensor:
        """Independent normal numbers, (band, y, x), of which each patch takes a window."""
        sensor, side = self.samples.emulation.sensor, self.samples.toa.shape[-1] + NOISE_MARGIN
        generator = torch.Generator(self.device).manual_seed(int(self.rng.integers(2**63)))
        shape = len(sensor.bands), side, side
        return torch.randn(shape, generator=generator, device=self.device)

    def _noise(self, patches: int, own: Sequence[int] | None) -> tuple[Tensor, Tensor]:
        """Draw noise of patches and give that of some of them.

        Normal numbers, (patch, band, y, x), and stripes in DN, (patch, band, 1, x).
        """
        size, sensor = self.samples.toa.shape[-1], self.samples.emulation.sensor
        chosen = slice(None) if own is None else list(own)
        places = self.rng.integers(NOISE_MARGIN + 1, size=(patches, 2))[chosen].tolist()
        windows = [self._field[:, r : r + size, c : c + size] for r, c in places]
        stripes = self.rng.standard_normal((patches, len(sensor.bands), 1, size), np.float32)
        stripes = stripes[chosen]
        stripes *= np.array(stripe_deviation(sensor), np.float32)[:, None, None]
        return torch.stack(windows), to_device(stripes, self.device)


@dataclass(frozen=True)
class Taken:
    """Acquisitions as tensors, the patch first and two axes of 1 last.

    ``weights`` are listed by source band, ``rows``, ``columns`` and ``reach`` by neighbour; reach
    is 1 as far as the filters of a patch go.
    """

    weights: list[Tensor]
    saturation: Tensor
    minimum: Tensor
    haze: Tensor
    hazy: bool
    rows: list[Tensor]
    columns: list[Tensor]
    reach: list[Tensor]

    @classmethod
    def of(cls, acquisitions: Sequence[Acquisition], device: torch.device) -> "Taken":
        """Bring acquisitions to a device, filters padded to one length."""
        reaches = [max(a.rows.shape[1], a.columns.shape[1]) // 2 for a in acquisitions]
        longest = max(reaches)

        def bring(values: Sequence[npt.NDArray[np.float32]]) -> Tensor:
            return to_device(np.stack(values), device)[..., None, None]

        def pad(weights: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
            margin = longest - weights.shape[-1] // 2
            return np.pad(weights, ((0, 0), (margin, margin)))

        reach = [pad(np.ones((1, 2 * own + 1), np.float32)) for own in reaches]
        return cls(
            weights=list(bring([a.weights for a in acquisitions]).unbind(2)),
            saturation=bring([a.saturation for a in acquisitions]),
            minimum=bring([a.minimum for a in acquisitions]),
            haze=bring([a.haze for a in acquisitions]),
            hazy=any(a.haze.any() for a in acquisitions),
            rows=list(bring([pad(a.rows) for a in acquisitions]).unbind(2)),
            columns=list(bring([pad(a.columns) for a in acquisitions]).unbind(2)),
            reach=list(bring(reach).unbind(2)),
        )


def emulate(
    toa: Tensor, taken: Taken, sensor: Sensor, noise: tuple[Tensor, Tensor] | None
) -> Tensor:
    """Emulate patches that have data everywhere; see `firn.emulation.patches.emulate`.

    Parameters
    ----------
    toa : Tensor of float32, (patch, source band, y, x)
        Sentinel-2 TOA reflectance x 10000.
    taken : Taken
    sensor : Sensor
    noise : (Tensor, Tensor) or None
        Normal numbers of variance 1, (patch, band, y, x), and stripes in digital numbers, (patch,
        band, 1, x); None = no noise.

    Returns
    -------
    Tensor of float32, (patch, band, y, x)
        Reflectance of the digital numbers.
    """
    full = 2**sensor.bits - 1
    sources = range(toa.shape[1])
    reflectance = (toa * (1 / STACK_SCALE)).clamp(max=BRIGHTEST)
    image = arrays.mix([reflectance[:, s : s + 1] for s in sources], taken.weights)
    if taken.hazy:
        image = arrays.add_haze(image, taken.haze)
    if len(taken.rows) > 1:
        image = arrays.filtered(image, taken.rows, taken.columns)
    numbers = arrays.scaled(image, taken.saturation, taken.minimum, full)
    if noise is not None:
        still, growth = torch.tensor(noise_variance(sensor), device=toa.device).unbind(1)
        variance = still[:, None, None], growth[:, None, None]
        numbers = arrays.add_noise(numbers, noise[0], *variance, noise[1])
    return reflectance_of(arrays.rounded(numbers, full), taken, full)


def reflectance_of(numbers: Tensor, taken: Taken, full: int) -> Tensor:
    """Reflectance of digital numbers; as `firn.sensors.to_reflectance` gives it."""
    step = (taken.saturation - taken.minimum) / full
    return taken.minimum + numbers * step


def saturate(reflectance: Tensor, toa: Tensor, taken: Taken, sensor: Sensor) -> Tensor:
    """Saturate the bands that a good part of is mixed from a Sentinel-2 band which saturated."""
    full = 2**sensor.bits - 1
    highest = reflectance_of(torch.full_like(taken.minimum, full), taken, full)
    for source, weight in enumerate(taken.weights):
        saturated = (toa[:, source : source + 1] == STACK_SATURATED) & (weight >= DECISIVE)
        reflectance = torch.where(saturated, highest, reflectance)
    return reflectance


def gaps(toa: Tensor, taken: Taken) -> Tensor:
    """Where a band that decides has no data within the reach of the filters, (patch, y, x)."""
    deciding = [(weight >= DECISIVE).any(dim=1, keepdim=True) for weight in taken.weights]
    missing = ((toa == STACK_NODATA) & torch.cat(deciding, dim=1)).any(dim=1, keepdim=True)
    return arrays.filtered(missing.to(torch.float32), taken.reach, taken.reach)[:, 0] > 0


def turned(patches: Tensor, codes: Sequence[int]) -> Tensor:
    """Turn and mirror each patch, (patch, ..., y, x), into one of the eight symmetries of a square.

    Image, relief and hillshade turn together, so that light and relief still agree: it is the same
    ground, mirrored, under a sun from elsewhere.
    """
    return torch.stack(
        [
            torch.rot90(patch if code < 4 else patch.flip(-1), code % 4, (-2, -1))
            for patch, code in zip(patches, codes, strict=True)
        ]
    )
