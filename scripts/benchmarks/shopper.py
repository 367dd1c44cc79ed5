"""A shopper: someone with one connection to the gateway, who signs in, orders and pays."""

import base64
import http.client
import json
import uuid
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode, urlsplit

TIMEOUT_SECONDS = 20
FORM = "application/x-www-form-urlencoded"


class Refused(Exception):
    """The gateway answered something else than was asked for."""


@dataclass
class Shopper:
    """Someone who talks to the gateway over one connection that is kept; not for several threads at once."""

    gateway_url: str
    email: str = ""
    password: str = ""
    token: str = ""
    connection: http.client.HTTPConnection = field(init=False)

    def __post_init__(self) -> None:
        self.connection = http.client.HTTPConnection(
            urlsplit(self.gateway_url).netloc, timeout=TIMEOUT_SECONDS
        )

    @classmethod
    def registered(cls, gateway_url: str) -> "Shopper":
        """Return a new shopper who is signed in."""
        one = cls(gateway_url, f"{uuid.uuid4()}@shopper.example", uuid.uuid4().hex)
        account = {"email": one.email, "password": one.password, "name": "Shopper"}
        one.expect(201, "POST", "/api/v1/users", account)
        return one.signed_in()

    def signed_in(self) -> "Shopper":
        """Get a new token; it is good for some minutes."""
        grant = {"grant_type": "password", "username": self.email, "password": self.password}
        self.token = ""
        self.connection.close()  # the gateway may have closed it: a turn is a long time
        answer = self.expect(200, "POST", "/api/v1/auth/token", grant | {"client_id": "mobile"}, FORM)
        self.token = answer["access_token"]
        return self

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"} if self.token else {}

    @property
    def user_id(self) -> str:
        """Return the id that the token speaks for."""
        payload = self.token.split(".")[1]
        return json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))["sub"]

    def send(
        self, method: str, path: str, body: Any = None, kind: str = "application/json"
    ) -> tuple[int, Any, str]:
        """Send a request; returns the status, what the body says, and the header Retry-After."""
        headers, content = dict(self.headers), None
        if body is not None:
            content = urlencode(body) if kind == FORM else json.dumps(body)
            headers |= {"Content-Type": kind, "Idempotency-Key": str(uuid.uuid4())}
        self.connection.request(method, path, content, headers)
        answer = self.connection.getresponse()
        text = answer.read()
        return answer.status, json.loads(text) if text else None, answer.getheader("Retry-After", "")

    def expect(self, status: int, method: str, path: str, body: Any = None, kind: str = "") -> Any:
        """Return what the body of an answer says. Raises Refused if its status is another."""
        found, said, _ = self.send(method, path, body, kind or "application/json")
        if found != status:
            raise Refused(f"{method} {path} answered {found}: {said}")
        return said

    def order(self, *skus: str) -> dict[str, Any]:
        """Order one of each."""
        items = [{"sku": sku, "quantity": 1} for sku in skus]
        return self.expect(201, "POST", "/api/v1/orders", {"items": items})
