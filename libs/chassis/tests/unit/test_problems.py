import pytest

from chassis import errors
from chassis.errors import FieldError, NotFound, ServiceError, Unauthenticated, Unavailable
from chassis.problems import STATUS, problem, problem_headers, status_of


class NoSuchBox(NotFound):
    code = "no_such_box"
    title = "There is no such box"


def test_an_error_of_a_service_has_the_status_of_its_kind():
    assert status_of(NoSuchBox()) == status_of(NoSuchBox) == 404


def test_every_kind_has_its_own_status():
    kinds = {
        kind for kind in vars(errors).values() if isinstance(kind, type) and kind.__base__ is ServiceError
    }
    assert kinds == set(STATUS) - {ServiceError}
    assert len(set(STATUS.values())) == len(STATUS)


def test_every_code_is_told_once():
    def below(kind):
        return [kind] + [each for child in kind.__subclasses__() for each in below(child)]

    codes = [kind.code for kind in below(ServiceError) if kind.__module__ == "chassis.errors"]
    assert len(codes) == len(set(codes))


def test_a_problem_document_holds_what_rfc_9457_and_the_design_ask_for():
    assert problem(NoSuchBox("Box 7 is gone."), "req-1") == {
        "type": "urn:souk:problem:no_such_box",
        "title": "There is no such box",
        "status": 404,
        "detail": "Box 7 is gone.",
        "code": "no_such_box",
        "request_id": "req-1",
    }


def test_wrong_fields_are_told_by_pointer_or_by_parameter():
    wrong = [FieldError("/items/0/count", "null", "No."), FieldError("", "invalid", "No.", parameter="limit")]
    assert problem(errors.Invalid(errors=wrong), "r")["errors"] == [
        {"pointer": "/items/0/count", "code": "null", "detail": "No."},
        {"parameter": "limit", "code": "invalid", "detail": "No."},
    ]


@pytest.mark.parametrize(("seconds", "header"), [(0.2, "1"), (3, "3"), (-1, "0")])
def test_retry_after_is_in_whole_seconds(seconds, header):
    assert problem_headers(Unavailable(retry_after_seconds=seconds))["Retry-After"] == header


def test_who_is_not_known_is_told_how_to_be():
    assert problem_headers(Unauthenticated())["WWW-Authenticate"] == "Bearer"
