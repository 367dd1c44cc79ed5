import re
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chassis.errors import Invalid
from chassis.paging import CURSOR_PATTERN, decode_cursor, encode_cursor


@given(st.uuids())
def test_a_cursor_is_22_characters_and_leads_back_to_its_position(position):
    cursor = encode_cursor(position)
    assert len(cursor) == 22
    assert re.fullmatch(CURSOR_PATTERN, cursor)
    assert decode_cursor(cursor) == position


@given(st.from_regex(CURSOR_PATTERN, fullmatch=True))
def test_whatever_has_the_form_is_a_position_and_no_other_text_is_the_same(text):
    if not text.endswith("\n"):
        assert encode_cursor(decode_cursor(text)) == text


@pytest.mark.parametrize(
    "text",
    ["", "A" * 21, "A" * 23, "A" * 21 + "B", "!" * 22, "A" * 22 + "\n", "ä" * 22, "../../etc/passwd123456"],
)
def test_anything_else_is_refused_and_named(text):
    with pytest.raises(Invalid) as raised:
        decode_cursor(text)
    assert raised.value.errors[0].parameter == "cursor"


def test_positions_sort_as_ids_do():
    assert decode_cursor(encode_cursor(uuid.UUID(int=5))) < uuid.UUID(int=6)
