"""What a service says in its header, and what a client gets of it: nothing is split, merged or somebody else's."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from serving import get, whole

PRODUCT = "/api/v1/products/TEA-1"
FORGED = "Set-Cookie: session=forged"

# A value of a service's header, and behind it what could be taken for a line of its own.
SPLITTING = [
    f"a\r{FORGED}",
    f"a\n{FORGED}",
    f"a\r\r\n{FORGED}",
    f"a\x00\r{FORGED}",
    f"a\x0b\n{FORGED}",
    "a\r\n b",
]
SPLITTING += [f"a\n\n{FORGED}", "a\r\n\tb", "a\x00b", "a\x01b", "a\x7fb", "a\n", "a\r"]
HOPS = ["X-Hop", "x-hop", "X-HOP"]


@pytest.mark.parametrize("value", SPLITTING)
def test_a_value_that_is_more_than_a_line_is_no_answer(gateway, orders, value):
    orders.answer = lambda wire, request: wire.send(whole(fields=f"X-Name: {value}\r\n"))
    reply = gateway.ask(get(PRODUCT))
    assert (reply.status, reply.problem["code"]) == (502, "bad_upstream_answer")
    assert "set-cookie" not in dict(reply.fields)


@pytest.mark.parametrize(
    "name", ["X Name", "X-Name ", "X\tName", "X(Name", "X\x00Name", " X-Name", "X-N\xe4me", ""]
)
def test_a_name_that_is_none_is_no_answer(gateway, orders, name):
    orders.answer = lambda wire, request: wire.send(whole(fields=f"{name}: a\r\n"))
    assert gateway.ask(get(PRODUCT)).problem["code"] == "bad_upstream_answer"


def test_encoded_line_breaks_stay_encoded(gateway, orders):
    value = "/a%0d%0aSet-Cookie:%20a=b\\r\\n \u560a\u560d"
    orders.answer = lambda wire, request: wire.send(whole(fields=f"Location: {value}\r\n"))
    reply = gateway.ask(get(PRODUCT))
    assert reply.all("location") == [value.encode().decode("latin-1")] and not reply.all("set-cookie")


def test_no_users_cookie_reaches_another_over_the_same_connection(gateway, orders, issuer):
    turn = itertools.count()
    orders.answer = lambda wire, request: wire.send(
        whole(fields=f"Set-Cookie: session=s{next(turn)}; HttpOnly\r\nSet-Cookie: theme=a, b\r\n")
    )
    clients = [gateway.connect() for _ in range(2)]
    bearers = [issuer.bearer() for _ in clients]
    for number in range(20):
        fields = [f"Authorization: {bearers[number % 2]}", f"Cookie: session=own{number}"]
        reply = clients[number % 2].send(get("/api/v1/orders", *fields)).message()
        assert reply.all("set-cookie") == [f"session=s{number}; HttpOnly", "theme=a, b"]
    for wire in clients:
        wire.close()
    asked = [request for request in orders.requests if request.target == "/api/v1/orders"]
    assert len(asked) == 20 and not any(request.all("cookie") for request in asked)


def test_what_a_service_names_in_connection_stays_between_the_two(gateway, orders):
    @settings(max_examples=60, deadline=None)
    @given(
        name=st.sampled_from(HOPS),
        others=st.lists(st.sampled_from(["keep-alive", "Keep-Alive", "x-other", "", " "]), max_size=3),
        blanks=st.sampled_from(["", " ", "\t", "  "]),
        lines=st.integers(1, 2),
        first=st.booleans(),
    )
    def try_one(name, others, blanks, lines, first):
        options = [name, *others] if first else [*others, name]
        connection = "".join(f"Connection: {f',{blanks}'.join(options)}\r\n" for _ in range(lines))
        fields = (
            f"{connection}X-Hop: 1\r\nX-Hop-Too: 2\r\nX-Hop: 3\r\nKeep-Alive: timeout=5\r\nUpgrade: h2c\r\n"
        )
        orders.answer = lambda wire, request: wire.send(whole(fields=fields))
        reply = gateway.ask(get(PRODUCT))
        assert reply.status == 200 and reply.all("x-hop-too") == ["2"]
        assert not {"x-hop", "connection", "keep-alive", "upgrade"} & dict(reply.fields).keys()

    try_one()
