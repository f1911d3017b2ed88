"""Which of the products that are there are chosen. Nothing depends on the order of a listing."""

import re
from collections.abc import Collection, Iterable, Mapping

import numpy as np
from scipy.optimize import linear_sum_assignment

from firn.download.table import Kind, Product
from firn.seeds import generator

#: More than any sum of costs, so that an impossible pair is taken only where nothing else is left.
_IMPOSSIBLE = 1e6

#: Baseline and time of processing in the name of an L1C product, version in a MUSCATE name.
_L1C_VERSION = re.compile(r"_N(\d{4})_R\d{3}_T\w{5}_(\d{8}T\d{6})")
_MUSCATE_VERSION = re.compile(r"_V(\d+)-(\d+)$")

#: Products of one tile and date by kind.
Scene = Mapping[Kind, Product]


def _version(product: Product) -> tuple[tuple[int, ...], str]:
    name = product.product_id
    if told := _L1C_VERSION.search(name):
        return (int(told[1]), int(told[2].replace("T", ""))), name
    told = _MUSCATE_VERSION.search(name)
    return ((int(told[1]), int(told[2])) if told else ()), name


def match(products: Iterable[Product]) -> dict[tuple[str, str], dict[Kind, Product]]:
    """Products of each tile and date by kind; of several versions the latest."""
    scenes: dict[tuple[str, str], dict[Kind, Product]] = {}
    for product in products:
        scene = scenes.setdefault((product.tile, product.date), {})
        other = scene.get(product.kind)
        if other is None or _version(product) > _version(other):
            scene[product.kind] = product
    return scenes


def complete(
    scenes: Mapping[tuple[str, str], Scene], kinds: Collection[Kind]
) -> list[tuple[str, str]]:
    """Tiles and dates that have a product of each kind, sorted."""
    return sorted(key for key, scene in scenes.items() if set(kinds) <= scene.keys())


def one_per_month(candidates: Iterable[tuple[str, str]], seed: int) -> list[tuple[str, str]]:
    """Draw a date for each tile and calendar month, no two tiles on one date.

    The scheme of the reference (Barrou Dumont, Gascoin & Inglada 2024): the month counts, not the
    year. Each tile and date draws a number from the seed and its own name, and the assignment of
    dates to tiles with the lowest sum is taken: it leaves no tile without a scene that could have
    one, and a tile that competes with no other gets each of its dates with the same probability.

    Parameters
    ----------
    candidates : iterable of (tile, date)
        Dates as YYYYMMDD.
    seed : int

    Returns
    -------
    list of (tile, date), sorted
    """
    by_month: dict[str, set[tuple[str, str]]] = {}
    for tile, date in candidates:
        by_month.setdefault(date[4:6], set()).add((tile, date))
    chosen: list[tuple[str, str]] = []
    for pairs in by_month.values():
        tiles = sorted({tile for tile, _ in pairs})
        dates = sorted({date for _, date in pairs})
        cost = np.full((len(tiles), len(dates)), _IMPOSSIBLE)
        for tile, date in pairs:
            draw = generator(seed, "scenes", tile, date).random()
            cost[tiles.index(tile), dates.index(date)] = draw
        for row, column in zip(*linear_sum_assignment(cost), strict=True):
            if cost[row, column] < _IMPOSSIBLE:
                chosen.append((tiles[row], dates[column]))
    return sorted(chosen)
