"""A local server that plays the providers: STAC search, plain and as GEODES does it, and files.

What GEODES does in its own way: `datetime` is the day of processing; a search of several
collections finds nothing, and one around a point ignores the point; a page has at most 80 items; a
range is answered by HTTP 500; a file's address ends with its MD5; a download needs the header
X-API-Key. Every answer can be made to fail, and eodag is told to ask this server.
"""

import hashlib
import json
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import yaml

API_KEY = "the-key-of-this-test"
#: Items that a page of GEODES may have.
GEODES_LIMIT = 80


@dataclass(frozen=True)
class Item:
    """A product on offer: ``box`` has its west, south, east, north, ``start`` is in ISO 8601."""

    product_id: str
    collection: str
    start: str
    box: tuple[float, float, float, float]
    content: bytes
    cloud_cover: float | None = 10.0
    platform: str = ""
    mode: str | None = None
    orbit: str | None = None
    product_type: str | None = None
    #: What the listing says of the content, where that is not the truth.
    told: bytes | None = None

    @property
    def path(self) -> str:
        return f"/api/download/URN:FEATURE:DATA:gdh:{self.product_id}:V1/files/{self.md5}"

    @property
    def md5(self) -> str:
        return hashlib.md5(self.content if self.told is None else self.told).hexdigest()

    @property
    def size(self) -> int:
        return len(self.content if self.told is None else self.told)

    def feature(self, base: str, *, geodes: bool) -> dict[str, Any]:
        west, south, east, north = self.box
        ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
        properties = {
            "identifier": self.product_id,
            "datetime": "2024-07-01T00:00:00Z" if geodes else self.start,
            "start_datetime": self.start,
            "end_datetime": self.start,
            "platform": self.platform,
            "eo:cloud_cover": self.cloud_cover,
            "sar:instrument_mode": self.mode,
            "sat:orbit_state": self.orbit,
            "product:type": self.product_type,
        }
        told = f"File size: {self.size} bytes\nIs online: true\nChecksum MD5: {self.md5.upper()}"
        asset = {"href": base + self.path, "type": "application/zip", "roles": ["data"]}
        if geodes:
            asset["description"] = told
        else:
            asset |= {"file:size": self.size, "file:checksum": f"d50110{self.md5}"}
        return {
            "type": "Feature",
            "stac_version": "1.0.0",
            "id": self.product_id,
            "collection": self.collection,
            "geometry": {"type": "Polygon", "coordinates": [ring]},
            "bbox": list(self.box),
            "properties": {k: v for k, v in properties.items() if v is not None},
            "assets": {f"{self.product_id}.zip": asset},
        }


@dataclass(frozen=True)
class Request:
    """What a client sent."""

    method: str
    path: str
    headers: dict[str, str]
    body: Any = None


#: Answers a GET of a file in another way than by the file.
Trouble = Callable[["Handler", bytes], None]


def refuse(status: int, body: bytes = b"", **headers: str) -> Trouble:
    """Answer by a status; headers as Retry_After="1"."""

    def answer(handler: "Handler", content: bytes) -> None:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        handler.answer(status, body, named)

    return answer


def echo(status: int, body: bytes = b"") -> Trouble:
    """Answer by a status and all headers of the request, as a careless server does."""

    def answer(handler: "Handler", content: bytes) -> None:
        handler.answer(status, body + str(dict(handler.headers)).encode(), {})

    return answer


def send(content: bytes, kind: str = "application/zip") -> Trouble:
    """Answer by other content, as if it were the file."""

    def answer(handler: "Handler", right: bytes) -> None:
        handler.answer(200, content, {"Content-Type": kind})

    return answer


def break_off(share: float = 0.5, *, reset: bool = False) -> Trouble:
    """End the connection after a share of the file; a reset also loses what is on its way."""

    def answer(handler: "Handler", content: bytes) -> None:
        begin = handler.begin_file(content)
        handler.wfile.write(content[begin : begin + int((len(content) - begin) * share)])
        handler.close_connection = True
        if reset:
            linger = b"\x01\0\0\0\0\0\0\0"
            handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)

    return answer


def die(share: float = 0.5) -> Trouble:
    """Break off, and serve nobody any more."""

    def answer(handler: "Handler", content: bytes) -> None:
        threading.Thread(target=handler.server.owner.stop).start()
        handler.server.owner.dead.wait()
        break_off(share)(handler, content)

    return answer


def slow(pause: float) -> Trouble:
    """Serve the file in ten pieces with a pause after each."""

    def answer(handler: "Handler", content: bytes) -> None:
        begin = handler.begin_file(content)
        step = -(-(len(content) - begin) // 10)
        for start in range(begin, len(content), step):
            handler.wfile.write(content[start : start + step])
            handler.wfile.flush()
            time.sleep(pause)

    return answer


def redirect(address: str) -> Trouble:
    return refuse(302, Location=address)


class QuietServer(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """Say nothing where a client went away."""


@dataclass
class Server:
    """Serves items and files until it is stopped; a context manager.

    Attributes
    ----------
    items : list of Item
    files : dict
        Content of public files by path; their ETag is their MD5.
    ranges : bool
        Whether items can be resumed; GEODES cannot. Files always can.
    troubles : dict
        What the next GETs of a path, or of any path under "*", meet instead of the file.
    searches_fail : list of int
        Statuses of the next searches.
    """

    items: list[Item] = field(default_factory=list)
    files: dict[str, bytes] = field(default_factory=dict)
    ranges: bool = False
    troubles: dict[str, list[Trouble]] = field(default_factory=dict)
    searches_fail: list[int] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)
    port: int = 0

    def __enter__(self) -> "Server":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Serve, on the same port as before if there was one."""
        self.dead = threading.Event()
        self._http = QuietServer(("127.0.0.1", self.port), Handler)
        self._http.owner = self  # type: ignore[attr-defined]
        self.port = self._http.server_address[1]
        threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self) -> None:
        if not self.dead.is_set():
            self._http.shutdown()
            # Not server_close(), which would wait for the threads of open connections.
            self._http.socket.close()
            self.dead.set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def gets(self, part: str = "/api/download/") -> list[Request]:
        """GET requests whose path holds a part."""
        return [r for r in self.requests if r.method == "GET" and part in r.path]

    def searches(self) -> list[Any]:
        return [r.body for r in self.requests if r.path.endswith("/search")]

    def content(self, path: str) -> bytes | None:
        return self.files.get(path) or next(
            (item.content for item in self.items if item.path == path), None
        )

    def next_trouble(self, path: str) -> Trouble | None:
        for key in (path, "*"):
            if self.troubles.get(key):
                return self.troubles[key].pop(0)
        return None

    def geodes(self, body: dict[str, Any]) -> dict[str, Any]:
        found = self._found(body) if len(body["collections"]) == 1 else []
        query = body.get("query", {})
        features = [item.feature(self.url, geodes=True) for item in found]
        features = [f for f in features if _satisfies(f["properties"], query)]
        for key in reversed(body.get("sortBy", [])):
            features.sort(key=lambda f: f["properties"][key["field"]])
        begin = (int(body.get("page", 1)) - 1) * body["limit"]
        page = features[begin : begin + body["limit"]]
        context = {"matched": len(features), "returned": len(page)}
        return {"type": "FeatureCollection", "features": page, "context": context}

    def stac(self, body: dict[str, Any]) -> dict[str, Any]:
        first, last = body["datetime"].split("/")
        found = [i for i in self._found(body) if first[:10] <= i.start[:10] <= last[:10]]
        begin = int(body.get("token", 0))
        page = found[begin : begin + body["limit"]]
        links = []
        if begin + len(page) < len(found):
            after = {**body, "token": str(begin + len(page))}
            links = [{"rel": "next", "method": "POST", "href": f"{self.url}/stac/search",
                      "body": after}]  # fmt: skip
        features = [item.feature(self.url, geodes=False) for item in page]
        return {
            "type": "FeatureCollection",
            "features": features,
            "links": links,
            "numberMatched": len(found),
        }

    def _found(self, body: dict[str, Any]) -> list[Item]:
        area = body.get("intersects")
        box = None
        if area and area["type"] == "Polygon":
            lons, lats = zip(*area["coordinates"][0], strict=True)
            box = min(lons), min(lats), max(lons), max(lats)
        return [
            item
            for item in self.items
            if item.collection in body["collections"] and (box is None or _touch(item.box, box))
        ]


def _touch(a: tuple[float, ...], b: tuple[float, ...]) -> bool:
    return a[0] <= b[2] and b[0] <= a[2] and a[1] <= b[3] and b[1] <= a[3]


def _satisfies(properties: dict[str, Any], query: dict[str, dict[str, Any]]) -> bool:
    for name, tests in query.items():
        value = properties.get(name)
        if value is None:
            return False
        for operator, limit in tests.items():
            if isinstance(limit, str) and name.endswith("datetime"):
                limit, value = limit[:19], value[:19]
            passes = {"lte": value <= limit, "gte": value >= limit, "eq": value == limit}
            if not passes[operator]:
                return False
    return True


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Any

    def log_message(self, *_: object) -> None:
        pass

    def _note(self, body: Any = None) -> Server:
        owner: Server = self.server.owner
        owner.requests.append(Request(self.command, self.path, dict(self.headers), body))
        return owner

    def answer(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        owner = self._note(body)
        json_type = {"Content-Type": "application/json"}
        if self.path.endswith("/search") and owner.searches_fail:
            said = str(dict(self.headers)).encode()
            self.answer(owner.searches_fail.pop(0), said, json_type)
        elif self.path == "/api/stac/search" and body["limit"] > GEODES_LIMIT:
            self.answer(400, b"{}", json_type)
        elif self.path in ("/api/stac/search", "/stac/search"):
            search = owner.geodes if self.path.startswith("/api") else owner.stac
            self.answer(200, json.dumps(search(body)).encode(), json_type)
        elif self.path == "/fastavailability" or self.path == "/api/fastavailability":
            self.answer(200, b'{"products": []}', json_type)
        else:
            self.answer(404, b"", {})

    def do_HEAD(self) -> None:
        self._serve()

    def do_GET(self) -> None:
        self._serve()

    def _serve(self) -> None:
        owner = self._note()
        content = owner.content(self.path)
        if content is None:
            self.answer(404, b"", {})
        elif trouble := owner.next_trouble(self.path):
            trouble(self, content)
        elif self.path not in owner.files and self.headers.get("X-API-Key") != API_KEY:
            self.answer(401, b"who are you", {})
        elif self.command == "HEAD":
            tag = {"ETag": f'"{hashlib.md5(content).hexdigest()}"', "Accept-Ranges": "bytes"}
            self.answer(200, content, tag)
        elif "Range" in self.headers and not self._resumable():
            self.answer(500, b"", {})
        else:
            self.wfile.write(content[self.begin_file(content) :])

    def _resumable(self) -> bool:
        return self.server.owner.ranges or self.path in self.server.owner.files

    def begin_file(self, content: bytes) -> int:
        """Send the headers of a file, or of the rest of it; give where the rest begins."""
        begin = 0
        if self._resumable() and "Range" in self.headers:
            begin = int(self.headers["Range"].removeprefix("bytes=").removesuffix("-"))
        if begin >= len(content) > 0:
            self.answer(416, b"", {})
            return len(content)
        self.send_response(206 if begin else 200)
        if begin:
            self.send_header("Content-Range", f"bytes {begin}-{len(content) - 1}/{len(content)}")
        if self._resumable():
            self.send_header("Accept-Ranges", "bytes")
        self.send_header("Last-Modified", formatdate(0, usegmt=True))
        self.send_header("Content-Length", str(len(content) - begin))
        self.end_headers()
        return begin


def eodag_settings(server: Server) -> dict[str, object]:
    """What stands in eodag's own configuration file: providers at the server, no waiting."""
    quick = {"retry_total": 2, "retry_backoff_factor": 0}
    return {
        "geodes": {
            "search": {"api_endpoint": f"{server.url}/api/stac/search", **quick},
            "auth": {"matching_url": server.url},
        },
        "plain": {
            "search": {
                "type": "StacSearch",
                "api_endpoint": f"{server.url}/stac/search",
                "pagination": {"max_limit": 4},
                "metadata_mapping": {"eodag:download_link": "$.assets.*.href"},
                **quick,
            },
            "products": {"S2_MSI_L1C": {"_collection": "sentinel-2-l1c"}},
            "download": {"type": "HTTPDownload", "ignore_assets": True},
        },
    }


def configure_eodag(server: Server, folder: Path, setenv: Callable[[str, str], None]) -> Path:
    """Write eodag's configuration to a folder, and give it the key by the environment."""
    (folder / "eodag.yml").write_text(yaml.safe_dump(eodag_settings(server)))
    setenv("EODAG_CFG_DIR", str(folder))
    setenv("EODAG__GEODES__AUTH__CREDENTIALS__APIKEY", API_KEY)
    return folder
