"""Health: /livez says that the process answers, /readyz whether it should be sent requests."""

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotInTime
from typing import TYPE_CHECKING

import orjson

from chassis import context

if TYPE_CHECKING:  # workers have a health as well, and do without Flask
    from flask import Flask

_CHECK_SECONDS = 1.0
_KEEP_SECONDS = 0.5
_HANGS_SECONDS = 5.0  # until then it may find out by itself what is wrong
_TELL_AGAIN_SECONDS = 60.0
_log = logging.getLogger(__name__)


class Readiness:
    """Whether this process should be sent requests: every registered check passes and it is not draining.

    Each check gets 1 second; a result is kept for 0.5 s. A check that hangs is not started a second time.
    `release` is what runs, told to whoever asks.
    """

    def __init__(
        self,
        *,
        release: str = "dev",
        check_seconds: float = _CHECK_SECONDS,
        keep_seconds: float = _KEEP_SECONDS,
    ) -> None:
        self.release = release
        self.draining = False
        self._check_seconds = check_seconds
        self._keep_seconds = keep_seconds
        self._checks: dict[str, Callable[[], object]] = {}
        self._settings: dict[str, str] = {}
        self._begun: dict[str, float] = {}
        self._told: dict[str, tuple[str, float]] = {}
        self._running: dict[str, Future[object]] = {}
        self._kept: tuple[float, dict[str, str]] = (float("-inf"), {})
        self._lock = threading.Lock()
        self._threads: ThreadPoolExecutor | None = None

    def register(self, name: str, check: Callable[[], object], *, setting: str = "") -> None:
        """Add a check: a callable that raises when what it looks at is not fit to serve. `setting` is the variable
        that names what is looked at, for the log."""
        self._checks[name] = check
        self._settings[name] = setting

    def drain(self) -> None:
        """Be unready from now on, because this process is about to stop."""
        self.draining = True

    def report(self) -> tuple[bool, dict[str, str]]:
        """Return whether the process is ready, and "ok" or "failing" for each check by name."""
        with self._lock:
            made_at, results = self._kept
            if time.monotonic() - made_at >= self._keep_seconds:
                results = self._look()
                self._kept = (time.monotonic(), results)
        if self.draining:
            return False, {**results, "draining": "failing"}
        return all(result == "ok" for result in results.values()), results

    def _look(self) -> dict[str, str]:
        if self._threads is None:  # made at first use: threads do not survive a fork
            self._threads = ThreadPoolExecutor(max(1, len(self._checks)), thread_name_prefix="readiness")
        until = time.monotonic() + self._check_seconds
        for name, check in self._checks.items():
            if name not in self._running:
                self._running[name] = self._threads.submit(check)
                self._begun[name] = time.monotonic()
        return {name: self._outcome(name, until) for name in self._checks}

    def _outcome(self, name: str, until: float) -> str:
        try:
            failure = self._running[name].exception(max(0.0, until - time.monotonic()))
        except NotInTime:
            if time.monotonic() - self._begun[name] > _HANGS_SECONDS:
                self._tell(name, "readiness check hangs", "no outcome so far")
            return "failing"
        del self._running[name]
        if failure is None:
            if self._told.pop(name, None) is not None:
                _log.info("readiness check passes again", extra={"check": name})
            return "ok"
        self._tell(name, "readiness check fails", cause_of(failure))
        return "failing"

    def _tell(self, name: str, what: str, cause: str) -> None:
        """Log a failure when it begins or is another one, and once a minute as long as it lasts."""
        said, at = self._told.get(name, ("", float("-inf")))
        if said == what + cause and time.monotonic() - at < _TELL_AGAIN_SECONDS:
            return
        self._told[name] = what + cause, time.monotonic()
        told = {"cause": cause, "setting": self._settings[name]}
        _log.warning(what, extra={"check": name} | {key: value for key, value in told.items() if value})


def cause_of(failure: BaseException) -> str:
    """Return what failed in one line: the error, and the one that it came of."""
    told = [f"{type(each).__name__}: {each}" for each in (failure, failure.__cause__) if each is not None]
    return " ".join(", for ".join(told).split())


def answer(readiness: Readiness) -> tuple[int, bytes]:
    """Return the status and the JSON body of /readyz, for any server."""
    ready, checks = readiness.report()
    return (200 if ready else 503), orjson.dumps(
        {"status": "ready" if ready else "unready", "release": readiness.release, "checks": checks}
    )


def init_app(app: "Flask", readiness: Readiness) -> None:
    """Serve /livez and /readyz; the readiness is found again with `of(app)`."""
    from flask import Response

    app.extensions["chassis_readiness"] = readiness

    def livez() -> Response:
        context.current().route = "/livez"
        return Response(b'{"status":"alive"}', content_type="application/json")

    def readyz() -> Response:
        context.current().route = "/readyz"
        status, body = answer(readiness)
        return Response(body, status, content_type="application/json", headers={"Cache-Control": "no-store"})

    app.add_url_rule("/livez", view_func=livez, provide_automatic_options=False)
    app.add_url_rule("/readyz", view_func=readyz, provide_automatic_options=False)


def of(app: "Flask") -> Readiness:
    """Return the readiness of an app."""
    readiness: Readiness = app.extensions["chassis_readiness"]
    return readiness
