"""Search and authentication through eodag: which products a provider offers, and where they are.

Credentials stay with eodag, which reads them from its own configuration file or the environment.
What eodag and servers say when they refuse may quote a credential, so none of it is passed on:
errors say which provider, which kind of error and which HTTP status, and no more.
"""

import logging
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from firn.download.tiles import Box
from firn.download.transfer import Authenticate
from firn.errors import DownloadError

#: MD5 as hexadecimal digits, bare or as the multihash that STAC's file extension asks for.
_MD5 = re.compile(r"(?:d50110)?([0-9a-f]{32})", re.IGNORECASE)
#: GEODES tells the mode of a SPOT scene, which eodag leaves out.
_GEODES_MODE = {
    "geodes": {
        "search": {
            "metadata_mapping": {"sar:instrument_mode": '$.properties."sar:instrument_mode"'}
        }
    }
}
_CREDENTIALS = (
    "give the credentials of {0} in eodag's configuration file (~/.config/eodag/eodag.yml) or as "
    "EODAG__{1}__AUTH__CREDENTIALS__...; config/README.md says how to get them"
)


@dataclass(frozen=True)
class Offer:
    """A product as a provider offers it now.

    Attributes
    ----------
    product_id : str
    platform, mode : str
        As the provider spells them; empty where it does not tell.
    orbit : str
        ``ascending`` or ``descending``; empty where the provider does not tell.
    box : Box
        Around the ground that it shows.
    start : datetime
        Start of acquisition, UTC.
    cloud_cover : float or None
        Per cent.
    size : int or None
        Bytes.
    md5 : str or None
    url : str
        Address of the file.
    authenticate : callable
        Gives what signs a request for the file.
    """

    product_id: str
    platform: str
    mode: str
    orbit: str
    box: Box
    start: datetime
    cloud_cover: float | None
    size: int | None
    md5: str | None
    url: str
    authenticate: Authenticate


class Providers:
    """Providers that eodag knows.

    Parameters
    ----------
    names : iterable of str
        As eodag names them.

    Raises
    ------
    DownloadError
        eodag is not installed, its configuration is not valid, or it does not know a provider.
    """

    def __init__(self, names: Iterable[str]) -> None:
        # What eodag logs may quote an answer of a server, and a server may quote a credential.
        logging.getLogger("eodag").setLevel(logging.CRITICAL)
        logging.getLogger("urllib3").setLevel(logging.ERROR)
        try:
            from eodag import EODataAccessGateway
            from eodag.config import RESOURCES_DIR, EODAGSettings
        except ImportError:
            raise DownloadError(
                "eodag is not installed, and searching and downloading need it: "
                "pip install 'firn[download]'"
            ) from None
        wanted = sorted(set(names))
        # The list of collections that comes with eodag is enough, and spares a request.
        collections = str(RESOURCES_DIR / "ext_collections.json")
        try:
            self._gateway = EODataAccessGateway(
                settings=EODAGSettings(
                    ext_collections_cfg_uri=collections, providers_whitelist=wanted
                )
            )
            if "geodes" in wanted:
                self._gateway.update_providers_config(dict_conf=_GEODES_MODE)
            known = set(self._gateway.providers)
        except Exception as error:
            raise DownloadError(
                f"eodag cannot be set up ({type(error).__name__}); check its configuration file"
            ) from None
        if unknown := [name for name in wanted if name not in known]:
            raise DownloadError(
                f"{unknown[0]}: eodag knows no such provider, or lacks credentials that a search "
                "there needs; correct acquisition.providers, or "
                + _CREDENTIALS.format(unknown[0], unknown[0].upper())
            )

    def search(
        self,
        provider: str,
        collection: str,
        box: Box,
        first: date,
        last: date,
        cloud_cover: float | None = None,
    ) -> list[Offer]:
        """Products that touch a box and were acquired within some days.

        Parameters
        ----------
        provider, collection : str
            As eodag names them; a collection may also have the provider's own name.
        box : Box
        first, last : date
            Both included.
        cloud_cover : float, optional
            Highest, per cent.

        Raises
        ------
        DownloadError
            The provider refuses, is not reachable, or its list is not complete.
        """
        criteria: dict[str, Any] = {
            "provider": provider,
            "collection": collection,
            "geom": list(box),
            # A bare day would mean its first moment.
            "start": f"{first:%Y-%m-%d}T00:00:00Z",
            "end": f"{last:%Y-%m-%d}T23:59:59Z",
        }
        if cloud_cover is not None:
            criteria["eo:cloud_cover"] = cloud_cover
        where = f"search of {collection} at {provider}"
        try:
            found = list(self._pages(criteria))
        except Exception as error:
            raise _refusal(where, provider, error) from None
        products = [product for page in found for product in page]
        matched = found[0].number_matched
        if matched is not None and len({p.properties.get("id") for p in products}) < matched:
            raise DownloadError(
                f"{where}: only {len(products)} of {matched} products were listed; search again"
            )
        offers = [offer for product in products if (offer := self._offer(product))]
        if products and not offers:
            raise DownloadError(
                f"{where}: {len(products)} products are listed, and none with the address of an "
                "archive; choose another provider"
            )
        return [offer for offer in offers if first <= offer.start.date() <= last]

    def _pages(self, criteria: dict[str, Any]) -> Iterator[Any]:
        """Pages of a search. An error on a later page is raised too: a part is not the whole."""
        first = self._gateway.search(
            raise_errors=True, count=True, limit=None, validate=False, **criteria
        )
        first.raise_errors = True
        yield first
        # Not update=True, which would add the later pages to the first.
        yield from first.next_page(update=False)

    def _offer(self, product: Any) -> Offer | None:
        """Read a product of eodag; None where it lacks what a download needs."""
        properties, url = product.properties, product.remote_location
        try:
            start = datetime.fromisoformat(properties["start_datetime"])
            product_id = str(properties["id"])
            box = Box(*product.geometry.bounds)
        except (AttributeError, KeyError, TypeError, ValueError):
            return None
        if not str(url).startswith(("http://", "https://")):
            return None
        asset: dict[str, Any] = next(
            (a for a in product.assets.values() if a.get("href") == url), {}
        )
        size = asset.get("file:size", properties.get("file:size"))
        told = asset.get("file:checksum", properties.get("file:checksum"))
        # GEODES ends the address of a file with its MD5.
        checksum = _MD5.fullmatch(str(told)) or _MD5.fullmatch(url.rsplit("/", 1)[-1])
        return Offer(
            product_id=product_id,
            platform=str(properties.get("platform") or ""),
            mode=str(properties.get("sar:instrument_mode") or ""),
            orbit=str(properties.get("sat:orbit_state") or "").lower(),
            box=box,
            start=start,
            cloud_cover=_number(properties.get("eo:cloud_cover")),
            size=int(size) if str(size).isdigit() and int(size) else None,
            md5=checksum[1].lower() if checksum else None,
            url=url,
            authenticate=lambda: _sign(product),
        )


def _number(value: Any) -> float | None:
    try:
        return float(value)
    except (TypeError, ValueError):
        return None


def _sign(product: Any) -> Any:
    """Give what signs a request for a product, None where the provider asks for nothing."""
    if product.downloader_auth is None:
        return None
    try:
        return product.downloader_auth.authenticate()
    except Exception as error:
        raise _refusal("authentication", product.provider, error) from None


def _refusal(where: str, provider: str, error: Exception) -> DownloadError:
    """Error that says what went wrong without what the server said."""
    kind, status = type(error).__name__, getattr(error, "status_code", None)
    said = f"{kind}, HTTP {status}" if status else kind
    remedy = "try again later, and check the names in acquisition.providers"
    if kind in ("AuthenticationError", "MisconfiguredError"):
        remedy = _CREDENTIALS.format(provider, provider.upper())
    return DownloadError(f"{where}: {provider} failed ({said}); {remedy}")
