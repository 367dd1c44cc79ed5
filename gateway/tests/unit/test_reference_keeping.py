"""When the services are asked for their documents, and what stays when one gives none."""

import json

import pytest
from describing import document, route, tree

from gateway.fetching import FetchFailed
from gateway.paper import Papers
from gateway.reference.keeping import Publisher, Reference
from gateway.routes import Routes

PUBLISHER = Publisher(Papers(), release="r1", origin="https://souk.test")


class Service:
    """A service that says what the test wants; `asked` counts."""

    def __init__(self, *paths):
        self.running = frozenset({"r1"})
        self.asked = 0
        self.says(tree({path: {"get": {}} for path in paths}))

    def says(self, document):
        self.body = json.dumps(document).encode()

    def fetch(self):
        self.asked += 1
        if self.body is None:
            raise FetchFailed("down")
        return self.body

    def releases(self):
        return self.running


class Case:
    def __init__(self):
        self.orders, self.users = Service("/orders"), Service("/users")
        self.routes = Routes([route("/orders", "orders"), route("/users", "users")])
        self.pages = {}
        self.now = 0.0
        self.reference = Reference(
            {
                name: (each.fetch, each.releases)
                for name, each in (("orders", self.orders), ("users", self.users))
            },
            lambda: self.routes,
            PUBLISHER,
            self.pages.update,
            refresh_seconds=300,
            monotonic=lambda: self.now,
        )

    def look(self, after=0.0):
        self.now += after
        self.reference.look()
        return json.loads(self.pages["/openapi.json"].body)


@pytest.fixture
def case():
    return Case()


def test_the_documents_of_all_become_one_and_are_not_asked_for_at_each_look(case):
    assert list(case.look()["paths"]) == ["/orders", "/users"]
    assert case.look(after=299)["paths"] and case.orders.asked == case.users.asked == 1
    case.look(after=2)
    assert case.orders.asked == 2


def test_a_service_that_is_down_at_first_comes_in_later_and_is_asked_ever_less_often(case):
    good, case.orders.body = case.orders.body, None
    assert case.look()["x-missing-services"] == ["orders"]
    for _ in range(100):
        case.look(after=0.5)
    assert 5 <= case.orders.asked <= 10
    case.orders.body = good
    assert list(case.look(after=10)["paths"]) == ["/orders", "/users"]


def test_a_service_that_goes_down_keeps_its_place(case):
    case.look()
    case.orders.body = None
    assert list(case.look(after=301)["paths"]) == ["/orders", "/users"]


def test_another_release_is_asked_at_once(case):
    case.look()
    case.orders.says(tree({"/orders": {"get": {"summary": "New."}}}))
    case.orders.running = frozenset({"r1", "r2"})
    assert case.look()["paths"]["/orders"]["get"]["summary"] == "New."


@pytest.mark.parametrize(
    "wrong",
    [
        {"openapi": "3.1.0"},
        tree({"/orders": {"get": {"responses": {"200": []}}}}),
        tree({"/orders": {"get": {"parameters": [{"in": "path", "name": "not there"}]}}}),
        tree({"/orders": {"get": {"parameters": 7}}}),
        tree({"/orders": {"get": {"operationId": []}}}),
        tree(
            {"/orders": {"get": {"requestBody": {"content": {"application/json": {"schema": {"enum": 7}}}}}}}
        ),
    ],
)
def test_a_document_that_cannot_be_used_changes_nothing(case, wrong):
    before = case.look()
    case.orders.says(wrong)
    assert case.look(after=301) == before
    case.users.says(tree({"/users": {"get": {"summary": "New."}}}))
    assert case.look(after=301)["paths"]["/users"]["get"]["summary"] == "New."


def test_other_routes_make_another_document(case):
    case.look()
    case.routes = Routes([route("/users", "users")])
    assert list(case.look()["paths"]) == ["/users"]


def test_two_gateways_make_the_same_bytes():
    documents = {"orders": document({"/orders": {"get": {}}})}
    routes = Routes([route("/orders", "orders")])
    first, second = (PUBLISHER.pages(routes, documents) for _ in range(2))
    assert {path: each.etag for path, each in first.items()} == {
        path: each.etag for path, each in second.items()
    }
