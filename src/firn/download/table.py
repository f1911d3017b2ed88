"""The table of products: what was chosen, and what each file must be.

The Snakefile reads it, so this module stays light.
"""

import os
import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from typing import Literal, get_args

from firn.files import write_text
from firn.tables import Row, read_rows

Kind = Literal["l1c", "l2a", "snow", "spot", "dem"]
KINDS: tuple[Kind, ...] = get_args(Kind)
#: The products of one Sentinel-2 tile and date.
SENTINEL2_KINDS: tuple[Kind, ...] = ("l1c", "l2a", "snow")
#: Those without which there is no scene; a snow map can be computed.
NEEDED_KINDS: tuple[Kind, ...] = ("l1c", "l2a")

#: Identifiers become names of files, and come from a server.
IDENTIFIER = r"[A-Za-z0-9][A-Za-z0-9._-]*"
#: What every value must match.
_PATTERNS = {
    "kind": ("|".join(KINDS), "l1c"),
    "area": (r"[A-Za-z0-9_-]*", "pyrenees"),
    "tile": (r"(\d{2}[A-Z]{3})?", "31TCH"),
    "date": (r"(\d{8})?", "20190131"),
    "platform": (r"[A-Za-z0-9_-]*", "SPOT4"),
    "product_id": (IDENTIFIER, "S2A_MSIL1C_..."),
    "provider": (r"[A-Za-z0-9_-]*", "geodes"),
    "collection": (r"[A-Za-z0-9._-]*", "S2_MSI_L1C"),
    "cloud_cover": (r"(\d+(\.\d+)?)?", "12.5"),
    "size": (r"\d*", "734003200"),
    "md5": (r"([0-9a-f]{32})?", "32 hexadecimal digits"),
}


@dataclass(frozen=True)
class Product:
    """One product that a provider offers.

    Attributes
    ----------
    kind : str
        One of `KINDS`.
    area : str
        Area of a SPOT scene; empty for the others.
    tile, date : str
        MGRS tile and day of sensing (UTC, YYYYMMDD); empty for a DEM tile. The tile of a SPOT scene
        is the one that shows most of it: its auxiliary rasters cover the scene, where those come in
        tiles, and a Level-1A scene is matched to its Sentinel-2 images.
    platform : str
        ``SPOT4``, ``S2A``; empty for a DEM tile.
    product_id : str
        Identifier at the provider.
    provider, collection : str
        As eodag names them; empty for a DEM tile.
    cloud_cover : float or None
        Per cent.
    size : int or None
        Bytes.
    md5 : str or None
        Checksum in hexadecimal digits.
    """

    kind: Kind
    area: str
    tile: str
    date: str
    platform: str
    product_id: str
    provider: str
    collection: str
    cloud_cover: float | None
    size: int | None
    md5: str | None

    @property
    def file(self) -> str:
        """Path of the file below the folder of the products.

        The identifier is part of it, so that another product never passes for this one.
        """
        if self.kind == "dem":
            return f"dem/{self.product_id}.tif"
        name = f"{self.product_id.removesuffix('.SAFE')}.zip"
        if self.kind == "spot":
            return f"spot/{name}"
        return f"sentinel2/{self.tile}/{self.date}/{name}"


COLUMNS = tuple(field.name for field in fields(Product))


def _cells(product: Product) -> dict[str, str]:
    return {name: "" if value is None else str(value) for name, value in asdict(product).items()}


def is_valid(product: Product) -> bool:
    """Whether a product that a server offers may stand in a table, and its name name a file."""
    cells = _cells(product)
    return all(re.fullmatch(pattern, cells[name]) for name, (pattern, _) in _PATTERNS.items())


def write_products(
    path: str | os.PathLike[str], products: Iterable[Product], notes: Iterable[str]
) -> None:
    """Write a table of products, sorted, below notes for those who review it."""
    lines = [f"# {note}" for note in notes]
    lines.append("\t".join(COLUMNS))
    ranked = sorted(products, key=lambda p: (KINDS.index(p.kind), p.tile, p.date, p.product_id))
    lines += ["\t".join(_cells(product).values()) for product in ranked]
    write_text(path, "\n".join(lines) + "\n")


def _product(row: Row) -> Product:
    cells = {name: row.values.get(name) or "" for name in COLUMNS}
    checked = Row(row.place, cells)
    for name, (pattern, example) in _PATTERNS.items():
        checked.matching(name, pattern, example)
    needed = {"spot": ("area", "platform", "provider"), "dem": ()}.get(
        cells["kind"], ("tile", "date", "provider")
    )
    for name in needed:
        if not cells[name]:
            raise row.error(f"a product of kind {cells['kind']} has no {name}")
    return Product(
        **{name: cells[name] for name in COLUMNS[:8]},  # type: ignore[arg-type]
        cloud_cover=float(cells["cloud_cover"]) if cells["cloud_cover"] else None,
        size=int(cells["size"]) if cells["size"] else None,
        md5=cells["md5"] or None,
    )


def read_products(path: str) -> tuple[Product, ...]:
    """Products of a table.

    Raises
    ------
    ConfigError
        The table cannot be read, or a row is wrong or occurs twice.
    """
    products: dict[str, Product] = {}
    for row in read_rows(path, COLUMNS, frozenset(COLUMNS) - {"kind", "product_id"}):
        product = _product(row)
        if product.file in products:
            raise row.error(f"{product.product_id} occurs twice; keep one row")
        products[product.file] = product
    return tuple(products.values())
