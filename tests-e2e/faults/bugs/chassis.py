"""Seeded bugs of the chassis: keys, outbox, relay, consumer."""

from faults import scenarios
from faults.bugs import ORDERS, PAYMENTS, Bug, Edit

KEYS, OUTBOX, HANDLING, STORE = (
    "chassis.idempotency",
    "chassis.outbox",
    "chassis.handling",
    "chassis.postgres",
)

_OWN_CONNECTION = '''        import psycopg as own
        with own.connect(self.database.conninfo, autocommit=True) as apart:
         apart.execute(
            """ INSERT INTO outbox'''

CHASSIS = (
    Bug(
        "an event is committed before its transaction",
        (Edit(STORE, '        self.conn.execute(\n            """ INSERT INTO outbox', _OWN_CONNECTION),),
        ORDERS,
        scenarios.orders_dies_before_it_commits,
        "no_event_is_a_phantom",
    ),
    Bug(
        "no inbox",
        (Edit(STORE, "return noted.rowcount == 1", "return True"),),
        ("users-worker",),
        scenarios.events_come_twice,
        "nothing_is_a_dead_letter",
    ),
    Bug(
        "a key is replayed whatever was asked",
        (Edit(KEYS, 'if row["fingerprint"] != self._fingerprint:', "if False:"),),
        ORDERS,
        scenarios.a_key_is_used_twice,
        "reused_keys_are_refused",
    ),
    Bug(
        "a replay has another status",
        (Edit(KEYS, 'raise Replay(row["status"], row["body"])', 'raise Replay(200, row["body"])'),),
        ORDERS,
        scenarios.a_key_is_used_twice,
        "replays_are_equal",
    ),
    Bug(
        "a user's key is every user's key",
        (Edit(KEYS, 'self._scope = {"caller": caller, ', 'self._scope = {"caller": "anyone", '),),
        ORDERS,
        scenarios.two_shoppers_use_the_same_key,
        "answers_belong_to_their_asker",
    ),
    Bug(
        "a key is another key for every try",
        (Edit(KEYS, '"key": key}', '"key": key + str(new_id())}'),),
        ORDERS,
        scenarios.orders_dies_after_it_commits,
        "no_key_has_two_effects",
    ),
    Bug(
        "no advisory lock: a duplicate waits",
        (
            Edit(
                KEYS,
                "SELECT pg_try_advisory_xact_lock(%(lock)s) AS free",
                "SELECT %(lock)s::bigint > -1e30 AS free",
            ),
        ),
        ORDERS,
        scenarios.a_duplicate_comes_while_the_first_is_held_up,
        "duplicates_are_told_at_once",
    ),
    Bug(
        "a retry gets an id of its own",
        (Edit(KEYS, 'self._id = row["id"]', 'self._id = row["id"] and new_id()'),),
        PAYMENTS,
        scenarios.payments_dies_while_the_provider_charges,
        "own_retries_are_not_refused",
    ),
    Bug(
        "who holds a key is thought to live for ever",
        (Edit(KEYS, 'return not lock["free"]', "return True"),),
        PAYMENTS,
        scenarios.payments_dies_before_the_provider_is_asked,
        "nobody_gave_up",
    ),
    Bug(
        "the relay marks before the acknowledgement",
        (
            Edit(
                OUTBOX,
                "        outcome = await self._publish(",
                '        await _mark(conn, _Outcome([row["position"] for row in rows]))\n'
                "        outcome = await self._publish(",
            ),
        ),
        ORDERS,
        scenarios.the_relay_dies_before_it_publishes,
        "every_event_is_delivered",
    ),
    Bug(
        "the relay goes on behind the last position",
        (
            Edit(OUTBOX, "async def _claim(conn", "_last = [0]\n\n\nasync def _claim(conn"),
            Edit(
                OUTBOX,
                "      AND parked_at IS NULL\n      AND aggregate_id NOT",
                "      AND position > %s\n      AND aggregate_id NOT",
            ),
            Edit(
                OUTBOX,
                "(CLAIM, (BATCH,))\n    return await cursor.fetchall()",
                "(CLAIM, (_last[0], BATCH))\n    rows = await cursor.fetchall()\n"
                '    _last[0] = max([_last[0], *(row["position"] for row in rows)])\n    return rows',
            ),
        ),
        ORDERS,
        scenarios.a_transaction_takes_long,
        "every_event_is_delivered",
    ),
    Bug(
        "the relay begins at the end",
        (Edit(OUTBOX, "    ORDER BY position\n", "    ORDER BY position DESC\n"),),
        ORDERS,
        scenarios.the_relay_has_much_to_catch_up,
        "first_deliveries_are_in_order",
    ),
    Bug(
        "the consumer acknowledges before it commits",
        (
            Edit(
                HANDLING,
                "        pauses = iter(",
                "        await self._acknowledge(message)\n        pauses = iter(",
            ),
        ),
        ORDERS,
        scenarios.the_consumer_dies_before_it_commits,
        "orders_and_payments_agree",
    ),
)
