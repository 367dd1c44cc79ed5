"""The web process as it runs in production: gunicorn and gevent, orders over real HTTP, killed in the middle."""

import json
import signal
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
import requests
from processes import WEB, ServiceProcess

from chassis.assertions import Verifier
from chassis.ids import new_id
from chassis.trust import TrustBundle

SLOW = "pm_card_visa_slow"


class Server(ThreadingHTTPServer):
    request_queue_size = 128  # of 20 callers at once nobody is turned away


@pytest.fixture(scope="module")
def orders_server(keys):
    """An orders service that knows every order as one of the user for whom payments asks."""
    verifier = Verifier(TrustBundle.load(keys.trust_bundle_file), "orders")
    asked = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            assertion = verifier.verify(self.headers["Authorization"].removeprefix("Bearer "))
            asked.append((assertion, self.headers["X-Request-ID"]))
            expires_at = datetime.now(UTC) + timedelta(minutes=15)
            told = {
                "status": "PENDING",
                "total": 1999,
                "currency": "EUR",
                "expires_at": expires_at.isoformat(),
            }
            body = json.dumps(told).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = Server(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", asked
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def web(settings, orders_server, tmp_path_factory):
    told = replace(settings, orders_url=orders_server[0], settle_after_seconds=60.0)
    process = ServiceProcess(WEB, told, tmp_path_factory.mktemp("web") / "log")
    process.start()
    yield process
    assert process.stop() == 0


@pytest.fixture
def pay(web, keys, database):
    """Pay for an order of somebody: the answer, or None where the connection broke."""

    def pay(order_id, user_id, key="key", method="pm_card_visa", **headers):
        try:
            return requests.post(
                f"{web.url}/api/v1/payments",
                json={"order_id": str(order_id), "payment_method": method},
                headers=keys.headers("payments", user_id) | {"Idempotency-Key": key} | headers,
                timeout=15,
            )
        except requests.ConnectionError:
            return None

    return pay


def test_orders_is_asked_for_the_user_under_the_same_request_id(pay, orders_server):
    user_id, request_id = new_id(), f"request-{new_id()}"
    answer = pay(new_id(), user_id, **{"X-Request-ID": request_id})
    assert (answer.status_code, answer.json()["status"]) == (201, "succeeded")
    assertion, carried = orders_server[1][-1]
    assert (assertion.issuer, assertion.actor, assertion.subject) == ("payments", "payments", str(user_id))
    assert carried == request_id == answer.headers["X-Request-ID"]


def test_killed_in_the_middle_of_a_charge_a_retry_pays_once(web, pay, sandbox, until):
    order_id, user_id = new_id(), new_id()
    with ThreadPoolExecutor(1) as threads:
        first = threads.submit(pay, order_id, user_id, method=SLOW)
        until(lambda: sandbox.charged_for(order_id))
        web.kill()
        assert first.result() is None
    web.start()
    answers = [pay(order_id, user_id, method=SLOW) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].content == answers[1].content
    assert answers[0].json()["status"] == "succeeded"
    assert sandbox.charged_for(order_id) == [1999]


def test_twenty_identical_requests_at_once_charge_once(pay, sandbox):
    order_id, user_id = new_id(), new_id()
    with ThreadPoolExecutor(20) as threads:
        answers = list(threads.map(lambda _: pay(order_id, user_id), range(20)))
    assert {answer.status_code for answer in answers} <= {201, 409}
    assert len({answer.content for answer in answers if answer.status_code == 201}) == 1
    assert sandbox.charged_for(order_id) == [1999]


def test_a_frozen_provider_is_answered_as_processing_in_time(web, pay, sandbox):
    sandbox.signal(signal.SIGSTOP)
    try:
        answer = pay(new_id(), new_id(), **{"X-Request-Deadline-Ms": "4000"})
    finally:
        sandbox.signal(signal.SIGCONT)
    assert (answer.status_code, answer.json()["status"]) == (201, "processing"), answer.text
    assert answer.elapsed < timedelta(seconds=4)


def test_no_secret_is_in_the_log(web, pay, settings):
    pay(new_id(), new_id())
    for secret in (settings.stripe_api_key, settings.stripe_webhook_secrets, settings.db_url):
        assert secret.reveal() not in web.log()
