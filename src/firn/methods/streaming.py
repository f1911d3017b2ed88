"""Networks that are applied to an image band by band of rows, as if to the whole of it.

To cut an image into windows, a network has to be computed around each of them for context: for 512
pixels of the reference U-Net that is as much again as the window. Here each layer keeps the few
rows that its next ones reach back to instead, so that nothing is computed twice from top to bottom,
and memory grows with the width of an image alone. Bands that fit into the processor's cache save
most of the way to memory, too.

The result is that of the whole image, but for rounding: padding is added at its upper and lower
edge only.
"""

import copy
from abc import ABC, abstractmethod
from collections.abc import Sequence

import torch
from torch import Tensor, nn


class RowStream(ABC):
    """A network or layer whose input, (sample, channel, y, x), comes in bands of rows."""

    @abstractmethod
    def push(self, rows: Tensor | None, *, last: bool) -> Tensor | None:
        """Take the next rows and give those of the result that they complete.

        Parameters
        ----------
        rows : Tensor, optional
            None where there are no new ones.
        last : bool
            Whether the image ends with them.

        Returns
        -------
        Tensor, optional
            None where no row is complete yet.
        """


class Whole(RowStream):
    """Any network: it waits for the whole image."""

    def __init__(self, module: nn.Module) -> None:
        self._module, self._rows = module, Rows()

    def push(self, rows: Tensor | None, *, last: bool) -> Tensor | None:
        """See `RowStream.push`."""
        self._rows.add(rows)
        if not last:
            return None
        result: Tensor = self._module(self._rows.take(len(self._rows)))
        return result


class Chain(RowStream):
    """One after the other."""

    def __init__(self, streams: Sequence[RowStream]) -> None:
        self._streams = streams

    def push(self, rows: Tensor | None, *, last: bool) -> Tensor | None:
        """See `RowStream.push`."""
        for stream in self._streams:
            rows = stream.push(rows, last=last)
        return rows


class Rows:
    """Rows that wait for others."""

    def __init__(self) -> None:
        self._bands: list[Tensor] = []
        self._count = 0

    def __len__(self) -> int:
        return self._count

    @property
    def width(self) -> int:
        """Columns of the rows."""
        return self._bands[0].shape[-1]

    def add(self, rows: Tensor | None) -> None:
        """Append rows."""
        if rows is not None:
            self._bands.append(rows)
            self._count += rows.shape[-2]

    def take(self, count: int) -> Tensor:
        """Remove the first rows and give them."""
        self._count -= count
        taken: list[Tensor] = []
        while count > 0:
            band = self._bands.pop(0)
            taken.append(band[..., :count, :])
            if (left := band.shape[-2] - count) > 0:
                self._bands.insert(0, band[..., count:, :])
            count = max(-left, 0)
        return joined(taken)


class Meeting:
    """Rows of two images that meet, of which the first is larger by as much on every side."""

    def __init__(self) -> None:
        self._outer, self._inner = Rows(), Rows()
        self._lost: int | None = None

    def push(self, outer: Tensor | None, inner: Tensor | None) -> tuple[Tensor, Tensor] | None:
        """Take new rows of both and give those of which both are there, cropped alike."""
        self._outer.add(outer)
        self._inner.add(inner)
        if self._lost is None and len(self._outer) and len(self._inner):
            # It comes with more rows than it is larger by, for the inner ones are made of them.
            self._lost = (self._outer.width - self._inner.width) // 2
            if self._lost:
                self._outer.take(self._lost)
        if (count := min(len(self._outer), len(self._inner))) == 0:
            return None
        rows, lost = self._outer.take(count), self._lost or 0
        return rows[..., lost : rows.shape[-1] - lost], self._inner.take(count)


def joined(bands: Sequence[Tensor]) -> Tensor:
    """Bands one below the other."""
    return bands[0] if len(bands) == 1 else torch.cat(list(bands), dim=-2)


def streamed(module: nn.Module) -> RowStream:
    """Apply a layer of a network row by row.

    Raises
    ------
    TypeError
        It is none of those that firn's networks are made of.
    """
    match module:
        case nn.Sequential():
            return Chain([streamed(layer) for layer in module])
        case nn.Conv2d(kernel_size=(1, _)) | nn.ReLU() | nn.Identity() | nn.BatchNorm2d():
            return _Pointwise(module)
        case nn.Conv2d():
            return _Convolution(module)
        case nn.ConvTranspose2d() if module.kernel_size == module.stride:
            return _Pointwise(module)
        case nn.MaxPool2d():
            return _Pooling(module)
        case nn.Upsample(mode="bilinear"):
            return _Interpolation(module)
    raise TypeError(f"{type(module).__name__} cannot be applied row by row")


class _Pointwise(RowStream):
    """Rows of the result that depend on one row each."""

    def __init__(self, module: nn.Module) -> None:
        self._module = module

    def push(self, rows: Tensor | None, *, last: bool) -> Tensor | None:
        """See `RowStream.push`."""
        return None if rows is None else self._module(rows)


class _Reaching(RowStream):
    """A layer that reaches back to rows before."""

    def __init__(self) -> None:
        self._kept: Tensor | None = None

    def _with_kept(self, rows: Tensor | None) -> Tensor | None:
        bands = [band for band in (self._kept, rows) if band is not None]
        return joined(bands) if bands else None

    def _keep(self, rows: Tensor, count: int) -> None:
        # A copy, or else all rows would be kept for the sake of a few.
        self._kept = rows[..., rows.shape[-2] - count :, :].clone() if count else None


class _Convolution(_Reaching):
    """A convolution of odd kernel, step 1 and zeros as padding."""

    def __init__(self, module: nn.Conv2d) -> None:
        super().__init__()
        assert isinstance(module.padding, tuple)
        self._padding, self._reach = module.padding[0], module.kernel_size[0] - 1
        self._module = copy.copy(module)
        self._module.padding = (0, module.padding[1])
        self._begun = False

    def push(self, rows: Tensor | None, *, last: bool) -> Tensor | None:
        """See `RowStream.push`."""
        seen = self._with_kept(rows)
        if seen is None:
            return None
        padding = self._padding * (not self._begun), self._padding * last
        self._begun = True
        if any(padding):
            seen = nn.functional.pad(seen, (0, 0, *padding))
        self._keep(seen, min(self._reach, seen.shape[-2]))
        return self._module(seen) if seen.shape[-2] > self._reach else None


class _Pooling(_Reaching):
    """Pooling of blocks that do not overlap; rows that fill no block are dropped at the end."""

    def __init__(self, module: nn.MaxPool2d) -> None:
        super().__init__()
        assert isinstance(module.kernel_size, int)
        self._module, self._block = module, module.kernel_size

    def push(self, rows: Tensor | None, *, last: bool) -> Tensor | None:
        """See `RowStream.push`."""
        seen = self._with_kept(rows)
        if seen is None:
            return None
        self._keep(seen, seen.shape[-2] % self._block)
        return self._module(seen) if seen.shape[-2] >= self._block else None


class _Interpolation(_Reaching):
    """Bilinear upsampling by an even factor, corners not aligned.

    The upper half of what a row becomes lies between it and the row before, the lower half between
    it and the next; at the edges of the image there is the row alone.
    """

    def __init__(self, module: nn.Upsample) -> None:
        super().__init__()
        assert isinstance(module.scale_factor, float)
        self._module, self._half = module, int(module.scale_factor) // 2

    def push(self, rows: Tensor | None, *, last: bool) -> Tensor | None:
        """See `RowStream.push`."""
        seen = self._with_kept(rows)
        if seen is None:
            return None
        fine: Tensor = self._module(seen)
        # What was given before ends half-way through the last row that was kept.
        before = 0 if self._kept is None else self._kept.shape[-2]
        first = max(2 * before - 1, 0) * self._half
        stop = fine.shape[-2] - (0 if last else self._half)
        self._keep(seen, min(2, seen.shape[-2]))
        return fine[..., first:stop, :] if stop > first else None
