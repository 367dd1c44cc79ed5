"""The storefront's files: read once at start, answered from memory, without any service."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from email.utils import formatdate
from pathlib import Path

from gateway.front.reply import Reply
from gateway.front.request import Request
from gateway.routes import WrongMethod

INDEX = "index.html"
_MEDIA_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
# Scripts and styles come from here alone, and no other site may frame the shop.
_POLICY = (
    "default-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
_METHODS = ("GET", "HEAD")


@dataclass(frozen=True, slots=True)
class Page:
    """One file. `template` is its route in the record of requests."""

    template: str
    media_type: str
    body: bytes
    etag: bytes

    def answer(self, request: Request, reply: Reply, request_id: str, made: bytes) -> None:
        """Send the file, or 304 to a client that has it; `made` are header lines of every page. Raises WrongMethod."""
        if request.method not in _METHODS:
            raise WrongMethod(", ".join(_METHODS))
        fields = (
            f"Date: {formatdate(usegmt=True)}\r\nX-Request-ID: {request_id}\r\nCache-Control: no-cache\r\n"
            f"ETag: {self.etag.decode()}\r\nContent-Security-Policy: {_POLICY}\r\n"
        ).encode() + made
        if self.etag in (value for name, value in request.fields if name == b"if-none-match"):
            reply.send(304, fields, b"")
            return
        reply.send(200, fields + f"Content-Type: {self.media_type}\r\n".encode(), self.body)


def read_pages(folder: Path) -> dict[str, Page]:
    """Return the files of a folder by path: index.html is at /, every other file at /shop/<name>."""
    return {page.template: page for page in _pages(sorted(folder.iterdir()))}


def _pages(files: Iterable[Path]) -> Iterable[Page]:
    for file in files:
        body = file.read_bytes()
        yield Page(
            template="/" if file.name == INDEX else f"/shop/{file.name}",
            media_type=_MEDIA_TYPES[file.suffix],
            body=body,
            etag=f'"{hashlib.sha256(body).hexdigest()[:32]}"'.encode(),
        )
