"""One product of the table, from its provider to its place."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from firn.acquisition_config import Acquisition
from firn.config import Area
from firn.download.elevation import dem_url
from firn.download.providers import Offer, Providers
from firn.download.table import Product
from firn.download.tiles import core_box, tile_box, union
from firn.download.transfer import TIFF_MAGIC, ZIP_MAGIC, Remote, fetch
from firn.errors import DownloadError


def fetch_product(
    product: Product, settings: Acquisition, areas: Mapping[str, Area], target: Path
) -> None:
    """Download and verify a product.

    Parameters
    ----------
    product : Product
    settings : Acquisition
    areas : mapping
        Areas by name.
    target : Path
        Must not exist yet.

    Raises
    ------
    DownloadError
        The provider no longer offers the product, or the download fails.
    """
    fetch(_remote(product, settings, areas), target, settings.retries)


def _remote(product: Product, settings: Acquisition, areas: Mapping[str, Area]) -> Remote:
    if product.kind == "dem":
        if settings.dem is None:
            raise DownloadError(
                f"{product.product_id}: is an elevation tile, and acquisition.dem is null; give "
                "the address, or remove its row from the table"
            )
        return Remote(
            name=product.product_id,
            url=dem_url(settings.dem, product.product_id),
            size=product.size,
            md5=product.md5,
            magic=TIFF_MAGIC,
            authenticate=lambda: None,
        )
    offer = _offer(product, areas)
    return Remote(
        name=product.product_id,
        url=offer.url,
        size=product.size,
        md5=product.md5,
        magic=ZIP_MAGIC,
        authenticate=offer.authenticate,
    )


def _offer(product: Product, areas: Mapping[str, Area]) -> Offer:
    """Find the product as its provider offers it today: addresses change, identifiers do not.

    It is found as it was found at first, in a search of its day.
    """
    day = datetime.strptime(product.date, "%Y%m%d").date()
    box = (
        union(tile_box(tile) for tile in areas[product.area].tiles)
        if product.kind == "spot"
        else core_box(product.tile)
    )
    offers = Providers([product.provider]).search(
        product.provider, product.collection, box, day, day
    )
    offer = next((o for o in offers if o.product_id == product.product_id), None)
    if offer is None:
        raise DownloadError(
            f"{product.product_id}: {product.provider} no longer offers it; remove its scene from "
            "the table, or remove the table to search again"
        )
    if offer.md5 and product.md5 and offer.md5 != product.md5:
        raise DownloadError(
            f"{product.product_id}: {product.provider} offers another version of it (MD5 "
            f"{offer.md5}) than the table says ({product.md5}); remove its scene from the table, "
            "or empty size and md5 in its row to take what there is"
        )
    return offer
