"""Emulation of training patches on the training device, anew in each epoch.

It runs the steps of `firn.emulation.arrays`, as the stored emulation does, so that both give the
same patches for the same draws; noise alone comes from the random numbers of torch.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from firn.classes import IGNORE
from firn.emulation import arrays
from firn.emulation.acquisition import (
    BRIGHTEST,
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
    generator : torch.Generator
        Of the noise, on the device that patches are emulated on.
    turns : ndarray of int, (sample,), or None
        Symmetry of the square that each patch takes, see `turned`. A patch is turned before it is
        taken, so that the columns of the detector remain columns.
    """

    samples: Sentinel2Samples
    acquisitions: Sequence[Acquisition]
    generator: torch.Generator
    turns: npt.NDArray[np.int64] | None

    def batch(self, index: Sequence[int]) -> tuple[Tensor, Tensor]:
        """Emulate some patches.

        Returns
        -------
        channels : Tensor of float32, (patch, channel, y, x)
            On the device; NaN where there is no data.
        labels : Tensor of uint8, (patch, y, x)
        """
        patch = self.samples.patch[list(index)]

        def load(values: npt.NDArray[np.generic], dtype: torch.dtype) -> Tensor:
            # As few bytes as possible are sent; torch does little with uint16 but to convert it.
            tensor = torch.from_numpy(values[patch]).to(self.generator.device).to(dtype)
            if self.turns is None:
                return tensor
            return turned(tensor, self.turns[list(index)].tolist())

        toa = load(self.samples.toa, torch.float32)
        hillshade = load(self.samples.hillshade, torch.float32)
        dem = load(self.samples.dem, torch.float32)
        labels = load(self.samples.label, torch.uint8)
        sensor = self.samples.emulation.sensor
        taken = Taken.of([self.acquisitions[i] for i in index], self.generator.device)
        noise = self.generator if self.samples.emulation.settings.noise else None
        reflectance, valid = emulate(toa, taken, sensor, noise)
        unknown = ~(valid & (hillshade > 0))
        channels = torch.cat([reflectance, hillshade[:, None], dem[:, None]], dim=1)
        return channels.masked_fill_(unknown[:, None], torch.nan), labels.masked_fill(
            unknown, IGNORE
        )


@dataclass(frozen=True)
class Taken:
    """Acquisitions as tensors, the patch first and two axes of 1 last.

    ``weights`` are listed by source band, ``rows``, ``columns`` and ``reach`` by neighbour; reach
    is 1 as far as the filters of a patch go, in which case its reflectance is cut at ``ceiling``.
    """

    weights: list[Tensor]
    saturation: Tensor
    minimum: Tensor
    haze: Tensor
    rows: list[Tensor]
    columns: list[Tensor]
    reach: list[Tensor]
    ceiling: Tensor

    @classmethod
    def of(cls, acquisitions: Sequence[Acquisition], device: torch.device) -> "Taken":
        """Bring acquisitions to a device, filters padded to one length."""
        reaches = [max(a.rows.shape[1], a.columns.shape[1]) // 2 for a in acquisitions]
        longest = max(reaches)

        def bring(values: Sequence[npt.NDArray[np.float32]]) -> Tensor:
            return torch.from_numpy(np.stack(values)).to(device)[..., None, None]

        def pad(weights: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
            margin = longest - weights.shape[-1] // 2
            return np.pad(weights, ((0, 0), (margin, margin)))

        reach = [pad(np.ones((1, 2 * own + 1), np.float32)) for own in reaches]
        ceiling = [np.array([BRIGHTEST if own else np.inf], np.float32) for own in reaches]
        return cls(
            weights=list(bring([a.weights for a in acquisitions]).unbind(2)),
            saturation=bring([a.saturation for a in acquisitions]),
            minimum=bring([a.minimum for a in acquisitions]),
            haze=bring([a.haze for a in acquisitions]),
            rows=list(bring([pad(a.rows) for a in acquisitions]).unbind(2)),
            columns=list(bring([pad(a.columns) for a in acquisitions]).unbind(2)),
            reach=list(bring(reach).unbind(2)),
            ceiling=bring(ceiling),
        )


def emulate(
    toa: Tensor, taken: Taken, sensor: Sensor, noise: torch.Generator | None
) -> tuple[Tensor, Tensor]:
    """Emulate patches; see `firn.emulation.patches.emulate`.

    Parameters
    ----------
    toa : Tensor of float32, (patch, source band, y, x)
        Sentinel-2 TOA reflectance x 10000; 0 = no data, 65535 = saturated.
    taken : Taken
    sensor : Sensor
    noise : torch.Generator or None
        None = no noise.

    Returns
    -------
    reflectance : Tensor of float32, (patch, band, y, x)
        That of the digital numbers.
    valid : Tensor of bool, (patch, y, x)
    """
    full = 2**sensor.bits - 1
    sources = range(toa.shape[1])
    reflectance = torch.minimum(toa * (1 / STACK_SCALE), taken.ceiling)
    image = arrays.mix([reflectance[:, s : s + 1] for s in sources], taken.weights)
    image = arrays.add_haze(image, taken.haze)
    used = torch.cat([(w > 0).any(dim=1, keepdim=True) for w in taken.weights], dim=1)
    gaps = ((toa == STACK_NODATA) & used).any(dim=1, keepdim=True)
    if len(taken.rows) > 1:
        image = arrays.filtered(image, taken.rows, taken.columns)
        gaps = arrays.filtered(gaps.to(torch.float32), taken.reach, taken.reach) > 0
    numbers = arrays.scaled(image, taken.saturation, taken.minimum, full)
    if noise is not None:
        numbers = _with_noise(numbers, sensor, noise)
    numbers = arrays.rounded(numbers, full)
    saturated = toa == STACK_SATURATED
    for source, weight in enumerate(taken.weights):
        numbers = numbers.masked_fill(saturated[:, source : source + 1] & (weight > 0), full)
    step = (taken.saturation - taken.minimum) / full
    return taken.minimum + numbers * step, ~gaps[:, 0]


def _with_noise(numbers: Tensor, sensor: Sensor, generator: torch.Generator) -> Tensor:
    def of_bands(values: Sequence[float]) -> Tensor:
        return torch.tensor(values, dtype=torch.float32, device=numbers.device)[:, None, None]

    def normal(*shape: int) -> Tensor:
        return torch.randn(shape, generator=generator, device=numbers.device)

    patches, bands, height, width = numbers.shape
    still, growth = zip(*noise_variance(sensor), strict=True)
    stripes = normal(patches, bands, 1, width) * of_bands(stripe_deviation(sensor))
    noise = normal(patches, bands, height, width)
    return arrays.add_noise(numbers, noise, of_bands(still), of_bands(growth), stripes)


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
