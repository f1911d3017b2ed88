"""The table of the pairs that were found: four products each.

The Snakefile reads it, so this module stays light.
"""

import os
from dataclasses import dataclass

from firn.download.table import IDENTIFIER
from firn.tables import Row, read_rows

COLUMNS = (
    "pair",
    "tile",
    "image",
    "orbit",
    "product_id",
    "provider",
    "collection",
    "start",
    "cloud_cover",
    "size",
)
#: Columns of the table of pairs that may be empty.
_OPTIONAL = frozenset({"orbit", "cloud_cover", "size"})


@dataclass(frozen=True)
class PairProduct:
    """A product of a pair.

    Attributes
    ----------
    product_id : str
    provider, collection : str
        As eodag names them.
    day : str
        Of acquisition, UTC, YYYY-MM-DD.
    size : int or None
        Bytes.
    """

    product_id: str
    provider: str
    collection: str
    day: str
    size: int | None

    @property
    def file(self) -> str:
        """Name of its archive."""
        return f"{self.product_id.removesuffix('.SAFE')}.zip"


def read_pair_products(path: str | os.PathLike[str]) -> tuple[PairProduct, ...]:
    """Products of a table of pairs, each once: pairs share them.

    Raises
    ------
    ConfigError
        The table cannot be read, or a row is wrong.
    """
    rows = read_rows(os.fspath(path), COLUMNS, _OPTIONAL)
    products = {product.product_id: product for product in map(_product, rows)}
    return tuple(products[name] for name in sorted(products))


def _product(row: Row) -> PairProduct:
    start = row.matching("start", r"\d{4}-\d{2}-\d{2}T.*", "2019-06-22T10:54:01Z")
    size = row.optional("size")
    if size is not None:
        row.matching("size", r"\d+", "734003200")
    return PairProduct(
        row.matching("product_id", IDENTIFIER, "S1A_IW_GRDH_1SDV_..."),
        row["provider"],
        row["collection"],
        start[:10],
        None if size is None else int(size),
    )
