"""Several instances of a service: who is asked, what is asked again, and who is left alone."""

import threading

import pytest
from serving import Service, get_new, post, whole

FOUR = 4


@pytest.fixture
def pair(services):
    for service in services.values():
        service.reset()
    both = Service(), Service()
    yield both
    for each in both:
        each.stop()


@pytest.fixture
def start(start_gateway, pair, services, issuer):
    def start_before_pair(**settings):
        services["users"].answer = lambda wire, request: wire.send(whole(body=issuer.jwks()))
        return start_gateway(**{"orders_url": ",".join(each.url for each in pair)} | settings)

    return start_before_pair


def lose(wire, request):
    """End the connection instead of answering."""
    list(wire.body_of(request))
    wire.close()


def order(issuer, *fields):
    return post("/api/v1/orders", "{}", f"Authorization: {issuer.bearer()}", *fields)


def test_instances_are_asked_in_turn_each_by_its_own_name(start, pair):
    gateway = start()
    assert {gateway.ask(get_new()).status for _ in range(10)} == {200}
    for each in pair:
        assert [request["host"] for request in each.requests] == [f"127.0.0.1:{each.port}"] * 5


def test_the_one_with_the_least_in_flight_is_asked(start, pair, until):
    gateway, free = start(), threading.Event()
    for each in pair:
        each.answer = lambda wire, request: (free.wait(10), wire.send(whole()))
    waiting = gateway.connect().send(get_new())
    until(lambda: any(each.requests for each in pair))
    slow, other = sorted(pair, key=lambda each: -len(each.requests))
    other.answer = None
    assert [gateway.ask(get_new()).status for _ in range(FOUR)] == [200] * FOUR
    assert (len(slow.requests), len(other.requests)) == (1, FOUR)
    free.set()
    assert waiting.message().status == 200
    waiting.close()


def test_where_no_connection_can_be_made_another_is_asked_whatever_the_method(start, pair, issuer):
    gateway = start()
    pair[0].stop()
    replies = [gateway.ask(request) for request in [get_new(), order(issuer)] * FOUR]
    assert [reply.status for reply in replies] == [200] * 2 * FOUR


def until_both(gateway, request, until):
    """Ask until one was answered and one was not, as the gateway's own questions move the turn; return how often."""
    statuses = []
    until(lambda: statuses.append(gateway.ask(request).status) or {200, 503} <= set(statuses))
    return len(statuses)


def posts(pair):
    return [request for each in pair for request in each.requests if request.line[0] == "POST"]


def test_a_post_whose_connection_is_lost_goes_to_another_with_a_key(start, pair, issuer):
    gateway = start()
    pair[0].answer = lose
    request = order(issuer, "Idempotency-Key: key-00001")
    assert [gateway.ask(request).status for _ in range(FOUR)] == [200] * FOUR
    assert all("idempotency-key" in dict(each.fields) for each in posts(pair))


def test_a_post_without_a_key_is_sent_once(start, pair, issuer, until):
    gateway = start()
    pair[0].answer = lose
    assert until_both(gateway, order(issuer), until) == len(posts(pair))


def test_a_key_that_the_route_keeps_back_repeats_nothing(start, pair, until):
    gateway = start(users_url=",".join(each.url for each in pair), jwks_url="http://127.0.0.1:9/keys")
    pair[0].answer = lose
    request = post("/api/v1/users", "{}", "Idempotency-Key: key-00001")
    assert until_both(gateway, request, until) == len(posts(pair))


def test_a_safe_request_whose_connection_is_lost_goes_to_another(start, pair):
    gateway = start()
    pair[0].answer = lose
    assert [gateway.ask(get_new()).status for _ in range(FOUR)] == [200] * FOUR
    assert pair[0].requests


def test_nothing_is_sent_more_than_twice(start, pair):
    third = Service(lose)
    for each in pair:
        each.answer = lose
    gateway = start(orders_url=",".join(each.url for each in (*pair, third)))
    assert gateway.ask(get_new()).problem["code"] == "upstream_unavailable"
    assert sum(len(each.requests) for each in (*pair, third)) == 2
    third.stop()


def test_a_body_that_passed_in_pieces_is_sent_once(start, pair, issuer):
    gateway = start(body_max_bytes=300_000)
    for each in pair:
        each.answer = lose
    fields = [f"Authorization: {issuer.bearer()}", "Idempotency-Key: key-00001"]
    assert gateway.ask(post("/api/v1/orders", "a" * 200_000, *fields)).status == 503
    assert sum(len(each.requests) for each in pair) == 1


def test_no_more_than_a_share_is_sent_again(start, pair):
    gateway = start()
    for each in pair:
        each.answer = lose
    count = 40
    assert {gateway.ask(get_new()).status for _ in range(count)} == {503}
    sent = sum(len(each.requests) for each in pair)
    assert count + 10 <= sent <= count + 25  # ten saved up, a tenth of forty, one each second
    assert b"upstream_retries_refused_total" in gateway.page("/metrics").body


def test_one_that_gives_no_proper_answers_is_left_alone_and_comes_back(start, pair, until):
    gateway = start(ejection_failures=3, ejection_seconds=0.5, check_interval_seconds=0.2)
    pair[0].answer = lambda wire, request: wire.send("hello\r\n\r\n")
    statuses = [gateway.ask(get_new()).status for _ in range(20)]
    assert statuses.count(502) == 3 and len(pair[0].requests) == 3
    pair[0].answer = None
    until(lambda: gateway.ask(get_new()).status == 200 and len(pair[0].requests) > FOUR)
    told = [line for line in gateway.lines() if line.get("message", "").startswith("instance ")]
    assert [line["message"] for line in told] == ["instance open", "instance half-open", "instance closed"]
    assert {line["instance"] for line in told} == {f"127.0.0.1:{pair[0].port}"}


def test_a_service_that_says_it_cannot_is_not_left_alone(start, pair):
    gateway = start(ejection_failures=2)
    for each in pair:
        each.answer = lambda wire, request: wire.send(whole(503, b'{"code":"database_unavailable"}'))
    assert [gateway.ask(get_new()).body for _ in range(10)] == [b'{"code":"database_unavailable"}'] * 10


def test_the_only_one_is_asked_again_as_soon_as_it_is_back(start, pair, until):
    never = {"ejection_seconds": 60, "ejection_max_seconds": 60, "check_interval_seconds": 60}
    gateway = start(orders_url=pair[0].url, ejection_failures=2, **never)
    pair[0].stop()
    until(lambda: {gateway.ask(get_new()).status for _ in range(FOUR)} == {503})
    back = Service(port=pair[0].port)
    assert [gateway.ask(get_new()).status for _ in range(FOUR)] == [200] * FOUR
    back.stop()


def test_the_only_one_comes_back_without_a_pause(start, pair, until):
    gateway = start(orders_url=pair[0].url, ejection_failures=2, ejection_seconds=60, ejection_max_seconds=60)
    pair[0].answer = lose
    until(
        lambda: gateway.ask(get_new()).status == 503 and b'state="open"} 1.0' in gateway.page("/metrics").body
    )
    pair[0].answer = None
    until(lambda: gateway.ask(get_new()).status == 200)


def unready(wire, request):
    wire.send(whole(503, b'{"status":"unready"}'))


def test_one_that_is_not_ready_is_asked_only_where_nobody_is(start, pair, until):
    gateway = start(check_interval_seconds=0.1)
    pair[0].check = unready
    until(lambda: gateway.page("/metrics").body.count(b'state="unready"} 1.0') == 1)
    pair[0].requests.clear()
    assert [gateway.ask(get_new()).status for _ in range(FOUR)] == [200] * FOUR
    assert not pair[0].requests and len(pair[1].requests) == FOUR
    pair[1].check = unready
    until(lambda: gateway.page("/metrics").body.count(b'state="unready"} 1.0') == 2)
    assert [gateway.ask(get_new()).status for _ in range(FOUR)] == [200] * FOUR
    assert pair[0].requests


def test_a_busy_service_is_not_a_dead_one(start, pair, until):
    gateway = start(orders_url=pair[0].url, check_interval_seconds=0.1, check_timeout_seconds=0.2)
    checks = []
    pair[0].check = lambda wire, request: checks.append(request)
    until(lambda: gateway.ask(get_new()).status == 200 and len(checks) > FOUR)
    assert not [line for line in gateway.lines() if line.get("message") == "instance open"]
