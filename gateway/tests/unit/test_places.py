"""Places of streams: so many for each, taken and given back exactly."""

import pytest
from greenlet import GreenletExit

from gateway.channel import Cancelled
from gateway.places import Places, TooManyStreams


def test_each_has_so_many_places_and_no_more():
    places = Places(2)
    with places.one_of("anna"), places.one_of("anna"):
        with pytest.raises(TooManyStreams) as refusal, places.one_of("anna"):
            pass
        assert refusal.value.retry_after_seconds == 5
        with places.one_of("ben"):
            pass
    with places.one_of("anna"), places.one_of("anna"):
        pass


@pytest.mark.parametrize("end", [Cancelled, ConnectionResetError, GreenletExit])
def test_a_place_is_given_back_however_the_stream_ends(end):
    places = Places(1)
    for _ in range(3):
        with pytest.raises(end), places.one_of("anna"):
            raise end()


def test_who_has_no_stream_is_forgotten():
    places = Places(1)
    for number in range(3):
        with places.one_of(f"user-{number}"):
            assert len(places) == 1
    with places.one_of("anna"), pytest.raises(TooManyStreams), places.one_of("anna"):
        pass
    assert len(places) == 0
