import time
import uuid

import pytest

from chassis import context
from chassis.context import RequestContext, child_traceparent, well_formed_request_id
from chassis.errors import DeadlineExceeded

PARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def test_a_new_request_id_is_a_uuid_of_version_7_and_well_formed():
    request_id = context.new_request_id()
    assert uuid.UUID(request_id).version == 7
    assert well_formed_request_id(request_id)


@pytest.mark.parametrize(
    "text", ["", "short", "a" * 65, "a b c d e f", "abcdefgh\n", "abc\x00defgh", "ärmelkanal", "a;DROP--x"]
)
def test_other_peoples_ids_are_not_taken_over_unless_well_formed(text):
    assert not well_formed_request_id(text)


def test_a_child_keeps_trace_and_flags_and_has_a_span_of_its_own():
    version, trace, span, flags = child_traceparent(PARENT).split("-")
    assert (version, trace, flags) == ("00", "4bf92f3577b34da6a3ce929d0e0e4736", "01")
    assert span != "00f067aa0ba902b7"


@pytest.mark.parametrize(
    "text",
    ["", "00-x", PARENT.upper(), PARENT + "-x", "00-" + "0" * 32 + "-00f067aa0ba902b7-01", "ff" + PARENT[2:]],
)
def test_a_malformed_parent_begins_a_new_trace(text):
    child = child_traceparent(text)
    assert len(child) == 55
    assert "4bf92f3577b34da6a3ce929d0e0e4736" not in child


def test_a_context_holds_for_its_block_only():
    with context.use(RequestContext("outer-id")):
        with context.use(RequestContext("inner-id")):
            assert context.current().request_id == "inner-id"
        assert context.current().request_id == "outer-id"
    assert context.active() is None


def test_outside_a_request_there_is_no_deadline():
    assert context.current().remaining_seconds() == float("inf")


def test_time_that_is_used_up_is_an_error():
    with pytest.raises(DeadlineExceeded):
        RequestContext(deadline=time.monotonic() - 1).remaining_seconds()
