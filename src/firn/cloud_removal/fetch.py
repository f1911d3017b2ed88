"""Products of the pairs that were found, from their providers."""

import os
from datetime import date
from pathlib import Path

from firn.acquisition_config import Retries
from firn.cloud_removal.pair_table import PairProduct
from firn.cloud_removal.search import area_boxes, search_boxes
from firn.download.providers import Providers
from firn.download.transfer import ZIP_MAGIC, Remote, fetch
from firn.errors import DownloadError


def fetch_pair_product(
    product: PairProduct, area: str | os.PathLike[str], retries: Retries, target: Path
) -> None:
    """Download and verify a product, which is found as it was found at first.

    Parameters
    ----------
    product : PairProduct
    area : path
        GeoJSON of the search.
    retries : Retries
    target : Path
        Must not exist yet.

    Raises
    ------
    DownloadError
        The provider no longer offers the product, or the download fails.
    """
    providers, day = Providers([product.provider]), date.fromisoformat(product.day)
    offers = search_boxes(
        providers, product.provider, product.collection, area_boxes(area), day, day
    )
    offer = next((o for o in offers if o.product_id == product.product_id), None)
    if offer is None:
        raise DownloadError(
            f"{product.product_id}: {product.provider} no longer offers it; remove its pair from "
            "the table, or remove the table to search again"
        )
    remote = Remote(
        name=product.product_id,
        url=offer.url,
        size=product.size,
        md5=offer.md5,
        magic=ZIP_MAGIC,
        authenticate=offer.authenticate,
    )
    fetch(remote, target, retries)
