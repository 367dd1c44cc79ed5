"""What is remembered stays within its bounds, and what is asked for stays remembered."""

from gateway.remembered import Remembered


def test_what_was_put_is_there_until_it_is_dropped():
    known = Remembered(10)
    assert known.get("anna") is None
    known.put("anna", 1)
    known.put("anna", 2)
    assert known.get("anna") == 2 and len(known) == 1
    known.drop("anna")
    known.drop("ben")
    assert known.get("anna") is None and len(known) == 0


def test_of_many_keys_there_are_never_more_than_so_many():
    known, most = Remembered(100), 0
    for number in range(10_000):
        known.put(str(number), number)
        most = max(most, len(known))
    assert most == 100 and known.get("9999") == 9999 and known.get("0") is None


def test_what_is_asked_for_outlives_a_flood():
    known = Remembered(100)
    known.put("anna", 1)
    for number in range(10_000):
        known.put(str(number), number)
        if number % 40 == 0:
            assert known.get("anna") == 1
    assert len(known) <= 100


def test_a_value_that_is_changed_after_it_grew_old_is_the_new_one():
    known = Remembered(4)
    for name in ("anna", "ben", "carl"):
        known.put(name, 1)
    known.put("anna", 2)
    assert known.get("anna") == 2 and len(known) == 3
