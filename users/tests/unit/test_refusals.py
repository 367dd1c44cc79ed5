"""A refusal of a token endpoint names what is wrong, wherever it is."""

import pytest
from flask import Flask

from chassis import context, web
from chassis.errors import FieldError, Invalid
from users import refusals
from users.oauth import TOKEN_PATH


@pytest.mark.parametrize(
    ("wrong", "description"),
    [
        (FieldError("", "required", "It is missing.", parameter="grant_type"), "grant_type: It is missing."),
        (FieldError("/grant_type", "required", "It is missing."), "/grant_type: It is missing."),
    ],
)
def test_what_is_wrong_is_named_by_parameter_or_pointer(wrong, description):
    app = Flask("users")
    web.refuse_with_problems(app)
    refusals.init_app(app)

    @app.post(TOKEN_PATH)
    def refuse():
        raise Invalid(errors=[wrong])

    with context.use(context.RequestContext()):
        answer = app.test_client().post(TOKEN_PATH)
    assert (answer.status_code, answer.json["error"]) == (400, "invalid_request")
    assert answer.json["error_description"] == description
