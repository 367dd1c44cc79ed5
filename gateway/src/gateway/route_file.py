"""The route file: read, checked as a whole, and each fault told with its line."""

import math
import re
import tomllib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from gateway.cached_routes import faults_of_cached, shared_forward
from gateway.canary import Canary, canaries_of, canary_faults
from gateway.front.request import METHODS
from gateway.rates import is_rate
from gateway.routes import ADMIN, PUBLIC, USER, Route, Routes

_TOP_LEVEL = ("forward", "route", "upstream")
_REQUIRED = ("path", "methods", "upstream", "policy")

_path = re.compile(r"(?:/(?:[A-Za-z0-9._-]+|\{[a-z_]+\}))+")
_parameter = re.compile(r"\{[a-z_]+\}")
_field_name = re.compile(r"[a-z0-9-]+")
# Never taken over from a client: they say who calls, how the message is framed and coded, or where it came from.
_MADE_HERE = re.compile(
    r"authorization|proxy-.*|host|connection|keep-alive|te|trailer|transfer-encoding|content-length|upgrade|expect|via"
    r"|accept-encoding|forwarded|x-forwarded-.*|x-real-ip|x-request-.*|x-original-.*|x-rewrite-.*|x-http-method.*|trace.*"
)
_place = re.compile(r"^(.*) \((?:at line (\d+), column \d+|at end of document)\)$", re.DOTALL)
_header = re.compile(r"\s*\[\[\s*route\s*\]\]")


class RoutesError(ValueError):
    """The route file cannot be used; `lines` says what is wrong, and where."""

    def __init__(self, lines: Iterable[str]) -> None:
        self.lines = list(lines)
        super().__init__("\n".join(self.lines))


def load(
    path: Path,
    upstreams: Collection[str],
    *,
    deadline_seconds: float,
    body_max_bytes: int,
    body_seconds: float = 10.0,
    compress_min_bytes: int = 1024,
) -> Routes:
    """Read a route file for these upstreams; the first three limits are for the routes that state none.

    Raises RoutesError with one line for each thing that is wrong.
    """
    try:
        text = path.read_text("utf-8")
    except (OSError, ValueError) as wrong:
        raise RoutesError([f"{path}: {wrong}"]) from wrong
    document = _parse(text)
    common, entries = document.get("forward", []), document.get("route", [])
    wrong_lines = list(_faults_of_all(document, text, upstreams))
    if wrong_lines:
        raise RoutesError(wrong_lines)
    defaults = {
        "deadline_seconds": deadline_seconds,
        "body_max_bytes": body_max_bytes,
        "body_seconds": body_seconds,
    }
    canaries = canaries_of(document)
    return Routes(
        _route({**defaults, **entry}, common, compress_min_bytes, canaries.get(entry["upstream"]))
        for entry in entries
    )


def _parse(text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as wrong:
        place = _place.match(str(wrong))
        line = (place and place[2]) or len(text.splitlines())
        raise RoutesError([f"line {line}: {place[1] if place else wrong}"]) from wrong
    except RecursionError as wrong:
        raise RoutesError(["it is nested too deeply"]) from wrong


def _faults_of_all(document: Mapping[str, Any], text: str, upstreams: Collection[str]) -> Iterator[str]:
    entries = document.get("route", [])
    for name in document.keys() - set(_TOP_LEVEL):
        yield f"{name} is not known"
    yield from canary_faults(document, upstreams)
    if not _forwardable(document.get("forward", [])):
        yield "forward has what may not go through"
    if not isinstance(entries, list) or not entries or not all(isinstance(entry, dict) for entry in entries):
        yield "there is no route in it"
        return
    sections = _Sections(text, len(entries))
    taken: set[tuple[str, str]] = set()
    for number, entry in enumerate(entries, 1):
        for name, what in [*_faults(entry, upstreams), *_doubles(entry, taken)]:
            yield f"{sections.place(number, name)}route {number} ({entry.get('path', 'no path')}): {what}"


class _Sections:
    """Where in the text each route is: its `[[route]]` line, and the line of each key up to the next table."""

    def __init__(self, text: str, count: int) -> None:
        self._lines = text.splitlines()
        headers = [number for number, line in enumerate(self._lines) if _header.match(line)]
        # Routes that are written in another way, or a header in the middle of a text: better no line than a wrong one.
        self._headers = headers if len(headers) == count else []

    def place(self, route: int, key: str) -> str:
        """Return `line N, `, of the key if it is there, else of the header; empty where that cannot be told."""
        if not self._headers:
            return ""
        header = self._headers[route - 1]
        name = re.compile(rf"\s*[\"']?{re.escape(key)}[\"']?\s*=")
        for number in range(header + 1, len(self._lines)):
            if name.match(self._lines[number]):
                return f"line {number + 1}, "
            if self._lines[number].startswith("["):
                break
        return f"line {header + 1}, "


def _faults(entry: Mapping[str, Any], upstreams: Collection[str]) -> Iterator[tuple[str, str]]:
    """Yield the key and what is wrong with it."""
    for name in _REQUIRED:
        if name not in entry:
            yield name, f"{name} is missing"
    for name, value in entry.items():
        if name not in _CHECKS:
            yield name, f"{name} is not known"
        elif not _CHECKS[name](value):
            yield name, f"{name} cannot be {value!r}"
    upstream = entry.get("upstream")
    if isinstance(upstream, str) and upstream not in upstreams:
        yield "upstream", f"upstream is none of {', '.join(sorted(upstreams))}"
    if "token" in entry and entry.get("policy") != PUBLIC:
        yield "token", "token is for public routes"
    yield from (("cache", what) for what in faults_of_cached(entry))


def _doubles(entry: Mapping[str, Any], taken: set[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    path, methods = entry.get("path"), entry.get("methods")
    if not (isinstance(path, str) and _is_methods(methods)):
        return
    shape = _parameter.sub("{}", path)
    for method in sorted(_with_head(methods)):
        if (shape, method) in taken:
            yield "methods", f"there are two of {method}"
        taken.add((shape, method))


def _with_head(methods: Iterable[str]) -> tuple[str, ...]:
    each = dict.fromkeys(methods)
    if "GET" in each:
        each["HEAD"] = None
    return tuple(each)


def _is_methods(value: object) -> bool:
    return isinstance(value, list) and value != [] and all(method in _METHODS for method in value)


def _forwardable(names: object) -> bool:
    return isinstance(names, list) and all(
        isinstance(name, str) and _field_name.fullmatch(name) and not _MADE_HERE.fullmatch(name)
        for name in names
    )


def _positive(value: object) -> bool:
    # bool is no number here
    return type(value) in (int, float) and 0 < value < math.inf  # type: ignore[operator]


_METHODS = list(METHODS.values())
_CHECKS: dict[str, Callable[[Any], bool]] = {
    "path": lambda value: isinstance(value, str) and _path.fullmatch(value) is not None,
    "methods": _is_methods,
    "upstream": lambda value: isinstance(value, str),
    "policy": lambda value: value in (PUBLIC, USER, ADMIN),
    "token": lambda value: value == "ignored",
    "errors": lambda value: value == "oauth",
    "forward": _forwardable,
    "deadline_seconds": _positive,
    "stream_seconds": _positive,
    "body_max_bytes": _positive,
    "body_seconds": _positive,
    "rate": is_rate,
    "cache": lambda value: isinstance(value, bool),
    "throttle": lambda value: value == "login",
}


def _route(
    entry: Mapping[str, Any], common: Iterable[str], compress_min_bytes: int, canary: Canary | None
) -> Route:
    names = dict.fromkeys([*common, *entry.get("forward", [])])
    forward = {name.encode(): f"{name.title()}: ".encode() for name in names}
    return Route(
        template=entry["path"],
        methods=_with_head(entry["methods"]),
        upstream=entry["upstream"],
        policy=entry["policy"],
        forward=forward,
        deadline_seconds=float(entry["deadline_seconds"]),
        body_max_bytes=int(entry["body_max_bytes"]),
        stream_seconds=float(entry.get("stream_seconds", 0)),
        reads_token=entry.get("token") != "ignored",
        takes_cookies="cookie" in names,
        body_seconds=float(entry["body_seconds"]),
        # A secret beside what a stranger chose must not be told by the length of both (CRIME, BREACH).
        compress_min_bytes=math.inf if "cookie" in names or "errors" in entry else compress_min_bytes,
        oauth_errors="errors" in entry,
        rate=entry.get("rate"),
        throttles_logins="throttle" in entry,
        canary=canary,
        cache=entry.get("cache", False),
        shared_forward=shared_forward(forward),
    )
