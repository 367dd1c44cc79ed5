"""What /openapi.json says is what the service does, tried by schemathesis with all its checks."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Thread

import pytest
import schemathesis
from doubles import MemoryProvider
from hypothesis import HealthCheck
from hypothesis import settings as examples
from schemathesis.specs.openapi.checks import positive_data_acceptance
from werkzeug.serving import make_server

from chassis.ids import new_id
from chassis.testing.documents import call_as_documented, undescribed
from payments.app import create_app
from payments.domain import Order
from payments.openapi import document

WEBHOOK = "/api/v1/payments/webhooks/stripe"


class OrdersOfEverySort:
    """Any order is there and can be paid."""

    def order(self, order_id, user_id):
        expires_at = datetime.now(UTC) + timedelta(minutes=15)
        return Order(id=order_id, user_id=user_id, total=1999, currency="EUR", expires_at=expires_at)


@pytest.fixture
def url(settings, database):
    app = create_app(settings, database=database, orders=OrdersOfEverySort(), provider=MemoryProvider())
    server = make_server("127.0.0.1", 0, app, threaded=True)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


schema = schemathesis.openapi.from_dict(document())


@schema.parametrize()
@examples(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
def test_every_operation_does_what_it_documents(case, keys, url):
    # That a body must be signed is beyond what a schema can say.
    beyond = [positive_data_acceptance] if case.path == WEBHOOK else []
    # Somebody new each time: nobody else's keys are in the way.
    headers = keys.headers("payments", new_id(), roles=["admin"])
    call_as_documented(case, headers, base_url=url, excluded_checks=beyond)


def test_the_document_in_the_tree_is_the_one_that_is_served(app):
    committed = json.loads((Path(__file__).parents[2] / "openapi.json").read_text())
    assert committed == app.test_client().get("/openapi.json").json == document()


def test_the_document_has_every_route(app):
    assert undescribed(app) == set()
