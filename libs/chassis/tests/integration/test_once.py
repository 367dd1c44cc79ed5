"""The contract of an idempotency key, kept by the real one on PostgreSQL and by its double alike."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import boxes
import pytest

from chassis.clock import utc_now
from chassis.errors import Refused, ServiceError
from chassis.idempotency import HOLD, KeyReused, Once, Replay, RequestInProgress
from chassis.testing.doubles import FakeOnce, MemoryDatabase


def present(result: Any) -> tuple[int, bytes]:
    return (402, b"refused") if isinstance(result, ServiceError) else (201, str(result).encode())


@dataclass
class Keys:
    """One of the two kinds: how to make a key, where it is kept, and how to let its hold run out."""

    database: Any
    kind: type
    let_the_hold_run_out: Callable[[], None]

    def once(self, caller="ada", route="POST /boxes", key="k-1", fingerprint=b"f") -> Any:
        return self.kind(caller=caller, route=route, key=key, fingerprint=fingerprint, present=present)

    def begun(self, **scope: Any) -> Any:
        once = self.once(**scope)
        with self.database.transaction() as tx:
            once.begin(tx)
        return once

    def answered(self, result: Any = "box") -> Any:
        once = self.begun()
        with self.database.transaction() as tx:
            once.end(tx, result)
        return once


def in_postgres(urls) -> Keys:
    def run_out() -> None:
        with boxes.as_superuser(urls.runtime) as conn:
            conn.execute("UPDATE idempotency_keys SET held_until = held_until - %s", (HOLD,))

    return Keys(boxes.open_boxes(urls.runtime), Once, run_out)


def in_memory() -> Keys:
    late = timedelta()

    def run_out() -> None:
        nonlocal late
        late += HOLD

    return Keys(MemoryDatabase(clock=lambda: utc_now() + late), FakeOnce, run_out)


@pytest.fixture(params=["real", "double"])
def keys(request):
    made = in_postgres(request.getfixturevalue("urls")) if request.param == "real" else in_memory()
    yield made
    made.database.close()


def test_one_step_claims_writes_and_answers(keys):
    once = keys.once()
    with keys.database.transaction() as tx:
        once.begin(tx)
        once.end(tx, "box")
    with pytest.raises(Replay) as replay:
        keys.begun()
    assert (replay.value.status, replay.value.body) == (201, b"box")


def test_a_final_refusal_is_replayed_as_well(keys):
    keys.answered(Refused())
    with pytest.raises(Replay) as replay:
        keys.begun()
    assert (replay.value.status, replay.value.body) == (402, b"refused")


def test_the_claim_of_a_transaction_that_is_undone_is_undone(keys):
    with pytest.raises(ZeroDivisionError), keys.database.transaction() as tx:
        keys.once().begin(tx)
        raise ZeroDivisionError
    keys.begun()


def test_a_duplicate_of_a_running_request_is_told_to_wait(keys):
    keys.begun()
    with pytest.raises(RequestInProgress) as waiting:
        keys.begun()
    assert waiting.value.retry_after_seconds


def test_the_key_of_another_request_is_refused(keys):
    keys.answered()
    with pytest.raises(KeyReused):
        keys.begun(fingerprint=b"other")


def test_the_key_of_another_request_is_refused_while_it_runs(keys):
    keys.begun()
    with pytest.raises(KeyReused):
        keys.begun(fingerprint=b"other")


@pytest.mark.parametrize("scope", [{"caller": "bob"}, {"route": "POST /crates"}, {"key": "k-2"}])
def test_another_scope_is_another_key(keys, scope):
    first = keys.begun()
    assert keys.begun(**scope).id != first.id


def test_a_retry_after_the_holders_death_takes_over_its_id(keys):
    first = keys.begun()
    keys.database.close()
    assert keys.begun().id == first.id


def test_a_retry_after_the_hold_ran_out_takes_over_its_id(keys):
    first = keys.begun()
    keys.let_the_hold_run_out()
    assert keys.begun().id == first.id


def test_who_took_over_holds_the_claim(keys):
    keys.begun()
    keys.let_the_hold_run_out()
    keys.begun()
    with pytest.raises(RequestInProgress):
        keys.begun()


def test_a_released_claim_is_taken_over_at_once(keys):
    first = keys.begun()
    with keys.database.transaction() as tx:
        first.release(tx)
    assert keys.begun().id == first.id


def test_a_late_first_request_tells_what_the_retry_told(keys):
    first = keys.begun()
    keys.let_the_hold_run_out()
    retry = keys.begun()
    with keys.database.transaction() as tx:
        retry.end(tx, "by the retry")
    with pytest.raises(Replay) as replay, keys.database.transaction() as tx:
        first.end(tx, "by the first")
    assert replay.value.body == b"by the retry"


def test_a_late_first_request_that_ends_with_its_writes_is_undone_as_well(keys):
    first, written = keys.begun(), uuid.uuid4()
    keys.let_the_hold_run_out()
    retry = keys.begun()
    with keys.database.transaction() as tx:
        retry.end(tx, "by the retry")
    with pytest.raises(Replay), keys.database.transaction() as tx, tx.together():
        tx.receive(written)
        first.end(tx, "by the first")
    with keys.database.transaction() as tx:
        assert tx.receive(written)


def test_looking_claims_nothing(keys):
    with keys.database.transaction() as tx:
        keys.once().look(tx)
    keys.begun()
    with keys.database.transaction() as tx:
        keys.once().look(tx)


def test_looking_finds_the_answer(keys):
    keys.answered()
    with pytest.raises(Replay), keys.database.read() as tx:
        keys.once().look(tx)
    with pytest.raises(KeyReused), keys.database.read() as tx:
        keys.once(fingerprint=b"other").look(tx)


def test_the_id_is_known_from_begin_on(keys):
    with pytest.raises(RuntimeError):
        _ = keys.once().id
    assert isinstance(keys.begun().id, uuid.UUID)
