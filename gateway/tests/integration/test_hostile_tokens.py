"""A thousand and more hostile tokens, on connections that go on: none is let in, none makes anything fail."""

import itertools
from collections import Counter

import pytest
from foreign import ForeignIssuer
from hostile import KINDS, Source, crossed
from serving import Service, get, whole

USER, PUBLIC = "/api/v1/orders", "/api/v1/products/TEA-1"
ALGORITHMS = ("RS256", "PS256", "ES256", "EdDSA")
ENTRY = """
[[issuer]]
name = "{name}"
audience = "souk"
algorithms = ["{algorithm}"]
types = ["JWT"]
roles_claim = "roles"
admin_role = "admin"
"""


@pytest.fixture
def elsewhere():
    service = Service()
    yield service
    service.stop()


@pytest.fixture
def sources(elsewhere, issuer):
    """Our own issuer, and one of each algorithm."""
    named = {each: ForeignIssuer(f"{elsewhere.url}/{each}", each, kid=f"{each}-1") for each in ALGORITHMS}

    def answer(wire, request):
        named[request.target.split("/")[1]].answer(wire, request)

    elsewhere.answer = answer
    own = Source(issuer, "RS256", "at+jwt")
    return [own, *(Source(each, algorithm, "JWT") for algorithm, each in named.items())]


@pytest.fixture
def gateway(start_gateway, users, orders, issuer, sources, tmp_path):
    users.reset()
    orders.reset()
    users.answer = lambda wire, request: wire.send(whole(body=issuer.jwks()))
    file = tmp_path / "issuers.toml"
    entries = [ENTRY.format(name=each.issuer.name, algorithm=each.algorithm) for each in sources[1:]]
    file.write_text("".join(entries))
    return start_gateway(issuers_file=file, rate_exempt="127.0.0.0/8")


class Asking:
    """One connection for many requests, opened anew where it has been closed."""

    def __init__(self, gateway):
        self.gateway = gateway
        self.wire = gateway.connect()

    def status(self, authorization, path):
        self.wire.send(get(path, *authorization).encode("utf-8"))
        reply = self.wire.message()
        if dict(reply.fields).get("connection") == "close":
            self.wire.close()
            self.wire = self.gateway.connect()
        return reply.status


def hostile(sources):
    for number, source in enumerate(sources):
        others = sources[:number] + sources[number + 1 :]
        for kind in KINDS:
            yield from ((kind.__name__, token) for token in kind(source))
        yield from (("crossed", token) for token in crossed(source, others))


def test_no_hostile_token_is_taken_for_a_good_one(gateway, sources, orders):
    asking, paths = Asking(gateway), itertools.cycle((USER, PUBLIC))
    for source in sources:
        assert asking.status([f"Authorization: Bearer {source.token()}"], USER) == 200
    seen, refused = len(orders.requests), Counter()
    for kind, token in hostile(sources):
        status = asking.status([f"Authorization: Bearer {token}"], next(paths))
        assert status == 401 or (status == 400 and not token.isascii()), (status, kind, token)
        refused[kind] += 1
    assert refused.total() >= 1000 and min(refused.values()) >= 20, refused
    assert len(orders.requests) == seen
    assert not [line for line in gateway.lines() if line["level"] == "ERROR"]
    for source in sources:
        assert asking.status([f"Authorization: Bearer {source.token()}"], USER) == 200


SCHEMES = [
    "{}",
    "Bearer{}",
    "Bearer\t{}",
    "Bearer \t{}",
    "Bearer: {}",
    "Bearer={}",
    "Bearer,{}",
    "Bearer\xa0{}",
]
SCHEMES += ["Token {}", "JWT {}", "Basic {}", "DPoP {}", "Bearer Bearer {}", "Bearer {} {}", "Bearer {},"]
SCHEMES += ['Bearer "{}"', "Bearer token={}", "Bearer <{}>", "\u0412earer {}", "Bearer", "Bearer {}\0"]
DOUBLED = [
    ("Authorization: Bearer {}", "Authorization: Bearer {}"),
    ("authorization: x", "AUTHORIZATION: Bearer {}"),
]
DOUBLED += [
    ("Authorization: Bearer {}", "Authorization:"),
    ("Authorization: Basic YTpi", "Authorization: Bearer {}"),
]
DOUBLED += [
    ("Authorization : Bearer {}",),
    ("Authorization: Bearer", " {}"),
    ("Authorization: Bearer {}", "\tx"),
]


@pytest.mark.parametrize("fields", [*((f"Authorization: {each}",) for each in SCHEMES), *DOUBLED])
def test_a_good_token_in_an_odd_wrapping_is_refused(gateway_process, services, issuer, fields):
    services["users"].reset()
    services["users"].answer = lambda wire, request: wire.send(whole(body=issuer.jwks()))
    services["orders"].reset()
    told = [each.format(*[issuer.token()] * 2) for each in fields]
    for path in (USER, PUBLIC):
        assert Asking(gateway_process).status(told, path) in (400, 401)
    assert not services["orders"].requests


def test_a_token_in_another_field_is_none(gateway, issuer, orders):
    asking = Asking(gateway)
    for field in (
        "Authorisation",
        "Authorization_",
        "X-Authorization",
        "Proxy-Authorization",
        "X-Forwarded-User",
    ):
        assert asking.status([f"{field}: Bearer {issuer.token()}"], USER) == 401
    for path in (f"{USER}?access_token={issuer.token()}", f"{USER}?authorization=Bearer+{issuer.token()}"):
        assert asking.status([f"Cookie: access_token={issuer.token()}"], path) == 401
    assert not orders.requests
