"""Searches through eodag at a server that behaves as GEODES, and at a plain one."""

import sys
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from server import API_KEY, Item, Server

from firn.download.providers import Providers
from firn.download.tiles import Box
from firn.errors import DownloadError

BOX = Box(0.5, 42.3, 1.9, 43.4)
DAYS = date(2018, 1, 1), date(2018, 12, 31)
L1C = "S2_MSI_L1C"


def item(day: int, **changes: object) -> Item:
    """L1C product of the day in 2018."""
    start = datetime(2018, 1, 1, 10, 30).replace(tzinfo=UTC).timestamp() + (day - 1) * 86400
    values = {
        "product_id": f"S2A_{day:03d}",
        "collection": "PEPS_S2_L1C",
        "start": f"{datetime.fromtimestamp(start, UTC):%Y-%m-%dT%H:%M:%SZ}",
        "box": tuple(BOX),
        "content": f"product of day {day}".encode(),
        "cloud_cover": float(day % 100),
        "platform": "S2A",
    }
    return Item(**{**values, **changes})


def ids(offers) -> list[str]:
    return [offer.product_id for offer in offers]


def test_offer_tells_what_a_download_needs(server: Server, eodag: Path) -> None:
    server.items = [item(18, cloud_cover=12.5)]
    (offer,) = Providers(["geodes"]).search("geodes", L1C, BOX, *DAYS)
    assert offer.product_id == "S2A_018"
    assert offer.start == datetime(2018, 1, 18, 10, 30, tzinfo=UTC), "not the day of processing"
    assert (offer.platform, offer.cloud_cover, offer.mode) == ("S2A", 12.5, "")
    assert offer.size == len(b"product of day 18")
    assert offer.md5 == server.items[0].md5
    assert offer.url == server.url + server.items[0].path
    signed = offer.authenticate()
    request = type("Request", (), {"headers": {}})()
    assert signed(request).headers == {"X-API-Key": API_KEY}


def test_what_geodes_is_asked(server: Server, eodag: Path) -> None:
    Providers(["geodes"]).search("geodes", L1C, BOX, *DAYS, cloud_cover=90)
    (body,) = server.searches()
    assert body["collections"] == ["PEPS_S2_L1C"]
    assert body["intersects"]["type"] == "Polygon"
    query = body["query"]
    assert "datetime" not in query
    assert query["end_datetime"]["gte"].startswith("2018-01-01T00:00:00")
    assert query["start_datetime"]["lte"].startswith("2018-12-31T23:59:59")
    assert query["eo:cloud_cover"] == {"lte": 90}


def test_all_pages_are_read(server: Server, eodag: Path) -> None:
    """365 products in pages of at most 80 are five pages."""
    server.items = [item(day) for day in range(1, 366)]
    offers = Providers(["geodes"]).search("geodes", L1C, BOX, *DAYS)
    assert sorted(ids(offers)) == sorted(i.product_id for i in server.items)
    assert [int(body["page"]) for body in server.searches()] == [1, 2, 3, 4, 5]


def test_first_and_last_day_are_included(server: Server, eodag: Path) -> None:
    server.items = [item(day) for day in range(1, 11)]
    days = date(2018, 1, 3), date(2018, 1, 6)
    offers = Providers(["geodes"]).search("geodes", L1C, BOX, *days)
    assert ids(offers) == ["S2A_003", "S2A_004", "S2A_005", "S2A_006"]


def test_place_and_clouds_narrow_a_search(server: Server, eodag: Path) -> None:
    server.items = [
        item(1, cloud_cover=90.0),
        item(2, cloud_cover=90.1),
        item(3, box=(10.0, 42.3, 11.0, 43.4)),
    ]
    offers = Providers(["geodes"]).search("geodes", L1C, BOX, *DAYS, cloud_cover=90)
    assert ids(offers) == ["S2A_001"]


def test_mode_of_a_spot_scene_is_known(server: Server, eodag: Path) -> None:
    spot = "SWH_SPOT123_L1"
    server.items = [item(1, collection=spot, platform="SPOT2", mode="X")]
    (offer,) = Providers(["geodes"]).search("geodes", spot, BOX, *DAYS)
    assert (offer.platform, offer.mode) == ("SPOT2", "X")


def test_md5_stands_at_the_end_of_the_address(server: Server, eodag: Path) -> None:
    """Where the listing does not tell it."""
    server.items = [item(1)]
    feature = Item.feature

    def without_description(self: Item, base: str, *, geodes: bool):
        content = feature(self, base, geodes=geodes)
        for asset in content["assets"].values():
            del asset["description"]
        return content

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Item, "feature", without_description)
        (offer,) = Providers(["geodes"]).search("geodes", L1C, BOX, *DAYS)
    assert (offer.md5, offer.size) == (server.items[0].md5, None)


def test_any_other_provider_that_eodag_knows(server: Server, eodag: Path) -> None:
    """Pages by links, `datetime` of sensing, a multihash for a checksum, no credentials."""
    server.items = [item(day, collection="sentinel-2-l1c") for day in range(1, 11)]
    offers = Providers(["plain"]).search("plain", L1C, BOX, *DAYS)
    assert sorted(ids(offers)) == sorted(i.product_id for i in server.items)
    assert [body.get("token") for body in server.searches()] == [None, "4", "8"]
    assert offers[0].md5 == server.items[0].md5
    assert offers[0].size == server.items[0].size
    assert offers[0].authenticate() is None


@pytest.mark.parametrize("page", [0, 1])
def test_search_that_fails_on_any_page_fails(server: Server, eodag: Path, page: int) -> None:
    """eodag by itself would take the first pages for the whole."""
    server.items = [item(day) for day in range(1, 201)]
    providers = Providers(["geodes"])
    original = server.geodes

    def fail_later(body):
        if len(server.searches()) > page:
            server.searches_fail = [503] * 9
        return original(body)

    server.geodes = fail_later  # type: ignore[method-assign]
    if page == 0:
        server.searches_fail = [503] * 9
    with pytest.raises(DownloadError, match=r"search of S2_MSI_L1C at geodes.*HTTP 503"):
        providers.search("geodes", L1C, BOX, *DAYS)


def test_busy_search_is_tried_again(server: Server, eodag: Path) -> None:
    server.items = [item(1)]
    server.searches_fail = [429, 503]
    assert len(Providers(["geodes"]).search("geodes", L1C, BOX, *DAYS)) == 1


def test_listing_that_lacks_products_is_refused(server: Server, eodag: Path) -> None:
    server.items = [item(day) for day in range(1, 11)]
    original = server.geodes

    def forgetful(body):
        answer = original(body)
        answer["features"].pop()
        return answer

    server.geodes = forgetful  # type: ignore[method-assign]
    with pytest.raises(DownloadError, match="only 9 of 10 products were listed"):
        Providers(["geodes"]).search("geodes", L1C, BOX, *DAYS)


def test_missing_credentials_are_asked_for(
    server: Server, eodag: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("EODAG__GEODES__AUTH__CREDENTIALS__APIKEY")
    server.items = [item(1)]
    (offer,) = Providers(["geodes"]).search("geodes", L1C, BOX, *DAYS)
    with pytest.raises(DownloadError, match=r"EODAG__GEODES__AUTH__CREDENTIALS__"):
        offer.authenticate()


def test_unknown_provider(eodag: Path) -> None:
    with pytest.raises(DownloadError, match="goedes: eodag knows no such provider"):
        Providers(["goedes"])


def test_damaged_configuration_of_eodag(eodag: Path) -> None:
    (eodag / "eodag.yml").write_text("geodes: [")
    with pytest.raises(DownloadError, match="eodag cannot be set up"):
        Providers(["geodes"])


def test_absent_eodag_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "eodag", None)
    with pytest.raises(DownloadError, match=r"pip install 'firn\[download\]'"):
        Providers(["geodes"])


@pytest.mark.parametrize("status", [400, 401, 403, 429, 500])
def test_a_search_never_tells_a_secret(
    server: Server, eodag: Path, status: int, caplog, capfd, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server echoes all headers; here even the search is signed."""
    monkeypatch.setenv("EODAG__GEODES__SEARCH__NEED_AUTH", "true")
    server.searches_fail = [status] * 9
    with caplog.at_level("DEBUG"), pytest.raises(DownloadError) as caught:
        Providers(["geodes"]).search("geodes", L1C, BOX, *DAYS)
    sent = [r.headers for r in server.requests if r.path.endswith("/search")]
    assert API_KEY in str(sent)
    assert API_KEY not in str(caught.value) + caplog.text + "".join(capfd.readouterr())
    assert caught.value.__suppress_context__
