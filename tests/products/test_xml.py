"""Product metadata."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firn.errors import ProductError
from firn.products.xml import Metadata

DOCUMENT = b"""<n:Root xmlns:n="urn:x"><n:Info><TIME>2018-03-14T10:24:59.123Z</TIME>
<Angles><ZENITH> 51.25 </ZENITH><AZIMUTH>abc</AZIMUTH><NONE/></Angles></n:Info>
<List id="a"><V name="low">1</V><V name="high">2</V></List>
<List id="b"><V name="low">3</V><V name="high">inf</V></List></n:Root>"""


@pytest.fixture
def metadata() -> Metadata:
    return Metadata(DOCUMENT, "MTD.xml")


def test_finds_by_local_name_and_attribute(metadata: Metadata) -> None:
    assert metadata.text("Info/Angles/ZENITH") == "51.25"
    assert metadata.number("Angles/ZENITH", 0, 90) == 51.25
    assert metadata.number("List[@id='b']/V[@name='low']") == 3
    assert metadata.time("TIME") == datetime(2018, 3, 14, 10, 24, 59, 123000, UTC)
    assert metadata.find_text("NOWHERE") is None


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("Angles/AZIMUTH", "AZIMUTH is 'abc', expected a number"),
        ("List[@id='b']/V[@name='high']", "is 'inf', expected a number"),
        ("Angles/NONE", "has no field Angles/NONE"),
        ("List[@id='c']/V", "has no field"),
    ],
)
def test_names_file_and_field_of_a_bad_number(metadata: Metadata, path: str, message: str) -> None:
    with pytest.raises(ProductError, match=r"MTD\.xml.*") as caught:
        metadata.number(path)
    assert message in str(caught.value)


def test_a_number_out_of_range_and_a_bad_time_are_refused(metadata: Metadata) -> None:
    with pytest.raises(ProductError, match="from 0 to 50"):
        metadata.number("Angles/ZENITH", 0, 50)
    with pytest.raises(ProductError, match="ISO 8601"):
        metadata.time("Angles/ZENITH")


def test_a_time_without_zone_is_utc() -> None:
    metadata = Metadata(b"<a><T>2001-06-14T11:02:46</T></a>", "m")
    assert metadata.time("T") == datetime(2001, 6, 14, 11, 2, 46, tzinfo=UTC)


@pytest.mark.parametrize(
    "document",
    [
        b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>',
        b'<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>',
    ],
)
def test_entities_are_refused(document: bytes) -> None:
    with pytest.raises(ProductError, match="entities"):
        Metadata(document, "MTD.xml")


@given(st.binary(max_size=60) | st.binary(max_size=20).map(lambda b: b'<?xml version="1.0" ' + b))
def test_any_bytes_parse_or_give_a_product_error(content: bytes) -> None:
    try:
        Metadata(content, "MTD.xml")
    except ProductError as error:
        assert "MTD.xml" in str(error)
