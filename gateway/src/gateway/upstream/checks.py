"""Active checks: each instance is asked now and then whether it is ready, and tried again here after it was not."""

import random
import time

import gevent
import orjson

from chassis.errors import DeadlineExceeded
from gateway.upstream.breaker import OPEN, REFUSED, SILENT
from gateway.upstream.failures import BadUpstreamAnswer, ConnectionLost
from gateway.upstream.group import Group
from gateway.upstream.instance import Instance

_UNREADY_STATUS = 503
_LONGEST_WORD_BYTES = 65536
_LONGEST_RELEASE = 64
_TWICE = 2
_JITTER = 0.1
_DOUBTED_SECONDS = 0.2  # between two looks at one that is left alone
READY, UNREADY = "ready", "unready"


class Checks:
    """Looks at instances each `interval_seconds`; one look takes at most `timeout_seconds`."""

    def __init__(self, *, interval_seconds: float, timeout_seconds: float) -> None:
        self._interval_seconds = interval_seconds
        self._timeout_seconds = timeout_seconds

    def watch(self, group: Group, instance: Instance) -> None:
        """Look at an instance, in a greenlet of its own, until it is retired."""
        gevent.spawn(self._keep_looking, group, instance)

    def _keep_looking(self, group: Group, instance: Instance) -> None:
        missed = 0
        while not instance.retired:
            began = time.monotonic()
            missed = self._look(group, instance, missed)
            gevent.sleep(self._timeout_seconds / 10)
            until = began + self._interval_seconds * (1 + _JITTER * (2 * random.random() - 1))
            while (left := until - time.monotonic()) > 0 and not instance.retired:
                gevent.sleep(min(left, _DOUBTED_SECONDS))
                if instance.breaker.state == OPEN:
                    break

    def _look(self, group: Group, instance: Instance, missed: int) -> int:
        """Look once; return how many looks in a row, with this one, found nobody."""
        answered = instance.answered
        seen = ask_ready(instance, self._timeout_seconds)
        if seen in (REFUSED, SILENT):
            if instance.answered != answered:
                return 0  # busy, and therefore alive
            if missed + 1 >= _TWICE or instance.breaker.state == OPEN:
                instance.breaker.unreachable(seen)
                if seen == SILENT:  # who refuses may yet end what it has in hand
                    instance.give_up()
            return missed + 1
        if instance.ready != (seen == READY):
            instance.ready = seen == READY
            group.refresh()
        instance.breaker.reachable(alone=not group.inviting)
        return 0


def ask_ready(instance: Instance, seconds: float) -> str:
    """Return what an instance says of itself within so many seconds."""
    until = time.monotonic() + seconds
    try:
        link = instance.connect(seconds)
    except TimeoutError:
        return SILENT
    except OSError:
        return REFUSED
    try:
        link.ask("GET", instance.readiness_request, until)
        told = link.answer.take()
        while not link.answer.complete and len(told) <= _LONGEST_WORD_BYTES:
            link.wait(until)
            told += link.answer.take()
    except DeadlineExceeded:
        return SILENT
    except (ConnectionLost, BadUpstreamAnswer):
        return REFUSED
    finally:
        link.channel.close()
    instance.version = _release_in(told)
    return UNREADY if link.answer.status == _UNREADY_STATUS else READY


def _release_in(told: bytes) -> str:
    """Return the release an instance says it is; empty where it says none."""
    try:
        document = orjson.loads(told)
    except ValueError:
        return ""
    release = document.get("release") if isinstance(document, dict) else None
    return release[:_LONGEST_RELEASE] if isinstance(release, str) else ""
