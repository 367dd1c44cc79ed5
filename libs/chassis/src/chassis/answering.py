"""What a view returned, as the response that is sent; and an answer of before, sent again."""

from collections.abc import Callable, Iterable
from typing import Any

from flask import Response

from chassis.idempotency import Replay
from chassis.presenting import Present, dump_bytes
from chassis.problems import MEDIA_TYPE
from chassis.routes import Answer


class _Response(Response):
    default_mimetype = None  # what has no body has no type

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Answer with what is there: body and length are complete, and nothing is to be corrected."""
        if environ["REQUEST_METHOD"] == "HEAD" or self.status_code in (204, 304):
            return super().__call__(environ, start_response)  # type: ignore[arg-type]
        start_response(self.status, self.headers.to_wsgi_list())
        return self.response  # type: ignore[return-value]


def parts(result: Any, status: int, show: Present | None) -> tuple[int, bytes, dict[str, str]]:
    """Return the status, body and headers of a view's result; `status` is the route's usual one."""
    headers = {"Cache-Control": "no-store"}
    if isinstance(result, Answer):
        headers |= result.headers
        status = result.status or status
        result = result.value
    if show is None or result is None:
        return status, b"", headers
    return status, dump_bytes(show(result)), headers


def respond(result: Any, status: int, show: Present | None) -> Response:
    """Return the response to a view's result."""
    status, body, headers = parts(result, status, show)
    return _Response(body, status, headers, content_type="application/json" if body else None)


def replayed(replay: Replay) -> Response:
    """Answer again what was answered to this key the first time."""
    headers = {"Idempotent-Replayed": "true", "Cache-Control": "no-store"}
    kind = (MEDIA_TYPE if replay.status >= 400 else "application/json") if replay.body else None
    return _Response(replay.body, replay.status, headers, content_type=kind)
