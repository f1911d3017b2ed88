"""Product metadata in XML: safe parsing, search by local name, errors that name the field."""

import math
from datetime import UTC, datetime
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from firn.errors import ProductError

_REMEDY = "fetch the product again, or check that it is of the expected kind"
#: Characters of a wrong field that a message shows.
_SHOWN = 60


class Metadata:
    """A metadata document.

    Fields are named by a path of local tag names, ``"Mean_Sun_Angle/ZENITH_ANGLE"``, that may begin
    anywhere in the document; a step may carry a condition, ``"Point[@name='center']/LAT"``. Name
    spaces are ignored, because versions of the products differ in them.

    Parameters
    ----------
    content : bytes
        The document. Entities are refused (Sentinel-2 and MUSCATE metadata have none).
    source : str
        Name of the file, for messages.

    Raises
    ------
    ProductError
        The document is not well-formed or declares entities.
    """

    def __init__(self, content: bytes, source: str) -> None:
        self.source = source
        try:
            self._root: Element = fromstring(content)
        except DefusedXmlException as error:
            raise ProductError(
                f"{source}: declares XML entities, which no product needs and firn refuses; "
                f"{_REMEDY}"
            ) from error
        # A wrong or unknown encoding shows as ValueError or LookupError.
        except (ParseError, ValueError, LookupError) as error:
            raise ProductError(
                f"{source}: is not well-formed XML ({error}); the file is damaged, {_REMEDY}"
            ) from error

    @staticmethod
    def _xpath(path: str) -> str:
        return ".//" + "/".join("{*}" + step for step in path.split("/"))

    def elements(self, path: str) -> list[Element]:
        """All elements of the path, in document order."""
        return self._root.findall(self._xpath(path))

    def find_text(self, path: str) -> str | None:
        """Text of the first element of the path; None when there is none or it is empty."""
        for element in self.elements(path):
            return (element.text or "").strip() or None
        return None

    def text(self, path: str) -> str:
        """Text of the first element of the path; `ProductError` when there is none."""
        found = self.find_text(path)
        if found is None:
            raise ProductError(f"{self.source}: has no field {path}; {_REMEDY}")
        return found

    def number(self, path: str, low: float = -math.inf, high: float = math.inf) -> float:
        """Give the number, within [low, high], of the path's first element; or `ProductError`."""
        return self.as_number(self.text(path), path, low, high)

    def as_number(
        self, text: str | None, path: str, low: float = -math.inf, high: float = math.inf
    ) -> float:
        """Give the number, within [low, high], that ``text`` of the field ``path`` spells."""
        try:
            value = float(text or "")
        except ValueError:
            value = math.nan
        if not (math.isfinite(value) and low <= value <= high):
            raise ProductError(
                f"{self.source}: {path} is {_shown(text)}, expected a number from {low:g} to "
                f"{high:g}; {_REMEDY}"
            )
        return value

    def time(self, path: str) -> datetime:
        """ISO 8601 time of the first element of the path, in UTC; `ProductError` otherwise."""
        return self.as_time(self.text(path), path)

    def as_time(self, text: str, path: str) -> datetime:
        """Time in UTC that ``text`` of the field ``path`` spells; `ProductError` otherwise."""
        try:
            time = datetime.fromisoformat(text)
            return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
        # OverflowError: the time zone moves it before year 1 or beyond 9999.
        except (ValueError, OverflowError) as error:
            raise ProductError(
                f"{self.source}: {path} is {_shown(text)}, expected an ISO 8601 time; {_REMEDY}"
            ) from error


def _shown(text: str | None) -> str:
    """Text of a field for a message; a damaged one may be megabytes long."""
    return repr(text if text is None else text[:_SHOWN])
