"""Lists: newest first, limit, cursors in both directions, filters."""

import pytest
import stripe


@pytest.fixture(scope="module")
def intents(client, paying):
    return [client.v1.payment_intents.create(paying(amount=amount)) for amount in range(1, 8)]


def test_a_page_is_newest_first_and_says_whether_there_are_more(client, intents):
    page = client.v1.payment_intents.list({"limit": 3})
    assert [each.amount for each in page] == [7, 6, 5]
    assert (page.has_more, page.url) == (True, "/v1/payment_intents")
    assert len(client.v1.payment_intents.list().data) <= 10


def test_the_next_and_the_previous_page_start_at_a_cursor(client, intents):
    older = client.v1.payment_intents.list({"limit": 2, "starting_after": intents[4].id})
    assert [each.amount for each in older] == [4, 3]
    newer = client.v1.payment_intents.list({"limit": 2, "ending_before": intents[1].id})
    assert ([each.amount for each in newer], newer.has_more) == ([4, 3], True)
    newest = client.v1.payment_intents.list({"limit": 5, "ending_before": intents[4].id})
    assert ([each.amount for each in newest], newest.has_more) == ([7, 6], False)


def test_the_library_walks_all_pages(client, intents):
    walked = [each.id for each in client.v1.payment_intents.list({"limit": 2}).auto_paging_iter()]
    assert walked[:7] == [each.id for each in reversed(intents)]
    assert len(walked) == len(set(walked))


def test_lists_are_filtered_by_time(client, intents):
    first = intents[0].created
    since = client.v1.payment_intents.list({"created": {"gte": first}, "limit": 100})
    assert {each.id for each in intents} <= {each.id for each in since}
    assert client.v1.payment_intents.list({"created": {"gt": first + 1000}}).data == []
    assert client.v1.payment_intents.list({"created": {"lt": first, "gte": first}}).data == []


def test_refunds_are_paged_and_filtered_like_intents(client, intents):
    refunds = [client.v1.refunds.create({"payment_intent": intents[6].id, "amount": 1}) for _ in range(3)]
    page = client.v1.refunds.list({"limit": 2})
    assert ([each.id for each in page], page.has_more) == ([refunds[2].id, refunds[1].id], True)
    [last] = client.v1.refunds.list({"payment_intent": intents[6].id, "starting_after": refunds[1].id})
    assert last.id == refunds[0].id
    whole = client.v1.refunds.list({"charge": intents[6].latest_charge, "limit": 3})
    assert (len(whole.data), whole.has_more) == (3, False)


def test_events_are_listed_by_type(client, intents):
    page = client.v1.events.list({"type": "payment_intent.succeeded", "limit": 100})
    assert {each.data.object["status"] for each in page} == {"succeeded"}
    assert client.v1.events.retrieve(page.data[0].id).type == "payment_intent.succeeded"


@pytest.mark.parametrize(
    "wrong",
    [
        {"limit": 0},
        {"limit": 101},
        {"limit": "many"},
        {"starting_after": "pi_unknown"},
        {"created": {"gte": "today"}},
        {"order": "asc"},
    ],
)
def test_a_page_that_cannot_be_is_refused(client, wrong):
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.payment_intents.list(wrong)
    assert refused.value.http_status == 400
