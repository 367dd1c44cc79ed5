"""One request can be followed through every process it touched."""

import uuid

from shop import until


def lines_of(stack, program: str, request_id: str) -> list[dict]:
    return [line for line in stack.log_lines(program) if line.get("request_id") == request_id]


def test_one_request_id_is_in_every_log_it_caused(embedded, shopper, sku):
    order = shopper.order(sku)
    paid = shopper.pay(order)
    request_id = paid.headers["X-Request-ID"]
    assert paid.status_code == 201
    shopper.until_status(order, "PAID")
    for program in ("gateway", "payments", "orders"):
        access = until(lambda program=program: lines_of(embedded, program, request_id))
        assert any(line.get("message") == "request" for line in access), access
    for program in ("orders-worker", "users-worker"):  # which took the events of the payment and of the order
        until(lambda program=program: lines_of(embedded, program, request_id))


def test_every_answer_names_its_request(anyone):
    first, second = anyone.get("/api/v1/products"), anyone.get("/api/v1/nothing")
    assert first.headers["X-Request-ID"] != second.headers["X-Request-ID"]
    assert second.json()["request_id"] == second.headers["X-Request-ID"]
    assert uuid.UUID(second.json()["request_id"]).version == 7


def test_secrets_are_in_no_log(embedded, shopper, stack):
    logs = "".join(file.read_text() for file in (embedded.state / "logs").iterdir())
    for secret in (shopper.token, stack.admin_password):
        assert secret not in logs
