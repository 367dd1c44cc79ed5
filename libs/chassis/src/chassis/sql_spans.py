"""Spans of SQL: one for each statement of a sampled request, one for a pipeline; of its text, never of its values."""

import re
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import lru_cache
from typing import Any

import psycopg
from psycopg.pq import PipelineStatus
from psycopg.rows import DictRow

from chassis.context import RequestContext
from chassis.spans import CLIENT

_LONGEST_TEXT = 2000
_inner = re.compile(r"\([^()]*\)")
_main_verb = re.compile(r"\b(?:SELECT|INSERT|UPDATE|DELETE)\b")
_table = re.compile(r"\b(?:FROM|INTO|UPDATE|COPY)\s+([a-z_][a-z0-9_.]*)")


class WatchedConnection(psycopg.Connection[DictRow]):
    """A connection that notes its statements in the sampled `request` that it is lent to, those of a pipeline together,
    in a `batch`."""

    request: RequestContext | None = None
    batch: list[str] | None = None

    def watch(self, request: RequestContext | None) -> None:
        """Note the statements from here on in a sampled request; None: do so no longer."""
        self.request = request
        self.cursor_factory = psycopg.Cursor if request is None else _Cursor

    def pipeline(self) -> AbstractContextManager[psycopg.Pipeline]:  # type: ignore[override]
        pipeline = super().pipeline()
        return pipeline if self.request is None else _in_one_batch(self, pipeline)


class _Cursor(psycopg.Cursor[DictRow]):
    def execute(self, query: Any, *args: Any, **options: Any) -> "_Cursor":
        with _noted(self.connection, query):  # type: ignore[arg-type]
            return super().execute(query, *args, **options)

    def executemany(self, query: Any, *args: Any, **options: Any) -> None:
        with _noted(self.connection, query):  # type: ignore[arg-type]
            super().executemany(query, *args, **options)


@contextmanager
def _in_one_batch(
    conn: WatchedConnection, pipeline: AbstractContextManager[psycopg.Pipeline]
) -> Iterator[psycopg.Pipeline]:
    """Run a pipeline as one span: when each of its statements ran is the server's secret."""
    outer, conn.batch = conn.batch, []
    started_ns, failure = time.time_ns(), None
    try:
        with pipeline as opened:
            yield opened
    except BaseException as raised:
        failure = raised
        raise
    finally:
        batch, conn.batch = conn.batch, outer
        if batch:
            told = {"db.operation.name": "BATCH", "db.operation.batch.size": len(batch)}
            _note(conn, "BATCH", started_ns, told | {"db.query.text": _short("; ".join(batch))}, failure)


@contextmanager
def _noted(conn: WatchedConnection, query: Any) -> Iterator[None]:
    summary, attributes = _described(query.partition(";")[0] if isinstance(query, str) else "")
    if conn.pgconn.pipeline_status != PipelineStatus.OFF:
        if conn.batch is not None:
            conn.batch.append(attributes["db.query.text"])
        yield
        return
    started_ns, failure = time.time_ns(), None
    try:
        yield
    except BaseException as raised:
        failure = raised
        raise
    finally:
        _note(conn, summary, started_ns, attributes, failure)


def _note(
    conn: WatchedConnection,
    name: str,
    started_ns: int,
    attributes: dict[str, str | int],
    failure: BaseException | None,
) -> None:
    request = conn.request
    if request is None or request.spans is None:
        return
    told: dict[str, str | int] = {"db.system.name": "postgresql", **attributes}
    if failure is not None:
        told["error.type"] = getattr(failure, "sqlstate", None) or type(failure).__name__
    request.spans.note(request, name, CLIENT, started_ns, told, failed=failure is not None)


@lru_cache(512)
def _described(query: str) -> tuple[str, dict[str, str]]:
    """Return a statement's summary, as "SELECT boxes", and its attributes by OpenTelemetry's conventions."""
    text = " ".join(query.split())
    bare = text  # without what is in parentheses: subqueries, columns, values
    while (less := _inner.sub("", bare)) != bare:
        bare = less
    operation = text.partition(" ")[0].upper()
    if operation == "WITH" and (verb := _main_verb.search(bare)):
        operation = verb[0]
    found = _table.search(bare)
    attributes = {"db.operation.name": operation, "db.query.text": _short(text)}
    if found is None:
        return operation or "SQL", attributes
    return f"{operation} {found[1]}", {**attributes, "db.collection.name": found[1]}


def _short(text: str) -> str:
    return text[:_LONGEST_TEXT]
