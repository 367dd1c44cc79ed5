import json

import jsonschema
import orjson
import pytest
from apispec import APISpec
from apispec.ext.marshmallow import MarshmallowPlugin
from hypothesis import given
from hypothesis import strategies as st
from marshmallow import ValidationError

from chassis import fields
from chassis.errors import Invalid


class Sample(fields.Body):
    text = fields.Text(2, 12)
    maybe = fields.Text(0, 12)
    email = fields.Email()
    sku = fields.Pattern("^[A-Z0-9][A-Z0-9-]{1,5}$", maximum=6)
    count = fields.Integer(1, 50)
    id = fields.Id()
    cursor = fields.Cursor()


def documented(name):
    spec = APISpec("t", "1", "3.1.0", plugins=[MarshmallowPlugin()])
    spec.components.schema("Sample", schema=Sample)
    return spec.to_dict()["components"]["schemas"]["Sample"]["properties"][name]


def accepts(name, value):
    try:
        Sample().load({name: value})
    except (ValidationError, Invalid):
        return False
    return True


anything = st.one_of(
    st.text(max_size=14),
    st.text(alphabet="aZ9-_.@ \n\t\x00\x7f\x85\xa0\u2028é", max_size=14),
    st.integers(-5, 60),
    st.floats(allow_nan=False, allow_infinity=False),
    st.booleans(),
    st.none(),
    st.uuids().map(str),
    st.emails(),
    st.from_regex("^[A-Za-z0-9_-]{22}$", fullmatch=True),
)


@pytest.mark.parametrize("address", ["o'brien@example.com", "r&d/eu@example.com", "a+b.c_d@mail.example.co"])
def test_an_address_may_hold_what_people_s_addresses_hold(address):
    assert accepts("email", address)


@given(anything)
@pytest.mark.parametrize("name", ["text", "maybe", "email", "sku", "count", "cursor"])
def test_a_field_accepts_exactly_what_its_document_says(name, value):
    validator = jsonschema.Draft202012Validator(documented(name))
    # Python's `$` also matches before a last newline; ECMA 262's, which the document means, does not.
    expected = validator.is_valid(value) and not (isinstance(value, str) and value.endswith("\n"))
    assert accepts(name, value) == expected


@pytest.mark.parametrize(
    "text", ["", "a", "a" * 13, " ab", "ab ", "a\nb", "a\x00b", "a\x7fb", "ab\n", "\u00a0ab"]
)
def test_text_is_one_line_of_visible_characters(text):
    assert not accepts("text", text)


@pytest.mark.parametrize("count", [0, 51, -1, 10**30, 1.5, "3", True, None, [], {}])
def test_a_whole_number_is_a_number_within_its_bounds(count):
    assert not accepts("count", orjson.loads(json.dumps(count)))


@pytest.mark.parametrize(
    "text", ["", "x", "1.0", "+1", " 1", "1 ", "0x1", "1_0", "\u0661", "\uff11", "1e1", "-0", "9" * 5000]
)
def test_a_whole_number_of_a_query_is_plain_decimal_digits(text):
    with pytest.raises(ValidationError):
        fields.QueryInteger(-5, 50).deserialize(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a",
        "a@b",
        "a@b.",
        "a b@c.de",
        "a@b..de",
        "a@-b.de",
        "a\n@b.de",
        "a@b.de\n",
        "é@b.de",
        "a" * 250 + "@b.de",
    ],
)
def test_an_email_address_has_the_form_the_web_uses(text):
    assert not accepts("email", text)


def test_a_long_text_is_refused_before_its_form_is_looked_at():
    assert not accepts("email", "a." * 500_000)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "0193b0c0000070008000000000000001",
        "{0193b0c0-0000-7000-8000-000000000001}",
        "urn:uuid:0193b0c0-0000-7000-8000-000000000001",
        7,
        None,
    ],
)
def test_an_id_is_a_uuid_in_its_usual_form_only(text):
    assert not accepts("id", text)


def test_unknown_fields_are_refused():
    with pytest.raises(ValidationError) as raised:
        Sample().load({"text": "ok", "texxt": 1})
    assert raised.value.messages == {"texxt": ["Unknown field."]}
