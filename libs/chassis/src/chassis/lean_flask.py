"""Flask without what no service of Souk has, and would pay for in each request: sessions, host names, URLs to
build."""

from typing import Any

from flask import Flask, Request
from flask.sessions import NullSession, SessionInterface, SessionMixin
from werkzeug.routing import MapAdapter

_NO_SESSION = NullSession()


class _NoSessions(SessionInterface):
    """Sessions are the gateway's: whoever calls a service is vouched for in each request."""

    def open_session(self, app: Flask, request: Request) -> SessionMixin:
        return _NO_SESSION

    def save_session(self, app: Flask, session: Any, response: Any) -> None:
        """Save nothing."""


class LeanFlask(Flask):
    """A Flask app whose routes are the same for every host and under no prefix."""

    session_interface = _NoSessions()

    def create_url_adapter(self, request: Request | None) -> MapAdapter | None:
        """Return what finds the route of a request. Werkzeug's own way looks at the host, its subdomain and the
        prefix first, twice a request."""
        if request is None:
            return None
        environ = request.environ
        path: str = environ["PATH_INFO"]
        if not path.isascii():
            path = path.encode("latin-1").decode(errors="replace")
        method = environ["REQUEST_METHOD"]
        return MapAdapter(self.url_map, environ["SERVER_NAME"], "/", "", "http", path, method)
