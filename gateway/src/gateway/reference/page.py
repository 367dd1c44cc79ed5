"""The reference as a page: the merged document laid out for reading, made once for each change of it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from gateway.paper import Papers
from gateway.reference.document import Tree
from gateway.reference.examples import Examples, as_json, curl
from gateway.reference.schemas import Field, Kind, fields_of, kind_of

_codes = re.compile(r"[a-z0-9_]+(?:, [a-z0-9_]+)*")


@dataclass(frozen=True, slots=True)
class AnswerRow:
    """One answer of an operation: its codes, or what is said of it."""

    status: str
    phrase: str
    codes: tuple[str, ...]
    told: str
    kind: Kind | None


@dataclass(frozen=True, slots=True)
class Body:
    """What is sent: its media type, and its fields where they are known."""

    media_type: str
    kind: Kind
    fields: list[Field]


@dataclass(frozen=True, slots=True)
class OperationView:
    """One operation, ready to be laid out."""

    id: str
    method: str
    path: str
    summary: str
    description: str
    who: str
    limits: list[str]
    parameters: list[Field]
    body: Body | None
    answers: list[AnswerRow]
    refusals: list[AnswerRow]
    curl: str
    answer_example: str


@dataclass(frozen=True, slots=True)
class SchemaView:
    """One schema that others refer to by its name."""

    name: str
    told: str
    kind: Kind
    fields: list[Field]


@dataclass(slots=True)
class ServiceView:
    """The operations of one service."""

    name: str
    operations: list[OperationView] = field(default_factory=list)


def reference_page(document: Tree, papers: Papers) -> bytes:
    """Return the page of a merged document."""
    components = document["components"]
    services = {tag["name"]: ServiceView(tag["name"]) for tag in document["tags"]}
    common = _common(document)
    layout = _Layout(document["servers"][0]["url"], Examples(components), common)
    for path, method, operation in _operations(document):
        services[operation["tags"][0]].operations.append(layout.view(path, method, operation))
    return papers.render(
        "reference.html",
        info=document["info"],
        origin=document["servers"][0]["url"],
        services=[each for each in services.values() if each.operations],
        missing=document.get("x-missing-services", []),
        common=_rows(common),
        by_form=components["responses"]["Refused"]["description"].partition(": ")[2].split(", "),
        schemas=[_schema(name, schema) for name, schema in components["schemas"].items()],
    )


class _Layout:
    """How an operation becomes a view: with the gateway's origin, values to show, and without the common refusals."""

    def __init__(self, origin: str, examples: Examples, common: set[tuple[str, str]]) -> None:
        self._origin = origin
        self._examples = examples
        self._common = common

    def view(self, path: str, method: str, operation: Tree) -> OperationView:
        """Return an operation as it is laid out."""
        answers = list(self._answers(operation))
        who = operation["security"][0]["bearer"] if operation["security"] else None
        return OperationView(
            id=operation["operationId"],
            method=method,
            path=path,
            summary=operation.get("summary", ""),
            description=operation.get("description", ""),
            who="anyone" if who is None else ("administrators" if who else "signed in"),
            limits=list(_limits(operation["x-limits"])),
            parameters=[_parameter(each) for each in operation["parameters"]],
            body=self._body(operation),
            answers=[each for each in answers if each.status < "4"],
            refusals=[each for each in answers if each.status >= "4"],
            curl=curl(self._origin, method, path, operation, self._examples),
            answer_example=self._answer_example(operation),
        )

    def _body(self, operation: Tree) -> Body | None:
        for media_type, content in operation.get("requestBody", {}).get("content", {}).items():
            schema = content.get("schema", {})
            return Body(media_type, kind_of(schema), fields_of(self._examples.resolved(schema)))
        return None

    def _answers(self, operation: Tree) -> Iterator[AnswerRow]:
        for status, answer in operation["responses"].items():
            if not status.isdigit():
                continue
            told = answer.get("description", "")
            listed = told.split(", ") if int(status) >= 400 and _codes.fullmatch(told) else []
            codes = tuple(code for code in listed if (status, code) not in self._common)
            if listed and not codes:
                continue
            content = next(iter(answer.get("content", {}).values()), None)
            kind = (
                kind_of(content["schema"])
                if content and int(status) < 400 and content.get("schema")
                else None
            )
            if content and int(status) < 400 and kind is None:
                kind = Kind(next(iter(answer["content"])))
            yield AnswerRow(status, _phrase(status), codes, "" if listed else told, kind)

    def _answer_example(self, operation: Tree) -> str:
        for status, answer in operation["responses"].items():
            schema = answer.get("content", {}).get("application/json", {}).get("schema")
            if status.startswith("2") and schema:
                return as_json(self._examples.of(schema))
        return ""


def _operations(document: Tree) -> Iterator[tuple[str, str, Tree]]:
    for path, item in document["paths"].items():
        for method, operation in item.items():
            yield path, method.upper(), operation


def _common(document: Tree) -> set[tuple[str, str]]:
    """Return the refusals, by status and code, that every operation has which refuses with problem documents."""
    each = [
        {
            (status, code)
            for status, answer in operation["responses"].items()
            if status.isdigit() and int(status) >= 400
            for code in answer.get("description", "").split(", ")
        }
        for _, _, operation in _operations(document)
        if "application/problem+json" in operation["responses"]["504"].get("content", {})
    ]
    return set.intersection(*each) if each else set()


def _rows(refusals: set[tuple[str, str]]) -> list[AnswerRow]:
    statuses = sorted({status for status, _ in refusals})
    return [
        AnswerRow(
            status, _phrase(status), tuple(sorted(code for of, code in refusals if of == status)), "", None
        )
        for status in statuses
    ]


def _phrase(status: str) -> str:
    try:
        return HTTPStatus(int(status)).phrase
    except ValueError:
        return ""


def _schema(name: str, schema: Any) -> SchemaView:
    told = schema.get("description", "") if isinstance(schema, dict) else ""
    return SchemaView(name, told, kind_of(schema), fields_of(schema))


def _parameter(parameter: Tree) -> Field:
    schema: Any = parameter.get("schema", {})
    return Field(
        name=parameter["name"],
        place=parameter["in"],
        required=bool(parameter.get("required")),
        kind=kind_of(schema),
        told=parameter.get("description")
        or (schema.get("description", "") if isinstance(schema, dict) else ""),
    )


def _limits(limits: Tree) -> Iterator[str]:
    if "body_max_bytes" in limits:
        yield f"body up to {_bytes(limits['body_max_bytes'])}"
    yield f"answers within {limits['deadline_seconds']:g} s"
    if "stream_seconds" in limits:
        yield f"streams for up to {limits['stream_seconds'] / 60:g} min"
    if "rate" in limits:
        yield f"{limits['rate']} for each caller"


def _bytes(number: int) -> str:
    for unit, size in (("MiB", 1 << 20), ("KiB", 1 << 10)):
        if number >= size:
            return f"{number / size:g} {unit}"
    return f"{number} bytes"
