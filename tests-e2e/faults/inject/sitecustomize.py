"""Faults from within: what the processes of a stack under test run before their own code (PYTHONPATH leads here).

SOUK_FAULTS names a folder. Its `bug.json`, read at the start, rewrites pieces of source as they are imported: a seeded
bug. Its `strikes.json`, read at every failpoint, names those, by how their names begin, that strike once: the process
dies there, or waits.
While `counting` exists, every failpoint that is passed is written to `hits`.
"""

import contextlib
import functools
import inspect
import json
import os
import re
import signal
import sys
import time
from collections.abc import Callable
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from types import CodeType, ModuleType
from typing import Any

FOLDER = os.environ.get("SOUK_FAULTS", "")
PROGRAM = os.environ.get("SUPERVISOR_PROCESS_NAME", "")
SERVICES = ("users", "orders", "payments")
EXIT_MISFIT = 70
_ids = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}|(pi|re|ch)_\w+")


def committed(_: Any) -> str:
    """Name a commit by the line of the use case around it, or by the event it takes."""
    frame = sys._getframe(2)
    while frame is not None:
        module, function = frame.f_globals.get("__name__", ""), frame.f_code.co_name
        if module == "chassis.handling" and function == "_effect":
            return f"commit of {frame.f_locals['event'].type}"
        if module.partition(".")[0] in SERVICES:
            return f"commit in {module}.{function}:{frame.f_lineno}"
        frame = frame.f_back
    return "commit of the chassis"


def to_peer(peer: Any, request: Any) -> str:
    return f"call of {peer.name}: {request.method}"


def to_provider(_: Any, method: str, url: str, **__: Any) -> str:
    return (
        f"call of the provider: {method.upper()} {_ids.sub('*', '/'.join(url.split('?')[0].split('/')[3:]))}"
    )


def to_service(_: Any, message: Any, **__: Any) -> str:
    path = message.start.split(b" ", 2)[1].decode().split("?")[0]
    return f"call of a service: {message.method} {_ids.sub('*', path)}"


def acknowledged(_: Any, message: Any) -> str:
    return f"acknowledgement of {message.subject}"


def published(*_: Any) -> str:
    return "publishing"


def marked(*_: Any) -> str:
    return "marking what was published"


def booked(_: Any, idempotency_key: str | None = None) -> str:
    return "booking of the provider" if idempotency_key else ""


# Every commit and every remote call: the module, what is called there, and its name as a failpoint.
FAILPOINTS: dict[str, list[tuple[str, Callable[..., str]]]] = {
    "chassis.postgres": [("_commit", committed)],
    "chassis.peers": [("Peer._send", to_peer)],
    "chassis.handling": [("Handling._acknowledge", acknowledged)],
    "chassis.outbox": [("Relay._publish", published), ("_mark", marked)],
    "payments.stripe_transport": [("BoundedSession.request", to_provider)],
    "gateway.upstream.instance": [("Instance.ask", to_service)],
    "sandbox.ledger": [("Ledger.transaction", booked)],
}


def strike(name: str, when: str) -> None:
    """Strike, if this failpoint is armed and has not struck yet."""
    try:
        with open(f"{FOLDER}/strikes.json") as file:
            armed = json.load(file)
    except FileNotFoundError:
        return
    for each in armed:
        if (each["program"], each["when"]) == (PROGRAM, when) and name.startswith(each["name"]):
            strike_once(each)


def strike_once(armed: dict[str, Any]) -> None:
    try:
        os.close(os.open(f"{FOLDER}/struck-{armed['id']}", os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return
    if armed["pause_seconds"]:
        time.sleep(armed["pause_seconds"])
    else:
        os.kill(os.getpid(), signal.SIGKILL)


def passing(name: str) -> str:
    """Note a failpoint that is being passed, while they are counted."""
    if name and os.path.exists(f"{FOLDER}/counting"):
        with open(f"{FOLDER}/hits", "a") as hits:
            hits.write(json.dumps({"program": PROGRAM, "name": name}) + "\n")
    return name


def failpoint(called: Callable[..., Any], naming: Callable[..., str]) -> Callable[..., Any]:
    """Return the same callable with a failpoint before and behind it."""
    if hasattr(called, "__wrapped__") and inspect.isgeneratorfunction(called.__wrapped__):

        @contextlib.contextmanager
        def around(*args: Any, **options: Any) -> Any:
            name = passing(naming(*args, **options))
            strike(name, "before")
            with called(*args, **options) as given:
                yield given
            strike(name, "after")

        return around
    if inspect.iscoroutinefunction(called):

        @functools.wraps(called)
        async def awaited(*args: Any, **options: Any) -> Any:
            name = passing(naming(*args, **options))
            strike(name, "before")
            given = await called(*args, **options)
            strike(name, "after")
            return given

        return awaited

    @functools.wraps(called)
    def direct(*args: Any, **options: Any) -> Any:
        name = passing(naming(*args, **options))
        strike(name, "before")
        given = called(*args, **options)
        strike(name, "after")
        return given

    return direct


def place_failpoints(module: ModuleType) -> None:
    for path, naming in FAILPOINTS.get(module.__name__, ()):
        *owners, name = path.split(".")
        owner = functools.reduce(getattr, owners, module)
        setattr(owner, name, failpoint(getattr(owner, name), naming))


def seeded(module: str, source: str, edits: list[dict[str, str]]) -> str:
    """Return a module's source with a bug in it; the process ends where it does not fit."""
    for edit in edits:
        if source.count(edit["old"]) != 1:
            sys.stderr.write(f"The seeded bug does not fit {module}: {edit['old']!r}\n")
            sys.stderr.flush()
            os._exit(EXIT_MISFIT)
        source = source.replace(edit["old"], edit["new"])
    return source


class Loader(SourceFileLoader):
    """Loads a module with its bug and its failpoints."""

    edits: list[dict[str, str]] = []

    def get_code(self, fullname: str) -> CodeType:
        source = seeded(fullname, self.get_data(self.path).decode(), self.edits)
        return compile(source, self.path, "exec", dont_inherit=True)

    def exec_module(self, module: ModuleType) -> None:
        super().exec_module(module)
        place_failpoints(module)


class Finder(MetaPathFinder):
    """Finds the modules that have a bug or failpoints."""

    def __init__(self, edits: list[dict[str, str]]) -> None:
        self.edits = edits

    def find_spec(self, fullname: str, path: Any, target: Any = None) -> ModuleSpec | None:
        own = [edit for edit in self.edits if edit["module"] == fullname]
        if not own and fullname not in FAILPOINTS:
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is not None and spec.origin is not None:
            spec.loader = Loader(fullname, spec.origin)
            spec.loader.edits = own
        return spec


def read_bug() -> list[dict[str, str]]:
    try:
        with open(f"{FOLDER}/bug.json") as file:
            return json.load(file)
    except FileNotFoundError:
        return []


if FOLDER and PROGRAM:
    sys.meta_path.insert(0, Finder(read_bug()))
