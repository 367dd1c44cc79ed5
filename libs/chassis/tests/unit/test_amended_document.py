from flask import Flask

from chassis.api import Api
from chassis.assertions import Verifier
from chassis.trust import TrustBundle


def test_a_service_may_amend_its_document_before_it_is_served():
    def amend(document):
        document["info"]["description"] = "amended"

    app = Flask("shop", static_folder=None)
    Api("shop", "1", Verifier(TrustBundle(), "shop"), amend=amend).init_app(app)
    assert app.test_client().get("/openapi.json").json["info"]["description"] == "amended"
