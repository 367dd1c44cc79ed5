"""The gateway's own pages, answered from memory: files read at start, and what is made of the services' words."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from email.utils import formatdate
from pathlib import Path

from gateway.compression import gzip, takes_gzip, weak
from gateway.front.reply import Reply
from gateway.front.request import Request
from gateway.routes import WrongMethod

INDEX = "index.html"
_MEDIA_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".json": "application/json",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
# Scripts and styles come from here alone, and no other site may frame the shop.
_SHOP_POLICY = (
    "default-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
# What is only read runs nothing at all.
PAPER_POLICY = (
    "default-src 'none'; style-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
_METHODS = ("GET", "HEAD")


@dataclass(frozen=True, slots=True)
class Page:
    """One page. `template` is its route in the record of requests, `policy` says what it may load and run."""

    template: str
    media_type: str
    body: bytes
    gzipped: bytes
    etag: bytes
    policy: str

    def answer(self, request: Request, reply: Reply, request_id: str, made: bytes) -> None:
        """Send the file, or 304 to a client that has it; `made` are header lines of every page. Raises WrongMethod."""
        if request.method not in _METHODS:
            raise WrongMethod(", ".join(_METHODS))
        compressed = takes_gzip(request)
        etag = weak(self.etag) if compressed else self.etag
        fields = (
            f"Date: {formatdate(usegmt=True)}\r\nX-Request-ID: {request_id}\r\nCache-Control: no-cache\r\n"
            f"ETag: {etag.decode()}\r\nVary: Accept-Encoding\r\nContent-Security-Policy: {self.policy}\r\n"
        ).encode() + made
        known = (value for name, value in request.fields if name == b"if-none-match")
        if any(self.etag in value or value.strip(b" \t") == b"*" for value in known):
            reply.send(304, fields, b"")
            return
        fields += f"Content-Type: {self.media_type}\r\n".encode()
        if compressed:
            reply.send(200, fields + b"Content-Encoding: gzip\r\n", self.gzipped)
        else:
            reply.send(200, fields, self.body)


def read_pages(folder: Path) -> dict[str, Page]:
    """Return the files of a folder by path: index.html is at /, every other file at /shop/<name>."""
    return {page.template: page for page in _pages(sorted(folder.iterdir()))}


def _pages(files: Iterable[Path]) -> Iterable[Page]:
    for file in files:
        path = "/" if file.name == INDEX else f"/shop/{file.name}"
        yield _page(path, _MEDIA_TYPES[file.suffix], file.read_bytes(), _SHOP_POLICY)


def paper(path: str, body: bytes) -> Page:
    """Return a page that is only read, of the kind its path's ending says; HTML without one."""
    return _page(path, _MEDIA_TYPES[Path(path).suffix or ".html"], body, PAPER_POLICY)


def _page(path: str, media_type: str, body: bytes, policy: str) -> Page:
    etag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'.encode()
    return Page(template=path, media_type=media_type, body=body, gzipped=gzip(body), etag=etag, policy=policy)
