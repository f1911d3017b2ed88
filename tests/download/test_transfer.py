"""Downloads from good and from bad servers."""

import hashlib
import io
import os
import shutil
import time
import zipfile
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest
from server import API_KEY, Server, break_off, echo, redirect, refuse, send, slow

from firn.acquisition_config import Retries
from firn.download import transfer
from firn.download.transfer import TIFF_MAGIC, ZIP_MAGIC, Remote, fetch, may_sign
from firn.errors import DownloadError

QUICK = Retries(attempts=4, wait=0.01, quota_wait=0.02, patience=5)
PATH = "/public/product.zip"


def zipped(n_bytes: int) -> bytes:
    """Zip with so many bytes that do not compress."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("product/file.bin", b"".join(
            hashlib.sha256(str(i).encode()).digest() for i in range(n_bytes // 32)
        ))  # fmt: skip
    return stream.getvalue()


#: Some chunks long, so that a half of it is more than nothing.
CONTENT = zipped(600_000)


@pytest.fixture
def remote(server: Server) -> Remote:
    """File on the server; another server than GEODES: it resumes."""
    server.files[PATH] = CONTENT
    return Remote(
        name="product",
        url=server.url + PATH,
        size=len(CONTENT),
        md5=hashlib.md5(CONTENT).hexdigest(),
        magic=ZIP_MAGIC,
        authenticate=lambda: None,
    )


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "deep" / "product.zip"


def files_in(folder: Path) -> list[str]:
    return sorted(os.listdir(folder)) if folder.exists() else []


def test_file_arrives_whole_and_alone(remote: Remote, target: Path) -> None:
    fetch(remote, target, QUICK)
    assert target.read_bytes() == CONTENT
    assert files_in(target.parent) == ["product.zip"]


def test_broken_transfer_goes_on_where_it_was(server: Server, remote: Remote, target: Path) -> None:
    server.troubles[PATH] = [break_off(0.5), break_off(0.5)]
    fetch(remote, target, QUICK)
    assert target.read_bytes() == CONTENT
    first, second, third = (request.headers.get("Range") for request in server.gets(PATH))
    assert first is None
    begins = [int(text.removeprefix("bytes=").removesuffix("-")) for text in (second, third)]
    # Half, and half of the rest, in whole chunks.
    chunk, half = transfer.CHUNK, len(CONTENT) // 2
    assert half - chunk < begins[0] <= half
    assert begins[0] < begins[1] < len(CONTENT)


def test_reset_connection_is_tried_again(server: Server, remote: Remote, target: Path) -> None:
    server.troubles[PATH] = [break_off(0.5, reset=True), break_off(0, reset=True)]
    fetch(remote, target, QUICK)
    assert target.read_bytes() == CONTENT
    assert len(server.gets(PATH)) == 3


def test_next_call_goes_on_too(server: Server, remote: Remote, target: Path) -> None:
    server.troubles[PATH] = [break_off(0.7)] * QUICK.attempts
    with pytest.raises(DownloadError, match=r"product: the transfer broke off.*call again later"):
        fetch(remote, target, QUICK)
    assert files_in(target.parent) == [".product.zip.part"], "no half file has the final name"
    kept = (target.parent / ".product.zip.part").stat().st_size
    assert kept > len(CONTENT) // 2

    server.requests.clear()
    fetch(remote, target, QUICK)
    assert [r.headers.get("Range") for r in server.gets(PATH)] == [f"bytes={kept}-"]
    assert target.read_bytes() == CONTENT
    assert files_in(target.parent) == ["product.zip"]


def test_server_that_cannot_resume_begins_anew(
    server: Server, remote: Remote, target: Path
) -> None:
    server.troubles[PATH] = [
        break_off(0.5),
        # GEODES answers a range by 500, others ignore it.
        refuse(500),
        break_off(0.5),
        send(CONTENT),
    ]
    fetch(remote, target, QUICK.model_copy(update={"attempts": 5}))
    assert target.read_bytes() == CONTENT
    ranged = ["Range" in request.headers for request in server.gets(PATH)]
    assert ranged == [False, True, False, True]


def test_part_that_is_too_long_or_of_another_file_is_dropped(
    server: Server, remote: Remote, target: Path
) -> None:
    target.parent.mkdir(parents=True)
    part = target.parent / ".product.zip.part"
    part.write_bytes(CONTENT + b"more")
    fetch(remote, target, QUICK)
    assert target.read_bytes() == CONTENT

    target.unlink()
    part.write_bytes(b"PK\x03\x04 of yesterday")
    fetch(remote, target, QUICK)
    assert target.read_bytes() == CONTENT

    # Where the size is not known, the server tells (HTTP 416).
    target.unlink()
    server.requests.clear()
    part.write_bytes(b"\0" * (len(CONTENT) + 7))
    fetch(replace(remote, size=None), target, QUICK)
    assert ["Range" in request.headers for request in server.gets(PATH)] == [True, False]
    assert target.read_bytes() == CONTENT


def test_part_that_is_whole_needs_no_request(server: Server, remote: Remote, target: Path) -> None:
    target.parent.mkdir(parents=True)
    (target.parent / ".product.zip.part").write_bytes(CONTENT)
    fetch(remote, target, QUICK)
    assert not server.requests
    assert target.read_bytes() == CONTENT


@pytest.mark.parametrize("status", [202, 429, 500, 502, 503, 504])
def test_busy_server_is_asked_again(
    server: Server, remote: Remote, target: Path, status: int
) -> None:
    server.troubles[PATH] = [refuse(status), refuse(status)]
    fetch(remote, target, QUICK)
    assert len(server.gets(PATH)) == 3


def test_waits_double(
    server: Server, remote: Remote, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []
    monkeypatch.setattr(transfer.time, "sleep", waits.append)
    server.troubles[PATH] = [refuse(503), refuse(503), refuse(503)]
    fetch(remote, target, Retries(attempts=4, wait=5))
    assert waits == [5, 10, 20]


def test_retry_after_is_obeyed(
    server: Server, remote: Remote, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []
    monkeypatch.setattr(transfer.time, "sleep", waits.append)
    at = format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True)
    server.troubles[PATH] = [
        refuse(429, Retry_After="17"),
        refuse(503, Retry_After=at),
        refuse(503, Retry_After="soon"),
    ]
    fetch(remote, target, Retries(attempts=4, wait=5))
    assert waits[0] == 17
    assert 80 < waits[1] <= 90
    assert waits[2] == 20, "what is neither seconds nor a date counts for nothing"


def test_server_that_asks_for_more_patience_than_we_have(
    server: Server, remote: Remote, target: Path
) -> None:
    server.troubles[PATH] = [refuse(429, Retry_After="86400")]
    began = time.monotonic()
    with pytest.raises(DownloadError, match=r"HTTP 429.*another 86400 s.*patience \(5 s\)"):
        fetch(remote, target, QUICK)
    assert time.monotonic() - began < 3


QUOTA = b'{"message": "Downloading products per hour exceeds QUOTA limit"}'


@pytest.mark.parametrize("trouble", [refuse(403, QUOTA), send(QUOTA, "application/json")])
def test_quota_is_waited_for_longer_than_there_are_attempts(
    server: Server, remote: Remote, target: Path, trouble
) -> None:
    server.troubles[PATH] = [trouble] * (QUICK.attempts + 2)
    fetch(remote, target, QUICK)
    assert target.read_bytes() == CONTENT


def test_quota_that_does_not_end(server: Server, remote: Remote, target: Path) -> None:
    server.troubles[PATH] = [refuse(403, QUOTA)] * 100
    with pytest.raises(DownloadError, match=r"quota of downloads is used up.*call again later"):
        fetch(remote, target, QUICK.model_copy(update={"patience": 0.1}))
    assert len(server.gets(PATH)) == 6, "five waits of 0.02 s are 0.1 s"
    assert files_in(target.parent) == []


@pytest.mark.parametrize("status", [401, 403])
def test_refused_credentials_are_not_tried_again(
    server: Server, remote: Remote, target: Path, status: int
) -> None:
    server.troubles[PATH] = [refuse(status, b"no")] * 9
    with pytest.raises(DownloadError, match=rf"refuses the credentials \(HTTP {status}\)"):
        fetch(remote, target, QUICK)
    assert len(server.gets(PATH)) == 1


def test_product_that_is_gone(remote: Remote, target: Path) -> None:
    gone = replace(remote, url=remote.url + ".not")
    with pytest.raises(DownloadError, match=r"does not give it \(HTTP 404\); search again"):
        fetch(gone, target, QUICK)


def test_page_in_place_of_the_file(server: Server, remote: Remote, target: Path) -> None:
    server.troubles[PATH] = [send(b"<html>Log in" + b" " * (len(CONTENT) - 12), "text/html")]
    with pytest.raises(DownloadError, match="something else than the file"):
        fetch(remote, target, QUICK)
    assert files_in(target.parent) == []


def test_damage_is_fetched_once_more(server: Server, remote: Remote, target: Path) -> None:
    damaged = CONTENT[:1000] + b"\0" + CONTENT[1001:]
    server.troubles[PATH] = [send(damaged)]
    fetch(remote, target, QUICK)
    assert target.read_bytes() == CONTENT

    target.unlink()
    server.requests.clear()
    server.troubles[PATH] = [send(damaged)] * 9
    with pytest.raises(DownloadError) as caught:
        fetch(remote, target, QUICK)
    assert hashlib.md5(damaged).hexdigest() in str(caught.value)
    assert hashlib.md5(CONTENT).hexdigest() in str(caught.value)
    assert len(server.gets(PATH)) == 2
    assert files_in(target.parent) == []


def test_other_size_is_told_before_the_transfer(
    server: Server, remote: Remote, target: Path
) -> None:
    with pytest.raises(DownloadError, match=f"has {len(CONTENT)} bytes, but the table says 1000"):
        fetch(replace(remote, size=1000), target, QUICK)
    assert files_in(target.parent) == []


def test_without_a_checksum_a_zip_must_be_whole(
    server: Server, remote: Remote, target: Path
) -> None:
    unpinned = replace(remote, size=None, md5=None)
    server.troubles[PATH] = [send(CONTENT[: len(CONTENT) // 2])] * 2
    with pytest.raises(DownloadError, match="not a whole zip"):
        fetch(unpinned, target, QUICK)
    fetch(unpinned, target, QUICK)
    assert target.read_bytes() == CONTENT


def test_tiff_is_known_by_its_beginning(server: Server, remote: Remote, target: Path) -> None:
    server.files[PATH] = b"II*\0" + bytes(100)
    unpinned = replace(remote, size=None, md5=None, magic=TIFF_MAGIC)
    fetch(unpinned, target, QUICK)
    with pytest.raises(DownloadError, match="something else than the file"):
        fetch(replace(unpinned, magic=ZIP_MAGIC), target, QUICK)


def test_slow_transfer_is_not_given_up(server: Server, remote: Remote, target: Path) -> None:
    server.troubles[PATH] = [slow(0.02)]
    fetch(remote, target, QUICK)
    assert target.read_bytes() == CONTENT
    assert len(server.gets(PATH)) == 1


def test_silent_server_is_given_up(
    server: Server, remote: Remote, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transfer, "TIMEOUT", (1, 0.1))
    server.troubles[PATH] = [slow(0.5)]
    fetch(remote, target, QUICK)
    assert target.read_bytes() == CONTENT
    assert len(server.gets(PATH)) == 2


def test_server_that_is_not_there(server: Server, remote: Remote, target: Path) -> None:
    server.stop()
    with pytest.raises(DownloadError, match=r"broke off \(ConnectionError\); call again later"):
        fetch(remote, target, QUICK)


def test_full_disk_is_told_before_the_transfer(
    server: Server, remote: Remote, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(target.parents[1])
    monkeypatch.setattr(transfer.shutil, "disk_usage", lambda _: usage._replace(free=1000))
    with pytest.raises(DownloadError, match=f"needs {len(CONTENT)} bytes and .* has 1000 left"):
        fetch(remote, target, QUICK)


def test_folder_that_cannot_be_made(remote: Remote, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(DownloadError, match="cannot be written"):
        fetch(remote, tmp_path / "file" / "product.zip", QUICK)


class Key(transfer.AuthBase):
    def __call__(self, request):
        request.headers["X-API-Key"] = API_KEY
        return request


def test_credentials_follow_a_redirection_to_the_same_host_only(
    server: Server, remote: Remote, target: Path
) -> None:
    elsewhere = "/public/elsewhere.zip"
    server.files[elsewhere] = CONTENT
    signed = replace(remote, authenticate=Key)
    server.troubles[PATH] = [redirect(elsewhere)]
    fetch(signed, target, QUICK)
    assert server.gets(elsewhere)[0].headers["X-API-Key"] == API_KEY

    target.unlink()
    server.requests.clear()
    # The same machine by another name is another host.
    server.troubles[PATH] = [redirect(f"http://localhost:{server.port}{elsewhere}")]
    fetch(signed, target, QUICK)
    assert "X-API-Key" not in server.gets(elsewhere)[0].headers


@pytest.mark.parametrize(
    ("asked", "redirected", "allowed"),
    [
        ("https://a.data.eu/x", "https://a.data.eu/y", True),
        ("https://a.data.eu/x", "https://b.data.eu/y", True),
        ("https://a.data.eu/x", "http://a.data.eu/y", False),
        ("https://a.data.eu/x", "https://b.evil.eu/y", False),
        ("https://a.data.eu/x", "https://evil-data.eu/y", False),
        ("https://data.eu/x", "https://evil.eu/y", False),
        ("http://127.0.0.1/x", "http://127.0.0.1/y", True),
        ("http://127.0.0.1/x", "https://9.0.0.1/y", False),
        ("http://127.0.0.1:1/x", "http://127.0.0.1:2/y", False),
    ],
)
def test_where_credentials_may_go(asked: str, redirected: str, allowed: bool) -> None:
    assert may_sign(asked, redirected) is allowed


def test_endless_redirections(server: Server, remote: Remote, target: Path) -> None:
    server.troubles[PATH] = [redirect(PATH)] * 99
    with pytest.raises(DownloadError, match="redirects without end"):
        fetch(remote, target, QUICK)


@pytest.mark.parametrize("status", [401, 403, 404, 500, 503])
def test_what_a_server_echoes_is_not_told(
    server: Server, remote: Remote, target: Path, status: int, caplog, capfd
) -> None:
    server.troubles[PATH] = [echo(status)] * 9
    with caplog.at_level("INFO"), pytest.raises(DownloadError) as caught:
        fetch(replace(remote, authenticate=Key), target, QUICK)
    assert server.gets(PATH)[0].headers["X-API-Key"] == API_KEY
    told = str(caught.value) + caplog.text + "".join(capfd.readouterr())
    assert API_KEY not in told
    assert caught.value.__suppress_context__ or caught.value.__context__ is None
