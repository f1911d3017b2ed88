"""Which patches train, validate and evaluate.

Blocks and dates are ranked by random numbers of their own, keyed by their names. So the split is
the same for every sensor and method, and does not depend on the order of files.

Blocks are ground, not parts of a tile: where tiles of one UTM zone overlap, they share the blocks.
Tiles of two zones do not, although they overlap by some kilometres: there the same ground may train
in one zone and validate in the other, or evaluate in it, but then on dates that train nowhere.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from typing import NamedTuple

from firn.config import BlockSplit, RandomPatchSplit
from firn.grid import Grid
from firn.seeds import generator

TRAIN, VALIDATION, EVALUATION = SPLITS = ("train", "validation", "evaluation")

Name = tuple[str, ...]


class PatchKey(NamedTuple):
    """A patch of a scene: its tile, date (YYYYMMDD), and upper-left pixel in the tile grid."""

    tile: str
    date: str
    row: int
    col: int


class Anchor(NamedTuple):
    """The tile that blocks are counted from, and a tile's upper-left pixel in that tile's rows."""

    tile: str
    row: int
    col: int


class Block(NamedTuple):
    """A square of ground: the tile that blocks are counted from, and its place among them."""

    anchor: str
    row: int
    col: int


class Split(NamedTuple):
    """Patches by split, and how many were left out for which reason."""

    assigned: dict[PatchKey, str]
    dropped: dict[str, int]


def split_patches(
    patches: Sequence[PatchKey],
    grids: Mapping[str, Grid],
    size: int,
    settings: BlockSplit | RandomPatchSplit,
    seed: int,
) -> Split:
    """Assign patches to train, validation and evaluation.

    A split may come out empty where blocks or scenes are few; the caller judges that.

    Parameters
    ----------
    patches : sequence of PatchKey
    grids : mapping of tile to Grid
        Of every tile that has a patch.
    size : int
        Side of a patch, pixels.
    settings : BlockSplit or RandomPatchSplit
    seed : int
    """
    if isinstance(settings, RandomPatchSplit):
        return Split(_random_patches(patches, settings, seed), {})
    return _blocks_and_scenes(patches, grids, size, settings, seed)


def touched(patch: PatchKey, anchor: Anchor, size: int, block_size: int) -> set[Block]:
    """Blocks of ``block_size`` pixels that a patch of ``size`` pixels touches."""
    row, col = patch.row + anchor.row, patch.col + anchor.col
    rows = range(row // block_size, (row + size - 1) // block_size + 1)
    cols = range(col // block_size, (col + size - 1) // block_size + 1)
    return {Block(anchor.tile, r, c) for r in rows for c in cols}


def _ranked(names: Iterable[Name], seed: int) -> list[Name]:
    return sorted(names, key=lambda name: (generator(seed, "split", *name).random(), name))


def _share(count: int, fraction: float) -> int:
    """Round a share of ``count``, but never to nothing."""
    return max(1, round(count * fraction)) if fraction else 0


def _deal(
    names: Iterable[Name], validation: float, evaluation: float, seed: int
) -> dict[Name, str]:
    """Deal things to the splits by rank; ``validation`` is a share of what evaluation leaves."""
    ranked = _ranked(names, seed)
    n_evaluation = _share(len(ranked), evaluation)
    n_validation = _share(len(ranked) - n_evaluation, validation)
    splits = [EVALUATION] * n_evaluation + [VALIDATION] * n_validation + [TRAIN] * len(ranked)
    return dict(zip(ranked, splits, strict=False))


def _random_patches(
    patches: Sequence[PatchKey], settings: RandomPatchSplit, seed: int
) -> dict[PatchKey, str]:
    by_tile: dict[str, dict[Name, PatchKey]] = defaultdict(dict)
    for patch in patches:
        name = ("patch", patch.tile, patch.date, str(patch.row), str(patch.col))
        by_tile[patch.tile][name] = patch
    assigned: dict[PatchKey, str] = {}
    for named in by_tile.values():
        dealt = _deal(named, settings.validation, settings.evaluation, seed)
        assigned |= {named[name]: split for name, split in dealt.items()}
    return assigned


def block_anchors(grids: Mapping[str, Grid]) -> dict[str, Anchor]:
    """Where blocks are counted from: the upper-left corner of the first of tiles that overlap.

    A tile that shares ground with no other is its own anchor, so that blocks fit its patches.
    """
    groups: list[list[str]] = []
    for tile, grid in sorted(grids.items()):
        near = [g for g in groups if any(_share_ground(grid, grids[other]) for other in g)]
        groups = [g for g in groups if g not in near]
        groups.append([*chain.from_iterable(near), tile])
    anchors = {}
    for first, *others in groups:
        corner = grids[first].transform
        for tile in (first, *others):
            here = grids[tile].transform
            row = round((corner.f - here.f) / here.a)
            anchors[tile] = Anchor(first, row, round((here.c - corner.c) / here.a))
    return anchors


def _share_ground(a: Grid, b: Grid) -> bool:
    return a.crs == b.crs and a.overlaps(b)


def split_blocks(
    blocks_of: Mapping[PatchKey, set[Block]], validation: float, evaluation: float, seed: int
) -> dict[Block, str]:
    """Split of the blocks that wholly contain a patch; others are training ground.

    Overlapping tiles with at least three such blocks give at least one to every split.

    Parameters
    ----------
    blocks_of : mapping of PatchKey to set of Block
        Blocks that each patch touches.
    validation, evaluation : float
        Both shares of all blocks.
    seed : int
    """
    candidates: dict[str, set[Block]] = defaultdict(set)
    for blocks in blocks_of.values():
        if len(blocks) == 1:
            (block,) = blocks
            candidates[block.anchor].add(block)
    of_the_rest = min(1.0, validation / max(1 - evaluation, 1e-9))
    splits: dict[Block, str] = {}
    for blocks in candidates.values():
        if len(blocks) < len(SPLITS):
            continue
        named: dict[Name, Block] = {("block", *map(str, block)): block for block in blocks}
        dealt = _deal(named, of_the_rest, evaluation, seed)
        splits |= {named[name]: split for name, split in dealt.items()}
    return splits


def _evaluation_dates(patches: Sequence[PatchKey], fraction: float, seed: int) -> set[str]:
    """Dates held out on every tile: tiles overlap, so scenes of one day are one observation."""
    ranked = _ranked({("date", patch.date) for patch in patches}, seed)
    return {date for _, date in ranked[: _share(len(ranked), fraction)]}


def _blocks_and_scenes(
    patches: Sequence[PatchKey],
    grids: Mapping[str, Grid],
    size: int,
    settings: BlockSplit,
    seed: int,
) -> Split:
    anchors = block_anchors(grids)
    blocks_of = {p: touched(p, anchors[p.tile], size, settings.block_size) for p in patches}
    block_splits = split_blocks(blocks_of, settings.validation, settings.evaluation, seed)
    held_out = _evaluation_dates(patches, settings.evaluation_scenes, seed)
    assigned: dict[PatchKey, str] = {}
    dropped: Counter[str] = Counter(crosses_blocks=0, evaluation_block=0, evaluation_scene=0)
    for patch, blocks in blocks_of.items():
        splits = {block_splits.get(block, TRAIN) for block in blocks}
        if len(splits) > 1:
            dropped["crosses_blocks"] += 1
            continue
        split = splits.pop()
        if (patch.date in held_out) == (split == EVALUATION):
            assigned[patch] = split
        else:
            # A training scene over evaluation ground, or an evaluation scene over training ground.
            dropped["evaluation_scene" if patch.date in held_out else "evaluation_block"] += 1
    return Split(assigned, dict(dropped))
