"""The patch network (Kristollari & Karathanassi 2020, Proc. SPIE 11524, 115240K).

It looks at a patch of 16 x 16 pixels and tells the class of its pixel [8, 8]: three blocks of a
3 x 3 convolution to 8 maps and a 2 x 2 maximum, two dense layers of 50, and a last one. A patch has
no pixel in its middle: pixel [8, 8] has 8 rows above it and 7 below, so that the context of each
pixel reaches half a pixel further to the upper left. It is the same in training and on scenes.

The published network has one output, cloud or clear, and 6,363 parameters for 13 bands. firn's has
an output for each class, or two that are made of the one.

On a scene, a patch per pixel would compute each product a hundred times. `PatchNetwork.forward`
computes it once, for all patches that share it, and gives the same numbers. What makes that more
than a dilated convolution is the padding: a convolution sees zeros beyond the edge of the *patch*,
where the scene goes on. So what a pixel is, depends on where in a patch it lies: at an edge, beside
one, or inside. There are few such places, and a map is kept for each of them.
"""

import itertools
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from firn.classes import CLASS_NAMES, SurfaceClass
from firn.companions_config import PatchCnnSettings
from firn.config import NetworkSettings
from firn.methods.network import Network, NetworkModel
from firn.samples import RELIEF_CHANNELS

METHOD = "patch-cnn"
MADE_BY = "train"

#: Side of a patch, and row and column of the pixel that it judges.
PATCH, CENTRE = 16, 8
BLOCKS, FILTERS, DENSE = 3, 8, 50
#: Slope of the leaky rectifier below 0.
LEAK = 0.3
#: Side of the parts of an image that are judged at once: their maps stay in the cache.
TILE = 128
#: Logit of a class that a network does not know: its probability is 0.
NEVER = -1e4

#: Kind of place in a patch along one axis, by position: places of a kind hold the same maps.
Places = Sequence[int]
#: Maps, (channel, row, column), by the kind of place along both axes.
Maps = dict[tuple[int, int], Tensor]
#: What a convolution reads along one axis: a kind of place, by its tap 0, 1 or 2.
Term = tuple[int, int]


class PatchNetwork(Network):
    """The network on patches, and on scenes.

    Parameters
    ----------
    bands : int
        Channels that it looks at; those behind them, the relief, it leaves alone.
    head : str
        ``classes`` or ``cloud``, as in `firn.companions_config.PatchCnnSettings`.
    activation : str
        ``relu`` or ``leaky-relu``.
    batch_norm : bool
        Normalise after convolutions; then `forward` is of use once it is trained.
    dropout : float
        Of both dense layers.
    """

    margin = CENTRE
    # Above and left of pixel [8, 8] are 8 pixels; below and right, where 7 would do, 8 as well.
    lost = CENTRE

    def __init__(
        self, bands: int, head: str, activation: str, batch_norm: bool, dropout: float
    ) -> None:
        super().__init__()
        self.bands, self.cloud_only, self.leaky = bands, head == "cloud", activation != "relu"
        sources = [bands, *[FILTERS] * (BLOCKS - 1)]
        self.convolutions = nn.ModuleList(
            nn.Conv2d(source, FILTERS, 3, padding=1) for source in sources
        )
        self.norms = nn.ModuleList(
            nn.BatchNorm2d(FILTERS) if batch_norm else nn.Identity() for _ in sources
        )
        flat = FILTERS * (PATCH >> BLOCKS) ** 2
        outputs = 1 if self.cloud_only else len(CLASS_NAMES)
        self.dense = nn.ModuleList(
            [nn.Linear(flat, DENSE), nn.Linear(DENSE, DENSE), nn.Linear(DENSE, outputs)]
        )
        self.dropout = nn.Dropout(dropout)

    def input_size(self, size: int) -> int:
        """See `Network.input_size`; a pixel takes a patch and the row below it."""
        return max(size, 2 * CENTRE + 1)

    def judge(self, patches: Tensor) -> Tensor:
        """Logits, (patch, class), of patches, (patch, band, 16, 16), one by one as published."""
        values = patches[:, : self.bands]
        for convolution, norm in zip(self.convolutions, self.norms, strict=True):
            values = functional.max_pool2d(self._activate(norm(convolution(values))), 2)
        return self._classify(values.flatten(1))

    def forward(self, channels: Tensor) -> Tensor:
        """Logits, (sample, class, y - 16, x - 16), of all pixels but 8 along each edge.

        Parameters
        ----------
        channels : Tensor, (sample, channel, y, x)
        """
        values = channels[:, : self.bands]
        if torch.is_grad_enabled():
            return self._judge_images(values)
        side = TILE + PATCH
        height, width = values.shape[-2] - PATCH, values.shape[-1] - PATCH
        tiles = [
            [
                self._judge_images(values[..., row : row + side, col : col + side])
                for col in range(0, width, TILE)
            ]
            for row in range(0, height, TILE)
        ]
        return torch.cat([torch.cat(row, dim=-1) for row in tiles], dim=-2)

    def _judge_images(self, values: Tensor) -> Tensor:
        return torch.stack([self._judge_all(image) for image in values])

    def _judge_all(self, image: Tensor) -> Tensor:
        """Logits, (class, y - 16, x - 16), of an image, (band, y, x)."""
        height, width = image.shape[-2] - PATCH, image.shape[-1] - PATCH
        places: Places = [0] * PATCH
        # What the frame holds is read by no patch: it keeps all maps of a block of one size.
        frame = (1 << BLOCKS) - 1
        maps: Maps = {(0, 0): functional.pad(image, (frame,) * 4)}
        for block, (convolution, norm) in enumerate(
            zip(self.convolutions, self.norms, strict=True)
        ):
            step = 1 << block
            maps, places = _convolve(maps, places, convolution, step)
            maps = {place: norm(values[None])[0] for place, values in maps.items()}
            maps, places = _pool(maps, places, step)
            # A rectifier never falls, so it may follow the maximum, where there are fewer maps.
            maps = {place: self._activate(values) for place, values in maps.items()}
        step = 1 << BLOCKS
        corners = [
            maps[places[row], places[col]][
                :, row * step : row * step + height, col * step : col * step + width
            ]
            for row, col in itertools.product(range(len(places)), repeat=2)
        ]
        # As `flatten` orders them: channel, row, column.
        flat = torch.stack(corners, dim=1).flatten(0, 1)
        logits = self._classify(flat.flatten(1).T)
        return logits.T.reshape(-1, height, width)

    def _activate(self, values: Tensor) -> Tensor:
        if self.leaky:
            return functional.leaky_relu(values, LEAK)
        return functional.relu(values)

    def _classify(self, flat: Tensor) -> Tensor:
        """Logits, (pixel, class), of the last maps, (pixel, 32)."""
        first, second, last = self.dense
        hidden = self.dropout(functional.relu(first(flat)))
        hidden = self.dropout(functional.relu(second(hidden)))
        logits: Tensor = last(hidden)
        if not self.cloud_only:
            return logits
        known = {SurfaceClass.GROUND: torch.zeros_like(logits), SurfaceClass.CLOUD: logits}
        never = torch.full_like(logits, NEVER)
        return torch.cat([known.get(surface, never) for surface in SurfaceClass], dim=1)


def _kinds(keys: Iterable[Any]) -> tuple[list[Any], list[int]]:
    """Different keys, and the position among them of each."""
    listed = list(keys)
    different = list(dict.fromkeys(listed))
    return different, [different.index(key) for key in listed]


def _reads(places: Places) -> tuple[list[tuple[Term, ...]], list[int]]:
    """Tell what a convolution reads at each position: kinds of place, and by which of its taps.

    Beyond the edge of the patch it reads zeros, that is nothing.

    Returns
    -------
    kinds : list of tuple of (kind, tap)
        Different ones.
    places : list of int
        Position among them, for each position.
    """
    positions = range(len(places))
    return _kinds(
        tuple((places[i + tap - 1], tap) for tap in range(3) if i + tap - 1 in positions)
        for i in positions
    )


def _convolve(
    maps: Maps, places: Places, convolution: nn.Module, step: int
) -> tuple[Maps, list[int]]:
    """Convolve maps of which neighbours are ``step`` pixels apart.

    Value [y, x] of a map is that of the patch that has this place on pixel [y, x] of the scene.
    The maps lose ``step`` pixels along each edge.

    Returns
    -------
    maps : dict
        By the new kinds of place.
    places : list of int
        New kind of place, by position.
    """
    assert isinstance(convolution, nn.Conv2d)
    kinds, kind_of = _reads(places)
    terms = sorted({term for kind in kinds for term in kind})
    products = {
        source: _products(values, source, terms, convolution) for source, values in maps.items()
    }
    # Along the rows first, for each kind of row and tap; then these along the columns.
    rows = {}
    for y, i in terms:
        columns = {(x, j): _shifted(products[y, x][i, j], j, step, -1) for x, j in terms}
        rows[y, i] = _sums(kinds, columns)
    result: Maps = {}
    for col in range(len(kinds)):
        shifted = {(y, i): _shifted(sums[col], i, step, -2) for (y, i), sums in rows.items()}
        result |= {(row, col): total for row, total in enumerate(_sums(kinds, shifted))}
    return result, kind_of


def _products(
    values: Tensor, source: tuple[int, int], terms: Sequence[Term], convolution: nn.Conv2d
) -> dict[tuple[int, int], Tensor]:
    """Products of the maps of one kind of place with each tap that reads it, one tap by itself."""
    row, col = source
    taps = [(i, j) for y, i in terms if y == row for x, j in terms if x == col]
    weights = torch.cat([convolution.weight[:, :, i, j] for i, j in taps])
    # Whatever else is read, the middle tap is: the bias comes with it.
    assert convolution.bias is not None
    none = torch.zeros_like(convolution.bias)
    bias = torch.cat([convolution.bias if tap == (1, 1) else none for tap in taps])
    flat = torch.addmm(bias[:, None], weights, values.flatten(1))
    parts = flat.reshape(len(taps), FILTERS, *values.shape[1:])
    return dict(zip(taps, parts, strict=True))


def _shifted(values: Tensor, tap: int, step: int, axis: int) -> Tensor:
    """Values that a tap reads, ``step`` pixels before, at or after those of the middle."""
    return values.narrow(axis, tap * step, values.shape[axis] - 2 * step)


def _sums(kinds: Sequence[tuple[Term, ...]], values: Mapping[Term, Tensor]) -> list[Tensor]:
    """Sum the terms of each kind; sums that several have in common are computed once."""
    known: dict[tuple[Term, ...], Tensor] = {}

    def total(terms: tuple[Term, ...]) -> Tensor:
        if len(terms) == 1:
            return values[terms[0]]
        if terms not in known:
            known[terms] = values[terms[0]] + total(terms[1:])
        return known[terms]

    return [total(kind) for kind in kinds]


def _pool(maps: Maps, places: Places, step: int) -> tuple[Maps, list[int]]:
    """Maximum of 2 x 2 places, ``step`` pixels apart; the maps lose so many rows and columns."""
    pairs, kind_of = _kinds(zip(places[::2], places[1::2], strict=True))
    rows = sorted({row for row, _ in maps})
    wide = {
        (row, col): _larger(maps[row, left], maps[row, right], step, -1)
        for row in rows
        for col, (left, right) in enumerate(pairs)
    }
    result = {
        (row, col): _larger(wide[above, col], wide[below, col], step, -2)
        for row, (above, below) in enumerate(pairs)
        for col in range(len(pairs))
    }
    return result, kind_of


def _larger(first: Tensor, second: Tensor, step: int, axis: int) -> Tensor:
    """Maximum of each value of the first maps and the one ``step`` behind it of the second."""
    size = first.shape[axis] - step
    return torch.maximum(first.narrow(axis, 0, size), second.narrow(axis, step, size))


class PatchCnnModel(NetworkModel):
    """The patch network for each pixel of an image; the relief is not looked at."""

    @classmethod
    def architecture(cls, settings: NetworkSettings) -> dict[str, Any]:
        """See `NetworkModel.architecture`: published layers, with an output for each class."""
        return describe(PatchCnnSettings())

    @classmethod
    def build(cls, architecture: Mapping[str, Any], channels: int) -> Network:
        """See `NetworkModel.build`."""
        return PatchNetwork(channels - len(RELIEF_CHANNELS), **architecture)


def describe(settings: PatchCnnSettings) -> dict[str, Any]:
    """Architecture in the card of a network."""
    return settings.model_dump(include={"head", "activation", "batch_norm", "dropout"})
