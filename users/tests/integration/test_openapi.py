import json
from pathlib import Path

import schemathesis
from hypothesis import settings
from running import headers

from chassis.ids import new_id
from chassis.testing.documents import call_as_documented, undescribed
from users.domain import Role, User
from users.openapi import document

schema = schemathesis.openapi.from_dict(document())


@schema.parametrize()
@settings(max_examples=20, deadline=None)
def test_the_service_does_what_its_document_says(case, live, signer, shared_database):
    admin = add_admin(shared_database)
    call_as_documented(case, headers(signer, admin.id, ("admin",)), base_url=live.url)


def test_the_document_in_the_tree_is_the_one_that_is_served(gateway):
    committed = json.loads(Path(__file__).parents[2].joinpath("openapi.json").read_text())
    assert committed == gateway.client.get("/openapi.json").json == document()


def test_the_document_has_every_route(gateway):
    assert undescribed(gateway.client.application) == set()


def add_admin(database) -> User:
    with database.transaction() as tx:
        id_ = new_id()
        admin = User(
            id=id_,
            email=f"{id_}@example.com",
            name="Ada",
            role=Role.ADMIN,
            password_hash="",
            created_at=tx.now,
        )
        tx.add_user(admin)
    return admin
