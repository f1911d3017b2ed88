"""Downloads that survive bad servers: resumed, verified, patient, and never half there.

A file grows beside its target under a hidden name and gets its own name when it is complete. What a
server says is never repeated in an error or a log, and no address either: both may hold a
credential.
"""

import hashlib
import ipaddress
import logging
import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from itertools import chain
from pathlib import Path
from typing import TypeVar
from urllib.parse import urljoin, urlsplit

import requests
from requests.auth import AuthBase
from tqdm import tqdm

from firn.acquisition_config import Retries
from firn.errors import DownloadError, ProductError
from firn.products.archive import Product

_LOG = logging.getLogger(__name__)

T = TypeVar("T")
Authenticate = Callable[[], AuthBase | None]

#: Seconds to connect, and without a byte.
TIMEOUT = (30, 120)
CHUNK = 2**16
#: Redirections that a server may make.
MAX_REDIRECTS = 5
#: Compressed in transit, sizes and ranges would be those of something else.
_PLAIN = {"Accept-Encoding": "identity"}
#: Most of an answer that is looked at to tell a quota from a refusal.
_PEEK = 4096
#: Answers that ask to come back later; 202 is that of a product which is fetched from tape.
_LATER = (202, 408, 425, 429, 500, 502, 503, 504)
#: How a zip and a TIFF begin.
ZIP_MAGIC = (b"PK\x03\x04",)
TIFF_MAGIC = (b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+")
#: A damaged file may come from the line; one that is damaged again comes from the server.
_ATTEMPTS_AT_DAMAGE = 2


@dataclass(frozen=True)
class Remote:
    """A file on a server, and what it must be.

    Attributes
    ----------
    name : str
        What errors and the progress bar call it.
    url : str
    size : int or None
        Bytes.
    md5 : str or None
        In hexadecimal digits.
    magic : tuple of bytes
        One of these begins the file.
    authenticate : callable
        Gives what signs a request; asked anew for each attempt, because tokens expire.
    """

    name: str
    url: str
    size: int | None
    md5: str | None
    magic: tuple[bytes, ...]
    authenticate: Authenticate


class _LaterError(Exception):
    """An attempt failed and another may succeed, after ``wait`` seconds where that is known."""

    def __init__(self, reason: str, wait: float | None = None) -> None:
        super().__init__(reason)
        self.wait = wait


class _QuotaError(_LaterError):
    """The quota of downloads is used up."""


class _DamagedError(_LaterError):
    """The file is complete, and not what it must be."""


def fetch(remote: Remote, target: Path, retries: Retries) -> None:
    """Download and verify a file.

    Parameters
    ----------
    remote : Remote
    target : Path
        Appears when the file is complete and verified. A part of it is kept beside it for the next
        call where the server can resume.
    retries : Retries

    Raises
    ------
    DownloadError
        The server refuses, its quota or our patience is used up, the file is not what it must be,
        or there is no space.
    """
    part = target.with_name(f".{target.name}.part")

    def attempt() -> None:
        _receive(remote, part)
        _verify(remote, part)

    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        _patiently(remote.name, attempt, retries)
        os.replace(part, target)
    except OSError as error:
        raise DownloadError(f"{target}: cannot be written ({error.strerror})") from None


def look_up(name: str, url: str, retries: Retries) -> Mapping[str, str] | None:
    """Headers of a public file; None where the server has no such file.

    Raises
    ------
    DownloadError
        The server refuses or is not reachable.
    """

    def attempt() -> Mapping[str, str] | None:
        try:
            answer = requests.head(url, headers=_PLAIN, timeout=TIMEOUT, allow_redirects=True)
        except requests.RequestException as error:
            raise _LaterError(f"is not reachable ({type(error).__name__})") from None
        if answer.status_code == requests.codes.not_found:
            return None
        if answer.status_code in _LATER:
            raise _asked_to_wait(answer)
        if answer.status_code != requests.codes.ok:
            raise DownloadError(f"{name}: the server refuses it (HTTP {answer.status_code})")
        return answer.headers

    return _patiently(name, attempt, retries)


def _patiently(name: str, attempt: Callable[[], T], retries: Retries) -> T:
    """Give the result of an attempt, made again while the server only has trouble."""
    failures = damaged = 0
    waited = 0.0
    while True:
        try:
            return attempt()
        except _LaterError as error:
            problem = error
        if isinstance(problem, _QuotaError):
            wait = problem.wait or retries.quota_wait
        else:
            failures += 1
            damaged += isinstance(problem, _DamagedError)
            if failures == retries.attempts or damaged == _ATTEMPTS_AT_DAMAGE:
                raise DownloadError(f"{name}: {problem}; {_remedy(problem)}")
            wait = problem.wait or retries.wait * 2 ** (failures - 1)
        if waited + wait > retries.patience:
            raise DownloadError(
                f"{name}: {problem}; to wait another {wait:.0f} s would be more than "
                f"acquisition.retries.patience ({retries.patience:.0f} s), call again later"
            )
        _LOG.info("%s: %s; waiting %.0f s", name, problem, wait)
        time.sleep(wait)
        waited += wait


def _remedy(error: _LaterError) -> str:
    if isinstance(error, _DamagedError):
        return (
            "the provider may have replaced the product: search again, or empty size and md5 in "
            "its row of the table to take what there is"
        )
    return "call again later, what is there is kept where the server can resume"


@contextmanager
def _response(remote: Remote, begin: int) -> Iterator[requests.Response]:
    """Answer to a request for a file from byte ``begin`` on, after redirections."""
    auth, url = remote.authenticate(), remote.url
    headers = {**_PLAIN, "Range": f"bytes={begin}-"} if begin else _PLAIN
    with requests.Session() as session:
        for _ in range(MAX_REDIRECTS):
            response = session.get(
                url,
                headers=headers,
                auth=auth if may_sign(remote.url, url) else None,
                stream=True,
                timeout=TIMEOUT,
                allow_redirects=False,
            )
            with response:
                if not response.is_redirect:
                    yield response
                    return
                url = urljoin(url, response.headers["Location"])
    raise DownloadError(f"{remote.name}: the server redirects without end; try again later")


def may_sign(asked: str, redirected: str) -> bool:
    """Whether a redirection may get the credentials: only the same host, or a sibling by HTTPS.

    The Copernicus Data Space redirects from one of its hosts to another and wants them there.
    """
    old, new = urlsplit(asked), urlsplit(redirected)
    if (old.scheme, old.netloc) == (new.scheme, new.netloc):
        return True
    host, other = old.hostname or "", new.hostname or ""
    if new.scheme != "https" or _is_address(host):
        return False
    domain = host.partition(".")[2]
    return other == host or ("." in domain and other.endswith(f".{domain}"))


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _receive(remote: Remote, part: Path) -> None:
    """Append to ``part`` what is missing of it."""
    begin = part.stat().st_size if part.exists() else 0
    if remote.size is not None and begin == remote.size:
        return
    if remote.size is not None and begin > remote.size:
        part.unlink()
        begin = 0
    try:
        with _response(remote, begin) as response:
            _judge(remote, response, begin, part)
            # A server that knows no ranges sends the whole.
            resumed = response.status_code == requests.codes.partial_content
            _write(remote, response, part, begin if resumed else 0)
    except requests.RequestException as error:
        # The message of an error of requests holds the address.
        raise _LaterError(f"the transfer broke off ({type(error).__name__})") from None


def _judge(remote: Remote, response: requests.Response, begin: int, part: Path) -> None:
    """Raise unless the answer is the file."""
    status, wait = response.status_code, _retry_after(response)
    if status == 200 or (status == 206 and _range_start(response) == begin):
        return
    if begin and status in (206, 416, 500):
        # 206 from another byte; 416: the part is longer than the file; 500: GEODES's answer to any
        # range.
        part.unlink()
        raise _LaterError(f"the server does not resume (HTTP {status})", wait)
    if status == 403 and b"quota" in _peek(response).lower():
        raise _QuotaError("the quota of downloads is used up (HTTP 403)", wait)
    if status in _LATER:
        raise _asked_to_wait(response)
    if status in (401, 403):
        raise DownloadError(
            f"{remote.name}: the server refuses the credentials (HTTP {status}); check those in "
            "eodag's configuration, config/README.md says where they come from"
        )
    raise DownloadError(
        f"{remote.name}: the server does not give it (HTTP {status}); search again, it may have "
        "been replaced"
    )


def _asked_to_wait(response: requests.Response) -> _LaterError:
    return _LaterError(
        f"the server asks to come back later (HTTP {response.status_code})", _retry_after(response)
    )


def _peek(response: requests.Response) -> bytes:
    try:
        return next(response.iter_content(_PEEK), b"")
    except requests.RequestException:
        return b""


def _retry_after(response: requests.Response) -> float | None:
    """Seconds that the server asks to wait: a number or a date (RFC 9110, 10.2.3)."""
    told = response.headers.get("Retry-After", "")
    if told.isdigit():
        return float(told)
    try:
        until = parsedate_to_datetime(told)
    except ValueError:
        return None
    if until.tzinfo is None:
        until = until.replace(tzinfo=UTC)
    return max(0.0, (until - datetime.now(UTC)).total_seconds())


def _range_start(response: requests.Response) -> int | None:
    """First byte of a partial answer: ``bytes 100-199/200`` begins at 100."""
    start = response.headers.get("Content-Range", "").removeprefix("bytes ").partition("-")[0]
    return int(start) if start.isdigit() else None


def _write(remote: Remote, response: requests.Response, part: Path, begin: int) -> None:
    chunks = response.iter_content(CHUNK)
    first = next(chunks, b"")
    if not begin:
        _check_start(remote, first)
    told = response.headers.get("Content-Length", "")
    total = begin + int(told) if told.isdigit() else remote.size
    if remote.size is not None and total != remote.size:
        part.unlink(missing_ok=True)
        raise _DamagedError(f"has {total} bytes, but the table says {remote.size}")
    if total is not None and total - begin > (free := shutil.disk_usage(part.parent).free):
        raise DownloadError(
            f"{remote.name}: needs {total - begin} bytes and {part.parent} has {free} left; make "
            "room, or choose another acquisition.folder"
        )
    # A part is of use only to a server that can go on from it.
    keep = begin > 0 or response.headers.get("Accept-Ranges") == "bytes"
    try:
        # disable=None: a bar only on a terminal.
        with (
            open(part, "ab" if begin else "wb") as stream,
            tqdm(
                desc=remote.name,
                total=total,
                initial=begin,
                unit="B",
                unit_scale=True,
                disable=None,
            ) as bar,
        ):
            for chunk in chain([first], chunks):
                stream.write(chunk)
                bar.update(len(chunk))
        keep = True
    finally:
        if not keep:
            part.unlink(missing_ok=True)


def _check_start(remote: Remote, chunk: bytes) -> None:
    if chunk.startswith(remote.magic):
        return
    if chunk.lstrip()[:1] in (b"{", b"["):
        raise _QuotaError("the server sends JSON in place of the file, as when a quota is used up")
    raise DownloadError(
        f"{remote.name}: the server sends something else than the file; open the provider's portal "
        "and check that your account may download it"
    )


def _verify(remote: Remote, part: Path) -> None:
    if problem := _problem(remote, part):
        part.unlink()
        raise _DamagedError(problem)


def _problem(remote: Remote, part: Path) -> str | None:
    size = part.stat().st_size
    if remote.size is not None and size != remote.size:
        return f"has {size} bytes, but the table says {remote.size}"
    if remote.md5 is not None:
        found = md5_of(part)
        return None if found == remote.md5 else f"has MD5 {found}, but the table says {remote.md5}"
    # Without a checksum: a zip ends with its directory, and what reads an entry verifies that.
    return None if remote.magic != ZIP_MAGIC or _is_whole(part) else "is not a whole zip"


def _is_whole(path: Path) -> bool:
    try:
        Product(path)
    except ProductError:
        return False
    return True


def md5_of(path: Path) -> str:
    """MD5 of a file in hexadecimal digits."""
    with open(path, "rb") as stream:
        return hashlib.file_digest(stream, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
