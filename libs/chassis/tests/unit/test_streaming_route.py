import pytest
from flask import Response

from chassis import web
from chassis.api import Api


@pytest.fixture
def client(built):
    api = Api("boxes", "1", built.verifier)

    @api.get("/api/v1/changes", media_type="text/event-stream")
    def follow(call):
        return Response(iter([b"data: 1\n\n", b"data: 2\n\n"]), content_type="text/event-stream")

    app = web.create_flask("boxes", built.settings)
    api.init_app(app)
    return app.test_client()


def test_a_view_may_answer_with_a_stream_of_its_own(client, built):
    answer = client.get("/api/v1/changes", headers=built.headers())
    assert (answer.status_code, answer.content_type) == (200, "text/event-stream")
    assert answer.data == b"data: 1\n\ndata: 2\n\n"
    assert answer.headers["X-Request-ID"]


def test_its_caller_is_asked_who_it_is_like_any_other(client):
    assert client.get("/api/v1/changes").json["code"] == "assertion_missing"


def test_its_media_type_is_documented(client):
    answers = client.get("/openapi.json").json["paths"]["/api/v1/changes"]["get"]["responses"]
    assert answers["200"]["content"] == {"text/event-stream": {"schema": {}}}
    assert "204" not in answers
