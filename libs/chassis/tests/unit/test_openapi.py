import re

from hypothesis import example, given
from hypothesis import strategies as st

from chassis.errors import ServiceError
from chassis.idempotency_key import parse_key
from chassis.openapi import _KEY_PATTERN
from chassis.testing.documents import undescribed


def is_key(text):
    try:
        return bool(parse_key([text]))
    except ServiceError:
        return False


@given(st.text(alphabet='ab"\\ ,;\t\x7f\x1fé~', max_size=8) | st.from_regex(_KEY_PATTERN, fullmatch=True))
@example("a" * 255)
@example("a" * 256)
@example('"' + "a" * 255 + '"')
@example('"' + "a" * 256 + '"')
@example('"' + '\\"' * 255 + '"')
def test_the_document_says_which_idempotency_keys_are_taken(text):
    text = text.strip(" \t\n")  # what surrounds a header's value is not part of it
    assert is_key(text) == bool(re.fullmatch(_KEY_PATTERN[1:-1], text))


def test_every_operation_documents_who_may_call_it_and_how_it_fails(built):
    paths = built.app.test_client().get("/openapi.json").json["paths"]
    for operation in (each for path in paths.values() for each in path.values()):
        assert {"400", "422", "500", "503", "504"} <= set(operation["responses"])
        assert ("401" in operation["responses"]) == bool(operation["security"])


def test_a_document_has_all_routes(built):
    assert undescribed(built.app) == set()


def test_a_route_that_the_document_does_not_have_is_found(built):
    built.app.add_url_rule("/api/v1/secret/<uuid:id>", view_func=str, methods=["POST"], endpoint="secret")
    assert undescribed(built.app) == {"POST /api/v1/secret/{id}"}
