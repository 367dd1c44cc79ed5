"""The HTTP connections to one other service, plain or under our own TLS."""

import http.cookiejar
from typing import TYPE_CHECKING, Any

import requests
from requests.adapters import HTTPAdapter

if TYPE_CHECKING:
    from chassis.tls import Credentials

_POOL = 32


def session_to(name: str, tls: "Credentials | None") -> requests.Session:
    """Return a session whose calls share connections and nothing else: no cookies, no proxy from the environment."""
    session = requests.Session()
    session.trust_env = False
    session.cookies.set_policy(http.cookiejar.DefaultCookiePolicy(allowed_domains=[]))
    # The longest prefix wins, and requests has adapters of its own at both of these.
    for scheme in ("http://", "https://"):
        session.mount(scheme, _Adapter(name, tls))
    return session


class _Adapter(HTTPAdapter):
    """Under TLS it speaks to who is certified to have the peer's name, at whatever address."""

    def __init__(self, name: str, tls: "Credentials | None") -> None:
        self._own = {} if tls is None else {"ssl_context": tls.client, "server_hostname": name}
        super().__init__(pool_connections=1, pool_maxsize=_POOL)

    def build_connection_pool_key_attributes(
        self, request: Any, verify: Any, cert: Any = None
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        host, found = super().build_connection_pool_key_attributes(request, verify, cert)
        return host, self._own or found

    def cert_verify(self, conn: Any, url: Any, verify: Any, cert: Any) -> None:
        if not self._own:  # to which the authorities of the web are nobody
            super().cert_verify(conn, url, verify, cert)
