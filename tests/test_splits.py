"""The split of patches into train, validation and evaluation."""

import random
from collections import Counter

import pytest
from affine import Affine
from hypothesis import given
from hypothesis import strategies as st
from rasterio.crs import CRS

from firn.config import BlockSplit, RandomPatchSplit
from firn.grid import Grid
from firn.splits import (
    EVALUATION,
    SPLITS,
    TRAIN,
    VALIDATION,
    Anchor,
    Block,
    PatchKey,
    block_anchors,
    split_patches,
    touched,
)

SIZE = 128
BLOCKS = BlockSplit(block_size=256, validation=0.15, evaluation=0.15, evaluation_scenes=0.2)


HOME = Anchor("32TPR", 0, 0)


def tile_grid(left: float, top: float, epsg: int = 32632) -> Grid:
    return Grid(CRS.from_epsg(epsg), Affine(20, 0, left, 0, -20, top), 512, 512)


#: Tiles that do not touch.
GRIDS = {
    tile: tile_grid(600000 + 20000 * i, 5200020)
    for i, tile in enumerate(("32TPR", "32TPS", "31TCH"))
}


def scene_patches(tiles: int = 2, dates: int = 5, side: int = 512) -> list[PatchKey]:
    """Patches of 128 pixels every 96 on square tiles."""
    corners = range(0, side - SIZE + 1, 96)
    return [
        PatchKey(f"32TP{'RSTU'[tile]}", f"2018{month + 1:02}15", row, col)
        for tile in range(tiles)
        for month in range(dates)
        for row in corners
        for col in corners
    ]


def block_places(row: int, col: int, anchor: Anchor = HOME) -> set[tuple[int, int]]:
    patch = PatchKey("32TPR", "20180115", row, col)
    return {(block.row, block.col) for block in touched(patch, anchor, 128, 256)}


def test_touched_blocks_by_hand() -> None:
    assert block_places(0, 96) == {(0, 0)}
    assert block_places(0, 128) == {(0, 0)}, "pixels 128-255 end where the block ends"
    assert block_places(0, 129) == {(0, 0), (0, 1)}
    assert block_places(192, 192) == {(0, 0), (0, 1), (1, 0), (1, 1)}
    assert block_places(0, 0, Anchor("32TPR", -20, 300)) == {(-1, 1), (0, 1)}


def test_every_split_holds_out_scenes_and_blocks() -> None:
    assigned, dropped = split_patches(scene_patches(), GRIDS, SIZE, BLOCKS, seed=1)
    assert set(assigned.values()) == set(SPLITS)
    dates = {s: {p.date for p, t in assigned.items() if t == s} for s in SPLITS}
    ground = {
        split: {
            (p.tile, block)
            for p, s in assigned.items()
            if s == split
            for block in touched(p, HOME, SIZE, 256)
        }
        for split in SPLITS
    }
    assert dates[EVALUATION].isdisjoint(dates[TRAIN] | dates[VALIDATION])
    assert len(dates[EVALUATION]) == 1, "0.2 of five dates"
    for a, b in [(TRAIN, VALIDATION), (TRAIN, EVALUATION), (VALIDATION, EVALUATION)]:
        assert ground[a].isdisjoint(ground[b])
    assert len(assigned) + sum(dropped.values()) == len(scene_patches())


def test_blocks_of_512_pixels_give_counts_by_hand() -> None:
    """4 blocks a tile: 2 train, 1 validation, 1 evaluation; 4 whole patches in each but edges."""
    assigned, dropped = split_patches(scene_patches(tiles=1), GRIDS, SIZE, BLOCKS, seed=1)
    blocks: dict[str, set[Block]] = {split: set() for split in SPLITS}
    for patch, split in assigned.items():
        blocks[split] |= touched(patch, HOME, SIZE, 256)
    assert {split: len(held) for split, held in blocks.items()} == {
        TRAIN: 2,
        VALIDATION: 1,
        EVALUATION: 1,
    }
    # Corners 0, 96 lie in the first 256 pixels, 288, 384 in the others, 192 crosses.
    whole = 2 * 2
    counts = Counter(assigned.values())
    assert counts[VALIDATION] == 4 * whole
    assert counts[EVALUATION] == 1 * whole
    assert dropped["evaluation_block"] == 4 * whole


@given(st.integers(0, 2**32), st.randoms(use_true_random=False))
def test_split_ignores_the_order_of_patches(seed: int, shuffler: random.Random) -> None:
    patches = scene_patches(tiles=1, dates=3)
    shuffled = patches.copy()
    shuffler.shuffle(shuffled)
    for settings in (BLOCKS, RandomPatchSplit()):
        assert (
            split_patches(patches, GRIDS, SIZE, settings, seed).assigned
            == split_patches(shuffled, GRIDS, SIZE, settings, seed).assigned
        )


def test_seed_changes_the_split() -> None:
    drawn = {
        frozenset(
            p for p, s in split_patches(scene_patches(), GRIDS, SIZE, BLOCKS, seed).assigned.items()
        )
        for seed in range(10)
    }
    assert len(drawn) > 5


def test_another_tile_does_not_move_the_blocks_of_the_first() -> None:
    alone = split_patches(scene_patches(tiles=1), GRIDS, SIZE, BLOCKS, 3).assigned
    both = split_patches(scene_patches(tiles=2), GRIDS, SIZE, BLOCKS, 3).assigned
    assert alone == {patch: split for patch, split in both.items() if patch.tile == "32TPR"}


def test_random_patches_take_the_shares_of_the_reference() -> None:
    """Of 100 patches a tile 20 evaluate; of the other 80 a tenth validates."""
    patches = [PatchKey("31TCH", "20170506", row, col) for row in range(10) for col in range(10)]
    assigned, dropped = split_patches(patches, GRIDS, SIZE, RandomPatchSplit(), seed=1)
    assert Counter(assigned.values()) == {EVALUATION: 20, VALIDATION: 8, TRAIN: 72}
    assert not dropped


@pytest.mark.parametrize("side", [256, 128])
def test_too_few_blocks_leave_splits_empty(side: int) -> None:
    assigned, _ = split_patches(scene_patches(tiles=1, side=side), GRIDS, SIZE, BLOCKS, seed=1)
    assert set(assigned.values()) == {TRAIN}


def splits_by_ground(grids: dict[str, Grid], seed: int) -> dict[tuple[float, float], set[str]]:
    """Splits that each pixel corner of a patch, in map coordinates, is in on a training date."""
    assigned, _ = split_patches(scene_patches(), grids, SIZE, BLOCKS, seed)
    ground: dict[tuple[float, float], set[str]] = {}
    for patch, split in assigned.items():
        transform = grids[patch.tile].transform
        for row in range(patch.row, patch.row + SIZE, 4):
            for col in range(patch.col, patch.col + SIZE, 4):
                x, y = transform.c + 20 * col, transform.f - 20 * row
                ground.setdefault((x, y), set()).add(split)
    return ground


@pytest.mark.parametrize("seed", range(5))
def test_overlapping_tiles_share_blocks(seed: int) -> None:
    """The second tile begins 100 pixels east and 52 south of the first, off the blocks' borders."""
    overlapping = {"32TPR": tile_grid(600000, 5200020), "32TPS": tile_grid(602000, 5198980)}
    ground = splits_by_ground(overlapping, seed)
    assert all(len(splits) == 1 for splits in ground.values())
    assert set().union(*ground.values()) == set(SPLITS)


def test_tiles_joined_by_a_third_share_blocks() -> None:
    """A and C do not touch, B overlaps both: all count from the first, C from pixel 800."""
    grids = {
        "32TPR": tile_grid(600000, 5200020),
        "32TPS": tile_grid(616000, 5200020),
        "32TPT": tile_grid(608000, 5200020),
    }
    assert block_anchors(grids) == {
        "32TPR": ("32TPR", 0, 0),
        "32TPS": ("32TPR", 0, 800),
        "32TPT": ("32TPR", 0, 400),
    }


def test_tiles_that_share_no_ground_have_blocks_of_their_own() -> None:
    """So no patch is lost at the border of a block; a tile of another zone is always apart."""
    grids = {"32TPR": tile_grid(600000, 5200020), "33TPR": tile_grid(600000, 5200020, 32633)}
    apart = block_anchors(grids | {"32TPS": tile_grid(610240, 5200020)})
    assert all(anchor == (tile, 0, 0) for tile, anchor in apart.items())
