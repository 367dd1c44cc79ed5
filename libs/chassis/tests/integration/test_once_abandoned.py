"""A request of two steps that fails between them, over HTTP: its retry goes on at once, under the same id."""

from collections.abc import Callable, Iterator

import boxes
import example
import pytest
from flask.testing import FlaskClient

from chassis import web
from chassis.api import Api
from chassis.errors import Conflict, Unavailable

PART = {"label": "ABC-1", "count": 1}


class Peer:
    """What is called between the two transactions; it does what a test says."""

    def __init__(self) -> None:
        self.ids = []
        self.act: Callable[[], None] = lambda: None

    def call(self, id_) -> None:
        self.ids.append(id_)
        self.act()


@pytest.fixture
def peer() -> Peer:
    return Peer()


@pytest.fixture
def client(database, peer) -> Iterator[FlaskClient]:
    built = example.build()
    api = Api("boxes", "1", built.verifier)

    @api.post("/things", body=example.PartView, answer=example.PartView, status=201, idempotent=True)
    def make_thing(call):
        with database.transaction() as tx:
            call.once.begin(tx)
        peer.call(call.once.id)
        with database.transaction() as tx:
            call.once.end(tx, call.body)
        return call.body

    app = web.create_flask("boxes", built.settings)
    api.init_app(app)
    client = app.test_client()
    client.environ_base["HTTP_AUTHORIZATION"] = built.headers()["Authorization"]
    client.environ_base["HTTP_IDEMPOTENCY_KEY"] = "k"
    return client


def failing(error: Exception) -> Callable[[], None]:
    def fail() -> None:
        raise error

    return fail


@pytest.mark.parametrize(("error", "status"), [(Unavailable(), 503), (Conflict(), 409), (KeyError(), 500)])
def test_a_retry_of_a_request_that_failed_half_way_goes_on_at_once(client, peer, error, status):
    peer.act = failing(error)
    assert client.post("/things", json=PART).status_code == status
    peer.act = lambda: None
    answers = [client.post("/things", json=PART) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert "Idempotent-Replayed" in answers[1].headers
    assert len(peer.ids) == 2
    assert len(set(peer.ids)) == 1


def test_a_duplicate_that_is_told_to_wait_does_not_free_the_first_ones_key(client, peer):
    told = []

    def duplicates() -> None:
        peer.act = lambda: None
        told.extend(client.post("/things", json=PART).status_code for _ in range(2))

    peer.act = duplicates
    assert client.post("/things", json=PART).status_code == 201
    assert told == [409, 409]


def test_the_key_of_a_request_whose_time_is_over_is_freed_all_the_same(client, peer, database):
    def too_slow() -> None:
        with database.transaction() as tx:
            tx.conn.execute("SELECT pg_sleep(5)")

    peer.act = too_slow
    late = client.post("/things", json=PART, headers={"X-Request-Deadline-Ms": "300"})
    assert late.status_code == 504
    peer.act = lambda: None
    assert client.post("/things", json=PART).status_code == 201


def test_without_a_database_the_failure_itself_is_answered(client, peer, urls):
    def lose_the_database() -> None:
        with boxes.as_superuser(urls.runtime) as conn:
            conn.execute("ALTER ROLE boxes_runtime NOLOGIN")
            boxes.end_sessions(conn)

    peer.act = lose_the_database
    try:
        assert client.post("/things", json=PART).status_code == 503
    finally:
        with boxes.as_superuser(urls.runtime) as conn:
            conn.execute("ALTER ROLE boxes_runtime LOGIN")
