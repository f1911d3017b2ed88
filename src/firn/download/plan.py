"""What a download needs: files, bytes, time and disk."""

import shutil
from collections.abc import Sequence
from pathlib import Path

from firn.download.table import KINDS, Kind, Product

#: Size of a product whose provider does not tell it, bytes. L1C: ESA's user guide. L2A: twenty
#: bands of 16 bits and their masks have 2.7 GB, which zip to about 60 %. The others by the numbers
#: of their pixels.
TYPICAL_SIZE: dict[Kind, int] = {
    "l1c": 600_000_000,
    "l2a": 1_600_000_000,
    "snow": 5_000_000,
    "spot": 20_000_000,
    "dem": 40_000_000,
}
#: Transfer rate that the estimate of time assumes, bytes per second.
RATE = 10_000_000


def missing(products: Sequence[Product], folder: str) -> list[Product]:
    """Products that are not in the folder yet."""
    return [product for product in products if not (Path(folder) / product.file).exists()]


def size_of(product: Product) -> int:
    """Size of a product, bytes; a typical one where the provider does not tell."""
    return TYPICAL_SIZE[product.kind] if product.size is None else product.size


def describe(products: Sequence[Product], folder: str) -> str:
    """Say what is to be downloaded, how long that takes and whether there is room."""
    wanted = missing(products, folder)
    lines = [f"{'kind':6}{'products':>10}{'to fetch':>10}{'GB':>10}"]
    for kind in KINDS:
        of_kind = [product for product in products if product.kind == kind]
        new = [product for product in wanted if product.kind == kind]
        if of_kind:
            gigabytes = sum(map(size_of, new)) / 1e9
            lines.append(f"{kind:6}{len(of_kind):10}{len(new):10}{gigabytes:10.2f}")
    total = sum(map(size_of, wanted))
    guessed = sum(product.size is None for product in wanted)
    free = shutil.disk_usage(_existing(Path(folder))).free
    lines.append(
        f"{len(wanted)} files, {total / 1e9:.2f} GB; at {RATE / 1e6:.0f} MB/s "
        f"{total / RATE / 3600:.1f} h, and longer where the provider has a quota"
    )
    if guessed:
        lines.append(f"the size of {guessed} of them is not known and taken as typical")
    verdict = "enough" if free > total else "NOT ENOUGH"
    lines.append(f"{folder}: {free / 1e9:.2f} GB are free, {verdict}")
    return "\n".join(lines)


def _existing(folder: Path) -> Path:
    """Give the folder, or the first above it that exists."""
    return next(path for path in (folder.absolute(), *folder.absolute().parents) if path.exists())
