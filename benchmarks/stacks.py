"""Reading a Level-1C product to 20 m, beside decoding its bands and nothing more."""

from functools import partial
from pathlib import Path

from benchmarks.baselines.stacks import decode_and_drop
from benchmarks.cost import Row, compare, measure
from benchmarks.products import l1c, l1c_path
from firn.products.sentinel2 import open_l1c
from firn.stacks import RESOLUTION, STACK_BANDS


def read(product: Path) -> None:
    """Read the bands of the stacks."""
    open_l1c(product).read(STACK_BANDS, RESOLUTION)


def rows(folder: Path, size: int, repeats: int) -> list[Row]:
    """Rows ``stacks``: asked are at most 1.3 times the time of decoding and less than 3 GiB.

    Parameters
    ----------
    folder : path
        Where the product is kept between runs.
    size : int
        Side of the product, pixels of 10 m.
    repeats : int
        Measurements of which the median counts.
    """
    product = l1c_path(folder, size)
    if not product.exists():
        # In a process of its own: the memory of this one would count as that of its children.
        measure(l1c, product, size)
    return compare(
        "stacks",
        partial(measure, read, product),
        partial(measure, decode_and_drop, product, STACK_BANDS),
        repeats,
    )
